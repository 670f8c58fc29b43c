// Options of the process itself.
import { fixed, type OptionSpec } from './option-spec.js';

export const PROCESS = {
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
