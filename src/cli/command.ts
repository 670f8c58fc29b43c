// What a command says about itself. Parsing, help, completion and the test that runs every example all read it from here.
import { type Accepted, type ReadFlags, type Switch } from '../config/flags.js';
import type { OptionKey } from '../config/options.js';
import type { CliIo } from './io.js';

export interface Example {
  /** A line for a POSIX shell; a test runs it. */
  readonly line: string;
  /** What it does; no full stop. */
  readonly does: string;
}

export interface Command {
  /** The words after `relay`. */
  readonly name: string;
  /** One line for the list of commands; no full stop. */
  readonly summary: string;
  /** Paragraphs. */
  readonly about: readonly string[];
  /** What may stand without hyphens: `<code>`, `[file]`; null for nothing. */
  readonly operand: string | null;
  /** How many of them; 1 without it. */
  readonly operandsMax?: number;
  /** The words an operand can be, where they are few. */
  readonly operandChoices?: readonly string[];
  /** The options of the relay it takes. */
  readonly options: readonly OptionKey[];
  readonly switches: readonly Switch[];
  readonly examples: readonly Example[];
  /** What its exit codes 0 and 1 mean; 2 is wrong usage or configuration for every command. */
  readonly exits: readonly [ok: string, failed: string];
  readonly run: (given: ReadFlags, io: CliIo) => Promise<number>;
}

/** What the commands of a group have in common; no full stop. */
export const COMMAND_GROUPS: Readonly<Record<string, string>> = {
  config: 'looks at the configuration',
  space: 'looks at, moves and erases spaces',
  foreign: 'looks at and erases tenants of foreign protocols',
  audit: 'reads and checks the audit log',
  token: 'makes, lists and revokes invite tokens',
};

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

export const JSON_SWITCH: Switch = { name: 'json', value: null, doc: 'Prints JSON.' };
const CONFIG_SWITCH: Switch = { name: 'config', value: '<file>', doc: 'Configuration file to read; `off` reads none.' };

/** All switches of a command: who takes options also reads a file of them. */
export function switchesOf(command: Command): readonly Switch[] {
  return command.options.length > 0 ? [...command.switches, CONFIG_SWITCH] : command.switches;
}

export function acceptedBy(command: Command): Accepted {
  return { keys: command.options, switches: switchesOf(command), operandsMax: command.operand === null ? 0 : (command.operandsMax ?? 1) };
}
