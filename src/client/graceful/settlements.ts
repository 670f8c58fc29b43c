// Who waits for the fate of changes, until all is known, nothing can be sent for now, or it takes too long.
import type { Environment, Timer } from '../environment.js';

/** The fates of some changes, by their tokens. */
export class Settlement {
  /** Those whose fate is not known. */
  readonly open = new Set<string>();
  /** Reasons of those that no relay will store. */
  readonly refused = new Map<string, string>();
  readonly #ended: (settlement: Settlement) => void;
  #done: (() => void) | null = null;
  #timer: Timer | undefined;

  constructor(ended: (settlement: Settlement) => void) {
    this.#ended = ended;
  }

  get isAwaited(): boolean {
    return this.#done !== null;
  }

  /** Resolves when all fates are known, or when it is ended. */
  async wait(limitMs: number, environment: Pick<Environment, 'after'>): Promise<void> {
    if (this.open.size > 0) {
      await new Promise<void>((resolve) => {
        this.#done = resolve;
        this.#timer = environment.after(limitMs, () => this.end());
      });
    }
    this.end();
  }

  settle(token: string, reason: string | null): void {
    if (!this.open.delete(token)) return;
    if (reason !== null) this.refused.set(token, reason);
    if (this.open.size === 0 && this.isAwaited) this.end();
  }

  end(): void {
    this.#timer?.cancel();
    this.#ended(this);
    this.#done?.();
  }
}

export class Settlements {
  readonly #all = new Set<Settlement>();

  /** From now on it hears of every fate; which ones it is about is said by adding them to `open`. */
  begin(): Settlement {
    const settlement = new Settlement((ended) => this.#all.delete(ended));
    this.#all.add(settlement);
    return settlement;
  }

  stored(tokens: readonly string[]): void {
    for (const settlement of [...this.#all]) for (const token of tokens) settlement.settle(token, null);
  }

  refused(token: string, reason: string): void {
    for (const settlement of [...this.#all]) settlement.settle(token, reason);
  }

  /** Nothing can be sent for now: nobody waits longer for it. */
  giveUp(): void {
    for (const settlement of [...this.#all]) if (settlement.isAwaited) settlement.end();
  }
}
