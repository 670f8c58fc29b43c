/*
 * The own entries that somebody may still need: those no relay holds, and those some live device has not acked.
 *
 * Invariants: O1 push_seqs are consecutive; O2 among those with a seq, seqs ascend with push_seq; O3 an entry without a seq is
 * never released; O4 unsent and held bytes are what the entries sum up to; O5 an entry may be sent once the store has it, so that no relay
 * holds what this device does not know after a crash.
 */
import { ClientError } from '../client-error.js';
import { CARRIED_BYTES_MAX, OUTBOX_ENTRIES_MAX, OUTBOX_UNSENT_BYTES_MAX } from '../limits.js';
import type { OutboxEntry, OutboxStore } from './outbox-store.js';

export class Outbox {
  readonly #store: OutboxStore;
  #entries: OutboxEntry[] = [];
  #unsentBytes = 0;
  #heldBytes = 0;
  /** The newest push_seq that the store has. */
  #keptPushSeq: number;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(store: OutboxStore, entries: readonly OutboxEntry[]) {
    this.#store = store;
    this.#entries = [...entries];
    for (const entry of entries) this.#count(entry, 1);
    this.#keptPushSeq = entries.at(-1)?.pushSeq ?? 0;
  }

  static async open(store: OutboxStore): Promise<Outbox> {
    const entries = await store.load();
    const broken = entries.some((entry, i) => i > 0 && entry.pushSeq !== (entries[i - 1]?.pushSeq ?? 0) + 1);
    if (broken) throw new ClientError('state_damaged', 'the stored outbox has gaps', { hint: 'Open the space again as a new device.' });
    return new Outbox(store, entries);
  }

  get last(): OutboxEntry | undefined {
    return this.#entries.at(-1);
  }

  /** Bytes of entries that no relay is known to hold. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Bytes of entries a relay holds and some live device may still need. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get full(): boolean {
    return this.#unsentBytes >= OUTBOX_UNSENT_BYTES_MAX || this.#entries.length >= OUTBOX_ENTRIES_MAX;
  }

  get(pushSeq: number): OutboxEntry | undefined {
    return this.#entries[pushSeq - (this.#entries[0]?.pushSeq ?? 0)];
  }

  /** Whether the store has the entry of that push_seq, so that it may be sent. */
  isKept(pushSeq: number): boolean {
    return pushSeq <= this.#keptPushSeq;
  }

  /** Resolves when nothing is being written, and nothing will be: the store may be opened by another. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing.catch(() => undefined);
  }

  /** The first entry at or above this push_seq that no relay is known to hold. */
  firstUnsent(fromPushSeq: number): OutboxEntry | undefined {
    const first = this.#entries[0]?.pushSeq ?? 0;
    for (let at = Math.max(0, fromPushSeq - first); at < this.#entries.length; at += 1) {
      const entry = this.#entries[at];
      if (entry?.seq === 0) return entry;
    }
    return undefined;
  }

  /** push_seqs up to this one of entries that no relay is known to hold. */
  unsentUpTo(pushSeq: number): readonly number[] {
    const first = this.#entries[0]?.pushSeq ?? 0;
    return this.#entries.slice(0, Math.max(0, pushSeq - first + 1)).flatMap((entry) => (entry.seq === 0 ? [entry.pushSeq] : []));
  }

  /** The highest push_seq that a relay is known to hold. */
  get storedPushSeq(): number {
    return this.#entries.findLast((entry) => entry.seq > 0)?.pushSeq ?? 0;
  }

  /** Adds the next one. False when the outbox was closed: it is not stored. One that the store refuses is taken out again, and its push_seq is free for another. */
  async append(entry: OutboxEntry): Promise<boolean> {
    this.#entries.push(entry);
    this.#count(entry, 1);
    try {
      const isStored = await this.#write(() => this.#store.put([entry]));
      if (isStored) this.#keptPushSeq = entry.pushSeq;
      return isStored;
    } catch (cause) {
      this.#entries.pop();
      this.#count(entry, -1);
      throw cause;
    }
  }

  /** Notes where entries stand; a pair is (push_seq, seq). */
  async markStored(places: readonly (readonly [number, number])[]): Promise<void> {
    const changed: OutboxEntry[] = [];
    for (const [pushSeq, seq] of places) {
      const entry = this.get(pushSeq);
      if (entry !== undefined && entry.seq !== seq) changed.push(this.#replace(entry, { ...entry, seq }));
    }
    if (changed.length > 0) await this.#write(() => this.#store.put(changed));
  }

  /** After a log reset: entries above the base are in no relay's log any more. */
  async reopen(aboveSeq: number): Promise<void> {
    const lost = this.#entries.filter((entry) => entry.seq > aboveSeq);
    const changed = lost.map((entry) => this.#replace(entry, { ...entry, seq: 0 }));
    if (changed.length > 0) await this.#write(() => this.#store.put(changed));
  }

  /** Puts re-sealed entries in the place of those with the same push_seq. */
  async reseal(entries: readonly OutboxEntry[]): Promise<void> {
    for (const entry of entries) {
      const old = this.get(entry.pushSeq);
      if (old !== undefined) this.#replace(old, entry);
    }
    await this.#write(() => this.#store.put(entries));
  }

  /**
   * Lets go of entries whose seq every live device has acked or a snapshot covers; gives the highest push_seq of them. Those above `keptAbove`
   * are kept, as shared, for the relay of another region that lacks them; of too many the oldest are forgotten.
   */
  async release(upToSeq: number, keptAbove = Number.POSITIVE_INFINITY): Promise<number> {
    const held = this.#entries.findIndex((entry) => entry.seq === 0 || entry.seq > upToSeq);
    const free = this.#entries.slice(0, held < 0 ? this.#entries.length : held);
    let bytes = 0;
    const firstKept = free.findLastIndex(({ pushSeq, sealed }) => {
      bytes += sealed.length;
      return pushSeq <= keptAbove || bytes > CARRIED_BYTES_MAX;
    }) + 1;
    const released = this.#entries.splice(0, firstKept);
    for (const entry of released) this.#count(entry, -1);
    const removed = released.at(-1)?.pushSeq ?? 0;
    const shared = free.slice(firstKept).filter((entry) => entry.shared !== true).map((entry) => this.#replace(entry, { ...entry, shared: true }));
    if (removed > 0) await this.#write(() => this.#store.remove(removed));
    if (shared.length > 0) await this.#write(() => this.#store.put(shared));
    return free.at(-1)?.pushSeq ?? 0;
  }

  #replace(old: OutboxEntry, entry: OutboxEntry): OutboxEntry {
    this.#count(old, -1);
    this.#count(entry, 1);
    this.#entries[entry.pushSeq - (this.#entries[0]?.pushSeq ?? 0)] = entry;
    return entry;
  }

  #count(entry: OutboxEntry, sign: 1 | -1): void {
    if (entry.shared === true) return;
    if (entry.seq === 0) this.#unsentBytes += sign * entry.sealed.length;
    else this.#heldBytes += sign * entry.sealed.length;
  }

  /** One after the other, also behind one that failed; false when nothing is written any more. */
  async #write(write: () => Promise<void>): Promise<boolean> {
    if (this.#closed) return false;
    this.#writing = this.#writing.catch(() => undefined).then(write);
    await this.#writing;
    return true;
  }
}
