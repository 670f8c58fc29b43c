// Renders the option table for programs: what `relay config docs --json` and `relay config env --json` print.
import { ALIASES } from './aliases.js';
import { OPTIONS, OPTION_KEYS, envOf, flagOf, type OptionKey, type OptionSpec } from './options.js';
import { GROUPS } from './render.js';
import { formatValue } from './values.js';

/** An option as the reference has it. Values are text, as a flag or a variable has them. */
export interface DescribedOption {
  readonly key: OptionKey;
  readonly group: string;
  /** Null for secrets. */
  readonly flag: string | null;
  /** The variable of this option first, then those of other relays that mean it too. */
  readonly environment: readonly string[];
  readonly type: OptionSpec['type'];
  readonly choices: readonly string[] | null;
  readonly min: string | null;
  readonly max: string | null;
  readonly default: string;
  /** Can change without a restart. */
  readonly reloadable: boolean;
  /** Never printed or logged. */
  readonly secret: boolean;
  readonly doc: string;
}

export function describedOptions(): DescribedOption[] {
  return OPTION_KEYS.map((key) => {
    const spec: OptionSpec = OPTIONS[key];
    return {
      key,
      group: GROUPS[spec.group],
      flag: spec.secret ? null : flagOf(key),
      environment: [envOf(key), ...ALIASES.filter((alias) => alias.key === key).map(({ name }) => name)],
      type: spec.type,
      choices: spec.type === 'choice' ? spec.choices : null,
      min: 'min' in spec ? formatValue(spec, spec.min) : null,
      max: 'max' in spec ? formatValue(spec, spec.max) : null,
      default: formatValue(spec, spec.default),
      reloadable: spec.reloadable,
      secret: spec.secret,
      doc: spec.doc,
    };
  });
}

/** Every environment variable with its default as text. */
export function environmentDefaults(): Record<string, string> {
  return Object.fromEntries(describedOptions().map(({ environment: [name = ''], default: text }) => [name, text]));
}
