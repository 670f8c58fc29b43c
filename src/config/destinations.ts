// Where log and traces go: read from their options, and checked with the rest of the configuration.
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { configError, type Finding, type Origin } from './finding.js';
import type { Config } from './options.js';

export type LogTarget =
  | { readonly kind: 'stdout' | 'stderr' }
  | { readonly kind: 'file' | 'syslog-unix'; readonly path: string }
  | { readonly kind: 'syslog-udp' | 'syslog-tcp'; readonly host: string; readonly port: number };

/** Ports of RFC 5426 and RFC 6587 where none is given. */
const SYSLOG_PORTS = { 'syslog+udp:': 514, 'syslog+tcp:': 601 } as const;
const TRACES_PATH = '/v1/traces';

/** Null when the text names no destination. */
export function parseLogTarget(text: string): LogTarget | null {
  if (text === 'stdout' || text === 'stderr') return { kind: text };
  const path = /^(file|syslog):([^/].*|\/(?!\/).*)$/.exec(text);
  if (path?.[2] !== undefined) return { kind: path[1] === 'file' ? 'file' : 'syslog-unix', path: path[2] };
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'syslog+udp:' && url.protocol !== 'syslog+tcp:') || url.hostname === '') return null;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { kind: url.protocol === 'syslog+udp:' ? 'syslog-udp' : 'syslog-tcp', host, port: Number(url.port) || SYSLOG_PORTS[url.protocol] };
}

/** The address spans are posted to; `null` for none, undefined when the text is neither. */
export function parseTracesEndpoint(text: string): string | null | undefined {
  if (text === 'off') return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '') return undefined;
  return url.pathname.endsWith(TRACES_PATH) ? url.href : url.href.replace(/\/?$/, TRACES_PATH);
}

/** The data directory holds files of the relay's own alone, and one that holds another is refused. */
function logInDataDir(config: Config, { label, place }: Origin): Finding[] {
  const target = parseLogTarget(config['log.to']);
  if (target?.kind !== 'file') return [];
  const inside = relative(resolve(config['data-dir']), resolve(target.path));
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return [];
  return [configError(`${label}: the log would lie in the data directory, which holds nothing but what the relay keeps`, 'Choose a file beside it, such as file:./relay.log.', place)];
}

/** What is wrong with the destinations. */
export function checkDestinations(config: Config, origin: (key: 'log.to' | 'traces.endpoint') => Origin): Finding[] {
  const wrong = (key: 'log.to' | 'traces.endpoint', fix: string): Finding => {
    const { label, place } = origin(key);
    return configError(`${label}: "${config[key]}" is not valid for ${key}`, fix, place);
  };
  return [
    ...logInDataDir(config, origin('log.to')),
    ...(parseLogTarget(config['log.to']) === null ? [wrong('log.to', 'Give stdout, stderr, file:PATH, syslog:PATH, syslog+udp://HOST:PORT or syslog+tcp://HOST:PORT.')] : []),
    ...(parseTracesEndpoint(config['traces.endpoint']) === undefined ? [wrong('traces.endpoint', 'Give off, or an address such as http://127.0.0.1:4318.')] : []),
  ];
}
