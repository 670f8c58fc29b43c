/*
 * What a session over HTTP reads of its space: one answer that stays open, and where the network holds such answers back, one request after the
 * other that waits for news. Both go on from the same cursor.
 *
 * Invariants: L1 an entry is handed on once: the open answer is given up for good before the first request of the other kind; L2 an answer counts
 * as held back when it has not begun in time, or when the relay attests elsewhere what it has not brought for a while; L3 no answer that is
 * waited for then stays open, so acks, which only a subscription brings, are asked for by one that ends at once.
 */
import { ByteReader } from '../../protocol/byte-reader.js';
import { writeClientFrame } from '../../protocol/client-frame-writer.js';
import { FRAME_TYPE } from '../../protocol/frame-type.js';
import { OMIT_OWN_BODIES } from '../../protocol/limits.js';
import type { Environment, Timer } from '../environment.js';
import { ACKS_ASKED_AFTER_MS, INBOUND_BYTES_MAX, POLL_WAIT_MS, REQUEST_TIMEOUT_MS, STREAM_BEHIND_MS, STREAM_START_MS } from '../limits.js';
import { framesIn, wholeFramesEnd } from './http-frames.js';

export interface LiveAnswerOptions {
  readonly environment: Pick<Environment, 'after'>;
  readonly get: (path: string, signal: AbortSignal) => Promise<Response>;
  /** One request of its own. */
  readonly ask: (frames: readonly Uint8Array[]) => Promise<readonly Uint8Array[]>;
  readonly deliver: (frames: readonly Uint8Array[]) => void;
  /** The session is over. */
  readonly failed: () => void;
}

export class LiveAnswer {
  readonly #options: LiveAnswerOptions;
  readonly #epoch: number;
  readonly #omitsOwn: boolean;
  readonly #ending = new AbortController();
  readonly #givingUp = new AbortController();
  /** The last seq that was handed on. */
  #after: number;
  #isHeldBack = false;
  #patience: Timer | undefined;
  /** Set until the acks came that were asked for. */
  #acksDue: Timer | undefined;
  #wantsAcks = false;

  /** `subscribe` is that frame. */
  constructor(subscribe: Uint8Array, options: LiveAnswerOptions) {
    const reader = new ByteReader(subscribe.subarray(1));
    this.#epoch = reader.u64();
    this.#after = reader.u64();
    this.#omitsOwn = (reader.u8() & OMIT_OWN_BODIES) !== 0;
    this.#options = options;
    void this.#run();
  }

  end(): void {
    this.#ending.abort();
    this.#patience?.cancel();
    this.#acksDue?.cancel();
  }

  /** The relay said elsewhere how much it holds. */
  attested(logEpoch: number, size: number): void {
    if (this.#isHeldBack) return this.#wantAcks();
    if (this.#patience !== undefined || logEpoch !== this.#epoch || size <= this.#after) return;
    this.#wait(STREAM_BEHIND_MS);
  }

  async #run(): Promise<void> {
    try {
      await this.#stream().catch((cause: unknown) => {
        if (!this.#isHeldBack) throw cause;
      });
      if (this.#isHeldBack) return await this.#poll();
    } catch {
      // Whatever it was, the session goes on from its cursor.
    }
    this.#patience?.cancel();
    this.#acksDue?.cancel();
    if (!this.#ending.signal.aborted) this.#options.failed();
  }

  async #stream(): Promise<void> {
    this.#wait(STREAM_START_MS);
    const path = `/v1/subscribe?log_epoch=${this.#epoch}&after=${this.#after}${this.#omitsOwn ? '&omit_own=1' : ''}`;
    const answer = await this.#options.get(path, AbortSignal.any([this.#ending.signal, this.#givingUp.signal]));
    this.#waitNoMore();
    const reader = answer.body?.getReader();
    let held = new Uint8Array();
    for (let piece = await reader?.read(); piece?.value !== undefined && !this.#isHeldBack; piece = await reader?.read()) {
      this.#waitNoMore();
      held = joined(held, piece.value);
      if (held.length > INBOUND_BYTES_MAX) return;
      const end = wholeFramesEnd(held);
      this.#take(framesIn(held.subarray(0, end)));
      held = held.slice(end);
    }
  }

  async #poll(): Promise<void> {
    for (let isFollowed = true; isFollowed && !this.#ending.signal.aborted; ) {
      const path = `/v1/pull?log_epoch=${this.#epoch}&after=${this.#after}&wait_ms=${POLL_WAIT_MS}`;
      const answer = await this.#options.get(path, AbortSignal.any([this.#ending.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]));
      // What is no entries (a log that was reset, a cursor that expired) is answered by another Subscribe.
      isFollowed = this.#take(framesIn(new Uint8Array(await answer.arrayBuffer())));
    }
  }

  #wantAcks(): void {
    this.#wantsAcks = true;
    this.#acksDue ??= this.#options.environment.after(ACKS_ASKED_AFTER_MS, () => void this.#askForAcks());
  }

  async #askForAcks(): Promise<void> {
    this.#wantsAcks = false;
    // The second is of a log epoch that is over, so it ends the first and does not begin.
    const twice = [this.#epoch, this.#epoch - 1].map((logEpoch) => writeClientFrame({ type: 'Subscribe', logEpoch, after: this.#after, omitOwnBodies: true }, []));
    const answered = await this.#options.ask(twice).catch(() => []);
    if (this.#ending.signal.aborted) return;
    this.#options.deliver(answered.filter((frame) => frame[0] === FRAME_TYPE.AckNotice));
    this.#acksDue = undefined;
    if (this.#wantsAcks) this.#wantAcks();
  }

  /** Hands frames on; whether entries were among them. */
  #take(frames: readonly Uint8Array[]): boolean {
    const entries = frames.filter((frame) => frame[0] === FRAME_TYPE.Entries);
    for (const frame of entries) this.#after = Math.max(this.#after, lastSeqOf(frame));
    if (!this.#ending.signal.aborted) this.#options.deliver(frames);
    return entries.length > 0;
  }

  #wait(ms: number): void {
    this.#patience = this.#options.environment.after(ms, () => {
      this.#isHeldBack = true;
      this.#givingUp.abort();
    });
  }

  #waitNoMore(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
  }
}

/** Of an Entries frame: request, flags, first seq and number of items are its first fields. */
function lastSeqOf(frame: Uint8Array): number {
  const reader = new ByteReader(frame.subarray(1));
  reader.u32();
  reader.u8();
  return reader.u64() + reader.u16() - 1;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
