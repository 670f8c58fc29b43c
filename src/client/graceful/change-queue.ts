/*
 * Own changes until every relay that may be asked for them has them, in the app's journal: sealed once, sent as often as it takes.
 * A change waits while no relay has it; after that it is kept for the other relays of the service, within limits.
 */
import type { Journal } from '../store/journal.js';
import { JOURNAL_RECORDS_SPARE, KEPT_BYTES_MAX, KEPT_CHANGES_MAX, PUSH_BYTES_MAX, PUSH_CHANGES_MAX, QUEUE_BYTES_MAX, QUEUE_CHANGES_MAX } from './limits.js';
import { decodeRecord, encodeRecord } from './queue-record.js';
import type { QueueRecord } from './queue-record.js';
import { PullMarks } from './pull-marks.js';
import type { Cursors } from './pull-marks.js';
import { closedError } from './sync-errors.js';
import type { SyncChange } from './wire.js';

/** How much is held. */
export interface QueueLimits {
  /** Changes and bytes that no relay has. */
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  /** Changes and bytes that some relay has and another lacks. */
  readonly keptMax: number;
  readonly keptBytesMax: number;
}

/** Tokens, field names and what memory needs beside the payload. */
const CHANGE_OVERHEAD_BYTES = 512;

const LIMITS: QueueLimits = { waitingMax: QUEUE_CHANGES_MAX, waitingBytesMax: QUEUE_BYTES_MAX, keptMax: KEPT_CHANGES_MAX, keptBytesMax: KEPT_BYTES_MAX };

/** What the app called a change; known in memory only, for on disk it is sealed. */
export interface Label {
  readonly id: string;
  readonly type: string;
  readonly device: string;
}

/** A change and who has it. */
export interface Queued {
  /** The token of the device that made it. */
  readonly device: string;
  readonly change: SyncChange;
  readonly bytes: number;
  /** Origins of relays that have it on disk. */
  readonly storedBy: Set<string>;
  /** Whether an earlier try may have reached a relay although its answer is missing. */
  maySit: boolean;
  /** Null: it cannot be opened with the key of now. */
  label: Label | null;
}

/** What goes into one push. */
export interface Batch {
  readonly device: string;
  readonly changes: readonly Queued[];
}

export class ChangeQueue {
  readonly #journal: Journal;
  readonly #limits: QueueLimits;
  readonly #queued = new Map<string, Queued>();
  #marks = new PullMarks();
  #records = 0;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;
  #waitingBytes = 0;
  #waiting = 0;

