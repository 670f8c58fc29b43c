// The session token of HTTP requests: a handshake in two requests, done again when it is about to expire or was refused.
import { toBase64url } from '../../protocol/base64url.js';
import { ByteReader } from '../../protocol/byte-reader.js';
import { ByteWriter } from '../../protocol/byte-writer.js';
import { readRelayFrame } from '../../protocol/relay-frame-reader.js';
import { SESSION_FRAMES } from '../../protocol/session-frames.js';
import { ClientError } from '../client-error.js';
import { Handshake } from '../connection/handshake.js';
import { relayRefusal } from '../connection/relay-refusal.js';
import { REQUEST_TIMEOUT_MS } from '../limits.js';
import type { SpaceContext } from '../space/space-context.js';

/** What of `fetch` is used, so that tests can stand in for it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A token is not used in the last part of its life. */
const EXPIRY_MARGIN_MS = 30_000;
/** Frames of one answer of the handshake. */
const FRAMES_MAX = 4;

/** Asked anew before it expires. */
export class HttpToken {
  readonly #context: SpaceContext;
  readonly #origin: string;
  readonly #fetch: Fetch;
  #held: { readonly text: string; readonly untilMs: number } | undefined;
  #opening: Promise<string> | undefined;

  constructor(context: SpaceContext, origin: string, fetch: Fetch) {
    this.#context = context;
    this.#origin = origin;
    this.#fetch = fetch;
  }

  /** A token that holds for a while; concurrent calls share one handshake. */
  get(): Promise<string> {
    if (this.#held !== undefined && this.#context.environment.now() < this.#held.untilMs) return Promise.resolve(this.#held.text);
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /** The relay refused it. */
  drop(): void {
    this.#held = undefined;
  }

  async #open(): Promise<string> {
    const { identity, device, roster, ed25519, environment } = this.#context;
    const news = roster.confirmed ? { chain: [], keyring: new Uint8Array() } : roster.all;
    const offer = { ...identity, identity: device, rosterVersion: roster.version, rosterHash: roster.hash, news };
    const handshake = new Handshake(offer, ed25519, environment.randomBytes(32));
    const [challenge, ticket] = await this.#ask([handshake.hello]);
    if (challenge === undefined) throw notUnderstood();
    const step = await handshake.receive(challenge);
    if (step.kind === 'refused') throw relayRefusal(step.error).error;
    if (step.kind !== 'reply' || ticket === undefined) throw notUnderstood();
    const [welcome, token] = await this.#ask([handshake.hello, challenge, ticket, step.message]);
    const opened = await handshake.receive(welcome ?? new Uint8Array());
    if (opened.kind === 'refused') throw relayRefusal(opened.error).error;
    const granted = token === undefined ? undefined : readRelayFrame(token, [SESSION_FRAMES]);
    if (opened.kind !== 'welcome' || granted?.type !== 'SessionToken') throw notUnderstood();
    const text = toBase64url(granted.token);
    this.#held = { text, untilMs: environment.now() + Math.max(0, granted.expiresInMs - EXPIRY_MARGIN_MS) };
    return text;
  }

  async #ask(frames: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const writer = new ByteWriter(1024);
    for (const frame of frames) writer.bytes32(frame);
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await this.#fetch(`${this.#origin}/v1/session`, { method: 'POST', headers, body: writer.finish(), signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    const reader = new ByteReader(new Uint8Array(await answer.arrayBuffer()));
    const answered: Uint8Array[] = [];
    while (reader.remaining > 0 && answered.length < FRAMES_MAX) answered.push(reader.bytes32());
    return answered;
  }
}

function notUnderstood(): ClientError {
  return new ClientError('relay_refused', 'the relay did not answer the handshake over HTTP', { hint: 'The relay, or a proxy before it, may not serve HTTP sessions.' });
}
