// What the plugin takes: the part of the table of options that means something without a port of its own.
import type { Config, OptionKey } from '../config/options.js';

/** Options of the table that an embedded relay obeys; `data-dir` has a name of its own. */
export const EMBEDDED_KEYS = [
  'retention',
  'device-lease',
  'limits.connections-max',
  'limits.entry-size-max',
  'limits.push-entries-max',
  'limits.push-in-flight-max',
  'limits.assembly-max',
  'limits.ephemeral-rate-max',
  'handshake-timeout',
  'heartbeat',
  'push-wait',
  'drain-time',
  'workers',
] as const satisfies readonly OptionKey[];

export type EmbeddedConfig = Pick<Config, (typeof EMBEDDED_KEYS)[number]>;

export interface SealrelayOptions {
  /** Directory of the log, the relay key and the metadata; made when missing. One relay holds it at a time. */
  readonly dataDir: string;
  /** What stands before `/v1/…`; nothing when absent. Relay addresses have no path, so the SDK needs the relay at the root. */
  readonly prefix?: string;
  /** Options by key, as in docs/reference/configuration.md; durations in milliseconds, sizes in bytes. */
  readonly config?: Partial<EmbeddedConfig>;
}
