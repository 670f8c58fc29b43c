// Where the relay of this machine is, from the same configuration it was started with, or from --url; and how long to wait for it.
import { isLoopback } from '../config/bind.js';
import { inspectConfig, orThrow } from '../config/load.js';
import type { ReadFlags, Switch } from '../config/flags.js';
import type { Config, OptionKey, OptionSpec } from '../config/options.js';
import { isOfProxies } from '../config/proxies.js';
import { isTlsOn } from '../config/tls.js';
import { parseValue } from '../config/values.js';
import { RelayError } from '../errors.js';
import { authority, isWildcard } from '../server/address.js';
import { readLocalToken } from '../server/admin-auth/local-token.js';
import type { CliIo } from './io.js';

const TIMEOUT_MS = 5000;
const TIMEOUT_SPEC: OptionSpec = { group: 'time', type: 'duration', default: TIMEOUT_MS, min: 100, max: 60_000, doc: '', secret: false, reloadable: false };

export const TARGET_SWITCHES: readonly Switch[] = [
  { name: 'url', value: '<url>', doc: 'Where to ask, instead of where the configuration says.' },
  { name: 'timeout', value: '<duration>', doc: 'How long to wait for the answer; 5s without it.' },
];

/** What says where the admin address is, and which token opens it from this machine. */
export const ADMIN_OPTIONS = ['admin.host', 'admin.port', 'data-dir'] as const satisfies readonly OptionKey[];

/** The admin address does not take the token that was sent, or none was found. */
export function signInNeeded(): RelayError {
  return new RelayError('sign_in_required', 'the relay does not take the token of this machine', {
    hint: 'Name its data directory with --data-dir and run it as the user of the relay, or set RELAY_ADMIN_TOKEN_FILE.',
  });
}

export interface Target {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly timeoutMs: number;
  /** Lets the command line in at the admin address: the operator's token, or the one that the relay left in its data directory. */
  readonly token: string | null;
  /** Where the configuration of this machine says; not an address that was given. */
  readonly isOwn: boolean;
  /** Whether the relay takes whoever asks from this machine for a proxy that has to begin with a PROXY header. */
  readonly asProxy: boolean;
}

/** The public address, or the admin one. */
export async function findTarget(which: 'public' | 'admin', given: ReadFlags, io: CliIo): Promise<Target> {
  const timeoutMs = readTimeout(given.switches.get('timeout'));
  const url = given.switches.get('url');
  if (url !== undefined) {
    if (!URL.canParse(url) || !/^https?:\/\//.test(url)) throw new RelayError('config_invalid', `--url: "${url}" is no URL`, { hint: 'Write --url http://127.0.0.1:8080.' });
    return { baseUrl: url.replace(/\/+$/, ''), timeoutMs, token: which === 'admin' ? await findToken(url, given, io) : null, isOwn: false, asProxy: false };
  }
  const { config } = orThrow(await inspectConfig(given, io.env));
  const [host, port, flag] = which === 'public' ? ([config.host, config.port, '--port'] as const) : ([config['admin.host'], config['admin.port'], '--admin.port'] as const);
  if (port === null) throw new RelayError('config_invalid', 'the admin listener is off', { hint: 'Switch it on with --admin.port 9090 and restart the relay.' });
  if (port === 0) throw new RelayError('config_invalid', `the relay was told to take any port`, { hint: `Give the one it took with ${flag} or --url.` });
  const scheme = which === 'public' && isTlsOn(config) ? 'https' : 'http';
  const address = loopbackOf(host);
  const asProxy = which === 'public' && config['proxy-protocol'] && isOfProxies(config['behind-proxy'], address);
  return { baseUrl: `${scheme}://${authority(address, port)}`, timeoutMs, token: which === 'admin' ? await tokenOf(config) : null, isOwn: true, asProxy };
}

/** A wrong configuration is no reason to ask nobody at a given --url. What opens the relay of this machine is not sent to another one. */
async function findToken(url: string, given: ReadFlags, io: CliIo): Promise<string | null> {
  const { config } = await inspectConfig(given, io.env);
  if (config === null) return null;
  return isLoopback(new URL(url).hostname) ? await tokenOf(config) : operatorsToken(config);
}

async function tokenOf(config: Config): Promise<string | null> {
  return (await readLocalToken(config['data-dir'])) ?? operatorsToken(config);
}

function operatorsToken(config: Config): string | null {
  return config['admin.token'] === '' ? null : config['admin.token'];
}

/** An address that means all of them cannot be connected to everywhere. */
function loopbackOf(host: string): string {
  if (!isWildcard(host)) return host.replace(/^\[(.*)\]$/, '$1');
  return host === '0.0.0.0' ? '127.0.0.1' : '::1';
}

function readTimeout(text: string | undefined): number {
  const parsed = text === undefined ? null : parseValue(TIMEOUT_SPEC, text);
  if (parsed?.ok === false) throw new RelayError('config_invalid', `--timeout: "${text ?? ''}" is not valid`, { hint: `Give ${parsed.expected}.` });
  return typeof parsed?.value === 'number' ? parsed.value : TIMEOUT_MS;
}
