// Who waits for the fate of changes, until all is known, nothing can be sent for now, or it takes too long.
import type { Environment, Timer } from '../environment.js';

export interface Fates {
  /** Those whose fate was asked for and is not known. */
  readonly open: ReadonlySet<string>;
  readonly stored: ReadonlySet<string>;
  /** Reasons by token. */
  readonly refused: ReadonlyMap<string, string>;
}

interface Waiting {
  readonly open: Set<string>;
  readonly stored: Set<string>;
  readonly refused: Map<string, string>;
  readonly done: (fates: Fates) => void;
  readonly timer: Timer;
}

export class Settlements {
  readonly #waiting = new Set<Waiting>();

  /** The fates of these, as far as they are known by then. */
  of(tokens: readonly string[], limitMs: number, environment: Pick<Environment, 'after'>): Promise<Fates> {
    if (tokens.length === 0) return Promise.resolve({ open: new Set(), stored: new Set(), refused: new Map() });
    return new Promise((resolve) => {
      const waiting: Waiting = { open: new Set(tokens), stored: new Set(), refused: new Map(), done: resolve, timer: environment.after(limitMs, () => this.#end(waiting)) };
      this.#waiting.add(waiting);
    });
  }

  stored(tokens: readonly string[]): void {
    for (const waiting of [...this.#waiting]) {
      for (const token of tokens) if (waiting.open.delete(token)) waiting.stored.add(token);
      if (waiting.open.size === 0) this.#end(waiting);
    }
  }

  refused(token: string, reason: string): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.open.delete(token)) waiting.refused.set(token, reason);
      if (waiting.open.size === 0) this.#end(waiting);
    }
  }

  /** Nothing can be sent for now: nobody waits longer for it. */
  giveUp(): void {
    for (const waiting of [...this.#waiting]) this.#end(waiting);
  }


  #end(waiting: Waiting): void {
    waiting.timer.cancel();
    this.#waiting.delete(waiting);
    waiting.done(waiting);
  }
}
