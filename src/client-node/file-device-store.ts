// A device in a directory: `state`, `outbox` and `journal` are appended to and now and then written anew. The directory holds secrets; only its owner may read it.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClientError } from '../client/client-error.js';
import type { OutboxStore } from '../client/outbox/outbox-store.js';
import type { DeviceState, DeviceStore } from '../client/store/device-store.js';
import type { Journal } from '../client/store/journal.js';
import { DirectoryLock } from './directory-lock.js';
import { FileJournal } from './file-journal.js';
import { FileOutbox } from './file-outbox.js';
import type { OutboxChange } from './file-outbox.js';
import { guarded } from './guarded.js';
import { decodePlainData, encodePlainData } from './plain-data.js';
import { RecordLog } from './record-log.js';

/** The state file is written anew when it holds about so many records and so many bytes. */
const STATE_RECORDS_MAX = 8;
const STATE_FILE_BYTES_MIN = 256 * 1024;

/** The storage of one device, held until close(). */
export class FileDeviceStore implements DeviceStore {
  readonly outbox: OutboxStore;
  readonly journal: Journal;
  readonly #lock: DirectoryLock;
  readonly #logs: readonly RecordLog[];
  readonly #stateLog: RecordLog;
  #state: DeviceState | null;

  private constructor(lock: DirectoryLock, stateLog: RecordLog, state: DeviceState | null, outbox: FileOutbox, journal: FileJournal) {
    this.#lock = lock;
    this.#stateLog = stateLog;
    this.#state = state;
    this.outbox = outbox;
    this.journal = journal;
    this.#logs = [stateLog, outbox.log, journal.log];
  }

  /** Opens the directory, made when it is missing. Throws `storage_in_use` while another store holds it, `storage_failed` and `state_damaged`. */
  static async open(directory: string): Promise<FileDeviceStore> {
    await guarded(() => mkdir(directory, { recursive: true, mode: 0o700 }));
    const lock = await DirectoryLock.take(directory);
    try {
      const state = await guarded(() => RecordLog.open(join(directory, 'state')));
      const outbox = await guarded(() => RecordLog.open(join(directory, 'outbox')));
      const journal = await guarded(() => RecordLog.open(join(directory, 'journal')));
      const newest = state.records.at(-1);
      const known = newest === undefined ? null : decoded<DeviceState>(newest);
      return new FileDeviceStore(lock, state.log, known, new FileOutbox(outbox.log, outbox.records.map(decoded<OutboxChange>)), new FileJournal(journal.log, journal.records));
    } catch (cause) {
      await lock.release();
      throw cause;
    }
  }

  async load(): Promise<DeviceState | null> {
    return this.#state;
  }

  async save(state: DeviceState): Promise<void> {
    this.#state = state;
    const record = encodePlainData(state);
    // The newest record counts; appending costs one sync, replacing the file three.
    const isLong = this.#stateLog.bytes > STATE_RECORDS_MAX * record.length && this.#stateLog.bytes > STATE_FILE_BYTES_MIN;
    await guarded(() => (isLong ? this.#stateLog.replace([record]) : this.#stateLog.append([record])));
  }

  async close(): Promise<void> {
    for (const log of this.#logs) await log.close();
    await this.#lock.release();
  }
}

function decoded<T>(bytes: Uint8Array): T {
  try {
    return decodePlainData(bytes) as T;
  } catch (cause) {
    throw new ClientError('state_damaged', 'the stored device cannot be read', { cause, hint: 'Open the space again by its link, as a new device, in another directory.' });
  }
}
