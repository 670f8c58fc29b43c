// What can follow what on the command line, as every shell's script needs it.
import { OPTIONS, flagOf, type OptionSpec } from '../../config/options.js';
import { COMMAND_GROUPS, switchesOf, type Command } from '../command.js';

export interface FlagWords {
  readonly flag: string;
  readonly doc: string;
  /** Values to offer. */
  readonly values: readonly string[];
  /** Its value is the name of a file or directory. */
  readonly takesPath: boolean;
  readonly takesValue: boolean;
}

export function flagsOf(command: Command): FlagWords[] {
  const own = switchesOf(command).map(({ name, value, choices, doc }) => ({
    flag: flagOf(name),
    doc,
    values: choices ?? [],
    takesPath: value === '<file>',
    takesValue: value !== null,
  }));
  const options = command.options.map((key) => {
    const spec: OptionSpec = OPTIONS[key];
    return {
      flag: flagOf(key),
      doc: spec.doc,
      values: spec.type === 'choice' ? spec.choices : [],
      takesPath: spec.type === 'path' || spec.type === 'path-or-off',
      takesValue: spec.type !== 'boolean',
    };
  });
  return [...own, ...options];
}

/** First words, with what they do: `config` stands for all commands that begin with it. */
export function firstWords(commands: readonly Command[]): Map<string, string> {
  const words = new Map<string, string>();
  for (const { name, summary } of commands) {
    const [first = name, second] = name.split(' ');
    if (!words.has(first)) words.set(first, second === undefined ? summary : (COMMAND_GROUPS[first] ?? ''));
  }
  return words;
}

/** Second words of a first word, with what they do. */
export function secondWords(commands: readonly Command[], first: string): Map<string, string> {
  return new Map(commands.flatMap(({ name, summary }) => (name.startsWith(`${first} `) ? [[name.slice(first.length + 1), summary] as const] : [])));
}

/** Flags with their values over all commands, once each. */
export function flagsWithValues(commands: readonly Command[]): FlagWords[] {
  const byFlag = new Map(commands.flatMap(flagsOf).map((words) => [words.flag, words]));
  return [...byFlag.values()].filter(({ values, takesPath }) => values.length > 0 || takesPath);
}
