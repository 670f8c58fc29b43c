// Changes of a tab that no leader is known to have stored.

/** Bytes and number of changes held one by one; beyond it the whole document stands for all of them. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;
const HELD_CHANGES_MAX = 4096;

export interface HeldChange {
  readonly number: number;
  readonly change: Uint8Array;
}

export class HeldChanges {
  readonly #state: () => Uint8Array;
  readonly #changes = new Map<number, Uint8Array>();
  #number = 0;
  #bytes = 0;

  /** `state` gives the whole document, as a change. */
  constructor(state: () => Uint8Array) {
    this.#state = state;
  }

  get any(): boolean {
    return this.#changes.size > 0;
  }

  /** Gives the change its number. */
  add(change: Uint8Array): number {
    if (this.#changes.size >= HELD_CHANGES_MAX || this.#bytes + change.length > HELD_BYTES_MAX) {
      this.#changes.clear();
      this.#bytes = 0;
      return this.#put(this.#state());
    }
    return this.#put(change);
  }

  get(number: number): Uint8Array | undefined {
    return this.#changes.get(number);
  }

  all(): readonly HeldChange[] {
    return [...this.#changes].map(([number, change]) => ({ number, change }));
  }

  /** Gives all of them away. */
  takeAll(): readonly HeldChange[] {
    const all = this.all();
    this.kept(this.#number);
    return all;
  }

  /** A leader has everything up to that number in its storage. */
  kept(upTo: number): void {
    for (const [number, change] of this.#changes) {
      if (number > upTo) break;
      this.#changes.delete(number);
      this.#bytes -= change.length;
    }
  }

  #put(change: Uint8Array): number {
    this.#number += 1;
    this.#bytes += change.length;
    this.#changes.set(this.#number, change);
    return this.#number;
  }
}
