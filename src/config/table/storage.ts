// Options of what is kept, where and for how long.
import { fixed, type OptionSpec } from './option-spec.js';
import { SECOND_MS, DAY_MS } from './units.js';

export const STORAGE = {
  'data-dir': {
    ...fixed,
    group: 'storage',
    type: 'path',
    default: './relay-data',
    doc: 'Directory that holds the log, the relay key and the metadata. It is made when missing.',
  },
  retention: {
    ...fixed,
    group: 'storage',
    type: 'duration',
    default: 30 * DAY_MS,
    min: 60 * SECOND_MS,
    max: 3650 * DAY_MS,
    doc: 'How long an entry is kept when the devices of its space have not all acknowledged it.',
  },
  'device-lease': {
    ...fixed,
    group: 'storage',
    type: 'duration',
    default: 30 * DAY_MS,
    min: 60 * SECOND_MS,
    max: 3650 * DAY_MS,
    doc: 'How long after its last contact a device is still waited for before entries are forgotten.',
  },
} as const satisfies Record<string, OptionSpec>;
