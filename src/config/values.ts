// Reads and writes single option values: `30s`, `10MiB`, ports, choices. A refusal says what would have been accepted.
import type { OptionSpec, OptionValue } from './options.js';
import { parseRegions } from './regions.js';

export type Parsed = { readonly ok: true; readonly value: OptionValue } | { readonly ok: false; readonly expected: string };

const TEXT_CHARS_MAX = 4096;
const PORT_MAX = 65_535;

const DURATION_UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, KB: 1000, MB: 1000 ** 2, GB: 1000 ** 3 } as const;

export function parseValue(spec: OptionSpec, text: string): Parsed {
  switch (spec.type) {
    case 'text':
    case 'path':
      return isText(text) || (text === '' && spec.default === '') ? { ok: true, value: text } : refuse(`a text of 1 to ${TEXT_CHARS_MAX} characters`);
    case 'text-or-off':
    case 'path-or-off':
      return text === 'off' ? { ok: true, value: null } : isText(text) ? { ok: true, value: text } : refuse(`a text of 1 to ${TEXT_CHARS_MAX} characters, or off`);
    case 'choice':
      return spec.choices.includes(text) ? { ok: true, value: text } : refuse(`one of ${spec.choices.join(', ')}`);
    case 'boolean':
      return parseBoolean(text);
    case 'regions':
      return parseRegions(text);
    case 'port':
      return parsePort(text) ?? refuse(`a port from 0 to ${PORT_MAX}`);
    case 'port-or-off':
      return text === 'off' ? { ok: true, value: null } : (parsePort(text) ?? refuse(`a port from 0 to ${PORT_MAX}, or off`));
    case 'integer':
      return withinBounds(spec, /^\d{1,15}$/.test(text) ? Number(text) : null, 'a whole number');
    case 'duration':
      return withinBounds(spec, withUnit(text, DURATION_UNITS_MS), 'a duration such as 30s, 5m, 12h or 30d');
    case 'percentage':
      return withinBounds(spec, percentageOf(text), 'a percentage such as 99.9%');
    case 'size':
      return withinBounds(spec, withUnit(text, SIZE_UNITS_BYTES), 'a size such as 512KiB, 10MiB or 1GiB');
  }
}

/** The shortest text that parses back to the value. */
export function formatValue(spec: OptionSpec, value: OptionValue): string {
  if (value === null) return 'off';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'object') return JSON.stringify(value);
  if (spec.type === 'duration') return withLargestUnit(value, DURATION_UNITS_MS, 'ms');
  if (spec.type === 'percentage') return `${value}%`;
  if (spec.type === 'size') {
    const { B, KiB, MiB, GiB } = SIZE_UNITS_BYTES;
    return withLargestUnit(value, { B, KiB, MiB, GiB }, 'B');
  }
  return String(value);
}

function isText(text: string): boolean {
  return text !== '' && text.length <= TEXT_CHARS_MAX && !text.includes('\0');
}

function refuse(expected: string): Parsed {
  return { ok: false, expected };
}

const TRUE_WORDS = ['true', 'yes', '1'];
const FALSE_WORDS = ['false', 'no', '0'];
/** Every way to write a boolean. */
export const BOOLEAN_WORDS: readonly string[] = [...TRUE_WORDS, ...FALSE_WORDS];

function parseBoolean(text: string): Parsed {
  if (TRUE_WORDS.includes(text)) return { ok: true, value: true };
  return FALSE_WORDS.includes(text) ? { ok: true, value: false } : refuse('true or false');
}

function parsePort(text: string): Parsed | null {
  return /^\d{1,5}$/.test(text) && Number(text) <= PORT_MAX ? { ok: true, value: Number(text) } : null;
}

function withinBounds(spec: Extract<OptionSpec, { min: number }>, value: number | null, expected: string): Parsed {
  if (value !== null && value >= spec.min && value <= spec.max) return { ok: true, value };
  return refuse(`${expected}, from ${formatValue(spec, spec.min)} to ${formatValue(spec, spec.max)}`);
}

function percentageOf(text: string): number | null {
  return /^\d{1,3}(\.\d{1,6})?%$/.test(text) ? Number(text.slice(0, -1)) : null;
}

function withUnit(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^(\d{1,12})([A-Za-z]{1,3})$/.exec(text);
  const factor = match?.[2] === undefined ? undefined : Object.entries(units).find(([unit]) => unit === match[2])?.[1];
  return match === null || factor === undefined ? null : Number(match[1]) * factor;
}

function withLargestUnit(value: number, units: Readonly<Record<string, number>>, smallest: string): string {
  const best = Object.entries(units)
    .filter(([, factor]) => value !== 0 && value % factor === 0)
    .toSorted(([, a], [, b]) => b - a)[0];
  return best === undefined ? `${value}${smallest}` : `${value / best[1]}${best[0]}`;
}
