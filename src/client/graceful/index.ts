/**
 * Graceful Books over relays that cannot read it: the calls of its sync API, sealed.
 *
 * ```ts
 * import { configureSyncApi, syncApi } from 'sealrelay/graceful-books';
 * configureSyncApi({ relays: 'https://relay.example', key });
 * await syncApi.push(request);
 * ```
 */
import { SharedSyncApi } from './shared-sync-api.js';
import { SyncApi } from './sync-api.js';
import type { SyncApiOptions } from './sync-api.js';
import type { SyncChange } from './wire.js';

/** A sync API of its own. */
export function createSyncApi<Change extends SyncChange = SyncChange>(options: SyncApiOptions): SyncApi<Change> {
  return new SyncApi<Change>(options);
}

/** The one sync API of an app; it rejects everything until configureSyncApi() was called. */
export const syncApi: SharedSyncApi = new SharedSyncApi(createSyncApi);

/** Says which relays and which key `syncApi` uses, and gives what it uses. */
export function configureSyncApi(options: SyncApiOptions): SyncApi {
  return syncApi.configure(options);
}

export { ClientError } from '../client-error.js';
export { MemoryJournal } from '../store/journal.js';
export type { Journal } from '../store/journal.js';
export { IndexedDbDeviceStore } from '../store/indexeddb-store.js';
export { MemoryRegionStorage, WebRegionStorage } from '../region/region-storage.js';
export type { RegionStorage } from '../region/region-storage.js';
export type { MeasuredRegion } from '../region/region-client.js';
export type { TextWebSocketConstructor, TextWebSocketLike } from '../transport/text-socket.js';
export { CallError } from './http-call.js';
export type { MockStats } from './offline-stats.js';
export { RelayClient } from './relay-client.js';
export type { RegionChangeReason, RelayClientEvents, RelayClientOptions } from './relay-client.js';
export type { RelayRegion } from './relay-choice.js';
export { isRelayEnabled } from './rollout.js';
export type { RolloutEnvironment } from './rollout.js';
export { SharedSyncApi } from './shared-sync-api.js';
export { SyncApi } from './sync-api.js';
export type { SyncApiEvents, SyncApiOptions, SyncApiPushResponse } from './sync-api.js';
export type { QueueLimits } from './change-queue.js';
export type { SyncKey } from './change-sealing.js';
export { SYNC_PROTOCOL_VERSION } from './wire.js';
export type { CursorPullRequest, CursorPullResponse, RelayHealth, SyncAckMessage, SyncChange, SyncPullRequest, SyncPullResponse, SyncPushRequest, SyncPushResponse, VersionVector } from './wire.js';
