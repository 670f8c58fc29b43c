// What a device keeps between runs: its secret, what it verified, and its outbox.
import type { ChainLink } from '../log/device-chains.js';
import type { LogFold } from '../log/log-tree.js';
import type { VerifiedLogState } from '../log/verified-log.js';
import { MemoryOutboxStore } from '../outbox/outbox-store.js';
import type { OutboxStore } from '../outbox/outbox-store.js';
import type { SpaceRosterState } from '../roster/space-roster.js';
import type { DeviceName } from '../space/device-names.js';
import { MemoryJournal } from './journal.js';
import type { Journal } from './journal.js';

/** Plain data (numbers, strings, byte arrays), so that IndexedDB or any structured clone can hold it. It contains secrets. */
export interface DeviceState {
  readonly format: 1;
  readonly relay: string;
  readonly space: Uint8Array;
  /** Null on a device that was added without the space link. */
  readonly rootSecret: Uint8Array | null;
  readonly deviceSecret: Uint8Array;
  readonly roster: SpaceRosterState;
  /** Null until the device has read its first snapshot or subscribed from the start. */
  readonly log: VerifiedLogState | null;
  readonly chains: readonly ChainLink[];
  /** The last own entry, also after the outbox released it. */
  readonly own: OwnMark;
  readonly acked: AckedMark;
  readonly policy: { readonly retentionMs: number; readonly deviceLeaseMs: number } | null;
  /** Set between the word that the space has another relay and the first look at that relay's log. */
  readonly moved?: MovedFrom | null;
  /** An attestation that the device which let this one in had verified. */
  readonly expected?: Uint8Array | null;
  /** Devices whose removal is owed. */
  readonly owed?: readonly Uint8Array[];
  readonly names?: readonly DeviceName[];
  /** Places in the logs of other relays, the newest first; only of a space that fails over. */
  readonly elsewhere?: readonly LogPlace[];
  /** What this device carries between such relays; null: the space does not fail over. */
  readonly carry?: CarryMark | null;
}

/** Up to which push_seq the entries of a device are in the state of the app. */
export interface Knowledge {
  readonly device: Uint8Array;
  readonly pushSeq: number;
}

/** Where a device was in the log of a relay when it left it. */
export interface LogPlace {
  readonly logId: Uint8Array;
  readonly log: VerifiedLogState | null;
  readonly acked: AckedMark;
  /** The highest own push_seq that relay is known to hold. */
  readonly storedPushSeq: number;
  readonly known: readonly Knowledge[];
  readonly owes: boolean;
  readonly awaits: Uint8Array | null;
}

/** History on its way to a log that lacks it. */
export interface CarryMark {
  /** What was known when this device came to the log. */
  readonly known: readonly Knowledge[];
  /** Whether this device owes the log a snapshot. */
  readonly owes: boolean;
  /** The id of a snapshot that another device carried here, and that was not loaded yet. */
  readonly awaits: Uint8Array | null;
}

/** What a device verified at the relay its space had before. */
export interface MovedFrom extends LogFold {
  readonly logId: Uint8Array;
}

export interface OwnMark {
  readonly pushSeq: number;
  readonly entryId: Uint8Array;
  /** The highest push_seq with a verified receipt or place in the log, in the present log epoch. */
  readonly storedPushSeq: number;
}

/** The last own ack, with the attested time under which it was made. */
export interface AckedMark {
  readonly logEpoch: number;
  readonly size: number;
  readonly time: number;
}

/** Durable storage of one device in one space. Calls come one at a time; each is durable when its promise resolves. */
export interface DeviceStore {
  load(): Promise<DeviceState | null>;
  save(state: DeviceState): Promise<void>;
  readonly outbox: OutboxStore;
  /** Keeps everybody else from opening the device while a space has it open; what it resolves with lets go. Throws `storage_in_use`. */
  hold?(): Promise<() => void>;
  /** For the app's own state; what has none keeps the app from surviving a restart, not the device. */
  readonly journal?: Journal;
}

/** Keeps everything for the life of the process; a device opened with it is gone when the process ends. */
export class MemoryDeviceStore implements DeviceStore {
  readonly outbox: OutboxStore = new MemoryOutboxStore();
  readonly journal: Journal = new MemoryJournal();
  #state: DeviceState | null = null;

  async load(): Promise<DeviceState | null> {
    return this.#state;
  }

  async save(state: DeviceState): Promise<void> {
    this.#state = state;
  }
}
