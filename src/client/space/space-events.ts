// What an app can listen to. Devices are named by their public key in hexadecimal.
import type { ClientError } from '../client-error.js';
import type { LiveRejection } from '../live/live-crypto.js';
import type { Misbehaviour } from '../misbehaviour.js';
import type { Roster } from '../../protocol/roster.js';
import type { Write } from '../sync/writes.js';

/** `online` means a session is open; whether everything is read is `whenSynced()`. */
export type ConnectionStatus = 'offline' | 'connecting' | 'online' | 'failed' | 'closed';

export interface StatusEvent {
  readonly status: ConnectionStatus;
  /** Why it failed; null otherwise. */
  readonly error: ClientError | null;
}

/** One entry of the log, opened and checked. */
export interface EntryEvent {
  readonly seq: number;
  readonly device: string;
  /** Whether this device pushed it. */
  readonly own: boolean;
  readonly pushSeq: number;
  readonly items: readonly Uint8Array[];
  /** The author's clock, Unix milliseconds. */
  readonly time: number;
}

/** An entry that does not hold and was not handed on; the relay may be innocent of it. */
export interface EntryRejectedEvent {
  readonly seq: number;
  readonly device: string;
  readonly pushSeq: number;
  readonly reason: string;
  readonly sealed: Uint8Array;
}

export interface LogResetEvent {
  readonly oldEpoch: number;
  readonly newEpoch: number;
  /** Everything above this seq was lost by the relay; own entries are pushed again. */
  readonly baseSize: number;
  /** Whether the head at base_size was compared with the own one. */
  readonly verified: boolean;
}

/** This device goes on at another relay of its space. */
export interface MovedEvent {
  /** Seq up to which the new log holds what this device knows. */
  readonly size: number;
  /** Whether the new log was found to hold exactly what this device verified at the old one; what it lacks is pushed again. */
  readonly verified: boolean;
}

export interface AckEvent {
  readonly device: string;
  readonly size: number;
}

/** Worth knowing, but no misbehaviour. */
export interface WarningEvent {
  readonly code: 'history_unprovable' | 'relay_clock' | 'policy_shortened' | 'session_problem';
  readonly detail: string;
}

/** The relay dropped so many ephemeral frames for this device, because it read too slowly. */
export interface EphemeralMissedEvent {
  readonly count: number;
}

/** An ephemeral frame, or a message of a topic, that does not hold and was not handed on; the relay may be innocent of it. */
export interface LiveRejectedEvent {
  readonly device: string;
  readonly reason: LiveRejection;
}

/** The relay says that the space is gone from it; what this device holds stays. */
export interface ErasedEvent {
  readonly reason: 'signed' | 'operator' | 'expired';
  /** Who asked for it, with the reason `signed`: a device's key, or the space id for the root. */
  readonly by: string | null;
  /** Whether the signature holds and is of the root or an admin this device knows; false when there is none. */
  readonly verified: boolean;
  /** Whether the relay says that everything is overwritten. */
  readonly done: boolean;
  /** By the relay's clock, Unix milliseconds. */
  readonly time: number;
}

export interface SpaceEvents {
  readonly entry: EntryEvent;
  readonly status: StatusEvent;
  readonly misbehaviour: Misbehaviour;
  readonly 'log-reset': LogResetEvent;
  readonly moved: MovedEvent;
  readonly 'entry-rejected': EntryRejectedEvent;
  readonly roster: Roster;
  /** Names of devices, or removals that are owed, changed. */
  readonly devices: undefined;
  readonly ack: AckEvent;
  /** This device pushed an item; from now on it has unsynced changes. */
  readonly pushed: Write;
  readonly 'write-state': Write;
  /** Something moved: what is unsynced, or not read yet, may have changed. */
  readonly progress: undefined;
  readonly 'ephemeral-missed': EphemeralMissedEvent;
  readonly 'live-rejected': LiveRejectedEvent;
  /** A request of this device was refused, or a listener threw. */
  readonly error: ClientError;
  readonly warning: WarningEvent;
  readonly erased: ErasedEvent;
}
