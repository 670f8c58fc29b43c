// Options of how long a thing may take.
import { fixed, reloadable, type OptionSpec } from './option-spec.js';
import { SECOND_MS } from './units.js';

export const TIME = {
  'handshake-timeout': {
    ...fixed,
    group: 'time',
    type: 'duration',
    default: 10 * SECOND_MS,
    min: 100,
    max: 300 * SECOND_MS,
    doc: 'How long a new connection may take until its session is open.',
  },
  heartbeat: {
    ...fixed,
    group: 'time',
    type: 'duration',
    default: 30 * SECOND_MS,
    min: 100,
    max: 600 * SECOND_MS,
    doc: 'Period of the heartbeat; a connection silent for two periods is closed.',
  },
  'push-wait': {
    ...fixed,
    group: 'time',
    type: 'duration',
    default: 5,
    min: 1,
    max: 60 * SECOND_MS,
    doc: 'How long a push may be expected to wait for its commit when more than 1,024 pushes wait; beyond it pushes are refused as `busy`, with a time to come back.',
  },
  'drain-time': {
    ...reloadable,
    group: 'time',
    type: 'duration',
    default: 10 * SECOND_MS,
    min: 0,
    max: 600 * SECOND_MS,
    doc: 'How long a stopping relay waits for clients to leave before it closes their connections.',
  },
} as const satisfies Record<string, OptionSpec>;
