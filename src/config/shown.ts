// The configuration for people: values as text, secrets cut out, each with where it comes from.
import type { OptionTable, OptionValue } from './options.js';
import { formatValue } from './values.js';

const REDACTED = '[redacted]';

export interface ShownRow {
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

/** Values as text; those of secrets are left out, and empty where nothing is set. */
export function shownRows(table: OptionTable, values: Readonly<Record<string, OptionValue>>, origin: Readonly<Partial<Record<string, string>>>): ShownRow[] {
  return Object.entries(table).map(([key, spec]) => ({
    key,
    value: spec.secret && !isUnset(values[key]) ? REDACTED : formatValue(spec, values[key] ?? null),
    origin: Object.entries(origin).find(([name]) => name === key)?.[1] ?? 'default',
  }));
}

function isUnset(value: OptionValue | undefined): boolean {
  return value === undefined || value === null || value === '';
}
