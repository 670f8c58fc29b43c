// A request over HTTP: what is read of its head, and its answer with status and headers. Both kinds of servers use it.
import type { Timer } from '../../environment.js';
import { fromBase64 } from '../keys.js';
import { PROOF_HEADER } from '../request-proof.js';
import type { Visit } from './admission.js';
import { BODY_MS_MAX, TOKEN_CHARS_MAX } from './limits.js';
import { Refusal } from './refusal.js';
import type { SyncHandler } from './sync-handler.js';

/** What stands at the end of the path of every request. */
const PATH_END = '/api/v0';
const NO_CHANNEL = new Uint8Array();

/** Pages that may ask, by their origin; `*` is all. Without any, pages of other origins cannot. */
export type Origins = '*' | readonly string[];

/** A request over HTTP. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  header(name: string): string | null;
  /** Who is counted for it. */
  readonly from: string;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The answer to a request; never rejects. */
export async function answerHttp(handler: SyncHandler, request: HttpRequest, origins: Origins = []): Promise<HttpAnswer> {
  const allowed = originHeaders(origins, request.header('origin'));
  const json = (status: number, body: string, more: Readonly<Record<string, string>> = {}): HttpAnswer => ({
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...allowed, ...more },
    body,
  });
  if (request.method === 'OPTIONS' && allowed['access-control-allow-origin'] !== undefined) {
    const ask = { 'access-control-allow-methods': 'POST, OPTIONS', 'access-control-allow-headers': `Content-Type, Authorization, ${PROOF_HEADER}`, 'access-control-max-age': '86400' };
    return { status: 204, headers: { ...allowed, ...ask }, body: '' };
  }
  try {
    return json(200, await serve(handler, request));
  } catch (cause) {
    const { status, message, retrySecs } = cause instanceof Refusal ? cause : new Refusal(500, 'The request failed here');
    const retry = { ...(retrySecs === null ? {} : { 'retry-after': String(retrySecs) }), ...(status === 405 ? { allow: 'POST' } : {}) };
    if (status === 'said' || status === 500 || status === 503 || status === 429) return json(status === 'said' ? 200 : status, JSON.stringify({ Error: message }), retry);
    // Somebody whose body was not read to its end cannot use the connection again.
    const close = { connection: 'close' };
    return { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...allowed, ...retry, ...(status === 408 || status === 413 ? close : {}) }, body: message };
  }
}

async function serve(handler: SyncHandler, request: HttpRequest): Promise<string> {
  if (!request.path.endsWith(PATH_END)) throw new Refusal(404, 'Nothing is served at this path');
  if (request.method !== 'POST') throw new Refusal(405, 'This path takes POST');
  const kind = (request.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^application\/(?:[^;]+\+)?json$/.test(kind)) throw new Refusal(415, 'Expected request with `Content-Type: application/json`');
  return handler.answer({
    transport: 'http',
    from: request.from,
    proof: request.header(PROOF_HEADER),
    token: tokenOf(request.header('authorization')),
    channel: NO_CHANNEL,
    read: (visit) => readBody(handler, request.body, visit),
  });
}

/** Reads a body within its limits of bytes and time. */
async function readBody(handler: SyncHandler, body: AsyncIterable<Uint8Array>, visit: Visit): Promise<Uint8Array> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = handler.environment.after(BODY_MS_MAX, () => reject(new Refusal(408, 'The body did not arrive in time')));
  });
  try {
    return await Promise.race([gather(body, visit), late]);
  } catch (cause) {
    throw cause instanceof Refusal ? cause : new Refusal(400, 'Failed to buffer the request body: it was cut off');
  } finally {
    timer?.cancel();
  }
}

async function gather(body: AsyncIterable<Uint8Array>, visit: Visit): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    visit.take(chunk.length);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** A bearer, or what stands before the host of an address: there a password is the token whatever the name before it is, and a name without one is. */
function tokenOf(authorization: string | null): string | null {
  const [scheme = '', value = ''] = authorization?.split(/ +/) ?? [];
  let token = scheme.toLowerCase() === 'bearer' ? value : '';
  if (scheme.toLowerCase() === 'basic') {
    const bytes = fromBase64(value);
    const [name = '', ...password] = bytes === undefined ? [] : new TextDecoder().decode(bytes).split(':');
    token = password.join(':') || name;
  }
  return token === '' || token.length > TOKEN_CHARS_MAX ? null : token;
}

function originHeaders(origins: Origins, origin: string | null): Readonly<Record<string, string>> {
  if (origins === '*') return { 'access-control-allow-origin': '*' };
  return origin !== null && origins.includes(origin) ? { 'access-control-allow-origin': origin, vary: 'Origin' } : {};
}
