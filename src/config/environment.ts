// What of the process's environment are options, and what only looks like them. Names nobody knows stop no start: the
// environment is written by others too, such as Kubernetes, which describes a service named `relay` in RELAY_ variables.
import { readFileSync, statSync } from 'node:fs';
import { ALIASES, UNSUPPORTED } from './aliases.js';
import { configError, configWarning, type Finding, type Found } from './finding.js';
import { OPTIONS, OPTION_KEYS, envOf, flagOf, type OptionKey, type OptionSpec } from './options.js';
import { nearest } from './suggest.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReadEnvironment {
  readonly found: ReadonlyMap<OptionKey, Found>;
  readonly findings: readonly Finding[];
}

/** Names the configuration file; it is no option, because it says where options are. */
export const CONFIG_VARIABLE = 'RELAY_CONFIG';
/** `RELAY_PORT_FILE` names a file that holds the value of RELAY_PORT. */
const FILE_SUFFIX = '_FILE';
const VALUE_FILE_BYTES_MAX = 64 * 1024;

/** Names that Kubernetes gives to the places of a service. */
const SERVICE_LINK_NAME = /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/;
/** The value of its `…_PORT` variables. */
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//;
/** Warnings of one start; an environment with more unknown names than this is not worth reading in full. */
const WARNINGS_MAX = 20;

export function readEnvironment(env: Environment): ReadEnvironment {
  const found = new Map<OptionKey, Found>();
  const findings: Finding[] = [];
  for (const key of OPTION_KEYS) {
    const value = ownValue(key, env, findings) ?? aliasValue(key, env);
    if (value !== null) found.set(key, value);
  }
  return { found, findings: [...findings, ...[...unknownNames(env), ...withoutEffect(env), ...atOdds(env)].slice(0, WARNINGS_MAX)] };
}

/** RELAY_X, or what the file in RELAY_X_FILE holds. */
function ownValue(key: OptionKey, env: Environment, findings: Finding[]): Found | null {
  const { type }: OptionSpec = OPTIONS[key];
  const name = envOf(key);
  const text = env[name] ?? '';
  const path = env[name + FILE_SUFFIX] ?? '';
  if ((type === 'port' || type === 'port-or-off') && SERVICE_LINK_VALUE.test(text)) {
    findings.push(configWarning(`environment variable ${name} is a service link of Kubernetes and was ignored; use ${flagOf(key)}`));
    return null;
  }
  if (text !== '' && path !== '') findings.push(configError(`${name} and ${name}${FILE_SUFFIX} are both set`, 'Leave one of them out.'));
  if (text !== '') return { text, origin: { label: `environment variable ${name}`, place: null } };
  return path === '' ? null : valueIn(path, name + FILE_SUFFIX, findings);
}

function valueIn(path: string, variable: string, findings: Finding[]): Found | null {
  try {
    const info = statSync(path);
    // A pipe could keep the start waiting for ever.
    if (!info.isFile()) throw new Error('it is no file');
    if (info.size > VALUE_FILE_BYTES_MAX) throw new Error(`it is larger than ${VALUE_FILE_BYTES_MAX} bytes`);
    return { text: readFileSync(path, 'utf8').trim(), origin: { label: `file in environment variable ${variable}`, place: null } };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    findings.push(configError(`environment variable ${variable}: cannot read ${path}: ${why}`, 'Name a file that holds the value and that this user may read.'));
    return null;
  }
}

function aliasValue(key: OptionKey, env: Environment): Found | null {
  for (const alias of ALIASES) {
    const given = alias.key === key ? (env[alias.name] ?? '') : '';
    const text = given === '' ? null : alias.convert(given);
    if (text !== null) return { text, alias: { given, unit: alias.unit }, origin: { label: `environment variable ${alias.name}`, place: null } };
  }
  return null;
}

function unknownNames(env: Environment): Finding[] {
  const known = OPTION_KEYS.map(envOf);
  const isKnown = (name: string): boolean => name === CONFIG_VARIABLE || known.includes(name) || known.some((own) => name === own + FILE_SUFFIX);
  return Object.keys(env)
    .filter((name) => name.startsWith('RELAY_') && !isKnown(name) && !SERVICE_LINK_NAME.test(name))
    .map((name) => {
      const near = nearest(name, known);
      return configWarning(`unknown environment variable ${name} was ignored${near === null ? '' : `; did you mean ${near}?`}`);
    });
}

function withoutEffect(env: Environment): Finding[] {
  return UNSUPPORTED.filter(({ name, isHarmless }) => {
    const text = env[name] ?? '';
    return text !== '' && isHarmless?.(text) !== true;
  }).map(({ name, why, instead }) => configWarning(`environment variable ${name} has no effect yet: ${why}`, instead));
}

/** The interval is what counts: a connection that is silent for two of them is closed. */
function atOdds({ WS_PING_INTERVAL_MS: interval = '', WS_TIMEOUT_MS: timeout = '' }: Environment): Finding[] {
  if (interval === '' || timeout === '' || Number(timeout) === 2 * Number(interval)) return [];
  return [configWarning(`environment variable WS_TIMEOUT_MS was ignored: it is not twice WS_PING_INTERVAL_MS, and a silent connection is closed after two of those`, 'Leave one of them out.')];
}
