//! Why a document store refused or failed.

use crate::store::StoreError;
use std::fmt;

/// Why a call came to nothing; nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentError {
    /// The store refused or failed as any store does: full disk, overload, poison, damage, closed.
    Store(StoreError),
    /// A key, a value or a work is over a limit of [`super::limits`]. The caller is at fault.
    TooLarge,
    /// The work took itself back: its reason is its own.
    Withdrawn,
    /// The work panicked; a defect of ours, which ends that work alone.
    Panicked,
}

impl From<StoreError> for DocumentError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "the store refused: {error:?}"),
            Self::TooLarge => f.write_str("a key, a value or a change is too large"),
            Self::Withdrawn => f.write_str("the work took itself back"),
            Self::Panicked => f.write_str("the work panicked"),
        }
    }
}

impl std::error::Error for DocumentError {}
