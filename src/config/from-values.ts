// Builds the configuration from values that a program gives: through the same door as the command line, so that the same
// checks hold. The environment is not read.
import { loadConfig } from './load.js';
import { OPTIONS, OPTION_KEYS, envOf, flagOf, type Config, type OptionKey } from './options.js';
import { formatValue } from './values.js';

/** Every option: the given ones, the others by default. Throws a RelayError that names option, value and fix. */
export function configFrom(values: Partial<Config>): Config {
  const given = OPTION_KEYS.filter((key) => values[key] !== undefined);
  const isSecret = (key: OptionKey): boolean => OPTIONS[key].secret;
  const text = (key: OptionKey): string => formatValue(OPTIONS[key], values[key] ?? null);
  const flags = given.filter((key) => !isSecret(key)).map((key) => `${flagOf(key)}=${text(key)}`);
  // Secrets have no flag.
  const secrets = Object.fromEntries(given.filter(isSecret).map((key) => [envOf(key), String(values[key])]));
  return loadConfig(flags, secrets).config;
}
