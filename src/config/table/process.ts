// Options of the process itself.
import { fixed, reloadable, type OptionSpec } from './option-spec.js';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

export const PROCESS = {
  'log.level': {
    ...reloadable,
    group: 'process',
    type: 'choice',
    choices: LOG_LEVELS,
    default: 'info',
    doc: 'Lowest level that is logged.',
  },
  workers: {
    ...fixed,
    group: 'process',
    type: 'integer',
    default: 0,
    min: 0,
    max: 256,
    doc: 'Threads that move data; 0 is one per processor.',
  },
} as const satisfies Record<string, OptionSpec>;
