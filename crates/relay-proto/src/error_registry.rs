//! The one registry of errors, shared with `test/vectors/errors.json` and `docs/reference/errors.md`.

mod render;

pub use render::render_markdown;

use std::fmt;

/// Who has to act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The peer that gets the error.
    Peer,
    /// The relay itself.
    Relay,
    /// What the relay stands on: disk, store, network.
    Environment,
}

impl Fault {
    /// The name used in the registry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Relay => "relay",
            Self::Environment => "environment",
        }
    }
}

/// What the registry says about one error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorInfo {
    /// The error.
    pub code: ErrorCode,
    /// Its name in the API, in logs and in metrics.
    pub name: &'static str,
    /// Who has to act.
    pub fault: Fault,
    /// Whether the same request can succeed later.
    pub temporary: bool,
    /// HTTP status on HTTP routes.
    pub http: u16,
    /// WebSocket close code; 0: the connection stays open.
    pub close: u16,
    /// What to do about it.
    pub hint: &'static str,
}

macro_rules! registry {
    ($($variant:ident = $code:literal, $name:literal, $fault:ident, $temporary:literal, $http:literal, $close:literal, $hint:literal;)*) => {
        /// An error of the protocol; the number is what goes over the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $hint] $variant = $code,)*
        }

        /// Every error, by ascending number.
        pub const ERRORS: &[ErrorInfo] = &[$(ErrorInfo {
            code: ErrorCode::$variant,
            name: $name,
            fault: Fault::$fault,
            temporary: $temporary,
            http: $http,
            close: $close,
            hint: $hint,
        },)*];

        impl ErrorCode {
            /// The error of a number; `None` for one this version does not know.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// What the registry says about this error.
            #[must_use]
            pub const fn info(self) -> ErrorInfo {
                match self {
                    $(Self::$variant => ErrorInfo {
                        code: self,
                        name: $name,
                        fault: Fault::$fault,
                        temporary: $temporary,
                        http: $http,
                        close: $close,
                        hint: $hint,
                    },)*
                }
            }
        }
    };
}

