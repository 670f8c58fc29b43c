// What an engine is made of, and whom it tells.
import type { ClientError } from '../client-error.js';
import type { ConnectionState } from '../connection/machine.js';
import type { DeviceState } from '../store/device-store.js';
import type { Sealing } from '../sync/sealing.js';
import type { Failover } from './failover-part.js';
import type { RosterChanges } from './roster-changes.js';
import type { SnapshotsPart } from './snapshots-part.js';
import type { SpaceContext } from './space-context.js';
import type { OpenPart } from './space-part.js';

export interface EngineOptions {
  readonly context: SpaceContext;
  readonly sealing: Sealing;
  readonly rosterChanges: RosterChanges;
  readonly parts: readonly OpenPart<object>[];
  readonly snapshots: SnapshotsPart | undefined;
  readonly failover: Failover | undefined;
  /** A token that lets this device found the space. */
  readonly admission: Uint8Array | undefined;
  readonly policy: DeviceState['policy'];
  readonly stateChanged: (state: ConnectionState) => void;
  /** Ends the connection for good. */
  readonly fail: (error: ClientError) => void;
  /** A session's subscription has started. */
  readonly reading: () => void;
  /** Something moved: reading, pushing, acks. */
  readonly progress: () => void;
  /** The relay asks for a snapshot, or a log reset makes one needed. */
  readonly snapshotDue: () => void;
  /** Makes a snapshot once everything is read. */
  readonly snapshot: () => Promise<number>;
}
