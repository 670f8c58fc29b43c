// What differs between the configuration that runs and the one that was read again.
import { OPTIONS, OPTION_KEYS, type Config, type OptionKey } from './options.js';

export interface Changes {
  /** Can be applied now. */
  readonly reloadable: readonly OptionKey[];
  readonly needRestart: readonly OptionKey[];
  /** What runs, with everything that can be applied applied. */
  readonly next: Config;
}

export function changesOf(running: Config, read: Config): Changes {
  const changed = OPTION_KEYS.filter((key) => JSON.stringify(running[key]) !== JSON.stringify(read[key]));
  const reloadable = changed.filter((key) => OPTIONS[key].reloadable);
  const applied = Object.fromEntries(reloadable.map((key) => [key, read[key]]));
  return { reloadable, needRestart: changed.filter((key) => !OPTIONS[key].reloadable), next: { ...running, ...applied } };
}
