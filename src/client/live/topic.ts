/*
 * One topic: the peers that joined it, and a pipe to each of them.
 *
 * Invariants: T1 what is sent to a peer and not taken by it is at most the window, so a slow receiver slows its senders; T2 messages
 * of a peer are handed on one after the other and credited only when the listener is done with them; T3 each stream of a peer is
 * without gaps: a message that is missing, repeated, stale or forged ends that peer's pipe.
 */
import { ZEROS } from '../../protocol/hash.js';
import { toHex } from '../../protocol/hex.js';
import { TOPIC_MESSAGE_BYTES_MAX, TOPIC_MESSAGE_OVERHEAD_BYTES, TOPIC_WINDOW_BYTES } from '../../protocol/limits.js';
import type { TopicCreditFrame, TopicDataFrame, TopicJoinedFrame, TopicPeerFrame } from '../../protocol/live-frame.js';
import { ClientError } from '../client-error.js';
import { plainBytes } from '../plain-bytes.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { livePayloadBytesMax, liveSealedBytes } from '../crypto/live-seal.js';
import type { OpenedLive } from '../crypto/live-seal.js';
import { Emitter } from '../emitter.js';
import { TOPIC_SENDS_WAITING_MAX, TOPIC_STALL_MS } from '../limits.js';
import type { SpaceContext } from '../space/space-context.js';
import { LiveRejected } from './live-crypto.js';
import type { LiveCrypto } from './live-crypto.js';

/** Largest payload of one message, in bytes. */
export const TOPIC_PAYLOAD_BYTES_MAX = livePayloadBytesMax(TOPIC_MESSAGE_BYTES_MAX);

/** Another session in the topic; one device may have several. */
export interface TopicPeer {
  /** Its number, as long as it stays. */
  readonly id: number;
  /** The public key of its device in hexadecimal. */
  readonly device: string;
}

export interface TopicMessage {
  readonly peer: TopicPeer;
  readonly payload: Uint8Array;
  /** Whether it went to every peer. */
  readonly toAll: boolean;
}

export interface TopicEvents {
  readonly joined: TopicPeer;
  readonly left: TopicPeer;
  /** This session is in the topic (again), alone until peers are told of. */
  readonly open: undefined;
  /** The relay took this session out, or refused to let it in; join again. */
  readonly closed: ClientError;
}

export interface TopicSendOptions {
  /** One peer; every peer that is known when it is sent, when absent. */
  readonly to?: number;
  readonly signal?: AbortSignal;
}

/** A way to the other sessions that joined the same name; nothing of it is stored. */
export interface Topic {
  readonly name: string;
  /** Who is there besides this session. */
  peers(): readonly TopicPeer[];
  /** Resolves when this session is in the topic. */
  joined(): Promise<void>;
  /**
   * Resolves when the message is on its way. It waits while a receiver has not taken what it was sent before, and rejects with
   * `topic_stalled` after 30 seconds of that. Messages to one peer arrive in order, and so do those to all.
   */
  send(payload: Uint8Array, options?: TopicSendOptions): Promise<void>;
  /** The one receiver of messages. What it returns is waited for before that peer may go on, so a slow one slows its senders. */
  receive(listener: (message: TopicMessage) => void | Promise<void>): void;
  on<K extends keyof TopicEvents>(name: K, listener: (event: TopicEvents[K]) => void): () => void;
  leave(): void;
}

interface Peer extends TopicPeer {
  readonly key: Uint8Array;
  /** Sent to it and not taken. */
  owed: number;
  /** Number of the newest message sent to it alone. */
  sent: number;
  /** Attested start of its session, by its first message. */
  started: number | undefined;
  /** Numbers of the newest messages that came from it, by stream. */
  one: number;
  all: number | undefined;
  /** Its messages, one after the other. */
  queue: Promise<void>;
  broken: boolean;
}

export interface TopicParts {
  readonly context: SpaceContext;
  readonly crypto: LiveCrypto;
  /** Ends it for the relay and for the list of topics. */
  readonly left: (topic: SpaceTopic) => void;
}

