/*
 * A connection of an app: to one peer, or to all peers of a topic. Each message goes directly when there is a direct way to everybody it is for,
 * else by the relay. When a direct way dies, what was not confirmed on it goes by the relay, before anything newer: nothing is lost, and what
 * had arrived may arrive twice.
 */
import { Inbox } from './inbox.js';
import type { Tap } from './inbox.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import type { MessageSeal } from './message-seal.js';
import type { Peer } from './peer.js';
import type { SyncConnection } from './transport.js';
import { closed, messageTooLarge } from './transport-errors.js';
import { Turns } from './turns.js';

export interface ConnectionParts {
  readonly seal: MessageSeal;
  readonly tap: Tap;
  /** The peers it is for, as they are now. */
  readonly peers: () => readonly Peer[];
  /** Sends to the topic, once somebody it is for is there. */
  readonly relay: (connection: Connection, bytes: Uint8Array) => Promise<void>;
  readonly now: () => number;
  readonly unreadable: (error: Error) => void;
  /** It ended; `isOrderly`: the app closed it, and what it sent should still arrive. */
  readonly ended: (isOrderly: boolean) => Promise<void>;
}

export class Connection implements SyncConnection {
  readonly #parts: ConnectionParts;
  readonly #inbox: Inbox;
  readonly #turns = new Turns();
  #fallen: Uint8Array[] = [];
  #isEnded = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#inbox = new Inbox(parts.tap, () => this.end(null));
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  async send(data: Uint8Array): Promise<void> {
    if (data.length > MESSAGE_BYTES_MAX) throw messageTooLarge(data.length, MESSAGE_BYTES_MAX);
    return this.#turns.take(async () => {
      if (this.#isEnded) throw closed();
      // A copy, for it may be sent again later than the app expects.
      const bytes = Uint8Array.from(await this.#parts.seal.seal(data));
      await this.#sendFallen();
      await this.#send(bytes);
    });
  }

  async *receive(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const bytes of this.#inbox.read()) {
      const opened = await this.#parts.seal.open(bytes).catch((cause: unknown) => {
        this.#parts.unreadable(cause as Error);
        return null;
      });
      if (opened !== null) yield opened;
    }
  }

  async close(): Promise<void> {
    if (this.#isEnded) return;
    // What was sent before goes before.
    await this.#turns.take(() => Promise.resolve()).catch(() => undefined);
    await this.#finish(null, true);
  }

  /** Something came for the app. */
  put(bytes: Uint8Array): void {
    this.#inbox.put(bytes);
  }

  /** These were on a direct way that died. */
  fell(unconfirmed: readonly Uint8Array[]): void {
    if (unconfirmed.length === 0 || this.#isEnded) return;
    this.#fallen.push(...unconfirmed);
    this.#turns.take(() => this.#sendFallen()).catch((cause: unknown) => this.end(cause as Error));
  }

  end(error: Error | null): void {
    void this.#finish(error, false);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    const { peers, now } = this.#parts;
    const members = peers();
    if (members.length > 0 && members.every(({ isLinked }) => isLinked)) {
      const outcomes = await Promise.allSettled(members.map((peer) => peer.link?.send(bytes, () => peer.sent.mark(now())) ?? Promise.reject(closed())));
      if (outcomes.every(({ status }) => status === 'fulfilled')) return;
      await this.#sendFallen();
    }
    await this.#relay(bytes);
  }

  async #relay(bytes: Uint8Array): Promise<void> {
    const { relay, peers, now } = this.#parts;
    await relay(this, bytes);
    for (const peer of peers()) {
      peer.sent.note(bytes, now());
      peer.link?.unmark();
    }
  }

  async #sendFallen(): Promise<void> {
    for (let bytes = this.#fallen[0]; bytes !== undefined && !this.#isEnded; bytes = this.#fallen[0]) {
      await this.#relay(bytes);
      this.#fallen.shift();
    }
  }

  async #finish(error: Error | null, isOrderly: boolean): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#inbox.end(error);
    await this.#parts.ended(isOrderly);
  }
}
