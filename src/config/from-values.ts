// Builds the configuration from values that a program gives: through the same door as the command line, so that the same
// checks hold. The environment is not read.
import { loadConfig } from './load.js';
import { OPTIONS, OPTION_KEYS, flagOf, type Config } from './options.js';
import { formatValue } from './values.js';

/** Every option: the given ones, the others by default. Throws a RelayError that names option, value and fix. */
export function configFrom(values: Partial<Config>): Config {
  const given = OPTION_KEYS.filter((key) => values[key] !== undefined);
  return loadConfig(
    given.map((key) => `${flagOf(key)}=${formatValue(OPTIONS[key], values[key] ?? null)}`),
    {},
  ).config;
}
