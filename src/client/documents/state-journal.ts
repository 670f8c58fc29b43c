/*
 * The state of a document in a journal: changes are appended in batches, and replaced by the whole state when they have become many.
 *
 * A record is one byte of kind and a change; that of another tab names the tab and the number of its change between the two. Own changes stand there as such until everything pushed is known to be safe: a device that
 * crashed between storing a change and sealing it pushes it again.
 */
import { fromHex, toHex } from '../../protocol/hex.js';
import { ClientError } from '../client-error.js';
import type { Journal } from '../store/journal.js';

/** A change of others, or a whole state. */
const KIND_TAKEN = 0;
/** A change of this device. */
const KIND_OWN = 1;
/** Every own change before it is on the relay's disk. */
const KIND_SETTLED = 2;

/** A change that another tab made: the tab (16 bytes), its number (4 bytes, little endian), the change. */
const KIND_TAB = 3;
/** The number of the newest change that was taken from a tab, where the change itself is in a state before it. */
const KIND_MARK = 4;
const TAB_BYTES = 16;
const TAB_HEAD_BYTES = 1 + TAB_BYTES + 4;

/** Tabs of which it is remembered what was taken; the one that was heard of longest ago is forgotten. */
const TABS_MAX = 256;
/** The journal is written anew when it holds more records, or more bytes beside the state, than this. */
const RECORDS_MAX = 1000;
const BYTES_BESIDE_STATE_MAX = 4 * 1024 * 1024;

/** What a journal holds. */
export interface StoredChanges {
  /** All changes, in an order in which they can be applied. */
  readonly changes: readonly Uint8Array[];
  /** Those of them that may not have been pushed. */
  readonly owed: readonly Uint8Array[];
}

export class StateJournal {
  readonly #journal: Journal;
  readonly #state: () => Uint8Array;
  readonly #failed: (cause: ClientError) => void;
  #waiting: Uint8Array[] = [];
  #unsettled: Uint8Array[] = [];
  #records = 0;
  #bytes = 0;
  readonly #marks = new Map<string, number>();
  #writing: Promise<void> = Promise.resolve();

  constructor(journal: Journal, state: () => Uint8Array, failed: (cause: ClientError) => void) {
    this.#journal = journal;
    this.#state = state;
    this.#failed = failed;
  }

  async load(): Promise<StoredChanges> {
    const records = await this.#journal.load();
    this.#records = records.length;
    this.#bytes = sum(records);
    const settled = records.findLastIndex(([kind]) => kind === KIND_SETTLED);
    const isOwn = (record: Uint8Array, at: number): boolean => (record[0] === KIND_OWN || record[0] === KIND_TAB) && at > settled;
    this.#unsettled = records.filter(isOwn);
    for (const record of records) if (record[0] === KIND_TAB || record[0] === KIND_MARK) this.#mark(toHex(record.subarray(1, 1 + TAB_BYTES)), numberOf(record));
    return {
      changes: records.filter(([kind]) => kind !== KIND_SETTLED && kind !== KIND_MARK).map(changeOf),
      owed: this.#unsettled.map(changeOf),
    };
  }

  /** Takes a change; it is stored soon, and at the latest with the next flush(). */
  record(change: Uint8Array, own: boolean): void {
    const record = recordOf(own ? KIND_OWN : KIND_TAKEN, change);
    if (own) this.#unsettled.push(record);
    this.#add(record);
  }

  /** Takes a change of another tab (16 bytes in hexadecimal). False: it was taken before. */
  recordOfTab(tab: string, number: number, change: Uint8Array): boolean {
    if (number <= (this.#marks.get(tab) ?? 0)) return false;
    this.#mark(tab, number);
    const record = tabRecord(KIND_TAB, tab, number, change);
    this.#unsettled.push(record);
    this.#add(record);
    return true;
  }

  /** Everything pushed is on the relay's disk. */
  settled(): void {
    if (this.#unsettled.length === 0) return;
    this.#unsettled = [];
    this.#add(Uint8Array.of(KIND_SETTLED));
  }

  /** Resolves when every change taken so far is stored. */
  flush(): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write());
    return this.#writing;
  }

  #add(record: Uint8Array): void {
    this.#waiting.push(record);
    if (this.#waiting.length === 1) this.flush().catch((cause: unknown) => this.#failed(asClientError(cause)));
  }

  #mark(tab: string, number: number): void {
    this.#marks.delete(tab);
    this.#marks.set(tab, number);
    const [oldest] = this.#marks.keys();
    if (this.#marks.size > TABS_MAX && oldest !== undefined) this.#marks.delete(oldest);
  }

  async #write(): Promise<void> {
    const records = this.#waiting;
    if (records.length === 0) return;
    this.#waiting = [];
    const isLong = this.#records + records.length > RECORDS_MAX || this.#bytes + sum(records) > BYTES_BESIDE_STATE_MAX;
    try {
      await (isLong ? this.#replace() : this.#append(records));
    } catch (cause) {
      // What could not be stored is tried again with the next change; the position in the log waits for it.
      this.#waiting = [...records, ...this.#waiting];
      throw cause;
    }
  }

  async #append(records: readonly Uint8Array[]): Promise<void> {
    await this.#journal.append(records);
    this.#records += records.length;
    this.#bytes += sum(records);
  }

  async #replace(): Promise<void> {
    const marks = [...this.#marks].map(([tab, number]) => tabRecord(KIND_MARK, tab, number, new Uint8Array()));
    const records = [recordOf(KIND_TAKEN, this.#state()), ...marks, ...this.#unsettled];
    await this.#journal.replace(records);
    this.#records = records.length;
    this.#bytes = sum(records.slice(1));
  }
}

function recordOf(kind: number, change: Uint8Array): Uint8Array {
  const record = new Uint8Array(change.length + 1);
  record[0] = kind;
  record.set(change, 1);
  return record;
}

function changeOf(record: Uint8Array): Uint8Array {
  return record.subarray(record[0] === KIND_TAB ? TAB_HEAD_BYTES : 1);
}

function tabRecord(kind: number, tab: string, number: number, change: Uint8Array): Uint8Array {
  const record = new Uint8Array(TAB_HEAD_BYTES + change.length);
  record[0] = kind;
  record.set(fromHex(tab) ?? new Uint8Array(), 1);
  new DataView(record.buffer).setUint32(1 + TAB_BYTES, number, true);
  record.set(change, TAB_HEAD_BYTES);
  return record;
}

function numberOf(record: Uint8Array): number {
  return new DataView(record.buffer, record.byteOffset).getUint32(1 + TAB_BYTES, true);
}

function sum(records: readonly Uint8Array[]): number {
  return records.reduce((bytes, record) => bytes + record.length, 0);
}

function asClientError(cause: unknown): ClientError {
  return cause instanceof ClientError ? cause : new ClientError('storage_failed', 'the storage of this device failed', { cause });
}
