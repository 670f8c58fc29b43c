// One call of the admin API of a relay on this machine. What the relay refuses becomes an error with its words.
import { RelayError } from '../errors.js';
import { signInNeeded, type Target } from './target.js';

const ANSWER_CHARS_MAX = 4 * 1024 * 1024;
const HINT = 'Is the relay running, with its admin listener on?';

/** Who is asked; with a token where the relay wants one. */
export type Answering = Target & { readonly token?: string | null };

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With its leading slash. */
  readonly path: string;
  /** What is sent, and as what. */
  readonly body?: { readonly type: string; readonly stream: ReadableStream };
}

/** Resolves with an answer that is no refusal. */
export async function callAdmin(target: Answering, { method, path, body }: Call): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json, application/octet-stream' };
  if (typeof target.token === 'string') headers['authorization'] = `Bearer ${target.token}`;
  if (body !== undefined) headers['content-type'] = body.type;
  const url = `${target.baseUrl}${path}`;
  // `duplex` is what a streamed body needs, and the types of the platform do not know it.
  const sent = body === undefined ? {} : { body: body.stream, duplex: 'half' };
  let response: Response;
  try {
    response = await fetch(url, { method, headers, redirect: 'error', ...sent });
  } catch (cause) {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const why = inner instanceof Error && 'code' in inner && inner.code === 'ECONNREFUSED' ? 'nobody listens there' : inner instanceof Error ? inner.message : String(inner);
    throw new RelayError('relay_unreachable', `${url}: ${why}`, { temporary: true, hint: HINT, cause });
  }
  if (response.status === 401) throw signInNeeded();
  if (!response.ok) throw await refusal(response);
  return response;
}

/** The answer as an object; empty where there is none. */
export async function callForObject(target: Answering, call: Call): Promise<Readonly<Record<string, unknown>>> {
  const text = await textOf(await callAdmin(target, call));
  const answer: unknown = text === '' ? {} : JSON.parse(text);
  return typeof answer === 'object' && answer !== null ? Object.fromEntries(Object.entries(answer)) : {};
}

/** A problem document as an error. */
async function refusal(response: Response): Promise<RelayError> {
  const problem: unknown = await textOf(response)
    .then(JSON.parse)
    .catch(() => null);
  const { code, detail }: { code?: unknown; detail?: unknown } = typeof problem === 'object' && problem !== null ? problem : {};
  const what = typeof detail === 'string' ? detail.replace(/\.$/, '') : `HTTP status ${response.status}`;
  return new RelayError(typeof code === 'string' ? code : 'relay_refused', `the relay refused: ${what}`);
}

async function textOf(response: Response): Promise<string> {
  const text = await response.text();
  if (text.length > ANSWER_CHARS_MAX) throw new RelayError('relay_unreachable', `the answer is longer than ${ANSWER_CHARS_MAX} characters`);
  return text;
}
