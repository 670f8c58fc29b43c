// A push of one tab, wherever it is: held in the tab, in the storage of the tab that leads, on the relay's disk, at another device.
import { ClientError } from '../client-error.js';
import { DurabilityWaiters } from '../sync/durability-waiters.js';
import type { Durability } from '../sync/durability-waiters.js';
import type { Write, WriteState } from '../sync/writes.js';

/** `held`: in this tab alone; the rest as of any write. */
export type TabWriteState = 'held' | WriteState;

const ORDER: readonly TabWriteState[] = ['held', 'queued', 'stored', 'seen'];
const NEEDED: Readonly<Record<Durability, TabWriteState>> = { relay: 'stored', device: 'seen' };

/** One pushed item of a tab. */
export class TabWrite {
  #state: TabWriteState = 'held';
  #seenBy: readonly string[] = [];
  #failure: ClientError | undefined;
  /** Made for the first who waits: nobody does for most writes. */
  #waiters: DurabilityWaiters | undefined;

  /** How far it came; `held` is in this tab alone. */
  get state(): TabWriteState {
    return this.#state;
  }

  /** Keys (hex) of the other devices that acked it. */
  get seenBy(): readonly string[] {
    return this.#seenBy;
  }

  /** Resolves when the write is that durable; rejects with the signal's reason, or when the write is given up. */
  async durable(level: Durability, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    if (this.#reached(level)) return;
    if (this.#failure !== undefined) throw this.#failure;
    this.#waiters ??= new DurabilityWaiters((wanted) => this.#reached(wanted));
    await this.#waiters.wait(level, signal);
  }

  /** It came that far; false when it had come so far before. */
  become(state: TabWriteState, seenBy: readonly string[] = []): boolean {
    if (seenBy.length > this.#seenBy.length) this.#seenBy = seenBy;
    if (ORDER.indexOf(state) <= ORDER.indexOf(this.#state)) return false;
    this.#state = state;
    this.#waiters?.settle();
    return true;
  }

  /** From now on it is that write of this tab's own space; `lost` when that tells no more of it. */
  follow(write: Write, lost: (cause: unknown) => void): void {
    this.become('queued');
    write.durable('relay').then(() => this.become('stored'), () => undefined);
    // Whatever ends the wait for the relay ends this one too.
    write.durable('device').then(() => this.become('seen', write.seenBy), lost);
  }

  fail(cause: unknown): void {
    this.#failure ??= cause instanceof ClientError ? cause : new ClientError('internal', 'the write failed', { cause });
    this.#waiters?.fail(this.#failure);
  }

  #reached(level: Durability): boolean {
    return ORDER.indexOf(this.#state) >= ORDER.indexOf(NEEDED[level]);
  }
}
