/*
 * A session over HTTP (docs/protocol.md section 9) as a transport, for networks that let no WebSocket through: the handshake in two requests, the
 * subscription as an answer that stays open (or where the network holds it back, as requests that wait), and every other frame as a request of its own, one after the other.
 *
 * Invariants: H1 a request begins when the one before was answered, so the order of frames is that of requests; H2 what fails, and what a relay
 * closes a WebSocket after, ends the transport, and the session goes on from its cursor. Live frames need a session that is open both ways: they are dropped, as by
 * a relay that nobody listens to.
 */
import { toBase64url } from '../../protocol/base64url.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { FRAME_TYPE } from '../../protocol/frame-type.js';
import { readRelayFrame } from '../../protocol/relay-frame-reader.js';
import { SESSION_FRAMES } from '../../protocol/session-frames.js';
import { ClientError } from '../client-error.js';
import { relayRefusal } from '../connection/relay-refusal.js';
import type { Environment } from '../environment.js';
import { REQUEST_TIMEOUT_MS, SEND_BUFFER_BYTES_MAX } from '../limits.js';
import { framesIn } from './http-frames.js';
import { LiveAnswer } from './live-answer.js';
import type { OpenTransport, Transport, TransportEvents } from './transport.js';

/** What of `fetch` is used. */
export type HttpFetch = (url: string, init: RequestInit) => Promise<Response>;

const CLOSED_ABNORMALLY = 1006;
/** Frame types from here on are live: ephemeral frames and topics. */
const LIVE_TYPES_MIN = FRAME_TYPE.EphemeralListen;
const LIVE_TYPES_MAX = 0x3f;

/** Opens sessions over HTTP; the URL is that of the WebSocket. */
export function httpTransport(fetch: HttpFetch, environment: Pick<Environment, 'after'>): OpenTransport {
  return (url, events) => new HttpTransport(new URL(url.replace(/^ws/, 'http')).origin, fetch, environment, events);
}

class HttpTransport implements Transport {
  readonly #origin: string;
  readonly #fetch: HttpFetch;
  readonly #environment: Pick<Environment, 'after'>;
  readonly #events: TransportEvents;
  readonly #ending = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #hello: Uint8Array | undefined;
  #challenge: readonly Uint8Array[] = [];
  #token = '';
  #live: LiveAnswer | undefined;

  constructor(origin: string, fetch: HttpFetch, environment: Pick<Environment, 'after'>, events: TransportEvents) {
    this.#environment = environment;
    this.#origin = origin;
    this.#fetch = fetch;
    this.#events = events;
    queueMicrotask(() => {
      if (!this.#ending.signal.aborted) events.opened();
    });
  }

  get bufferedBytes(): number {
    return this.#waitingBytes;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    const type = message[0] ?? 0;
    if (this.#ending.signal.aborted || (type >= LIVE_TYPES_MIN && type <= LIVE_TYPES_MAX)) return;
    if (this.#waitingBytes + message.length > SEND_BUFFER_BYTES_MAX) throw new ClientError('offline', 'the send buffer is full', { temporary: true });
    this.#waitingBytes += message.length;
    this.#work = this.#work
      .then(() => this.#take(message))
      .catch(() => this.#fail())
      .finally(() => (this.#waitingBytes -= message.length));
  }

  close(): void {
    this.#ending.abort();
    this.#live?.end();
  }

  #fail(): void {
    if (this.#ending.signal.aborted) return;
    this.close();
    this.#events.closed({ code: CLOSED_ABNORMALLY, reason: '' });
  }

  async #take(message: Uint8Array): Promise<void> {
    if (this.#ending.signal.aborted) return;
    if (this.#hello === undefined) {
      this.#hello = message;
      this.#challenge = await this.#ask('/v1/session', [message]);
      this.#deliver(this.#challenge.slice(0, 1));
    } else if (this.#token === '') {
      await this.#prove(this.#hello, message);
    } else if (message[0] === FRAME_TYPE.Subscribe) {
      this.#subscribe(message);
    } else {
      const answered = await this.#ask(message[0] === FRAME_TYPE.Push ? '/v1/push' : '/v1/frames', [message]);
      this.#deliver(answered);
      for (const frame of answered) this.#compare(frame);
    }
  }

  async #prove(hello: Uint8Array, proof: Uint8Array): Promise<void> {
    const answered = await this.#ask('/v1/session', [hello, ...this.#challenge, proof]);
    for (const frame of answered) {
      const decoded = frame[0] === FRAME_TYPE.SessionToken ? readRelayFrame(frame, [SESSION_FRAMES]) : undefined;
      if (decoded?.type === 'SessionToken') this.#token = toBase64url(decoded.token);
    }
    // The token is the transport's affair.
    this.#deliver(answered.filter((frame) => frame[0] !== FRAME_TYPE.SessionToken));
  }

  async #ask(path: string, frames: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    const writer = new ByteWriter(1024);
    for (const frame of frames) writer.bytes32(frame);
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    const answer = await this.#fetch(`${this.#origin}${path}`, { method: 'POST', headers: this.#headers(), body: writer.finish(), signal });
    const answered = framesIn(new Uint8Array(await answer.arrayBuffer()));
    // A relay says in a frame why it refuses; without one it was somebody else.
    if (!answer.ok && answered.length === 0) throw new ClientError('relay_unreachable', `HTTP status ${answer.status}`, { temporary: true });
    return answered;
  }

  /** What is read beside the other requests; a second Subscribe moves it. */
  #subscribe(message: Uint8Array): void {
    this.#live?.end();
    this.#live = new LiveAnswer(message, {
      environment: this.#environment,
      get: (path, signal) => this.#fetch(`${this.#origin}${path}`, { headers: this.#headers(), signal: AbortSignal.any([this.#ending.signal, signal]) }),
      ask: (frames) => this.#ask('/v1/frames', frames),
      deliver: (frames) => this.#deliver(frames),
      failed: () => this.#fail(),
    });
  }

  #compare(frame: Uint8Array): void {
    if (frame[0] !== FRAME_TYPE.Receipt && frame[0] !== FRAME_TYPE.Pong) return;
    const decoded = readRelayFrame(frame, []);
    if (decoded.type === 'Receipt' || decoded.type === 'Pong') this.#live?.attested(decoded.attestation.logEpoch, decoded.attestation.size);
  }

  #headers(): Record<string, string> {
    const authorization = this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` };
    return { 'content-type': 'application/octet-stream', ...authorization };
  }

  #deliver(frames: readonly Uint8Array[]): void {
    for (const frame of frames) if (!this.#ending.signal.aborted) this.#events.message(frame);
    if (frames.some((frame) => this.#ends(frame))) this.#fail();
  }

  /** Whether the relay would close a WebSocket after it: any Error of a handshake, and later those that say so. */
  #ends(frame: Uint8Array): boolean {
    const refused = frame[0] === FRAME_TYPE.Error ? readRelayFrame(frame, []) : undefined;
    return refused?.type === 'Error' && (this.#token === '' || relayRefusal(refused).closes);
  }
}
