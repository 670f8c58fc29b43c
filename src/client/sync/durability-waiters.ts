// Who waits until a write is durable. What durable means, and when a write gets there, the write says itself.

/** `relay`: on the relay's disk; `device`: acked by another device of the space, whatever the relay says. */
export type Durability = 'relay' | 'device';

interface Waiter {
  readonly level: Durability;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

export class DurabilityWaiters {
  readonly #reached: (level: Durability) => boolean;
  readonly #waiters = new Set<Waiter>();

  /** `reached` says whether the write is that durable by now. */
  constructor(reached: (level: Durability) => boolean) {
    this.#reached = reached;
  }

  /** Resolves at the `settle` by which the level is reached; rejects with the signal's reason, or with what `fail` is told. */
  async wait(level: Durability, signal: AbortSignal | undefined): Promise<void> {
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

  /** The write came further. */
  settle(): void {
    for (const waiter of this.#waiters) {
      if (!this.#reached(waiter.level)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** The write will not come further. */
  fail(cause: unknown): void {
    for (const { reject } of this.#waiters) reject(cause);
    this.#waiters.clear();
  }
}
