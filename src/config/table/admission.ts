// Options of who is let in, and how often.
import { fixed, type OptionSpec } from './option-spec.js';

const COUNT_MAX = 1_000_000_000;

export const ADMISSION = {
  'behind-proxy': {
    ...fixed,
    group: 'admission',
    type: 'text',
    default: 'off',
    doc: 'Networks of the reverse proxies in front of the relay, with commas between them (`loopback`, `private`, `10.0.0.0/8`, …). Their word about the address of a client is believed, that of nobody else; with them set, `host` may be an address that other machines reach, because the proxies end TLS.',
  },
  'proxy-header': {
    ...fixed,
    group: 'admission',
    type: 'choice',
    choices: ['x-forwarded-for', 'forwarded'],
    default: 'x-forwarded-for',
    doc: 'The header into which those proxies write the address of a client; the other one is not looked at.',
  },
  'limits.requests-per-minute': {
    ...fixed,
    group: 'admission',
    type: 'integer',
    default: 60,
    min: 0,
    max: COUNT_MAX,
    doc: 'Requests of one client address in a minute for what is not the native protocol (/health, /regions, /version, …); 0 is no limit. An IPv6 address counts as its /64.',
  },
  'limits.native-requests-per-minute': {
    ...fixed,
    group: 'admission',
    type: 'integer',
    default: 60_000,
    min: 0,
    max: COUNT_MAX,
    doc: 'Requests of one client address in a minute for the native protocol, over HTTP or to open a WebSocket; 0 is no limit. What a WebSocket carries is not counted.',
  },
  'limits.connections-per-minute': {
    ...fixed,
    group: 'admission',
    type: 'integer',
    default: 6000,
    min: 0,
    max: COUNT_MAX,
    doc: 'New connections of one client address in a minute; 0 is no limit. Those of trusted proxies are not counted.',
  },
  'limits.address-connections-max': {
    ...fixed,
    group: 'admission',
    type: 'integer',
    default: 2048,
    min: 0,
    max: 1_000_000,
    doc: 'Connections one client address may have open; 0 is no limit. Behind trusted proxies, the WebSockets of each client are counted.',
  },
} as const satisfies Record<string, OptionSpec>;
