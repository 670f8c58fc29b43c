// How a pairing ends that does not come to its end, in words for a person.
import { ClientError } from '../client-error.js';
import type { EndReason } from './messages.js';

const FAILURES: Readonly<Record<EndReason | 'taken' | 'unknown', { readonly message: string; readonly hint: string }>> = {
  wrong_code: { message: 'the two devices have different codes', hint: 'A code holds for one try. Make a new one on the other device.' },
  taken: { message: 'another device used this code first', hint: 'If that was not yours, end the pairing on both devices and make a new code.' },
  cancelled: { message: 'the other device ended the pairing', hint: 'Make a new code when both are ready.' },
  expired: { message: 'the code is too old', hint: 'Make a new code; it holds for ten minutes.' },
  refused: { message: 'the device could not be let in', hint: 'Look at the device that made the code: it must be online and an admin of the space.' },
  unknown: { message: 'nobody offers this code', hint: 'It is used up, too old, or another one than is shown. Make a new code on the other device.' },
};

/** The code of the error is `pairing_` and the reason. */
export function pairingError(reason: keyof typeof FAILURES, cause?: unknown): ClientError {
  const { message, hint } = FAILURES[reason];
  return new ClientError(`pairing_${reason}`, message, { hint, ...(cause === undefined ? {} : { cause }) });
}
