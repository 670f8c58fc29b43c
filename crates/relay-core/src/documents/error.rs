//! Why a document store refused or failed.

use crate::store::StoreError;
use relay_proto::quota::QuotaDetail;
use std::fmt;

/// What is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// Tenants of all systems.
    Tenants,
    /// Bytes of the tenants of one system that nobody let in.
    SystemBytes,
}

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
    /// All tenants together keep as much as they may.
    Full(Cap),
    /// The account the tenant is on keeps as much as it may, in its spaces and elsewhere.
    Account(QuotaDetail),
    /// The tenant writes too often.
    TooFast {
        /// When it may again, in milliseconds.
        retry_after_ms: u32,
    },
    /// Who may open a tenant is asked here, and nobody let this one in.
    NotAdmitted,
    /// The operator erased the tenant.
    Erased,
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
            Self::Full(Cap::Tenants) => f.write_str("there are as many tenants as there may be"),
            Self::Full(Cap::SystemBytes) => f.write_str("the tenants of the system keep as much as they may"),
            Self::Account(detail) => write!(f, "the account keeps as much as it may of {}", detail.quota.name()),
            Self::TooFast { .. } => f.write_str("the tenant writes too often"),
            Self::NotAdmitted => f.write_str("nobody let this tenant in"),
            Self::Erased => f.write_str("the tenant was erased"),
            Self::Withdrawn => f.write_str("the work took itself back"),
            Self::Panicked => f.write_str("the work panicked"),
        }
    }
}

impl std::error::Error for DocumentError {}
