// Options of where the relay listens and who reaches it.
import { fixed, type OptionSpec } from './option-spec.js';
import { SECOND_MS } from './units.js';

export const LISTENING = {
  host: {
    ...fixed,
    group: 'listening',
    type: 'text',
    default: '127.0.0.1',
    doc: 'Address the relay listens on. Anything but a loopback address needs TLS (`tls.cert` or `acme.domains`), proxies named in `behind-proxy`, or `insecure`.',
  },
  port: {
    ...fixed,
    group: 'listening',
    type: 'port',
    default: 8080,
    doc: 'Port the relay listens on; 0 takes a free one.',
  },
  'reuse-port': {
    ...fixed,
    group: 'listening',
    type: 'boolean',
    default: false,
    doc: 'Opens the port beside another relay of this user that has the option too and is about to stop, and waits until that one lets the store go: a restart that refuses no connection. Linux.',
  },
  'reuse-port-wait': {
    ...fixed,
    group: 'listening',
    type: 'duration',
    default: 30 * SECOND_MS,
    min: 0,
    max: 3600 * SECOND_MS,
    doc: 'How long a relay with `reuse-port` waits for the store of the other one; beyond it the start fails.',
  },
  insecure: {
    ...fixed,
    group: 'listening',
    type: 'boolean',
    default: false,
    doc: 'Allows `host` to be reached from other machines without TLS. Entries stay sealed; the network sees space ids, device keys, sizes, times and session tokens.',
  },
  'require-https': {
    ...fixed,
    group: 'listening',
    type: 'boolean',
    default: false,
    doc: 'Refuses a start in which clients could come over plain HTTP: without TLS, and without proxies named in `behind-proxy`. Behind those it refuses each request of which they do not say that its client spoke HTTPS (`X-Forwarded-Proto`, or `proto` of `Forwarded`), `/health/live` and `/health/ready` excepted.',
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
