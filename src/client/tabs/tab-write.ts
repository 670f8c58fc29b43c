// A push of one tab, wherever it is: held in the tab, in the storage of the tab that leads, on the relay's disk, at another device.
import { ClientError } from '../client-error.js';
import type { Durability, Write, WriteState } from '../sync/writes.js';

/** `held`: in this tab alone; the rest as of any write. */
export type TabWriteState = 'held' | WriteState;

const ORDER: readonly TabWriteState[] = ['held', 'queued', 'stored', 'seen'];
const NEEDED: Readonly<Record<Durability, TabWriteState>> = { relay: 'stored', device: 'seen' };

interface Waiter {
  readonly level: Durability;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/** One pushed item of a tab. */
export class TabWrite {
  #state: TabWriteState = 'held';
  #seenBy: readonly string[] = [];
  #failure: ClientError | undefined;
  readonly #waiters = new Set<Waiter>();

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
    let aborted = (): void => undefined;
    await new Promise<void>((resolve, reject) => {
      const waiter = { level, resolve, reject };
      this.#waiters.add(waiter);
      aborted = () => {
        this.#waiters.delete(waiter);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', aborted, { once: true });
    }).finally(() => signal?.removeEventListener('abort', aborted));
  }

  /** It came that far; false when it had come so far before. */
  become(state: TabWriteState, seenBy: readonly string[] = []): boolean {
    if (seenBy.length > this.#seenBy.length) this.#seenBy = seenBy;
    if (ORDER.indexOf(state) <= ORDER.indexOf(this.#state)) return false;
    this.#state = state;
    for (const waiter of this.#waiters) {
      if (!this.#reached(waiter.level)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
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
    for (const { reject } of this.#waiters) reject(this.#failure);
    this.#waiters.clear();
  }

  #reached(level: Durability): boolean {
    return ORDER.indexOf(this.#state) >= ORDER.indexOf(NEEDED[level]);
  }
}
