// The option of the demo page.
import { fixed, type OptionSpec } from './option-spec.js';

export const DEMO = {
  demo: {
    ...fixed,
    group: 'listening',
    type: 'choice',
    choices: ['auto', 'on', 'off'],
    default: 'auto',
    doc: 'Whether /demo shows two devices and what the relay sees of them; every visit makes a space. `auto`: only where the relay listens on loopback and no proxy is named.',
  },
} as const satisfies Record<string, OptionSpec>;
