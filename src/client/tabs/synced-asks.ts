// Calls of whenSynced() in a tab: the one that leads asks the relay for them, and whoever leads next is asked again.

export class SyncedAsks {
  readonly #ask: (number: number) => void;
  readonly #open = new Set<number>();
  #newest = 0;

  /** `ask` hands a call to whoever leads, where that is known. */
  constructor(ask: (number: number) => void) {
    this.#ask = ask;
  }

  /** Begins a call, which is open until it is ended. */
  begin(): number {
    this.#newest += 1;
    this.#open.add(this.#newest);
    this.#ask(this.#newest);
    return this.#newest;
  }

  isOpen(number: number): boolean {
    return this.#open.has(number);
  }

  /** Somebody else leads. */
  again(): void {
    for (const number of this.#open) this.#ask(number);
  }

  /** It was answered, or nobody waits for it any more. */
  end(number: number): void {
    this.#open.delete(number);
  }
}
