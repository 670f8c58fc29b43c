// The outbox in a file: changes are appended; the file is written anew when most of it is of entries that are gone.
import type { OutboxEntry, OutboxStore } from '../client/outbox/outbox-store.js';
import { guarded } from './guarded.js';
import { encodePlainData } from './plain-data.js';
import type { RecordLog } from './record-log.js';

/** A record of the file. */
export type OutboxChange = { readonly put: readonly OutboxEntry[] } | { readonly remove: number };

/** Smaller files are not worth writing anew. */
const FILE_BYTES_MIN = 1024 * 1024;
/** Base64 and names of fields make a record this much larger than the sealed bytes, at most. */
const RECORD_SHARE = 4;
const ENTRY_BYTES = 256;

export class FileOutbox implements OutboxStore {
  readonly log: RecordLog;
  readonly #entries = new Map<number, OutboxEntry>();

  constructor(log: RecordLog, changes: readonly OutboxChange[]) {
    this.log = log;
    for (const change of changes) this.#apply(change);
  }

  async load(): Promise<readonly OutboxEntry[]> {
    return [...this.#entries.values()].toSorted((a, b) => a.pushSeq - b.pushSeq);
  }

  put(entries: readonly OutboxEntry[]): Promise<void> {
    return this.#write({ put: entries });
  }

  remove(upToPushSeq: number): Promise<void> {
    return this.#write({ remove: upToPushSeq });
  }

  async #write(change: OutboxChange): Promise<void> {
    await guarded(() => this.log.append([encodePlainData(change)]));
    this.#apply(change);
    if (this.log.bytes < FILE_BYTES_MIN || this.log.bytes < this.#liveBytes() * RECORD_SHARE) return;
    const entries = await this.load();
    await guarded(() => this.log.replace(entries.map((entry) => encodePlainData({ put: [entry] } satisfies OutboxChange))));
  }

  #apply(change: OutboxChange): void {
    if ('put' in change) for (const entry of change.put) this.#entries.set(entry.pushSeq, entry);
    else for (const pushSeq of this.#entries.keys()) if (pushSeq <= change.remove) this.#entries.delete(pushSeq);
  }

  #liveBytes(): number {
    let bytes = 0;
    for (const { sealed } of this.#entries.values()) bytes += sealed.length + ENTRY_BYTES;
    return bytes;
  }
}
