// The one sync API of an app, as a module exports it: it can be imported anywhere before the app says what it is to use.
import { ClientError } from '../client-error.js';
import { MemoryJournal } from '../store/journal.js';
import type { Journal } from '../store/journal.js';
import type { MockStats } from './offline-stats.js';
import type { SyncApi, SyncApiOptions, SyncApiPushResponse } from './sync-api.js';
import type { SyncChange, SyncPullRequest, SyncPullResponse, SyncPushRequest } from './wire.js';

/** The calls of the original's `syncApi`. */
export class SharedSyncApi {
  readonly #create: (options: SyncApiOptions) => SyncApi;
  #api: SyncApi | null = null;

  constructor(create: (options: SyncApiOptions) => SyncApi) {
    this.#create = create;
  }

  /** Says which relays and which key it uses, and gives what it uses. The one before is closed, and the journal is read when that is done. */
  configure(options: SyncApiOptions): SyncApi {
    // First, so that options which are refused close nothing.
    const before = this.#api;
    let closed: () => void = () => undefined;
    const closing = new Promise<void>((resolve) => (closed = resolve));
    this.#api = this.#create({ ...options, journal: journalAfter(closing, options.journal ?? new MemoryJournal()) });
    // One that failed to close is as closed as it gets.
    void (before?.close() ?? Promise.resolve()).catch(() => undefined).then(closed);
    return this.#api;
  }

  async push<Change extends SyncChange = SyncChange>(request: SyncPushRequest<Change>): Promise<SyncApiPushResponse> {
    return this.#configured<Change>().push(request);
  }

  async pull<Change extends SyncChange = SyncChange>(request: SyncPullRequest): Promise<SyncPullResponse<Change>> {
    return this.#configured<Change>().pull(request);
  }

  async health(): Promise<{ status: 'ok' | 'error'; timestamp: number }> {
    return this.#configured().health();
  }

  setUseMock(useMock: boolean): void {
    this.#configured().setUseMock(useMock);
  }

  getMockStats(): MockStats {
    return this.#configured().getMockStats();
  }

  clearMock(): void {
    this.#configured().clearMock();
  }

  /** An app has one set of words for types and operations, whichever of its modules asks. */
  #configured<Change extends SyncChange = SyncChange>(): SyncApi<Change> {
    if (this.#api === null) throw new ClientError('bad_option', 'the sync API is not configured', { hint: 'Call configureSyncApi() when the app starts.' });
    return this.#api as SyncApi<SyncChange> as SyncApi<Change>;
  }
}

/** Two APIs never write to one journal at a time: this one's first use of it waits. */
function journalAfter(closing: Promise<void>, journal: Journal): Journal {
  return {
    load: () => closing.then(() => journal.load()),
    append: (records) => closing.then(() => journal.append(records)),
    replace: (records) => closing.then(() => journal.replace(records)),
  };
}
