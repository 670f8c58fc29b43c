// One request to one relay: within its time, of a bounded answer, and every refusal as an error that says whether trying again can help.
import { ClientError } from '../client-error.js';
import { RETRY_AFTER_MS_MAX } from '../limits.js';
import { fetchWithin } from '../region/timed-fetch.js';
import type { Surroundings } from '../region/timed-fetch.js';
import { ANSWER_BYTES_MAX } from './limits.js';
import { fieldsOf, malformed } from './wire.js';

/** A relay's refusal, or none to be reached. */
export class CallError extends ClientError {
  /** The code in the relay's answer (`INVALID_REQUEST`, …); null when there was none. */
  readonly relayCode: string | null;
  /** How long the relay asks to wait; 0: it named no time. */
  readonly retryAfterMs: number;
  /** Whether the request may have been carried out although its answer is missing. */
  readonly mayBeDone: boolean;

  constructor(error: ClientError, details: { readonly relayCode?: string | null; readonly retryAfterMs?: number; readonly mayBeDone?: boolean } = {}) {
    super(error.code, error.message, { temporary: error.temporary, hint: error.hint, cause: error.cause });
    this.name = 'CallError';
    this.relayCode = details.relayCode ?? null;
    this.retryAfterMs = details.retryAfterMs ?? 0;
    this.mayBeDone = details.mayBeDone ?? false;
  }
}

export interface Call {
  readonly url: string;
  readonly token: string;
  /** Posted as JSON; absent: GET. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  /** Statuses besides 2xx whose body is an answer too. */
  readonly alsoAnswers?: readonly number[];
}

/** The JSON of the answer; throws CallError. */
export async function call(surroundings: Surroundings, { url, token, body, timeoutMs, alsoAnswers = [] }: Call): Promise<unknown> {
  const headers = { ...(token === '' ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const init: RequestInit = { headers, cache: 'no-store', credentials: 'omit', redirect: 'error', ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }) };
  const answer = await fetchWithin(surroundings, url, init, timeoutMs, async (response) => ({ response, text: await boundedText(response) })).catch((cause: unknown) => {
    throw cause instanceof CallError ? cause : unreachable(cause);
  });
  const { response, text } = answer;
  if (!response.ok && !alsoAnswers.includes(response.status)) throw refusal(response, text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CallError(malformed('a request'), { mayBeDone: true });
  }
}

function unreachable(cause: unknown): CallError {
  return new CallError(new ClientError('relay_unreachable', 'the relay could not be reached', { temporary: true, cause, hint: 'Is this device online, and the address of the relay right?' }), { mayBeDone: true });
}

function refusal(response: Response, text: string): CallError {
  const code = errorCodeOf(text);
  const details = { relayCode: code, retryAfterMs: retryAfterMs(response) };
  const said = code === null ? `status ${response.status}` : `${code} (status ${response.status})`;
  switch (response.status) {
    case 401:
      return new CallError(new ClientError('unauthorized', `the relay refused the token: ${said}`, { hint: 'Do all devices of this user have the same key or token?' }), details);
    case 413:
      return new CallError(new ClientError('payload_too_large', `the relay takes no request of this size: ${said}`), details);
    case 429:
      return new CallError(new ClientError('rate_limited', `too many requests: ${said}`, { temporary: true, hint: 'The relay said when to come back.' }), details);
    default: {
      const temporary = response.status >= 500 || response.status === 408;
      return new CallError(new ClientError('relay_refused', `the relay refused the request: ${said}`, { temporary }), { ...details, mayBeDone: temporary });
    }
  }
}

function errorCodeOf(text: string): string | null {
  try {
    const code = fieldsOf(fieldsOf(JSON.parse(text)).get('error')).get('code');
    return typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : null;
  } catch {
    return null;
  }
}

/** Seconds, as relays send them; a date is treated as no time. */
function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? '');
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, RETRY_AFTER_MS_MAX) : 0;
}

async function boundedText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader.cancel();
      throw new CallError(malformed(`a request (more than ${ANSWER_BYTES_MAX} bytes)`), { mayBeDone: true });
    }
    text += decoder.decode(value, { stream: true });
  }
}
