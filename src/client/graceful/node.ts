// The same on Node, which before version 22 has no WebSocket of its own: the one of `ws` is the default.
import { NodeWebSocket } from '../node.js';
import { RelayClient as BareRelayClient } from './relay-client.js';
import type { RelayClientOptions } from './relay-client.js';
import { SharedSyncApi } from './shared-sync-api.js';
import { SyncApi } from './sync-api.js';
import type { SyncApiOptions } from './sync-api.js';
import type { SyncChange } from './wire.js';

/** A sync API of its own. */
export function createSyncApi<Change extends SyncChange = SyncChange>(options: SyncApiOptions): SyncApi<Change> {
  return new SyncApi<Change>({ webSocket: NodeWebSocket, ...options });
}

/** The one sync API of an app; it rejects everything until configureSyncApi() was called. */
export const syncApi: SharedSyncApi = new SharedSyncApi(createSyncApi);

/** Says which relays and which key `syncApi` uses, and gives what it uses. */
export function configureSyncApi(options: SyncApiOptions): SyncApi {
  return syncApi.configure(options);
}

/** Speaks to the relays of a service. */
export class RelayClient extends BareRelayClient {
  constructor(options: RelayClientOptions) {
    super({ webSocket: NodeWebSocket, ...options });
  }
}

export * from './index.js';
export { FileDeviceStore } from '../../client-node/file-device-store.js';
