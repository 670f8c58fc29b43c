// Builds the configuration: flags, then the environment, then the file, then defaults. It remembers where each value came from.
import { readEnvironment, CONFIG_VARIABLE, type Environment } from './environment.js';
import { findConfigFile, CONFIG_FOLDERS } from './file/find.js';
import { readConfigFile } from './file/read.js';
import { describeFinding, throwErrors, type Finding, type Found, type Origin } from './finding.js';
import { OPTIONS_ONLY, readFlags, type ReadFlags } from './flags.js';
import { OPTION_KEYS, type Config, type OptionKey } from './options.js';
import { resolveConfig, type Resolved } from './resolve.js';

export interface LoadedConfig {
  readonly config: Config;
  /** Where each value came from: `default`, a flag, an environment variable, or a place in a file. */
  readonly origin: Readonly<Record<OptionKey, string>>;
  /** What was given and is not used; one line each. */
  readonly warnings: readonly string[];
}

/** Reads `args` (without the command word) and `env`, and no file; throws a RelayError that names option, value, origin and fix. */
export function loadConfig(args: readonly string[], env: Environment): LoadedConfig {
  const { found } = readFlags(args, OPTIONS_ONLY);
  const environment = readEnvironment(env);
  const resolved = resolveConfig([found, environment.found]);
  return orThrow({ ...resolved, findings: [...environment.findings, ...resolved.findings] });
}

/** What a command line says about the configuration. */
export interface ConfigFlags extends Pick<ReadFlags, 'found' | 'switches'> {
  /** What its operands stand for: above the defaults, and below everything that is said by name. */
  readonly implied?: ReadonlyMap<string, Found>;
}

export interface Inspected extends Resolved {
  /** The file that was read, or null. */
  readonly file: string | null;
}

/** Reads everything, the file included, and says all that is wrong with it instead of throwing. */
export async function inspectConfig(
  flags: ConfigFlags,
  env: Environment,
  folders: readonly string[] = CONFIG_FOLDERS,
): Promise<Inspected> {
  const environment = readEnvironment(env);
  const place = findConfigFile(flags.switches.get('config') ?? null, env[CONFIG_VARIABLE] ?? '', folders);
  const file = place.path === null ? { found: new Map(), findings: [] } : await readConfigFile(place.path);
  const resolved = resolveConfig([flags.found, environment.found, file.found, flags.implied ?? new Map()]);
  const findings: Finding[] = [...place.findings, ...file.findings, ...environment.findings, ...resolved.findings];
  const isWrong = findings.some(({ severity }) => severity === 'error');
  return { config: isWrong ? null : resolved.config, origin: resolved.origin, findings, file: place.path };
}

/** The configuration, or the first error as a RelayError. */
export function orThrow(resolved: Resolved): LoadedConfig {
  throwErrors(resolved.findings);
  if (resolved.config === null) throw new Error('a configuration without errors has values');
  return {
    config: resolved.config,
    origin: Object.fromEntries(OPTION_KEYS.map((key) => [key, labelOf(resolved.origin[key])])) as Record<OptionKey, string>,
    warnings: resolved.findings.map(describeFinding),
  };
}

function labelOf({ label, place }: Origin): string {
  return place === null ? label : `${place.path}:${place.line}`;
}
