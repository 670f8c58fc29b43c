// A device in a browser's IndexedDB. Every write is one transaction with strict durability: it resolves when the browser has it on disk.
import { ClientError } from '../client-error.js';
import type { OutboxEntry, OutboxStore } from '../outbox/outbox-store.js';
import type { DeviceState, DeviceStore } from './device-store.js';
import type { Journal } from './journal.js';

const VERSION = 1;
const STATE = 'state';
const OUTBOX = 'outbox';
const JOURNAL = 'journal';
const STATE_KEY = 'device';
/** How long a page waits for another one to let go of the device: a reload needs a moment. */
const HOLD_WAIT_MS = 2000;

/** The storage of one device, kept open until close(). One space at a time has it, in whatever tab: for another one to open it is `storage_in_use`. */
export class IndexedDbDeviceStore implements DeviceStore {
  readonly outbox: OutboxStore;
  readonly journal: Journal;
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
    this.outbox = new IndexedDbOutbox(database);
    this.journal = new IndexedDbJournal(database);
    // Another tab wants to delete the storage or change its format: what holds it open would block it for good.
    database.addEventListener('versionchange', () => database.close());
  }

  /** Opens the storage of that name, and makes it when there is none. Throws `storage_failed`. */
  static async open(name: string, factory: IDBFactory = globalThis.indexedDB): Promise<IndexedDbDeviceStore> {
    if (factory === undefined) throw new ClientError('storage_failed', 'this platform has no IndexedDB', { hint: 'Pass another DeviceStore.' });
    const request = factory.open(databaseName(name), VERSION);
    request.addEventListener('upgradeneeded', () => {
      request.result.createObjectStore(STATE);
      request.result.createObjectStore(OUTBOX, { keyPath: 'pushSeq' });
      request.result.createObjectStore(JOURNAL, { autoIncrement: true });
    });
    return new IndexedDbDeviceStore(await result(request));
  }

  /** Forgets the device and all its app kept. Resolves when it is gone. */
  static async delete(name: string, factory: IDBFactory = globalThis.indexedDB): Promise<void> {
    await result(factory.deleteDatabase(databaseName(name)));
  }

  async load(): Promise<DeviceState | null> {
    const state: unknown = await result(this.#database.transaction(STATE).objectStore(STATE).get(STATE_KEY));
    return (state as DeviceState | undefined) ?? null;
  }

  save(state: DeviceState): Promise<void> {
    return write(this.#database, STATE, (store) => store.put(state, STATE_KEY));
  }

  /** Waits a moment for a tab that is closing, or being loaded anew. Where the platform has no locks there is nothing to wait for. */
  hold(): Promise<() => void> {
    return held(`${this.#database.name}/device`);
  }

  close(): void {
    this.#database.close();
  }
}

class IndexedDbOutbox implements OutboxStore {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  async load(): Promise<readonly OutboxEntry[]> {
    // The key is push_seq, so they come in its order.
    return (await result(this.#database.transaction(OUTBOX).objectStore(OUTBOX).getAll())) as OutboxEntry[];
  }

  put(entries: readonly OutboxEntry[]): Promise<void> {
    return write(this.#database, OUTBOX, (store) => entries.forEach((entry) => store.put(entry)));
  }

  remove(upToPushSeq: number): Promise<void> {
    return write(this.#database, OUTBOX, (store) => store.delete(IDBKeyRange.upperBound(upToPushSeq)));
  }
}

class IndexedDbJournal implements Journal {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  async load(): Promise<readonly Uint8Array[]> {
    return (await result(this.#database.transaction(JOURNAL).objectStore(JOURNAL).getAll())) as Uint8Array[];
  }

  append(records: readonly Uint8Array[]): Promise<void> {
    return write(this.#database, JOURNAL, (store) => records.forEach((record) => store.add(record)));
  }

  replace(records: readonly Uint8Array[]): Promise<void> {
    return write(this.#database, JOURNAL, (store) => {
      store.clear();
      records.forEach((record) => store.add(record));
    });
  }
}

function held(name: string): Promise<() => void> {
  const locks = (globalThis.navigator as { readonly locks?: LockManager } | undefined)?.locks;
  if (locks === undefined) return Promise.resolve(() => undefined);
  return new Promise((resolve, reject) => {
    const holding = (): Promise<void> => new Promise((letGo) => resolve(letGo));
    locks.request(name, { signal: AbortSignal.timeout(HOLD_WAIT_MS) }, holding).catch((cause: unknown) => {
      const hint = 'Open the space with openSpaceInTabs() of sealrelay/client/tabs, which makes all tabs one device; or close the other space first.';
      reject(new ClientError('storage_in_use', 'another tab, or another space of this page, has this device open', { temporary: true, cause, hint }));
    });
  });
}

function databaseName(name: string): string {
  return `sealrelay/${name}`;
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(failure(request.error)));
    request.addEventListener('blocked', () => reject(new ClientError('storage_failed', 'another tab holds the storage', { temporary: true, hint: 'Close the other tabs of this app.' })));
  });
}

function write(database: IDBDatabase, name: string, work: (store: IDBObjectStore) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(name, 'readwrite', { durability: 'strict' });
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(failure(transaction.error)));
    work(transaction.objectStore(name));
  });
}

function failure(cause: DOMException | null): ClientError {
  if (cause?.name === 'QuotaExceededError') {
    return new ClientError('storage_full', 'the browser gives this site no more storage', { temporary: true, cause, hint: 'Free space, or ask for persistent storage with navigator.storage.persist().' });
  }
  return new ClientError('storage_failed', 'the storage of this device failed', { cause });
}
