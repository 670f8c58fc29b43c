//! Why a call about blobs was refused or failed, and what the peer is told.

use crate::store::StoreError;
use relay_proto::ErrorCode;
use std::fmt;

/// A rule that a request about a blob broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobRefusal {
    /// Not held in this space.
    Unknown,
    /// Larger than one blob may be.
    TooLarge,
    /// No bytes at all.
    Empty,
    /// The space's blobs, their bytes, or the device's unfinished uploads are at their limit.
    QuotaExceeded,
    /// The upload goes on elsewhere than the request says, or another connection goes on with it.
    OffsetUnexpected {
        /// Bytes the store holds of it.
        received_bytes: u64,
    },
    /// The bytes are not those of the id; nothing of them is kept.
    Mismatch,
    /// The device may not write.
    ReadOnly,
    /// Only the author and admins may delete a blob.
    NotAuthor,
    /// A byte range that the blob does not have.
    RangeInvalid,
    /// The stored bytes do not match their checksums.
    Damaged,
}

/// Why a call about blobs did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobError {
    /// A rule; nothing was changed.
    Refused(BlobRefusal),
    /// The store.
    Store(StoreError),
}

impl From<BlobRefusal> for BlobError {
    fn from(refusal: BlobRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for BlobError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl BlobError {
    /// The error a peer is told.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            // A space that went meanwhile holds no blob: the same answer as for any other unknown one.
            Self::Refused(BlobRefusal::Unknown) | Self::Store(StoreError::UnknownSpace) => ErrorCode::BlobUnknown,
            Self::Refused(BlobRefusal::TooLarge) => ErrorCode::BlobTooLarge,
            Self::Refused(BlobRefusal::Empty) => ErrorCode::RequestInvalid,
            Self::Refused(BlobRefusal::QuotaExceeded) => ErrorCode::QuotaExceeded,
            Self::Refused(BlobRefusal::OffsetUnexpected { .. }) => ErrorCode::BlobOffsetUnexpected,
            Self::Refused(BlobRefusal::Mismatch) => ErrorCode::BlobMismatch,
            Self::Refused(BlobRefusal::ReadOnly) => ErrorCode::ReadOnly,
            Self::Refused(BlobRefusal::NotAuthor) => ErrorCode::NotAdmin,
            Self::Refused(BlobRefusal::RangeInvalid) => ErrorCode::BlobRangeInvalid,
            Self::Refused(BlobRefusal::Damaged) | Self::Store(StoreError::Damaged { .. }) => ErrorCode::BlobDamaged,
            Self::Store(StoreError::DiskFull) => ErrorCode::DiskFull,
            Self::Store(StoreError::Overloaded) => ErrorCode::Overloaded,
            Self::Store(StoreError::Poisoned) => ErrorCode::StorePoisoned,
            Self::Store(StoreError::Closed) => ErrorCode::StoreUnavailable,
            Self::Store(StoreError::Refused(_)) => ErrorCode::Internal,
        }
    }
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "refused: {refusal:?}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BlobError {}
