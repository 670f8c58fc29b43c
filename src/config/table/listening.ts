// Options of where the relay listens and who reaches it.
import { fixed, type OptionSpec } from './option-spec.js';

export const LISTENING = {
  host: {
    ...fixed,
    group: 'listening',
    type: 'text',
    default: '127.0.0.1',
    doc: 'Address the relay listens on. Anything but a loopback address needs TLS (`tls.cert` or `acme.domains`) or `insecure`.',
  },
  port: {
    ...fixed,
    group: 'listening',
    type: 'port',
    default: 8080,
    doc: 'Port the relay listens on; 0 takes a free one.',
  },
  insecure: {
    ...fixed,
    group: 'listening',
    type: 'boolean',
    default: false,
    doc: 'Allows `host` to be reached from other machines without TLS. Entries stay sealed; the network sees space ids, device keys, sizes, times and session tokens.',
  },
  'admin.host': {
    ...fixed,
    group: 'listening',
    type: 'text',
    default: '127.0.0.1',
    doc: 'Address of the admin listener (admin page and API, metrics). Anything but a loopback address needs `admin.token`.',
  },
  'admin.port': {
    ...fixed,
    group: 'listening',
    type: 'port-or-off',
    default: 9090,
    doc: 'Port of the admin listener; 0 takes a free one, `off` starts none.',
  },
} as const satisfies Record<string, OptionSpec>;
