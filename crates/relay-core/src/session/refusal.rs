//! From the store's errors to the registry's.

use super::io::Io;
use crate::limits::RETRY_AFTER_MS;
use crate::store::{Refusal, StoreError};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::ErrorFrame;

/// The error a peer is told.
pub(crate) fn code_of(error: &StoreError) -> ErrorCode {
    match error {
        StoreError::Refused(refusal) => code_of_refusal(refusal),
        StoreError::DiskFull => ErrorCode::DiskFull,
        StoreError::Overloaded => ErrorCode::Overloaded,
        StoreError::Poisoned => ErrorCode::StorePoisoned,
        StoreError::Damaged { .. } => ErrorCode::LogDamaged,
        StoreError::Closed => ErrorCode::StoreUnavailable,
        // A session is in a space that existed when it began.
        StoreError::UnknownSpace => ErrorCode::SpaceErased,
    }
}

const fn code_of_refusal(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::NotMember => ErrorCode::DeviceRevoked,
        Refusal::ReadOnly => ErrorCode::ReadOnly,
        Refusal::PushSeqGap { .. } => ErrorCode::PushSeqGap,
        Refusal::PushSeqConflict => ErrorCode::PushSeqConflict,
        Refusal::PushesHeld { .. } => ErrorCode::RateLimited,
        Refusal::KeyEpochOld => ErrorCode::KeyEpochOld,
        Refusal::KeyEpochUnknown => ErrorCode::KeyEpochUnknown,
        Refusal::RosterConflict => ErrorCode::RosterConflict,
        Refusal::RosterInvalid => ErrorCode::RosterInvalid,
        Refusal::RosterTooLarge => ErrorCode::RosterTooLarge,
        Refusal::TooManySpaces => ErrorCode::TooManySpaces,
        Refusal::AckInvalid => ErrorCode::AckInvalid,
        Refusal::SnapshotInvalid => ErrorCode::SnapshotInvalid,
        Refusal::SnapshotTooLarge => ErrorCode::SnapshotTooLarge,
        Refusal::PurgeInvalid => ErrorCode::PurgeInvalid,
        Refusal::SpaceErased => ErrorCode::SpaceErased,
        Refusal::SnapshotUnknown => ErrorCode::SnapshotUnknown,
        Refusal::SnapshotChunkUnexpected { .. } => ErrorCode::SnapshotChunkUnexpected,
    }
}

fn retry_after_ms(error: &StoreError) -> u32 {
    match error {
        StoreError::Refused(Refusal::PushesHeld { retry_after_ms }) => *retry_after_ms,
        StoreError::DiskFull | StoreError::Overloaded | StoreError::Poisoned | StoreError::Closed => RETRY_AFTER_MS,
        _ => 0,
    }
}

fn detail(error: &StoreError) -> Bytes {
    match error {
        StoreError::Refused(Refusal::PushSeqGap { expected }) => Bytes::copy_from_slice(&expected.to_be_bytes()),
        _ => Bytes::new(),
    }
}

impl Io<'_> {
    /// Tells the peer what the store said about `context`.
    pub(super) fn store_error(&mut self, error: &StoreError, context: u64) {
        let code = code_of(error);
        let frame =
            ErrorFrame { code: code.number(), context, retry_after_ms: retry_after_ms(error), detail: detail(error) };
        self.error_frame(code, frame);
    }
}
