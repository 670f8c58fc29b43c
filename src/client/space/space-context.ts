// What the parts of an open space share.
import type { LogIdentity } from '../../protocol/attestation.js';
import type { Ed25519 } from '../../protocol/ed25519.js';
import type { DeviceSecret } from '../crypto/keys.js';
import type { Emitter } from '../emitter.js';
import type { Environment } from '../environment.js';
import type { AttestationVerifier } from '../log/attestation-verifier.js';
import type { DeviceChains } from '../log/device-chains.js';
import type { ReceiptBook } from '../log/receipt-book.js';
import type { VerifiedLog } from '../log/verified-log.js';
import type { Misbehaviour } from '../misbehaviour.js';
import type { Outbox } from '../outbox/outbox.js';
import type { SpaceRoster } from '../roster/space-roster.js';
import type { AckedMark, CarryMark, LogPlace, MovedFrom, OwnMark } from '../store/device-store.js';
import type { EntrySealer } from '../sync/entry-sealer.js';
import type { WriteTracker } from '../sync/writes.js';
import type { DeviceNames } from './device-names.js';
import type { SpaceEvents } from './space-events.js';

export interface SpaceContext {
  readonly environment: Environment;
  readonly ed25519: Ed25519;
  readonly sealer: EntrySealer;
  readonly identity: LogIdentity;
  readonly device: DeviceSecret;
  readonly roster: SpaceRoster;
  readonly names: DeviceNames;
  readonly log: VerifiedLog;
  readonly chains: DeviceChains;
  readonly receipts: ReceiptBook;
  readonly outbox: Outbox;
  readonly writes: WriteTracker;
  readonly verifier: AttestationVerifier;
  readonly events: Emitter<SpaceEvents>;
  readonly marks: Marks;
  /** Tells the app of a finding that does not end the connection; the same finding is told once. */
  report(found: Misbehaviour): void;
  /** Resolves when everything up to now is durable on this device. */
  save(): Promise<void>;
  /** Resolves when everything is durable; nothing is written afterwards, because another may open the storage. */
  endWriting(): Promise<void>;
}

/** Small facts that are stored with the device. */
export interface Marks {
  own: OwnMark;
  acked: AckedMark;
  moved: MovedFrom | null;
  /** An encoded attestation that the relay must have; null: none was handed over, or the log was compared with it. */
  expected: Uint8Array | null;
  /** Keys of devices that are to leave. */
  owed: readonly Uint8Array[];
  /** Null: the space does not fail over. */
  carry: CarryMark | null;
  elsewhere: readonly LogPlace[];
}
