// Reads a command line: options of the table, switches of the command itself, and operands. Unknown names get a suggestion.
import { RelayError } from '../errors.js';
import type { Found } from './finding.js';
import { OPTIONS, OPTION_KEYS, flagOf, type OptionTable } from './options.js';
import { nearest } from './suggest.js';
import { BOOLEAN_WORDS, formatValue } from './values.js';

/** A flag of one command that is not an option of the relay. */
export interface Switch {
  /** Without the hyphens. */
  readonly name: string;
  /** What its value is called in help; null: it takes none. */
  readonly value: string | null;
  /** The values it takes, where they are few. */
  readonly choices?: readonly string[];
  /** One sentence, full stop included. */
  readonly doc: string;
}

export interface Accepted {
  /** Options of the table. */
  readonly keys: readonly string[];
  readonly switches: readonly Switch[];
  readonly operandsMax: number;
}

export interface ReadFlags {
  readonly found: ReadonlyMap<string, Found>;
  /** Switches given; `true` for those without a value. */
  readonly switches: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
}

/** Only options, any of them: what `loadConfig` takes. */
export const OPTIONS_ONLY: Accepted = { keys: OPTION_KEYS, switches: [], operandsMax: 0 };

/** Reads `args` without the command words; throws a RelayError that names the fix. */
export function readFlags(args: readonly string[], accepted: Accepted, table: OptionTable = OPTIONS): ReadFlags {
  const found = new Map<string, Found>();
  const switches = new Map<string, string>();
  const operands: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('--')) {
      if (/^-./.test(arg)) throw invalid(`unknown option ${arg}`, 'Options start with --; run it with --help for the list.');
      if (operands.length === accepted.operandsMax) throw unexpected(arg);
      operands.push(arg);
      continue;
    }
    const [name = '', inline] = splitOnce(arg.slice(2), '=');
    const { isNegated, ...flag } = flagNamed(name, accepted, table);
    const follows = args[index + 1];
    const takesNext = inline === undefined && !isNegated && (flag.needsValue || (follows !== undefined && flag.words.includes(follows)));
    if (takesNext) index += 1;
    if (isNegated && inline !== undefined) throw invalid(`--${name} takes no value`, `Write --${flag.name}=${inline} or --${name}.`);
    const text = takesNext ? follows : (inline ?? (isNegated ? 'false' : 'true'));
    if (text === undefined) throw invalid(`option --${name} needs a value`, `Write --${name} ${flag.example}.`);
    if (found.has(flag.name) || switches.has(flag.name)) throw invalid(`option --${name} is given twice`, 'Leave one of them out.');
    if (flag.choices !== null && !flag.choices.includes(text)) throw invalid(`--${name}: "${text}" is not known`, `Give one of ${flag.choices.join(', ')}.`);
    // One that takes no value is there or not.
    if (flag.isSwitch && !flag.needsValue && text === 'false') continue;
    if (flag.isSwitch) switches.set(flag.name, text);
    else found.set(flag.name, { text, origin: { label: `flag --${name}`, place: null } });
  }
  return { found, switches, operands };
}

interface Flag {
  readonly name: string;
  readonly isSwitch: boolean;
  readonly needsValue: boolean;
  readonly example: string;
  /** Null: judged later, or anything goes. */
  readonly choices: readonly string[] | null;
  /** What may stand behind one that needs no value, as its value. */
  readonly words: readonly string[];
  /** Written `--no-…`. */
  readonly isNegated: boolean;
}

const NEGATION = 'no-';

function flagNamed(name: string, { keys, switches }: Accepted, table: OptionTable): Flag {
  const known = switches.find((candidate) => candidate.name === name);
  if (known !== undefined) {
    const isBare = known.value === null;
    const words = isBare ? ['true', 'false'] : [];
    return { name, isSwitch: true, needsValue: !isBare, example: known.choices?.[0] ?? known.value ?? '', choices: known.choices ?? (isBare ? words : null), words, isNegated: false };
  }
  const spec = keys.includes(name) ? table[name] : undefined;
  const positive = name.startsWith(NEGATION) ? name.slice(NEGATION.length) : '';
  if (spec === undefined && keys.includes(positive) && table[positive]?.type === 'boolean') return { ...flagNamed(positive, { keys, switches, operandsMax: 0 }, table), isNegated: true };
  if (spec === undefined) throw unknown(name, [...keys, ...switches.map((candidate) => candidate.name)]);
  if (spec.secret) throw invalid(`${name} is a secret and has no flag`, 'Other users of the machine can read flags; use the file form of its environment variable.');
  const words = spec.type === 'boolean' ? BOOLEAN_WORDS : [];
  return { name, isSwitch: false, needsValue: spec.type !== 'boolean', example: formatValue(spec, spec.default), choices: null, words, isNegated: false };
}

function unknown(name: string, candidates: readonly string[]): RelayError {
  const near = nearest(name, candidates);
  return invalid(`unknown option --${name}`, near === null ? 'Run it with --help for the list.' : `Did you mean ${flagOf(near)}?`);
}

function unexpected(arg: string): RelayError {
  return invalid(`unexpected argument "${arg}"`, 'Options start with --; run it with --help for the list.');
}

function invalid(message: string, hint: string): RelayError {
  return new RelayError('config_invalid', message, { hint });
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
