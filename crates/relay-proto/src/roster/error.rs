//! Which rule a statement or a chain breaks.

use crate::error_registry::ErrorCode;
use crate::wire::DecodeError;
use std::fmt;

/// Why a statement, a chain or a keyring was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RosterError {
    /// The bytes are no statement, or its fields contradict each other.
    Malformed,
    /// A statement of another space.
    ForeignSpace,
    /// A chain that starts with a statement the root did not sign.
    NotAnchored,
    /// The signature does not hold.
    Signature,
    /// The signer is no admin of the statement before.
    Signer,
    /// The signer's `not_after` has passed.
    SignerExpired,
    /// The version does not follow.
    Version,
    /// `previous` is not the hash of the statement before.
    Previous,
    /// A device left, or was gone, without being in `former`.
    FormerMissing,
    /// The push_seq_max of a former device changed where it may not.
    FormerChanged,
    /// The key of a former device is a device again.
    FormerReturned,
    /// A device that stays lost write.
    WriteLost,
    /// The key epoch does not follow, or must rise and does not.
    KeyEpoch,
    /// `root_hpke` changed.
    RootHpke,
    /// The keyring is not the one the statement names.
    Keyring,
    /// The chain is empty, or over its limits; or the keyring is.
    ChainLength,
}

impl RosterError {
    /// The name used in the shared vectors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::ForeignSpace => "foreign_space",
            Self::NotAnchored => "not_anchored",
            Self::Signature => "signature",
            Self::Signer => "signer",
            Self::SignerExpired => "signer_expired",
            Self::Version => "version",
            Self::Previous => "previous",
            Self::FormerMissing => "former_missing",
            Self::FormerChanged => "former_changed",
            Self::FormerReturned => "former_returned",
            Self::WriteLost => "write_lost",
            Self::KeyEpoch => "key_epoch",
            Self::RootHpke => "root_hpke",
            Self::Keyring => "keyring",
            Self::ChainLength => "chain_length",
        }
    }

    /// The error of the registry that a peer who may know is told.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Version | Self::Previous => ErrorCode::RosterConflict,
            Self::ChainLength => ErrorCode::RosterTooLarge,
            _ => ErrorCode::RosterInvalid,
        }
    }
}

impl From<DecodeError> for RosterError {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}

impl fmt::Display for RosterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for RosterError {}
