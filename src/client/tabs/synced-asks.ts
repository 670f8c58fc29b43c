// Calls of whenSynced() in a tab: the one that leads asks the relay for them, and whoever leads next is asked again.

export class SyncedAsks {
  readonly #ask: (number: number) => void;
  readonly #open = new Set<number>();
  #newest = 0;

  /** `ask` hands a call to whoever leads, where that is known. */
  constructor(ask: (number: number) => void) {
    this.#ask = ask;
  }

  /** Begins a call, and gives what says whether it is answered. */
  begin(): () => boolean {
    this.#newest += 1;
    const number = this.#newest;
    this.#open.add(number);
    this.#ask(number);
    return () => !this.#open.has(number);
  }

  /** Somebody else leads. */
  again(): void {
    for (const number of this.#open) this.#ask(number);
  }

  answered(number: number): void {
    this.#open.delete(number);
  }
}
