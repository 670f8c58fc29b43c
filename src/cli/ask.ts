// Asks a relay on this machine over HTTP: one request, a time limit, a size limit. What goes wrong becomes a sentence with a fix.
import { RelayError } from '../errors.js';

const ANSWER_BYTES_MAX = 1024 * 1024;

export interface Answer {
  readonly status: number;
  /** Null when it is no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

export interface Question {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** Sent as a bearer token; null: none. */
  readonly token?: string | null;
  readonly timeoutMs: number;
  /** Appended to an error when nobody answers. */
  readonly hint: string;
}

export async function ask({ url, method, timeoutMs, hint, token = null }: Question): Promise<Answer> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { method, headers: token === null ? {} : { authorization: `Bearer ${token}` }, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    text = await readLimited(response);
  } catch (cause) {
    const why = cause instanceof Error && cause.name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
    throw new RelayError('relay_unreachable', `${url}: ${why}`, { temporary: true, hint, cause });
  }
  return { status: response.status, body: parse(text) };
}

async function readLimited(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer is larger than ${ANSWER_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parse(text: string): Answer['body'] {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.fromEntries(Object.entries(body)) : null;
  } catch {
    return null;
  }
}

/** `fetch` hides the reason in the cause of its error. */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (inner instanceof Error && 'code' in inner && inner.code === 'ECONNREFUSED') return 'nobody listens there';
  return inner instanceof Error && inner.message !== '' ? inner.message : String(error);
}
