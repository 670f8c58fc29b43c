// The SDK over HTTP alone (docs/protocol.md section 9), for a device that has no WebSocket: a handshake in two requests, pushes in
// requests of their own, and one request for everything else, whose body and answer stay open.
import { Agent, request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { OpenTransport, Transport, TransportEvents } from '../client/transport/transport.js';
import { FRAME_TYPE } from '../protocol/frame-type.js';
import { decodeRelayFrame } from '../protocol/relay-frame-codec.js';

const LENGTH_BYTES = 4;
/** Frames that wait for the handshake; its own are two. */
const WAITING_MAX = 256;
const CLOSED_ABNORMALLY = 1006;

/** Opens a connection attempt over HTTP; the URL is that of the WebSocket. */
export const httpTransport: OpenTransport = (url, events) => new HttpTransport(new URL(url), events);

function framed(frame: Uint8Array): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

/** Whole frames of an answer, as they come. */
async function* framesOf(answer: IncomingMessage): AsyncGenerator<Uint8Array> {
  let held = Buffer.alloc(0);
  for await (const piece of answer as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, piece]);
    while (held.length >= LENGTH_BYTES && held.length >= LENGTH_BYTES + held.readUInt32BE()) {
      const end = LENGTH_BYTES + held.readUInt32BE();
      yield Uint8Array.from(held.subarray(LENGTH_BYTES, end));
      held = held.subarray(end);
    }
  }
}

class HttpTransport implements Transport {
  readonly bufferedBytes = 0;
  readonly #url: URL;
  readonly #events: TransportEvents;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2 });
  /** One frame after the other: an order of pushes is an order of requests. */
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #ended = false;
  #hello: Uint8Array | undefined;
  #challenge: readonly Uint8Array[] = [];
  #token = '';
  #rest: ClientRequest | undefined;

  constructor(url: URL, events: TransportEvents) {
    this.#url = url;
    this.#events = events;
    queueMicrotask(() => {
      if (!this.#ended) events.opened();
    });
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (this.#ended) return;
    this.#waiting += 1;
    if (this.#waiting > WAITING_MAX) return this.#end();
    this.#work = this.#work
      .then(() => this.#take(message))
      .catch(() => this.#end())
      .finally(() => (this.#waiting -= 1));
  }

  close(): void {
    this.#ended = true;
    this.#rest?.destroy();
    this.#agent.destroy();
  }

  #end(): void {
    if (this.#ended) return;
    this.close();
    this.#events.closed({ code: CLOSED_ABNORMALLY, reason: '' });
  }

  async #take(message: Uint8Array): Promise<void> {
    if (this.#ended) return;
    if (this.#hello === undefined) {
      this.#hello = message;
      this.#challenge = await this.#ask('/v1/session', [message]);
      this.#deliver(this.#challenge.slice(0, 1));
    } else if (this.#token === '') {
      await this.#prove(message);
    } else if (message[0] === FRAME_TYPE.Push) {
      this.#deliver(await this.#ask('/v1/push', [message]));
    } else {
      this.#rest ??= this.#open();
      this.#rest.write(framed(message));
    }
  }

  async #prove(proof: Uint8Array): Promise<void> {
    const answered = await this.#ask('/v1/session', [this.#hello ?? proof, ...this.#challenge, proof]);
    for (const frame of answered) {
      const decoded = frame[0] === FRAME_TYPE.SessionToken ? decodeRelayFrame(frame) : undefined;
      if (decoded?.type === 'SessionToken') this.#token = Buffer.from(decoded.token).toString('base64url');
    }
    // The token is the transport's affair.
    this.#deliver(answered.filter((frame) => frame[0] !== FRAME_TYPE.SessionToken));
  }

  async #ask(path: string, frames: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    const body = Buffer.concat(frames.map(framed));
    const started = this.#start(path);
    started.setHeader('content-length', body.length);
    started.end(body);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      started.once('response', resolve);
      started.once('error', reject);
    });
    const answered: Uint8Array[] = [];
    for await (const frame of framesOf(answer)) answered.push(frame);
    return answered;
  }

  /** The request that stays open. */
  #open(): ClientRequest {
    const started = this.#start('/v1/frames');
    started.once('error', () => this.#end());
    started.once('response', (answer) => {
      void this.#listen(answer).catch(() => undefined).finally(() => this.#end());
    });
    return started;
  }

  async #listen(answer: IncomingMessage): Promise<void> {
    for await (const frame of framesOf(answer)) this.#deliver([frame]);
  }

  #start(path: string): ClientRequest {
    const authorization = this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` };
    const headers = { 'content-type': 'application/octet-stream', ...authorization };
    return request({ host: this.#url.hostname, port: this.#url.port, method: 'POST', path, headers, agent: this.#agent });
  }

  #deliver(frames: readonly Uint8Array[]): void {
    for (const frame of frames) if (!this.#ended) this.#events.message(frame);
  }
}