  constructor(journal: Journal, limits: Partial<QueueLimits> = {}) {
    this.#journal = journal;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Reads the journal; once, before anything else. */
  async load(): Promise<void> {
    const records = await this.#journal.load();
    this.#records = records.length;
    for (const record of records) this.#apply(decodeRecord(record), true);
  }

  /** Changes that no relay has. */
  get waiting(): number {
    return this.#waiting;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get marks(): PullMarks {
    return this.#marks;
  }

  /** All changes held, oldest first. */
  get all(): readonly Queued[] {
    return [...this.#queued.values()];
  }

  find(id: string): Queued | undefined {
    return this.#queued.get(id);
  }

  label(id: string, label: Label): void {
    const queued = this.#queued.get(id);
    if (queued !== undefined) queued.label = label;
  }

  hasRoomFor(changes: readonly SyncChange[]): boolean {
    const bytes = changes.reduce((sum, change) => sum + bytesOf(change), this.#waitingBytes);
    return this.#waiting + changes.length <= this.#limits.waitingMax && bytes <= this.#limits.waitingBytesMax;
  }

  /** Adds changes; resolves when they are durable. */
  add(device: string, changes: readonly SyncChange[]): Promise<void> {
    return this.#write({ type: 'put', device, changes });
  }

  /** The oldest changes of one device among those that are due; null: none is. */
  batch(isDue: (queued: Queued) => boolean, changesMax: number = PUSH_CHANGES_MAX): Batch | null {
    const due: Queued[] = [];
    let bytes = 0;
    for (const queued of this.#queued.values()) {
      if (!isDue(queued) || (due[0] !== undefined && due[0].device !== queued.device)) continue;
      if (due.length >= changesMax || (due.length > 0 && bytes + queued.bytes > PUSH_BYTES_MAX)) break;
      due.push(queued);
      bytes += queued.bytes;
    }
    return due[0] === undefined ? null : { device: due[0].device, changes: due };
  }

  /** These are on the disk of that relay; they are kept until all of `endpoints` have them. */
  async stored(endpoint: string, ids: readonly string[], endpoints: readonly string[]): Promise<void> {
    await this.#write({ type: 'stored', endpoint, ids });
    const gone = [...this.#settled(endpoints), ...this.#beyondKept()];
    if (gone.length > 0) await this.#write({ type: 'gone', ids: [...new Set(gone)] });
  }

  /** These will never be stored, or the app takes them back. */
  drop(ids: readonly string[]): Promise<void> {
    return this.#write({ type: 'gone', ids });
  }

  /** Remembers what a pull was answered. */
  async mark(from: Cursors, endpoint: string, cursor: string, at: number): Promise<void> {
    if (this.#marks.add(from, endpoint, cursor, at)) await this.#write({ type: 'marks', marks: this.#marks.all });
  }

  #settled(endpoints: readonly string[]): string[] {
    return [...this.#queued].flatMap(([id, { storedBy }]) => (storedBy.size > 0 && endpoints.every((endpoint) => storedBy.has(endpoint)) ? [id] : []));
  }

  /** The oldest of those that some relay has, when they have become many. */
  #beyondKept(): string[] {
    const kept = [...this.#queued].filter(([, { storedBy }]) => storedBy.size > 0);
    let bytes = kept.reduce((sum, [, queued]) => sum + queued.bytes, 0);
    let count = kept.length;
    return kept.flatMap(([id, queued]) => {
      if (count <= this.#limits.keptMax && bytes <= this.#limits.keptBytesMax) return [];
      count -= 1;
      bytes -= queued.bytes;
      return [id];
    });
  }

  /** Resolves when the journal is nobody's any more: nothing is written to it after that. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#writing;
  }

  #write(record: QueueRecord): Promise<void> {
    if (this.#isClosed) return Promise.reject(closedError());
    const written = this.#writing.then(async () => {
      await this.#journal.append([encodeRecord(record)]);
      this.#records += 1;
      this.#apply(record, false);
      await this.#compact();
    });
    // A journal that fails once may work again; its caller hears of it.
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #compact(): Promise<void> {
    if (this.#records < JOURNAL_RECORDS_SPARE + 2 * this.#queued.size) return;
    const records = this.#snapshot();
    await this.#journal.replace(records.map(encodeRecord));
    this.#records = records.length;
  }

  #snapshot(): QueueRecord[] {
    const puts = this.all.map(({ device, change }): QueueRecord => ({ type: 'put', device, changes: [change] }));
    const endpoints = new Set([...this.#queued.values()].flatMap(({ storedBy }) => [...storedBy]));
    const stored = Array.from(endpoints, (endpoint): QueueRecord => ({ type: 'stored', endpoint, ids: this.all.filter(({ storedBy }) => storedBy.has(endpoint)).map(({ change }) => change.id) }));
    return [...puts, ...stored, { type: 'marks', marks: this.#marks.all }];
  }

  #apply(record: QueueRecord, isOld: boolean): void {
    switch (record.type) {
      case 'put':
        for (const change of record.changes) if (!this.#queued.has(change.id)) this.#enter({ device: record.device, change, bytes: bytesOf(change), storedBy: new Set(), maySit: isOld, label: null });
        break;
      case 'stored':
        for (const id of record.ids) {
          const queued = this.#queued.get(id);
          if (queued === undefined) continue;
          this.#count(queued, -1);
          queued.storedBy.add(record.endpoint);
          this.#count(queued, 1);
        }
        break;
      case 'gone':
        for (const id of record.ids) {
          const queued = this.#queued.get(id);
          if (queued !== undefined) this.#count(queued, -1);
          this.#queued.delete(id);
        }
        break;
      case 'marks':
        // Of now there is the newer list already.
        if (isOld) this.#marks = new PullMarks(record.marks);
        break;
    }
  }

  #enter(queued: Queued): void {
    this.#queued.set(queued.change.id, queued);
    this.#count(queued, 1);
  }

  /** Counts it among those that wait, while no relay has it. */
  #count({ storedBy, bytes }: Queued, sign: 1 | -1): void {
    if (storedBy.size > 0) return;
    this.#waiting += sign;
    this.#waitingBytes += sign * bytes;
  }
}

/** About as much as it takes; everything but the payload is short. */
function bytesOf({ encrypted_payload }: SyncChange): number {
  return encrypted_payload.length + CHANGE_OVERHEAD_BYTES;
}
