// Environment variables that people bring along from other relays and platforms. One whose feature exists sets its option,
// its unit converted; one whose feature does not exist is named at the start, so that nobody believes it works.
import type { OptionKey } from './options.js';

export interface Alias {
  readonly name: string;
  readonly key: OptionKey;
  /** The option's text for the variable's; null when the variable asks for nothing. */
  readonly convert: (text: string) => string | null;
  /** How the value is written, for the reference page. */
  readonly unit: string | null;
}

export const ALIASES: readonly Alias[] = [
  as('PORT', 'port'),
  as('HOST', 'host'),
  as('LOG_LEVEL', 'log.level'),
  { name: 'LOG_FORMAT', key: 'log.format', unit: '`pretty` and `simple` are `text`', convert: (text) => (['pretty', 'simple'].includes(text.trim()) ? 'text' : text.trim()) },
  as('NODE_ENV', 'environment'),
  as('MAX_PAYLOAD_SIZE_MB', 'limits.entry-size-max', 'MiB'),
  as('DB_CLEANUP_DAYS', 'retention', 'd'),
  as('WS_PING_INTERVAL_MS', 'heartbeat', 'ms'),
  { name: 'WS_TIMEOUT_MS', key: 'heartbeat', unit: 'a number, in ms; the heartbeat is half of it', convert: (text) => (/^\d+$/.test(text.trim()) ? `${Math.floor(Number(text) / 2)}ms` : text.trim()) },
  { name: 'REQUIRE_HTTPS', key: 'require-https', unit: 'true or false', convert: (text) => (isNo(text) ? 'false' : 'true') },
  as('WS_MAX_CONNECTIONS', 'limits.connections-max'),
  { name: 'RATE_LIMIT_ENABLED', key: 'limits.requests-per-minute', unit: 'false is 0', convert: (text) => (isNo(text) ? '0' : null) },
  as('MAX_REQUESTS_PER_MINUTE', 'limits.requests-per-minute'),
  { name: 'SLA_TARGET_UPTIME', key: 'sla.target-uptime', unit: 'a share of 1, such as 0.999', convert: percentageOfShare },
  as('SLA_ALERT_WEBHOOK', 'alerts.webhook'),
  { name: 'SYNC_RELAY_ENABLED', key: 'compat.graceful', unit: 'false is `off`, anything else `on`', convert: (text) => (isNo(text) ? 'off' : 'on') },
  { name: 'GUN_PEERS', key: 'compat.gun-peers', unit: 'addresses, separated by commas or spaces', convert: (text) => addressesOf(text).join(',') || null },
  { name: 'CORS_ORIGIN', key: 'cors-origins', unit: 'origins, separated by commas or spaces', convert: (text) => addressesOf(text).join(',') || null },
  { name: 'METRICS_ENABLED', key: 'admin.port', unit: 'false is `off`', convert: (text) => (isNo(text) ? 'off' : null) },
];

export interface Unsupported {
  readonly name: string;
  /** Why it does nothing; ends a sentence that starts with the name. */
  readonly why: string;
  /** What can be done now; a sentence with its full stop. */
  readonly instead: string;
  /** Values that ask for what the relay does anyway. */
  readonly isHarmless?: (text: string) => boolean;
}

export const UNSUPPORTED: readonly Unsupported[] = [
  { name: 'DB_PATH', why: 'the relay keeps a directory instead of a database file', instead: 'Set RELAY_DATA_DIR.' },
  { name: 'SECRET_KEY', why: 'the relay makes its own key in its data directory', instead: 'Remove it.' },
];

function as(name: string, key: OptionKey, unit = ''): Alias {
  return { name, key, unit: unit === '' ? null : `a number, in ${unit}`, convert: (text) => `${text.trim()}${unit}` };
}

/** Addresses in a text. */
export function addressesOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((address) => address !== '');
}

function percentageOfShare(text: string): string {
  // Rounded: a tenth of a percent has no exact share in binary.
  return `${Math.round(Number(text.trim()) * 100 * 1e6) / 1e6}%`;
}

function isNo(text: string): boolean {
  return ['false', '0', 'no', 'off'].includes(text.trim().toLowerCase());
}
