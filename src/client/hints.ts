/**
 * What a person can do about an error, for developers and for messages to users: a sentence for everything that a relay answers. It is an entry of
 * its own, because programs branch on codes.
 *
 * ```ts
 * space.on('error', (error) => console.warn(error.message, hintOf(error)));
 * ```
 */
import { ERRORS, isErrorName } from '../protocol/errors.js';
import type { ClientError } from './client-error.js';

/** The error's own hint, or that of the relay's error; null when there is none. */
export function hintOf({ hint, code }: Pick<ClientError, 'hint' | 'code'>): string | null {
  return hint ?? (isErrorName(code) ? ERRORS[code].hint : null);
}
