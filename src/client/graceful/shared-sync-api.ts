// The one sync API of an app, as a module exports it: it can be imported anywhere before the app says what it is to use.
import { ClientError } from '../client-error.js';
import type { MockStats } from './offline-stats.js';
import type { SyncApi, SyncApiOptions, SyncApiPushResponse } from './sync-api.js';
import type { SyncPullRequest, SyncPullResponse, SyncPushRequest } from './wire.js';

/** The calls of the original's `syncApi`. */
export class SharedSyncApi {
  readonly #create: (options: SyncApiOptions) => SyncApi;
  #api: SyncApi | null = null;

  constructor(create: (options: SyncApiOptions) => SyncApi) {
    this.#create = create;
  }

  /** Says which relays and which key it uses, and gives what it uses; the one before is closed. */
  configure(options: SyncApiOptions): SyncApi {
    void this.#api?.close();
    this.#api = this.#create(options);
    return this.#api;
  }

  async push(request: SyncPushRequest): Promise<SyncApiPushResponse> {
    return this.#configured().push(request);
  }

  async pull(request: SyncPullRequest): Promise<SyncPullResponse> {
    return this.#configured().pull(request);
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

  #configured(): SyncApi {
    if (this.#api === null) throw new ClientError('bad_option', 'the sync API is not configured', { hint: 'Call configureSyncApi() when the app starts.' });
    return this.#api;
  }
}
