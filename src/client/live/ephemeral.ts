// Ephemeral frames of an open space: sealed and signed here, fanned out by the relay, never stored, lost when somebody is slow.
import type { ErrorName } from '../../protocol/errors.js';
import { ZEROS } from '../../protocol/hash.js';
import { toHex } from '../../protocol/hex.js';
import { EPHEMERAL_BYTES_MAX, FEATURE_EPHEMERAL } from '../../protocol/limits.js';
import type { EphemeralFrame, EphemeralMissedFrame } from '../../protocol/live-frame.js';
import { ClientError } from '../client-error.js';
import { plainBytes } from '../plain-bytes.js';
import type { SessionLink } from '../connection/connection-handler.js';
import { livePayloadBytesMax } from '../crypto/live-seal.js';
import { EPHEMERAL_SENDERS_MAX, EPHEMERAL_SENDS_WAITING_MAX } from '../limits.js';
import type { SpaceContext } from '../space/space-context.js';
import { LiveRejected } from './live-crypto.js';
import type { LiveCrypto } from './live-crypto.js';

/** Largest payload of one ephemeral frame, in bytes. */
export const EPHEMERAL_PAYLOAD_BYTES_MAX = livePayloadBytesMax(EPHEMERAL_BYTES_MAX);

/** What another device sent. */
export interface EphemeralMessage {
  /** The sender's public key in hexadecimal; the frame is signed by it. */
  readonly device: string;
  readonly payload: Uint8Array;
  /** About when it was sent, by the relay's attested times, Unix milliseconds. */
  readonly time: number;
}

/** Presence, cursors, signalling: what is worth nothing a minute later. */
export interface Ephemeral {
  /** Sends to all other sessions that listen now. False: it was dropped, because there is no session or too much waits. */
  send(payload: Uint8Array): boolean;
  /** Hears what others send from now on; the returned function ends it. */
  subscribe(listener: (message: EphemeralMessage) => void): () => void;
  /** Called each time listening began, at once when it has: the moment to tell the others about oneself and to ask about them. */
  onListening(listener: () => void): () => void;
}

interface Seen {
  readonly started: number;
  readonly counter: number;
}

const TARGET = { purpose: 'ephemeral', topic: ZEROS, to: ZEROS } as const;

export class EphemeralFrames implements Ephemeral {
  readonly #context: SpaceContext;
  readonly #crypto: LiveCrypto;
  readonly #listeners = new Set<(message: EphemeralMessage) => void>();
  readonly #ready = new Set<() => void>();
  readonly #seen = new Map<string, Seen>();
  #link: SessionLink | undefined;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(context: SpaceContext, crypto: LiveCrypto) {
    this.#context = context;
    this.#crypto = crypto;
  }

  send(given: Uint8Array): boolean {
    const payload = plainBytes(given);
    if (payload.length > EPHEMERAL_PAYLOAD_BYTES_MAX) {
      throw new ClientError('item_too_large', `an ephemeral frame carries at most ${EPHEMERAL_PAYLOAD_BYTES_MAX} bytes`);
    }
    const link = this.#link;
    if (link === undefined || this.#waiting >= EPHEMERAL_SENDS_WAITING_MAX) return false;
    const sealed = this.#crypto.seal(TARGET, 0, payload);
    if (sealed === undefined) return false;
    this.#waiting += 1;
    this.#queue = this.#queue.then(async () => {
      try {
        const frame = await sealed;
        if (this.#link === link) link.send({ type: 'EphemeralSend', ...frame });
      } catch (cause) {
        this.#context.events.emit('error', new ClientError('internal', 'an ephemeral frame could not be sealed', { cause }));
      }
      this.#waiting -= 1;
    });
    return true;
  }

  subscribe(listener: (message: EphemeralMessage) => void): () => void {
    const entry = (message: EphemeralMessage): void => listener(message);
    this.#listeners.add(entry);
    if (this.#listeners.size === 1) this.#listen(true);
    return () => {
      if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.#listen(false);
    };
  }

  onListening(listener: () => void): () => void {
    const entry = (): void => listener();
    this.#ready.add(entry);
    if (this.#link !== undefined && this.#listeners.size > 0) this.#call(entry);
    return () => this.#ready.delete(entry);
  }

  /** A session is open; without the feature there is nobody to send to. */
  up(link: SessionLink): void {
    if ((link.features & FEATURE_EPHEMERAL) === 0n) return;
    this.#link = link;
    if (this.#listeners.size > 0) this.#listen(true);
  }

  down(): void {
    this.#link = undefined;
  }

  async take(frame: EphemeralFrame): Promise<void> {
    try {
      const opened = await this.#crypto.open(frame.device, TARGET, frame);
      const device = toHex(frame.device);
      this.#judge(device, opened);
      for (const listener of [...this.#listeners]) this.#call(() => listener({ device, payload: opened.payload, time: opened.logTime }));
    } catch (cause) {
      if (!(cause instanceof LiveRejected)) throw cause;
      this.#context.events.emit('live-rejected', { device: toHex(frame.device), reason: cause.reason });
    }
  }

  missed({ count }: EphemeralMissedFrame): void {
    this.#context.events.emit('ephemeral-missed', { count });
  }

  /** Whether an error of the relay was about ephemeral frames. */
  refused(name: ErrorName | undefined, context: number, error: ClientError): boolean {
    if (name !== 'rate_limited' || context !== 0) return false;
    this.#context.events.emit('error', error);
    return true;
  }

  // A sender's frames come in the order in which it sealed them; whatever is older was shown before.
  #judge(device: string, { started, counter }: Seen): void {
    const last = this.#seen.get(device);
    if (last !== undefined && (started < last.started || (started === last.started && counter <= last.counter))) throw new LiveRejected('replayed');
    if (last === undefined && this.#seen.size >= EPHEMERAL_SENDERS_MAX) this.#seen.clear();
    this.#seen.set(device, { started, counter });
  }

  #listen(listen: boolean): void {
    if (this.#link === undefined) return;
    this.#link.send({ type: 'EphemeralListen', listen });
    if (listen) for (const ready of [...this.#ready]) this.#call(ready);
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (cause) {
      this.#context.events.emit('error', new ClientError('internal', 'a listener of the app threw', { cause }));
    }
  }
}
