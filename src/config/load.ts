// Builds the configuration from flags, environment and defaults, in that order of precedence, and remembers each value's origin.
import { isIP } from 'node:net';
import { RelayError } from '../errors.js';
import { OPTIONS, OPTION_KEYS, envOf, flagOf, type Config, type OptionKey, type OptionSpec } from './options.js';
import { readEnvironment, type Environment } from './environment.js';
import { nearest } from './suggest.js';
import { formatValue, parseValue } from './values.js';

export interface LoadedConfig {
  readonly config: Config;
  /** Where each value came from: `default`, a flag or an environment variable. */
  readonly origin: Readonly<Record<OptionKey, string>>;
  /** What was found in the environment and not used; one sentence each. */
  readonly warnings: readonly string[];
}

interface Found {
  readonly text: string;
  readonly origin: string;
}

/**
 * Reads `args` (without the command word) and `env`; throws a RelayError that names option, value, origin and fix. Only the
 * options in `keys` may be flags.
 */
export function loadConfig(args: readonly string[], env: Environment, keys: readonly OptionKey[] = OPTION_KEYS): LoadedConfig {
  const flags = readFlags(args, keys);
  const { used, warnings } = readEnvironment(env);
  const values: Record<string, string | number | null> = {};
  const origin: Record<string, string> = {};
  for (const key of OPTION_KEYS) {
    const spec: OptionSpec = OPTIONS[key];
    const found = flags.get(key) ?? fromEnvironment(key, spec, used);
    values[key] = found === null ? spec.default : parseOrThrow(key, spec, found);
    origin[key] = found?.origin ?? 'default';
  }
  const config = values as Config;
  requireLoopback('host', config.host, origin['host'] ?? 'default');
  if (config['admin.port'] !== null) requireLoopback('admin.host', config['admin.host'], origin['admin.host'] ?? 'default');
  return { config, origin: origin as Record<OptionKey, string>, warnings };
}

function readFlags(args: readonly string[], keys: readonly OptionKey[]): Map<OptionKey, Found> {
  const found = new Map<OptionKey, Found>();
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('--')) {
      throw invalid(`unexpected argument "${arg}"`, 'Options start with --; run `relay --help` for the list.');
    }
    const [name = '', inline] = splitOnce(arg.slice(2), '=');
    const key = knownKey(name, keys);
    const text = inline ?? args[(index += 1)];
    if (text === undefined) throw invalid(`option ${flagOf(key)} needs a value`, `Write ${flagOf(key)} ${exampleOf(key)}.`);
    if (found.has(key)) throw invalid(`option ${flagOf(key)} is given twice`, 'Leave one of them out.');
    found.set(key, { text, origin: `flag ${flagOf(key)}` });
  }
  return found;
}

function knownKey(name: string, keys: readonly OptionKey[]): OptionKey {
  const key = keys.find((candidate) => candidate === name);
  if (key !== undefined) return key;
  const near = nearest(name, keys);
  throw invalid(
    `unknown option --${name}`,
    near === null ? 'Run `relay --help` for the list.' : `Did you mean ${flagOf(near)}?`,
  );
}

function fromEnvironment(key: OptionKey, spec: OptionSpec, env: Environment): Found | null {
  for (const name of [envOf(key), spec.envAlias]) {
    const text = name === undefined ? undefined : env[name];
    if (name !== undefined && text !== undefined && text !== '') return { text, origin: `environment variable ${name}` };
  }
  return null;
}

function parseOrThrow(key: OptionKey, spec: OptionSpec, found: Found): string | number | null {
  const parsed = parseValue(spec, found.text);
  if (parsed.ok) return parsed.value;
  const shown = spec.secret ? 'the given value' : `"${found.text}"`;
  throw invalid(`${found.origin}: ${shown} is not valid for ${key}`, `Give ${parsed.expected}, for example ${exampleOf(key)}.`);
}

function requireLoopback(key: OptionKey, host: string, origin: string): void {
  if (isLoopback(host)) return;
  throw new RelayError('bind_not_loopback', `${key} "${host}" (${origin}) is not a loopback address, and this relay cannot speak TLS yet`, {
    hint:
      `Use ${flagOf(key)} 127.0.0.1 and reach it through a reverse proxy that ends TLS on this machine, ` +
      'through an SSH tunnel, or through a VPN address forwarded to it.',
  });
}

/** True for 127.0.0.0/8, ::1 and the name localhost. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

function exampleOf(key: OptionKey): string {
  return formatValue(OPTIONS[key], OPTIONS[key].default);
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function invalid(message: string, hint: string): RelayError {
  return new RelayError('config_invalid', message, { hint });
}
