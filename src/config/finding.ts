// What is wrong, or odd, about a configuration: where, what, and the fix. Everything is collected, so that one look shows it all.
import { RelayError } from '../errors.js';

/** A place in a configuration file; both count from 1. */
export interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** Where a value came from. */
export interface Origin {
  /** `flag --port`, `environment variable PORT`, `relay.yaml:3:7`. */
  readonly label: string;
  /** Null unless it is a file. */
  readonly place: Place | null;
}

/** The text of a value, before it is understood. */
export interface Found {
  readonly text: string;
  /** What the variable of another relay said before its unit was converted, and how it is written there. */
  readonly alias?: { readonly given: string; readonly unit: string | null };
  readonly origin: Origin;
}

export interface Finding {
  /** An error stops the start; a warning does not. */
  readonly severity: 'error' | 'warning';
  readonly code: 'config_invalid' | 'config_unused' | 'bind_not_loopback';
  readonly place: Place | null;
  /** One sentence without its full stop. */
  readonly message: string;
  /** The fix, with its full stop. */
  readonly hint: string | null;
}

export function configError(message: string, hint: string | null, place: Place | null = null): Finding {
  return { severity: 'error', code: 'config_invalid', place, message, hint };
}

export function configWarning(message: string, hint: string | null = null): Finding {
  return { severity: 'warning', code: 'config_unused', place: null, message, hint };
}

export function inFile(place: Place): Origin {
  return { label: `${place.path}:${place.line}:${place.column}`, place };
}

/** One line: what is wrong, then the fix. */
export function describeFinding({ message, hint }: Finding): string {
  return hint === null ? message : `${message}. ${hint}`;
}

/** Throws the first error there is, and says how many more there are. */
export function throwErrors(findings: readonly Finding[]): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const first = errors[0];
  if (first === undefined) return;
  const more = errors.length - 1;
  const others = more === 0 ? '' : ` ${more} more ${more === 1 ? 'error' : 'errors'}: run \`relay config check\`.`;
  throw new RelayError(first.code, first.message, { hint: `${first.hint ?? ''}${others}`.trim() || null });
}