registry! {
    HandshakeFailed = 1, "handshake_failed", Peer, false, 401, 4401, "Check the space link and that this device is still in the roster.";
    UnsupportedVersion = 2, "unsupported_version", Peer, false, 426, 4406, "Update the side that speaks the older protocol; the detail lists the versions spoken.";
    MalformedFrame = 3, "malformed_frame", Peer, false, 400, 4400, "The frame does not follow docs/protocol.md; this is a bug in the client.";
    UnexpectedFrame = 4, "unexpected_frame", Peer, false, 400, 4402, "The frame is unknown, reserved, or not allowed in this state of the session.";
    FrameTooLarge = 5, "frame_too_large", Peer, false, 413, 1009, "Keep messages below message_bytes_max of the welcome.";
    HandshakeTimeout = 6, "handshake_timeout", Peer, true, 408, 4508, "Finish the handshake within the time limit.";
    TextFrame = 7, "text_frame", Peer, false, 415, 1003, "Send binary messages only.";
    DeviceExpired = 20, "device_expired", Peer, false, 403, 4403, "The device's not_after has passed; an admin must renew it.";
    DeviceRevoked = 21, "device_revoked", Peer, false, 403, 4403, "This device was removed from the space.";
    ReadOnly = 22, "read_only", Peer, false, 403, 0, "This device may read but not write; an admin can change its rights.";
    NotAdmin = 23, "not_admin", Peer, false, 403, 0, "Only the root and admin devices may do this.";
    SessionExpired = 24, "session_expired", Peer, true, 401, 4401, "Open a new session with POST /v1/session; the token has expired, or the relay was restarted.";
    SpaceErased = 25, "space_erased", Peer, false, 410, 4410, "The space was erased from this relay; the detail says by whom. What this device holds stays with it.";
    EntryTooLarge = 30, "entry_too_large", Peer, false, 413, 0, "Keep sealed entries below entry_bytes_max of the welcome.";
    TooManyEntries = 31, "too_many_entries", Peer, false, 413, 0, "Keep pushes below push_entries_max of the welcome.";
    PushSeqGap = 33, "push_seq_gap", Peer, false, 409, 0, "Push again from the push_seq in the detail.";
    PushSeqConflict = 34, "push_seq_conflict", Peer, false, 409, 0, "This push_seq is taken by other bytes; two programs may be using one device key.";
    KeyEpochOld = 35, "key_epoch_old", Peer, false, 409, 0, "Seal again under the roster's key epoch.";
    KeyEpochUnknown = 36, "key_epoch_unknown", Peer, false, 409, 0, "Put the roster of that key epoch first.";
    RosterInvalid = 40, "roster_invalid", Peer, false, 422, 0, "The statement is not well formed, not signed by an admin, or breaks a rule of the roster.";
    RosterConflict = 41, "roster_conflict", Peer, true, 409, 0, "Another statement came first; build on the one that follows.";
    RosterTooLarge = 42, "roster_too_large", Peer, false, 413, 0, "The chain, the device list or the keyring is over its limit; a root-signed statement starts a new chain.";
    CursorAhead = 50, "cursor_ahead", Peer, false, 409, 0, "The cursor is above the relay's log: if the relay was restored from a backup, its operator must open a new log epoch.";
    RequestInvalid = 51, "request_invalid", Peer, false, 400, 0, "A field is outside its allowed range.";
    SnapshotInvalid = 60, "snapshot_invalid", Peer, false, 422, 0, "The manifest is not well formed, not signed by this device, or claims more than the device acked.";
    SnapshotTooLarge = 61, "snapshot_too_large", Peer, false, 413, 0, "Keep snapshots below the relay's limit.";
    SnapshotUnknown = 62, "snapshot_unknown", Peer, false, 404, 0, "The relay does not hold this snapshot; ask for the newest.";
    SnapshotChunkUnexpected = 63, "snapshot_chunk_unexpected", Peer, false, 409, 0, "Send SnapshotBegin and continue with the chunk it asks for.";
    BlobUnknown = 64, "blob_unknown", Peer, false, 404, 0, "The relay does not hold this blob in this space.";
    BlobTooLarge = 65, "blob_too_large", Peer, false, 413, 0, "Keep blobs below the relay's limit.";
    BlobMismatch = 66, "blob_mismatch", Peer, false, 422, 0, "The bytes are not those of the blob's id; upload again from the start.";
    BlobOffsetUnexpected = 67, "blob_offset_unexpected", Peer, true, 409, 0, "Continue the upload at the offset in the answer.";
    BlobRangeInvalid = 68, "blob_range_invalid", Peer, false, 416, 0, "Ask for one range inside the blob.";
    BlobDamaged = 69, "blob_damaged", Environment, false, 500, 0, "This blob cannot be read from the relay's disk; its operator must check the disk, a device that has it can delete it and upload it again.";
    AckInvalid = 70, "ack_invalid", Peer, false, 422, 0, "The ack's signature does not hold or it claims more than the log holds.";
    PurgeInvalid = 71, "purge_invalid", Peer, false, 422, 0, "The purge's signature does not hold, or it names a size or a head that the log does not have.";
    EraseInvalid = 72, "erase_invalid", Peer, false, 422, 0, "The erasure's signature does not hold, or it is of another log epoch.";
    PurgeTooEarly = 73, "purge_too_early", Peer, true, 409, 0, "A device that is live has not acked everything that would go; purge again when it has read it, or remove it first.";
    StoreUnavailable = 80, "store_unavailable", Environment, true, 503, 1013, "The relay's store does not answer; try again after the given time.";
    StorePoisoned = 81, "store_poisoned", Environment, true, 503, 1013, "A write or sync failed; nothing is acknowledged until the operator has checked the disk and restarted the relay.";
    DiskFull = 82, "disk_full", Environment, true, 507, 0, "The relay's disk is full for now; reads go on. Push the same again after the given time; its operator makes room, a restart is not needed.";
    Draining = 83, "draining", Relay, true, 503, 1012, "The relay restarts; come back after the given time.";
    Overloaded = 84, "overloaded", Relay, true, 503, 1013, "The relay has more work than it can take; come back after the given time.";
    TooManyConnections = 85, "too_many_connections", Relay, true, 503, 1013, "The connection limit is reached; come back after the given time.";
    Internal = 86, "internal", Relay, true, 500, 1011, "A bug in the relay; the operator's log has the details.";
    IdleTimeout = 87, "idle_timeout", Peer, true, 408, 4508, "Nothing was heard for two heartbeats.";
    WriteStalled = 88, "write_stalled", Peer, true, 408, 4509, "The peer did not read; it can continue from its cursor.";
    TooManySpaces = 89, "too_many_spaces", Relay, true, 507, 4507, "The relay's limit of spaces is reached; ask its operator.";
    RateLimited = 90, "rate_limited", Peer, true, 429, 0, "Slow down; try again after the given time.";
    QuotaExceeded = 91, "quota_exceeded", Peer, true, 507, 0, "The space's quota is used up; free space or ask the operator.";
    LogDamaged = 92, "log_damaged", Environment, false, 500, 0, "A part of the log on the relay's disk cannot be read; what comes before and after it can. Its operator must check the disk and restore a backup.";
    Busy = 93, "busy", Relay, true, 503, 0, "More pushes wait for the relay's disk than it can store in time; push again, from this one on, after the given time.";
    AdmissionRequired = 94, "admission_required", Peer, false, 403, 4411, "This relay takes new spaces with a token only; ask its operator for one and give it to the SDK as admission.";
    AdmissionRefused = 95, "admission_refused", Peer, false, 403, 4412, "The token is not known, has expired, was used up, or is not for this relay; ask its operator for another one.";
    AdmissionUnavailable = 96, "admission_unavailable", Relay, true, 503, 1013, "The relay cannot judge the token now; come back after the given time.";
    SponsorRefused = 98, "sponsor_refused", Peer, false, 403, 4413, "Only a device that may let others into a space of this relay vouches for a short-lived one, as pairing does; make the code on such a device, once its space is synced.";
    TopicLimit = 110, "topic_limit", Peer, true, 429, 0, "This session is in as many topics, or the topic has as many peers, as there may be; leave one first.";
    TopicUnknown = 111, "topic_unknown", Peer, false, 404, 0, "This session is not in a topic of that number; join it first.";
    TopicWindowFull = 112, "topic_window_full", Peer, true, 429, 0, "A receiver has not taken what it was sent before; wait for its TopicCredit.";
    TopicOverrun = 113, "topic_overrun", Peer, true, 429, 0, "This session did not take what its peers sent and is in no topic any more; read faster and join again.";
    TlsNeeded = 120, "tls_needed", Peer, false, 400, 0, "This port speaks TLS only: use https or wss.";
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The name in the API, in logs and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// WebSocket close code; 0: the connection stays open.
    #[must_use]
    pub const fn close(self) -> u16 {
        self.info().close
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
