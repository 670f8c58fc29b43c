// What of the process's environment are options, and what only looks like them. Nothing here stops a start: the
// environment is written by others too, such as Kubernetes, which describes a service named `relay` in RELAY_ variables.
import { OPTIONS, OPTION_KEYS, envOf, flagOf, type OptionSpec } from './options.js';
import { nearest } from './suggest.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReadEnvironment {
  /** The environment without what others put into names of options. */
  readonly used: Environment;
  /** One sentence for each name that is not used although it looks like an option. */
  readonly warnings: readonly string[];
}

/** Names that Kubernetes gives to the places of a service. */
const SERVICE_LINK_NAME = /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/;
/** The value of its `…_PORT` variables. */
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//;
/** Warnings of one start; an environment with more unknown names than this is not worth reading in full. */
const WARNINGS_MAX = 20;

export function readEnvironment(env: Environment): ReadEnvironment {
  const used = { ...env };
  const warnings: string[] = [];
  for (const key of OPTION_KEYS) {
    const { type }: OptionSpec = OPTIONS[key];
    const name = envOf(key);
    if ((type !== 'port' && type !== 'port-or-off') || !SERVICE_LINK_VALUE.test(env[name] ?? '')) continue;
    delete used[name];
    warnings.push(`environment variable ${name} is a service link of Kubernetes and was ignored; use ${flagOf(key)}`);
  }
  const known = OPTION_KEYS.map(envOf);
  for (const name of Object.keys(env)) {
    if (!name.startsWith('RELAY_') || known.includes(name) || SERVICE_LINK_NAME.test(name)) continue;
    const near = nearest(name, known);
    warnings.push(`unknown environment variable ${name} was ignored${near === null ? '' : `; did you mean ${near}?`}`);
  }
  return { used, warnings: warnings.slice(0, WARNINGS_MAX) };
}
