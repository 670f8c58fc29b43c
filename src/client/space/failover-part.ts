// How a space fails over between relays that do not copy it, where the app gave it that part.
import type { RelayAddress } from '../../protocol/address.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { DeviceState, DeviceStore } from '../store/device-store.js';
import type { DownloadedSnapshot } from '../sync/snapshot-download.js';
import type { CarriedHistoryParts } from './carried-history.js';

/** What carries to this log what it lacks. */
export interface Carrying {
  /** Whether a snapshot that another device carried here waits to be loaded. */
  readonly awaits: boolean;
  /** Something moved in a session. */
  look(link: SessionLink, caughtUp: boolean): void;
  /** A snapshot of this log was loaded. */
  loaded(snapshot: DownloadedSnapshot): Promise<void>;
}

export interface Failover {
  /** The state of a device that goes on at the relay of another region. */
  move(state: DeviceState, address: RelayAddress, storage: DeviceStore): Promise<DeviceState>;
  open(parts: CarriedHistoryParts): Carrying;
}
