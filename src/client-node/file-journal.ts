// The app's own records in a file beside the device.
import type { Journal } from '../client/store/journal.js';
import { guarded } from './guarded.js';
import type { RecordLog } from './record-log.js';

export class FileJournal implements Journal {
  readonly log: RecordLog;
  #records: Uint8Array[];

  constructor(log: RecordLog, records: readonly Uint8Array[]) {
    this.log = log;
    this.#records = [...records];
  }

  async load(): Promise<readonly Uint8Array[]> {
    return this.#records;
  }

  async append(records: readonly Uint8Array[]): Promise<void> {
    await guarded(() => this.log.append(records));
    this.#records.push(...records);
  }

  async replace(records: readonly Uint8Array[]): Promise<void> {
    await guarded(() => this.log.replace(records));
    this.#records = [...records];
  }
}
