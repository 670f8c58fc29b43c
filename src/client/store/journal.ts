// What an app keeps beside its device: the state that its entries made. It lies in the same storage, and is written before the device's position in
// the log is, so that after a crash the position is never ahead of the state.

/** An ordered list of byte strings. Calls come one at a time; each is durable when its promise resolves. */
export interface Journal {
  /** Everything held, oldest first. */
  load(): Promise<readonly Uint8Array[]>;
  append(records: readonly Uint8Array[]): Promise<void>;
  /** Puts these records in the place of all others, whole or not at all. */
  replace(records: readonly Uint8Array[]): Promise<void>;
}

/** Keeps the journal for the life of the process. */
export class MemoryJournal implements Journal {
  #records: Uint8Array[] = [];

  async load(): Promise<readonly Uint8Array[]> {
    return this.#records;
  }

  async append(records: readonly Uint8Array[]): Promise<void> {
    this.#records.push(...records);
  }

  async replace(records: readonly Uint8Array[]): Promise<void> {
    this.#records = [...records];
  }
}
