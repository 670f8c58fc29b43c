// The frames a relay sends: one interface each, joined in the discriminated union `RelayFrame`.
import type { Attestation } from './attestation.js';
import type { LiveRelayFrame } from './live-frame.js';
import type { InclusionPath } from './merkle.js';
import type { LogReset } from './log-reset.js';
import type { SnapshotChunkFrame } from './client-frame.js';

export interface ChallengeFrame {
  readonly type: 'Challenge';
  readonly version: number;
  readonly features: bigint;
  readonly logId: Uint8Array;
  readonly relayNonce: Uint8Array;
}

/** The limits a session must keep. */
export interface SessionLimits {
  readonly messageBytesMax: number;
  readonly entryBytesMax: number;
  readonly pushEntriesMax: number;
  readonly pushBytesInFlightMax: number;
  readonly heartbeatMs: number;
}

/** When the relay may forget. */
export interface RetentionPolicy {
  readonly retentionMs: number;
  readonly deviceLeaseMs: number;
}

export interface WelcomeFrame {
  readonly type: 'Welcome';
  readonly logEpoch: number;
  readonly rosterVersion: number;
  readonly rosterHash: Uint8Array;
  /** Highest push_seq of this device the relay holds or held; 0: none. */
  readonly pushSeqHigh: number;
  /** True: the next push must be pushSeqHigh + 1; false: any greater one. */
  readonly pushSeqBound: boolean;
  readonly lastEntryId: Uint8Array;
  readonly limits: SessionLimits;
  readonly policy: RetentionPolicy;
  readonly attestation: Attestation;
  readonly signature: Uint8Array;
}

/** `code` is a number of the error registry, perhaps one this build does not know. */
export interface ErrorFrame {
  readonly type: 'Error';
  readonly code: number;
  readonly context: number;
  readonly retryAfterMs: number;
  readonly detail: Uint8Array;
}

export interface GoawayFrame {
  readonly type: 'Goaway';
  readonly reason: number;
  readonly reconnectAfterMs: number;
  readonly reconnectSpreadMs: number;
}

export interface PongFrame {
  readonly type: 'Pong';
  readonly nonce: number;
  readonly attestation: Attestation;
}

/** The push leaf's path to `pushes` is there exactly when the status is `stored`. */
export type ReceiptStatus = 'stored' | 'duplicate' | 'forgotten';

interface ReceiptFields {
  readonly type: 'Receipt';
  readonly pushSeqFirst: number;
  readonly count: number;
  /** 0 when forgotten. */
  readonly seqFirst: number;
  readonly attestation: Attestation;
}

export interface StoredReceiptFrame extends ReceiptFields {
  readonly status: 'stored';
  readonly proof: InclusionPath;
}

export interface DuplicateReceiptFrame extends ReceiptFields {
  readonly status: 'duplicate';
}

export interface ForgottenReceiptFrame extends ReceiptFields {
  readonly status: 'forgotten';
}

export type ReceiptFrame = StoredReceiptFrame | DuplicateReceiptFrame | ForgottenReceiptFrame;

interface ItemFields {
  readonly device: Uint8Array;
  readonly pushSeq: number;
  readonly keyEpoch: number;
}

/** An entry with its sealed bytes, or, for the session's own device, only its id. */
export type EntryItem =
  | (ItemFields & { readonly kind: 'sealed'; readonly sealed: Uint8Array })
  | (ItemFields & { readonly kind: 'own'; readonly entryId: Uint8Array });

export interface EntriesFrame {
  readonly type: 'Entries';
  /** 0: of the subscription. */
  readonly request: number;
  readonly more: boolean;
  readonly firstSeq: number;
  readonly items: readonly EntryItem[];
  readonly attestation: Attestation;
}

export interface AckNoticeFrame {
  readonly type: 'AckNotice';
  readonly device: Uint8Array;
  readonly logEpoch: number;
  readonly size: number;
  readonly head: Uint8Array;
  readonly signature: Uint8Array;
}

export interface RosterUpdateFrame {
  readonly type: 'RosterUpdate';
  readonly chain: readonly Uint8Array[];
  readonly keyring: Uint8Array;
}

export interface LogResetFrame extends LogReset {
  readonly type: 'LogReset';
}

export interface CursorExpiredFrame {
  readonly type: 'CursorExpired';
  readonly request: number;
  readonly attestation: Attestation;
}

export interface LeavesFrame {
  readonly type: 'Leaves';
  readonly request: number;
  readonly firstSeq: number;
  readonly leaves: readonly Uint8Array[];
}

/** A purge is durable, and what went is overwritten; the attestation's floor is above the size. */
export interface PurgedFrame {
  readonly type: 'Purged';
  readonly size: number;
  readonly attestation: Attestation;
}

export interface SnapshotStatusFrame {
  readonly type: 'SnapshotStatus';
  readonly snapshot: Uint8Array;
  readonly nextChunk: number;
  readonly stored: boolean;
}

/** An empty manifest: the relay holds no snapshot. */
export interface SnapshotManifestFrame {
  readonly type: 'SnapshotManifest';
  readonly manifest: Uint8Array;
}

export interface SnapshotDueFrame {
  readonly type: 'SnapshotDue';
  readonly size: number;
}

/** Joins the two requests of a handshake over HTTP. */
export interface SessionTicketFrame {
  readonly type: 'SessionTicket';
  readonly expiresInMs: number;
  readonly ticket: Uint8Array;
}

/** What requests over HTTP carry instead of a handshake. */
export interface SessionTokenFrame {
  readonly type: 'SessionToken';
  readonly expiresInMs: number;
  readonly token: Uint8Array;
}

/** Every frame a relay may send. */
export type RelayFrame =
  | ChallengeFrame
  | WelcomeFrame
  | ErrorFrame
  | GoawayFrame
  | PongFrame
  | ReceiptFrame
  | EntriesFrame
  | AckNoticeFrame
  | RosterUpdateFrame
  | LogResetFrame
  | CursorExpiredFrame
  | LeavesFrame
  | PurgedFrame
  | SnapshotChunkFrame
  | SnapshotStatusFrame
  | SnapshotManifestFrame
  | SnapshotDueFrame
  | SessionTicketFrame
  | SessionTokenFrame
  | LiveRelayFrame;
