// What an app learns about its pushes: queued, stored by the relay, seen by other devices.
import { toHex } from '../../protocol/hex.js';
import { ClientError } from '../client-error.js';
import { WRITES_TRACKED_MAX } from '../limits.js';
import { DurabilityWaiters } from './durability-waiters.js';
import type { Durability } from './durability-waiters.js';

export type { Durability };

/** `queued`: on this device; `stored`: receipted by the relay, or found in its log; `seen`: acked by another device. */
export type WriteState = 'queued' | 'stored' | 'seen';

/** One pushed item. Items that gathered in one batch share their fate. */
export interface Write {
  readonly state: WriteState;
  /** Keys (hex) of the other devices that acked it. */
  readonly seenBy: readonly string[];
  /** The push_seq of its entry; null while the batch gathers, and when it could not be stored. */
  readonly pushSeq: number | null;
  /** Resolves when the write is that durable; rejects with the signal's reason, or `closed` when the space is closed first. */
  durable(level: Durability, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** The entry that a batch of writes became. */
export class BatchWrite implements Write {
  #pushSeq: number | null = null;
  #seq = 0;
  #failure: unknown;
  readonly #seenBy = new Set<string>();
  /** Made for the first who waits: nobody does for most writes. */
  #waiters: DurabilityWaiters | undefined;

  get state(): WriteState {
    if (this.#seenBy.size > 0) return 'seen';
    return this.#seq > 0 ? 'stored' : 'queued';
  }

  get seenBy(): readonly string[] {
    return [...this.#seenBy];
  }

  get pushSeq(): number | null {
    return this.#pushSeq;
  }

  get seq(): number {
    return this.#seq;
  }

  async durable(level: Durability, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    if (this.#reached(level)) return;
    if (this.#failure !== undefined) throw this.#failure;
    this.#waiters ??= new DurabilityWaiters((wanted) => this.#reached(wanted));
    await this.#waiters.wait(level, signal);
  }

  sealed(pushSeq: number | null): void {
    this.#pushSeq = pushSeq;
  }

  /** Its place in the log; 0 when a log reset lost it. */
  stored(seq: number): boolean {
    if (this.#seq === seq) return false;
    this.#seq = seq;
    this.#waiters?.settle();
    return true;
  }

  seen(device: Uint8Array): boolean {
    const name = toHex(device);
    if (this.#seq === 0 || this.#seenBy.has(name)) return false;
    this.#seenBy.add(name);
    this.#waiters?.settle();
    return true;
  }

  fail(cause: unknown): void {
    this.#failure = cause;
    this.#waiters?.fail(cause);
  }

  #reached(level: Durability): boolean {
    return level === 'relay' ? this.state !== 'queued' : this.state === 'seen';
  }
}

interface DeviceAck {
  readonly device: Uint8Array;
  size: number;
  /** Tracked writes up to this push_seq are known to be seen by the device. */
  upTo: number;
}

/** The writes of this process whose fate is not final. */
export class WriteTracker {
  readonly #writes = new Map<number, BatchWrite>();
  readonly #acked = new Map<string, DeviceAck>();
  readonly #changed: (write: Write) => void;

  constructor(changed: (write: Write) => void) {
    this.#changed = changed;
  }

  add(pushSeq: number, write: BatchWrite): void {
    write.sealed(pushSeq);
    this.#writes.set(pushSeq, write);
  }

  /** Its entry could not be stored; the next one gets the push_seq. */
  remove(pushSeq: number): void {
    this.#writes.get(pushSeq)?.sealed(null);
    this.#writes.delete(pushSeq);
  }

  stored(pushSeq: number, seq: number): void {
    const write = this.#writes.get(pushSeq);
    if (write === undefined || !write.stored(seq)) return;
    for (const { device, size } of this.#acked.values()) if (seq <= size) write.seen(device);
    this.#changed(write);
  }

  /** Another device holds everything up to that size. */
  acked(device: Uint8Array, size: number): void {
    const name = toHex(device);
    const ack = this.#acked.get(name) ?? { device, size, upTo: 0 };
    this.#acked.set(name, ack);
    ack.size = size;
    // Tracked push_seqs are consecutive and their seqs ascend, so what an earlier ack covered is not gone through again.
    const [first] = this.#writes.keys();
    for (let pushSeq = Math.max(ack.upTo + 1, first ?? 0); ; pushSeq += 1) {
      const write = this.#writes.get(pushSeq);
      if (write === undefined || write.seq === 0 || write.seq > size) break;
      ack.upTo = pushSeq;
      if (write.seen(device)) this.#changed(write);
    }
  }

  /** After a log reset: places above the base, and acks of the old log epoch, count no more. */
  reopen(aboveSeq: number): void {
    this.#acked.clear();
    for (const write of this.#writes.values()) if (write.seq > aboveSeq && write.stored(0)) this.#changed(write);
  }

  /** Every live device has these; those that no other device has seen yet wait for devices to come. */
  release(upToPushSeq: number): void {
    for (const [pushSeq, write] of this.#writes) {
      if (pushSeq > upToPushSeq) break;
      if (write.state === 'seen' || this.#writes.size > WRITES_TRACKED_MAX) this.#writes.delete(pushSeq);
    }
  }

  close(): void {
    for (const write of this.#writes.values()) write.fail(new ClientError('closed', 'the space was closed'));
    this.#writes.clear();
  }
}
