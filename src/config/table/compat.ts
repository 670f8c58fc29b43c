// Options of the foreign protocols on the public port.
import { fixed, type OptionSpec } from './option-spec.js';
import { MIB } from './units.js';

/** `auto`: on while only this machine can connect. */
export const SWITCHES = ['auto', 'on', 'off'] as const;

export const COMPAT = {
  'compat.graceful': {
    ...fixed,
    group: 'compat',
    type: 'choice',
    choices: SWITCHES,
    default: 'auto',
    doc: 'Whether Graceful Books clients are served (/sync/push, /sync/pull, /ws); auto is on while only this machine can connect.',
  },
  'compat.graceful-tokenless': {
    ...fixed,
    group: 'compat',
    type: 'choice',
    choices: SWITCHES,
    default: 'auto',
    doc: 'Whether requests without a bearer token share one tenant, instead of being refused; auto is on while only this machine can connect.',
  },
  'compat.graceful-strict': {
    ...fixed,
    group: 'compat',
    type: 'boolean',
    default: false,
    doc: 'Rejects known ids, and changes that are not newer than what their entity has, as the original relay does; loses concurrent edits.',
  },
  'compat.graceful-rate-max': {
    ...fixed,
    group: 'compat',
    type: 'integer',
    default: 600,
    min: 1,
    max: 1_000_000,
    doc: 'Requests of one client address in a minute; more are answered with 429.',
  },
  'compat.graceful-quota': {
    ...fixed,
    group: 'compat',
    type: 'size',
    default: 1024 * MIB,
    min: 1 * MIB,
    max: 1024 * 1024 * MIB,
    doc: 'What one tenant of Graceful Books may keep; further changes are rejected.',
  },
  'compat.plures': {
    ...fixed,
    group: 'compat',
    type: 'choice',
    choices: SWITCHES,
    default: 'auto',
    doc: 'Whether PluresDB peers find each other here (WebSockets on every path that nothing else has); auto is on while only this machine can connect.',
  },
  'compat.plures-token-file': {
    ...fixed,
    group: 'compat',
    type: 'path',
    default: 'off',
    doc: 'File with what PluresDB peers must show, as a bearer token or as ?token=; off lets everyone in.',
  },
  'compat.gun': {
    ...fixed,
    group: 'compat',
    type: 'choice',
    choices: SWITCHES,
    default: 'auto',
    doc: 'Whether GUN peers are served (WebSockets on /gun); auto is on while only this machine can connect.',
  },
  'compat.gun-tokenless': {
    ...fixed,
    group: 'compat',
    type: 'choice',
    choices: SWITCHES,
    default: 'auto',
    doc: 'Whether GUN peers without a token (?t=) share one graph, instead of being refused; auto is on while only this machine can connect.',
  },
  'compat.gun-signed-only': {
    ...fixed,
    group: 'compat',
    type: 'boolean',
    default: false,
    doc: 'Takes writes of GUN peers in the graphs of users alone, each signed by its owner.',
  },
  'compat.gun-sealed-only': {
    ...fixed,
    group: 'compat',
    type: 'boolean',
    default: false,
    doc: 'Takes encrypted values, links and deletions of GUN peers alone; souls, keys and states stay in clear.',
  },
  'compat.gun-quota': {
    ...fixed,
    group: 'compat',
    type: 'size',
    default: 1024 * MIB,
    min: 1 * MIB,
    max: 1024 * 1024 * MIB,
    doc: 'What one graph of GUN may hold; puts that go beyond it are refused.',
  },
} as const satisfies Record<string, OptionSpec>;