export class SpaceTopic implements Topic {
  readonly name: string;
  readonly key: Uint8Array;
  readonly #parts: TopicParts;
  readonly #events: Emitter<TopicEvents>;
  readonly #peers = new Map<number, Peer>();
  readonly #waiters = new Set<() => void>();
  #place: { readonly link: SessionLink; readonly number: number } | undefined;
  #listener: ((message: TopicMessage) => void | Promise<void>) | undefined;
  #ended: ClientError | undefined;
  #sends = 0;
  /** Number of the newest message sent to all in this session. */
  #sentToAll = 0;
  #highest = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(name: string, key: Uint8Array, parts: TopicParts) {
    this.name = name;
    this.key = key;
    this.#parts = parts;
    this.#events = new Emitter((cause) => parts.context.events.emit('error', new ClientError('internal', 'a listener of the app threw', { cause })));
  }

  /** What stands for it in this session. */
  get number(): number | undefined {
    return this.#place?.number;
  }

  peers(): readonly TopicPeer[] {
    return [...this.#peers.values()].filter(({ broken }) => !broken).map(({ id, device }) => ({ id, device }));
  }

  joined(): Promise<void> {
    return this.#until(() => this.#place !== undefined);
  }

  async send(given: Uint8Array, { to, signal }: TopicSendOptions = {}): Promise<void> {
    const payload = plainBytes(given);
    if (payload.length > TOPIC_PAYLOAD_BYTES_MAX) throw new ClientError('item_too_large', `a message of a topic carries at most ${TOPIC_PAYLOAD_BYTES_MAX} bytes`);
    if (this.#sends >= TOPIC_SENDS_WAITING_MAX) throw new ClientError('topic_full', 'too many messages wait to be sent', { temporary: true, hint: 'Wait for the promises of send().' });
    this.#sends += 1;
    // One after the other, so that all of them leave in the order of the calls.
    const sent = this.#queue.then(() => this.#sendNow(payload, to, signal));
    this.#queue = sent.catch(() => undefined);
    await sent.finally(() => {
      this.#sends -= 1;
    });
  }

  receive(listener: (message: TopicMessage) => void | Promise<void>): void {
    this.#listener = listener;
    this.#moved();
  }

  on<K extends keyof TopicEvents>(name: K, listener: (event: TopicEvents[K]) => void): () => void {
    return this.#events.on(name, listener);
  }

  leave(): void {
    if (this.#ended !== undefined) return;
    const place = this.#place;
    this.end(new ClientError('closed', 'the topic was left'));
    if (place !== undefined) place.link.send({ type: 'TopicLeave', number: place.number });
    this.#parts.left(this);
  }

  /** Ends every wait; nothing is sent or handed on any more. */
  end(error: ClientError): void {
    this.#ended = error;
    this.down();
  }

  /** The relay ended or refused it. */
  close(error: ClientError): void {
    this.end(error);
    this.#events.emit('closed', error);
  }

  opened(link: SessionLink, frame: TopicJoinedFrame): void {
    this.#place = { link, number: frame.number };
    this.#sentToAll = 0;
    this.#highest = 0;
    this.#events.emit('open', undefined);
    this.#moved();
  }

  /** The session is over, and with it everyone's membership as seen from here. */
  down(): void {
    this.#place = undefined;
    for (const id of [...this.#peers.keys()]) this.#gone(id);
    this.#moved();
  }

  peer(frame: TopicPeerFrame): void {
    if (!frame.present) {
      this.#gone(frame.peer);
    } else if (!this.#peers.has(frame.peer)) {
      const device = toHex(frame.device);
      const pipes = { owed: 0, sent: 0, started: undefined, one: 0, all: undefined, queue: Promise.resolve(), broken: false };
      this.#peers.set(frame.peer, { id: frame.peer, device, key: frame.device, ...pipes });
      this.#highest = Math.max(this.#highest, frame.peer);
      this.#events.emit('joined', { id: frame.peer, device });
    }
    this.#moved();
  }

  credit(frame: TopicCreditFrame): void {
    const peer = this.#peers.get(frame.peer);
    if (peer !== undefined) peer.owed = Math.max(0, peer.owed - frame.bytes);
    this.#moved();
  }

  /** Queues a message behind those of the same peer; bounded by the window that the relay keeps. */
  take(frame: TopicDataFrame): void {
    const peer = this.#peers.get(frame.peer);
    if (peer !== undefined) peer.queue = peer.queue.then(() => this.#handOn(peer, frame));
  }

  async #sendNow(payload: Uint8Array, to: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    const charge = liveSealedBytes(payload.length) + TOPIC_MESSAGE_OVERHEAD_BYTES;
    const fits = (): boolean => this.#receivers(to).every(({ owed }) => owed + charge <= TOPIC_WINDOW_BYTES);
    await this.#until(() => this.#place !== undefined && (to === undefined || !this.#peers.has(to) || fits()) && fits(), signal, TOPIC_STALL_MS);
    const place = this.#place;
    if (place === undefined) throw new ClientError('offline', 'the connection ended', { temporary: true });
    const receivers = this.#receivers(to);
    const [first] = receivers;
    if (first === undefined) {
      if (to === undefined) return;
      throw new ClientError('peer_left', 'the peer is not in the topic any more', { temporary: true });
    }
    for (const receiver of receivers) receiver.owed += charge;
    const highest = this.#highest;
    const number = to === undefined ? (this.#sentToAll += 1) : (first.sent += 1);
    const sealed = await this.#parts.crypto.seal({ purpose: 'topic', topic: this.key, to: to === undefined ? ZEROS : first.key }, number, payload);
    if (sealed === undefined) throw new ClientError('removed', 'this device has no key of the present key epoch');
    if (this.#place !== place) throw new ClientError('offline', 'the connection ended', { temporary: true });
    place.link.send({ type: 'TopicSend', number: place.number, toAll: to === undefined, peer: to ?? highest, ...sealed });
  }

  #receivers(to: number | undefined): readonly Peer[] {
    if (to === undefined) return [...this.#peers.values()];
    const peer = this.#peers.get(to);
    return peer === undefined ? [] : [peer];
  }

  async #handOn(peer: Peer, frame: TopicDataFrame): Promise<void> {
    const place = this.#place;
    if (peer.broken || place === undefined) return;
    try {
      const to = frame.toAll ? ZEROS : this.#parts.context.device.key;
      const opened = await this.#parts.crypto.open(peer.key, { purpose: 'topic', topic: this.key, to }, frame);
      judge(peer, frame.toAll, opened);
      await this.#until(() => this.#listener !== undefined);
      await this.#listener?.({ peer: { id: peer.id, device: peer.device }, payload: opened.payload, toAll: frame.toAll });
    } catch (cause) {
      if (this.#ended !== undefined) return;
      if (cause instanceof LiveRejected) {
        // What follows a message that does not hold is worth nothing: the peer is as good as gone.
        peer.broken = true;
        this.#parts.context.events.emit('live-rejected', { device: peer.device, reason: cause.reason });
        this.#events.emit('left', { id: peer.id, device: peer.device });
        return;
      }
      this.#parts.context.events.emit('error', new ClientError('internal', 'a receiver of a topic threw', { cause }));
    }
    if (this.#place === place && this.#peers.has(peer.id)) {
      place.link.send({ type: 'TopicCredit', number: place.number, peer: peer.id, bytes: frame.sealed.length + TOPIC_MESSAGE_OVERHEAD_BYTES });
    }
  }

  #gone(id: number): void {
    const peer = this.#peers.get(id);
    this.#peers.delete(id);
    if (peer !== undefined && !peer.broken) this.#events.emit('left', { id, device: peer.device });
  }

  #moved(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #until(reached: () => boolean, signal?: AbortSignal, timeoutMs?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        this.#waiters.delete(check);
        signal?.removeEventListener('abort', check);
        timer?.cancel();
        finish();
      };
      const check = (): void => {
        const ended = this.#ended;
        if (ended !== undefined) settle(() => reject(ended));
        else if (signal?.aborted === true) settle(() => reject(signal.reason as Error));
        else if (reached()) settle(resolve);
      };
      const stalled = (): void => settle(() => reject(new ClientError('topic_stalled', 'a receiver did not take what it was sent', { temporary: true })));
      const timer = timeoutMs === undefined ? undefined : this.#parts.context.environment.after(timeoutMs, stalled);
      this.#waiters.add(check);
      signal?.addEventListener('abort', check);
      check();
    });
  }
}

// A peer is one session, so all its messages are of one start; each of its streams goes on by one.
function judge(peer: Peer, toAll: boolean, { started, number }: OpenedLive): void {
  if (peer.started !== undefined && started !== peer.started) throw new LiveRejected('replayed');
  peer.started = started;
  const last = toAll ? peer.all : peer.one;
  if (last !== undefined && number !== last + 1) throw new LiveRejected(number <= last ? 'replayed' : 'gap');
  if (toAll) peer.all = number;
  else peer.one = number;
}
