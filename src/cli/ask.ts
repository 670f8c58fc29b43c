// Asks a relay on this machine over HTTP: one request, a time limit, a size limit. What goes wrong becomes a sentence with a fix.
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { RelayError } from '../errors.js';

/** What a trusted proxy writes that speaks for itself. */
const PROXY_HEADER = 'PROXY UNKNOWN\r\n';
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
  /** True for the relay of this machine, whose certificate is for a name that does not lead here; nothing secret is sent. */
  readonly trustsAny?: boolean;
  /** True where the relay takes this machine for a proxy, which has to begin with a header. */
  readonly asProxy?: boolean;
}

export async function ask({ url, method, timeoutMs, hint, token = null, trustsAny = false, asProxy = false }: Question): Promise<Answer> {
  const signal = AbortSignal.timeout(timeoutMs);
  let status: number;
  let text: string;
  try {
    if (asProxy || (trustsAny && url.startsWith('https:'))) {
      const response = await overSocket(url, method, signal, asProxy);
      status = response.statusCode ?? 0;
      text = await readLimited(response);
    } else {
      const response = await fetch(url, { method, headers: token === null ? {} : { authorization: `Bearer ${token}` }, redirect: 'error', signal });
      status = response.status;
      text = await readLimited(response.body ?? []);
    }
  } catch (cause) {
    const why = signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(cause);
    throw new RelayError('relay_unreachable', `${url}: ${why}`, { temporary: true, hint, cause });
  }
  return { status, body: parse(text) };
}

/** On a connection of its own, whatever the certificate. */
function overSocket(url: string, method: string, signal: AbortSignal, asProxy: boolean): Promise<IncomingMessage> {
  const { hostname, port, protocol } = new URL(url);
  const isTls = protocol === 'https:';
  const createConnection = (): Duplex => {
    const socket = connect({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) });
    if (asProxy) socket.write(PROXY_HEADER);
    return isTls ? connectTls({ socket, rejectUnauthorized: false }) : socket;
  };
  return new Promise((resolve, reject) => {
    (isTls ? requestTls : requestPlain)(url, { method, signal, createConnection }, resolve).once('error', reject).end();
  });
}

async function readLimited(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
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
