// A client of the native protocol over HTTP: frames behind lengths, the handshake in two requests, the token on every other.
import { randomBytes } from 'node:crypto';
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { Handshake } from '../../src/client/connection/handshake.ts';
import { createEd25519 } from '../../src/client/crypto/ed25519.ts';
import type { DeviceSecret } from '../../src/client/crypto/keys.ts';
import { parseRelayAddress } from '../../src/protocol/address.ts';
import { encodeClientFrame } from '../../src/protocol/client-frame-codec.ts';
import type { ClientFrame } from '../../src/protocol/client-frame.ts';
import { decodeRelayFrame } from '../../src/protocol/relay-frame-codec.ts';
import type { RelayFrame, WelcomeFrame } from '../../src/protocol/relay-frame.ts';
import { parseRoster } from '../../src/protocol/roster.ts';
import type { RawSpace } from './raw-client.ts';

/** A complete answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly frames: readonly RelayFrame[];
}

/** A frame as it goes over a byte stream: behind its length as u32. */
export function framed(frame: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

export const encoded = (frame: ClientFrame): Buffer => framed(encodeClientFrame(frame));

/** Whole frames, without their lengths, of a stream of bytes. */
async function* rawFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held = Buffer.alloc(0);
  for await (const piece of bytes) {
    held = Buffer.concat([held, piece]);
    while (held.length >= 4 && held.length >= 4 + held.readUInt32BE()) {
      const end = 4 + held.readUInt32BE();
      yield Uint8Array.from(held.subarray(4, end));
      held = held.subarray(end);
    }
  }
  if (held.length > 0) throw new Error(`the answer ends inside a frame (${held.length} bytes)`);
}

/** Requests to one relay, over kept connections. */
export class HttpClient {
  readonly agent = new Agent({ keepAlive: true });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  close(): void {
    this.agent.destroy();
  }

  /** Starts a request; the caller writes its body and ends it. */
  start(method: string, path: string, headers: Readonly<Record<string, string | number>> = {}): ClientRequest {
    return request({ host: '127.0.0.1', port: this.#port, method, path, headers, agent: this.agent });
  }

  async answerOf(started: ClientRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      started.once('response', resolve);
      started.once('error', reject);
    });
  }

  /** A whole request and its whole answer, as raw frames. */
  async exchange(method: string, path: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<{ answer: IncomingMessage; raw: Uint8Array[] }> {
    const started = this.start(method, path, { ...headers, 'content-length': body.length });
    started.end(body);
    const answer = await this.answerOf(started);
    const raw: Uint8Array[] = [];
    for await (const frame of rawFrames(answer)) raw.push(frame);
    return { answer, raw };
  }
}

/** A session by token. */
export class HttpSession {
  readonly welcome: WelcomeFrame;
  readonly token: string;
  readonly expiresInMs: number;
  readonly #client: HttpClient;

  private constructor(client: HttpClient, welcome: WelcomeFrame, token: string, expiresInMs: number) {
    this.#client = client;
    this.welcome = welcome;
    this.token = token;
    this.expiresInMs = expiresInMs;
  }

  /** The handshake in two requests, checked by the SDK's own half of it. Rejects with the status when it is refused. */
  static async open(client: HttpClient, address: string, space: RawSpace, device: DeviceSecret): Promise<HttpSession> {
    const { logId } = parseRelayAddress(address);
    const roster = parseRoster(space.chain.at(-1) ?? new Uint8Array());
    const news = { chain: space.chain, keyring: space.keyring };
    const offer = { space: space.id, logId, identity: device, rosterVersion: roster.version, rosterHash: roster.hash, news };
    const handshake = new Handshake(offer, await createEd25519(), Uint8Array.from(randomBytes(32)));
    const first = await client.exchange('POST', '/v1/session', {}, framed(handshake.hello));
    const [challenge, ticket] = first.raw;
    if (challenge === undefined || ticket === undefined) throw new Error(`no challenge: ${first.answer.statusCode}`);
    const step = await handshake.receive(challenge);
    if (step.kind !== 'reply') throw new Error(`refused: ${first.answer.statusCode}`);
    const body = Buffer.concat([handshake.hello, challenge, ticket, step.message].map(framed));
    const second = await client.exchange('POST', '/v1/session', {}, body);
    const [welcome, token] = second.raw;
    if (welcome === undefined || token === undefined) throw new Error(`refused: ${second.answer.statusCode}`);
    const opened = await handshake.receive(welcome);
    const granted = decodeRelayFrame(token);
    if (opened.kind !== 'welcome' || granted.type !== 'SessionToken') throw new Error('no welcome and token');
    return new HttpSession(client, opened.welcome, Buffer.from(granted.token).toString('base64url'), granted.expiresInMs);
  }

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.token}`, 'content-type': 'application/octet-stream' };
  }

  /** Frames in one request, and everything that is answered. */
  async ask(path: string, ...frames: readonly ClientFrame[]): Promise<HttpAnswer> {
    return this.askRaw(path, Buffer.concat(frames.map(encoded)));
  }

  /** The same with a body that is encoded already. */
  async askRaw(path: string, body: Uint8Array): Promise<HttpAnswer> {
    return this.#whole('POST', path, body);
  }

  async get(path: string): Promise<HttpAnswer> {
    return this.#whole('GET', path, new Uint8Array());
  }

  /** The frames of a live answer, as they come; the caller ends it by returning. */
  async *stream(path: string): AsyncGenerator<RelayFrame> {
    const started = this.#client.start('GET', path, this.headers);
    started.end();
    const answer = await this.#client.answerOf(started);
    try {
      for await (const frame of rawFrames(answer)) yield decodeRelayFrame(frame);
    } finally {
      answer.destroy();
    }
  }

  async #whole(method: string, path: string, body: Uint8Array): Promise<HttpAnswer> {
    const { answer, raw } = await this.#client.exchange(method, path, this.headers, body);
    return { status: answer.statusCode ?? 0, headers: answer.headers, frames: raw.map((frame) => decodeRelayFrame(frame)) };
  }
}
