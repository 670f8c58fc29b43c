//! Why a store refused or failed.

use std::fmt;

/// Why a store refused or failed. Maps onto the registry in `relay_proto::error_registry`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The space is not known and the call does not create it.
    UnknownSpace,
    /// The request breaks a rule; the refusal says which. The peer is at fault; nothing was stored.
    Refused(Refusal),
    /// No room on the disk. Temporary; reads and forgetting go on; nothing was stored.
    DiskFull,
    /// Too much is waiting. Temporary; nothing was stored.
    Overloaded,
    /// A write or sync failed earlier; nothing is accepted until an operator restarted the relay.
    Poisoned,
    /// Reading found bytes that do not match their checksum. They are never returned; other reads go on.
    Damaged {
        /// What is damaged, in words an operator understands (file, offset); no ids, no payload.
        place: String,
    },
    /// The store is closing.
    Closed,
}

/// A rule that a request broke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The device is not in the newest roster.
    NotMember,
    /// The device has no write right.
    ReadOnly,
    /// push_seq leaves a gap.
    PushSeqGap {
        /// The push_seq that would be accepted.
        expected: u64,
    },
    /// push_seq is taken by other bytes.
    PushSeqConflict,
    /// The device is being removed: its new entries wait.
    PushesHeld {
        /// When it may try again, in milliseconds.
        retry_after_ms: u32,
    },
    /// The key epoch is older than the roster's.
    KeyEpochOld,
    /// The key epoch is newer than the roster's.
    KeyEpochUnknown,
    /// The chain does not follow what the store holds.
    RosterConflict,
    /// The chain or the keyring breaks a rule of its own.
    RosterInvalid,
    /// The chain, the keyring or the number of spaces is over a limit.
    RosterTooLarge,
    /// The limit of spaces is reached.
    TooManySpaces,
    /// The ack is of another log epoch, claims more than the log holds, or names another head than the log's.
    AckInvalid,
    /// The snapshot's manifest breaks a rule.
    SnapshotInvalid,
    /// Larger than the limit.
    SnapshotTooLarge,
    /// The purge is of another log epoch, or names a size or a head that the log does not have.
    PurgeInvalid,
    /// The space was erased, and is not founded anew as long as that is remembered.
    SpaceErased,
    /// Not held.
    SnapshotUnknown,
    /// Not the chunk that is wanted next.
    SnapshotChunkUnexpected {
        /// The index that is wanted next.
        next: u32,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSpace => f.write_str("the space is not known"),
            Self::Refused(refusal) => write!(f, "refused: {refusal:?}"),
            Self::DiskFull => f.write_str("the disk is full"),
            Self::Overloaded => f.write_str("too much is waiting"),
            Self::Poisoned => f.write_str("a write or sync failed; restart the relay after checking the disk"),
            Self::Damaged { place } => write!(f, "damaged: {place}"),
            Self::Closed => f.write_str("the store is closing"),
        }
    }
}

impl std::error::Error for StoreError {}
