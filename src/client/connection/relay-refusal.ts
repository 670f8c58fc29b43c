// What an Error frame of the relay means for the connection. It is not signed, so nothing is ever given up because of one.
import { errorFacts } from '../../protocol/error-facts.js';
import type { ErrorName } from '../../protocol/errors.js';
import type { ErrorFrame } from '../../protocol/relay-frame.js';
import { readQuotaDetail } from '../../protocol/quota-detail.js';
import { ClientError } from '../client-error.js';
import { QuotaExceededError } from '../quota-error.js';

/** An Error frame with its registry row. */
export interface RelayRefusal {
  readonly name: ErrorName | undefined;
  readonly error: ClientError;
  /** Whether the relay ends the connection with it. */
  readonly closes: boolean;
  readonly context: number;
  readonly retryAfterMs: number;
  readonly detail: Uint8Array;
}

/** Looks the code up; a code this build does not know is called temporary and closing. */
export function relayRefusal(frame: ErrorFrame): RelayRefusal {
  const facts = errorFacts(frame.code);
  const { context, retryAfterMs, detail } = frame;
  if (facts === undefined) {
    const error = new ClientError('relay_refused', `the relay answered with the unknown error ${frame.code}`, { temporary: true });
    return { name: undefined, error, closes: true, context, retryAfterMs, detail };
  }
  const { name, temporary, closes } = facts;
  const code = name === 'quota_exceeded' || name === 'too_many_connections' ? name : null;
  const quota = code === null ? null : readQuotaDetail(detail);
  const error = quota === null || code === null ? new ClientError(name, `the relay answered ${name}`, { temporary }) : new QuotaExceededError(quota, code);
  return { name, error, closes, context, retryAfterMs, detail };
}
