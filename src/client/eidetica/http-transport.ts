// Requests over HTTP: one endpoint, JSON both ways. What stands before the host of an address goes along as Basic credentials, as
// the crate's own client sends it.
import { ClientError } from '../client-error.js';
import type { Environment } from '../environment.js';
import { fetchWithin } from '../region/timed-fetch.js';
import { toBase64 } from './keys.js';
import { ANSWER_BYTES_MAX, ERROR_CHARS_MAX, REQUEST_TIMEOUT_MS } from './limits.js';
import { PROOF_HEADER } from './request-proof.js';
import type { Prove, SyncTransport } from './transport.js';
import type { Address, SyncRequest } from './wire.js';

/** Nothing that both ends of a request over HTTP know is out of reach of who stands between them. */
const NO_CHANNEL = new Uint8Array();

export interface HttpTransportOptions {
  readonly fetch?: typeof globalThis.fetch;
  readonly timeoutMs?: number;
}

/** The address of a peer over HTTP: `host:port`, `token@host:port`, or a URL that begins with http:// or https://. */
export function httpAddress(address: string): Address {
  return { transport_type: 'http', address };
}

/** The way to peers by HTTP: one endpoint, JSON both ways. */
export class HttpTransport implements SyncTransport {
  readonly #surroundings: Pick<Environment, 'now' | 'after'> & { readonly fetch: typeof globalThis.fetch };
  readonly #timeoutMs: number;

  constructor(environment: Pick<Environment, 'now' | 'after'>, options: HttpTransportOptions = {}) {
    this.#surroundings = { now: environment.now, after: environment.after, fetch: options.fetch ?? globalThis.fetch.bind(globalThis) };
    this.#timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
  }

  canReach(address: Address): boolean {
    return address.transport_type === 'http';
  }

  async send(address: Address, request: SyncRequest, prove?: Prove): Promise<unknown> {
    const { url, authorization } = endpointOf(address);
    const body = new TextEncoder().encode(JSON.stringify(request));
    const proof = prove === undefined ? {} : { [PROOF_HEADER]: await prove(body, NO_CHANNEL) };
    const init: RequestInit = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization === null ? {} : { authorization }), ...proof },
      body,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
    };
    const { status, text } = await fetchWithin(this.#surroundings, url, init, this.#timeoutMs, readBounded).catch((cause: unknown) => {
      if (cause instanceof ClientError) throw cause;
      throw new ClientError('peer_unreachable', 'the peer could not be reached', { temporary: true, cause, hint: 'Is this device online, and the address of the peer right?' });
    });
    if (status !== 200) throw refusal(status, text);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new ClientError('peer_misbehaved', 'the peer did not answer with JSON', { cause });
    }
  }
}

function endpointOf({ address }: Address): { url: string; authorization: string | null } {
  const given = /^https?:\/\//.test(address) ? address : `http://${address}`;
  if (!URL.canParse(given)) throw new ClientError('bad_address', 'the address of the peer is none');
  const url = new URL(given);
  const { username, password } = url;
  [url.username, url.password] = ['', ''];
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v0`;
  const credentials = credentialsOf(username, password);
  return { url: url.href, authorization: credentials === ':' ? null : `Basic ${toBase64(new TextEncoder().encode(credentials))}` };
}

function credentialsOf(username: string, password: string): string {
  try {
    return [username, password].map(decodeURIComponent).join(':');
  } catch (cause) {
    throw new ClientError('bad_address', 'the token before the host of the address has a % that begins no escaped byte', { cause, hint: 'Write a % in it as %25.' });
  }
}

async function readBounded(response: Response): Promise<{ status: number; text: string }> {
  const tooLarge = (): ClientError => new ClientError('peer_misbehaved', `the peer's answer has more than ${ANSWER_BYTES_MAX} bytes`);
  if (Number(response.headers.get('content-length')) > ANSWER_BYTES_MAX) throw tooLarge();
  if (response.body === null) return { status: response.status, text: '' };
  const [reader, decoder] = [response.body.getReader(), new TextDecoder()];
  let [text, bytes] = ['', 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { status: response.status, text: text + decoder.decode() };
    bytes += value.length;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader.cancel();
      throw tooLarge();
    }
    text += decoder.decode(value, { stream: true });
  }
}

function refusal(status: number, text: string): ClientError {
  const said = `status ${status}: ${text.slice(0, ERROR_CHARS_MAX)}`;
  if (status === 401) return new ClientError('unauthorized', 'the peer wants a token, or another one', { hint: 'Put the token before the host of the address: token@host:port.' });
  const temporary = status >= 500 || status === 408 || status === 429;
  return new ClientError(temporary ? 'peer_busy' : 'peer_refused', `the peer refused the request: ${said}`, { temporary });
}
