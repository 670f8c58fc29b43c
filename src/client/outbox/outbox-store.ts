// Where own sealed entries are kept until nobody can need them from this device any more.

/** An own entry. Sealing again would make another entry, so the bytes are kept. */
export interface OutboxEntry {
  readonly pushSeq: number;
  readonly keyEpoch: number;
  readonly entryId: Uint8Array;
  readonly sealed: Uint8Array;
  /** Its place in the log; 0 while no relay is known to hold it. */
  readonly seq: number;
  /** Every live device has it; it is kept for a relay that lacks it. */
  readonly shared?: boolean;
}

/** Durable storage of the outbox. Calls come one at a time; each is durable when its promise resolves. */
export interface OutboxStore {
  /** Everything held, ascending by push_seq. */
  load(): Promise<readonly OutboxEntry[]>;
  /** Adds entries, or replaces those with the same push_seq. */
  put(entries: readonly OutboxEntry[]): Promise<void>;
  /** Forgets everything up to this push_seq. */
  remove(upToPushSeq: number): Promise<void>;
}

/** Keeps the outbox for the life of the process. */
export class MemoryOutboxStore implements OutboxStore {
  readonly #entries = new Map<number, OutboxEntry>();

  async load(): Promise<readonly OutboxEntry[]> {
    return [...this.#entries.values()].toSorted((a, b) => a.pushSeq - b.pushSeq);
  }

  async put(entries: readonly OutboxEntry[]): Promise<void> {
    for (const entry of entries) this.#entries.set(entry.pushSeq, entry);
  }

  async remove(upToPushSeq: number): Promise<void> {
    for (const pushSeq of this.#entries.keys()) if (pushSeq <= upToPushSeq) this.#entries.delete(pushSeq);
  }
}
