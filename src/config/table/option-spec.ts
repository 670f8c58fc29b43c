// What a row of the table of options may be.
import type { Region } from '../regions.js';

/** Sections of the help text, in its order. */
const OPTION_GROUPS = ['listening', 'tls', 'admin', 'admission', 'storage', 'limits', 'time', 'process', 'observability', 'place', 'compat'] as const;
export type OptionGroup = (typeof OPTION_GROUPS)[number];

interface Common {
  /** Section of the help text. */
  readonly group: OptionGroup;
  /** One sentence, full stop included. */
  readonly doc: string;
  /** True: never printed, logged or put into a document, and no flag, because other users see the flags of a process. */
  readonly secret: boolean;
  /** True: can change without a restart. */
  readonly reloadable: boolean;
}

/** A text, or `off`, which is null. */
interface TextOrOffOption extends Common {
  readonly type: 'text-or-off';
  readonly default: string | null;
}
/** A path, or `off`, which is null. */
interface PathOrOffOption extends Common, NamesFile {
  readonly type: 'path-or-off';
  readonly default: string | null;
}
/** Addresses that the relay speaks to by itself. */
export interface AddressRule {
  /** With their colons. */
  readonly schemes: readonly string[];
  /** Several, with commas between them. */
  readonly isList: boolean;
  readonly example: string;
}
interface TextOption extends Common {
  readonly type: 'text';
  /** What a text that is not empty has to be. */
  readonly addresses?: AddressRule;
  readonly default: string;
}
interface NamesFile {
  /** The path is of a file that has to be there. */
  readonly isFile?: true;
}
interface PathOption extends Common, NamesFile {
  readonly type: 'path';
  readonly default: string;
}
interface ChoiceOption extends Common {
  readonly type: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}
interface BooleanOption extends Common {
  readonly type: 'boolean';
  readonly default: boolean;
}
/** A list in a file; the same list as JSON text in a flag or the environment. */
interface RegionsOption extends Common {
  readonly type: 'regions';
  readonly default: readonly Region[];
}
/** 0 asks the system for a free port. */
interface PortOption extends Common {
  readonly type: 'port';
  readonly default: number;
}
/** A port, or `off`, which is null. */
interface PortOrOffOption extends Common {
  readonly type: 'port-or-off';
  readonly default: number | null;
}
interface NumberOption extends Common {
  /** integer: a plain count; duration: milliseconds, written `30s`; size: bytes, written `10MiB`; percentage: of 100, written `99.9%`. */
  readonly type: 'integer' | 'duration' | 'size' | 'percentage';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

export type OptionSpec = TextOption | TextOrOffOption | PathOption | PathOrOffOption | ChoiceOption | BooleanOption | RegionsOption | PortOption | PortOrOffOption | NumberOption;
export type OptionValue = OptionSpec['default'];
export type OptionTable = Readonly<Record<string, OptionSpec>>;

export const fixed = { secret: false, reloadable: false } as const;
export const reloadable = { secret: false, reloadable: true } as const;
