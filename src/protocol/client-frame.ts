// The frames a client sends: one interface each, joined in the discriminated union `ClientFrame`.
import type { EraseClaim, PurgeClaim } from './erasure.js';
import type { LiveClientFrame } from './live-frame.js';

/** Opens the handshake; the versions are in order of preference. */
export interface HelloFrame {
  readonly type: 'Hello';
  readonly versions: readonly number[];
  readonly features: bigint;
  readonly space: Uint8Array;
  readonly device: Uint8Array;
  readonly clientNonce: Uint8Array;
  /** 0: the client holds no roster. */
  readonly rosterVersion: number;
  readonly rosterHash: Uint8Array;
}

/** Proves the device key over the transcript, and brings statements the relay may not have. */
export interface ProofFrame {
  readonly type: 'Proof';
  /** Complete roster statements in order; empty: nothing new. */
  readonly chain: readonly Uint8Array[];
  /** Of the chain's last statement; empty when the chain is. */
  readonly keyring: Uint8Array;
  readonly signature: Uint8Array;
}

/** A proof that also brings what lets its device found a space. */
export interface FoundingProofFrame {
  readonly type: 'FoundingProof';
  readonly chain: readonly Uint8Array[];
  readonly keyring: Uint8Array;
  /** A token of the relay's operator; not empty. */
  readonly admission: Uint8Array;
  readonly signature: Uint8Array;
}

export interface PingFrame {
  readonly type: 'Ping';
  readonly nonce: number;
}

/** Sealed entries with push_seqs pushSeqFirst, +1, …; stored together or not at all. */
export interface PushFrame {
  readonly type: 'Push';
  readonly pushSeqFirst: number;
  readonly keyEpoch: number;
  readonly entries: readonly Uint8Array[];
}

export interface PullFrame {
  readonly type: 'Pull';
  readonly request: number;
  readonly logEpoch: number;
  readonly after: number;
  readonly entriesMax: number;
  readonly bytesMax: number;
}

export interface SubscribeFrame {
  readonly type: 'Subscribe';
  readonly logEpoch: number;
  readonly after: number;
  readonly omitOwnBodies: boolean;
}

/** "I hold everything up to here", signed by the device. */
export interface AckFrame {
  readonly type: 'Ack';
  readonly logEpoch: number;
  readonly size: number;
  readonly head: Uint8Array;
  readonly signature: Uint8Array;
}

export interface RosterPutFrame {
  readonly type: 'RosterPut';
  readonly chain: readonly Uint8Array[];
  readonly keyring: Uint8Array;
}

export interface PullLeavesFrame {
  readonly type: 'PullLeaves';
  readonly request: number;
  readonly firstSeq: number;
  readonly count: number;
}

/** Everything up to a size is to be gone; signed by an admin or the root. */
export interface PurgeFrame extends PurgeClaim {
  readonly type: 'Purge';
  readonly signature: Uint8Array;
}

/** The whole space is to be gone; signed by an admin or the root. */
export interface EraseFrame extends EraseClaim {
  readonly type: 'Erase';
  readonly signature: Uint8Array;
}

export interface SnapshotBeginFrame {
  readonly type: 'SnapshotBegin';
  readonly manifest: Uint8Array;
}

/** Sent by both sides. */
export interface SnapshotChunkFrame {
  readonly type: 'SnapshotChunk';
  readonly snapshot: Uint8Array;
  readonly index: number;
  readonly bytes: Uint8Array;
}

export interface SnapshotGetFrame {
  readonly type: 'SnapshotGet';
  /** Zeros: the newest. */
  readonly snapshot: Uint8Array;
  readonly firstChunk: number;
  readonly chunksMax: number;
}

export interface SnapshotAckFrame {
  readonly type: 'SnapshotAck';
  readonly snapshot: Uint8Array;
  readonly signature: Uint8Array;
}

/** Every frame a client may send. */
export type ClientFrame =
  | HelloFrame
  | ProofFrame
  | FoundingProofFrame
  | PingFrame
  | PushFrame
  | PullFrame
  | SubscribeFrame
  | AckFrame
  | RosterPutFrame
  | PullLeavesFrame
  | PurgeFrame
  | EraseFrame
  | SnapshotBeginFrame
  | SnapshotChunkFrame
  | SnapshotGetFrame
  | SnapshotAckFrame
  | LiveClientFrame;
