//! Domain-separated SHA-256.

use crate::ids::{EntryId, Hash};
use sha2::{Digest, Sha256};

/// What a hashed or signed text is for: no two purposes share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Domain {
    /// Roster statements.
    Roster,
    /// The handshake's transcripts.
    Transcript,
    /// The client's proof.
    HandshakeClient,
    /// The relay's welcome.
    HandshakeRelay,
    /// The genesis leaf of a log.
    Genesis,
    /// Leaves of a commit group.
    ReceiptLeaf,
    /// The signed root of a commit group.
    ReceiptRoot,
    /// Leaves over the pushes of a commit group.
    PushLeaf,
    /// Acks.
    Ack,
    /// Log resets.
    LogReset,
    /// Snapshot manifests.
    Snapshot,
    /// Snapshot acks.
    SnapshotAck,
    /// Purges.
    Purge,
    /// Erasures.
    Erase,
    /// Marks of the members of an erased space.
    ErasedMember,
    /// Tickets of a handshake over HTTP.
    SessionTicket,
    /// Session tokens.
    SessionToken,
    /// Exported spaces.
    SpaceExport,
    /// Sponsorships.
    Sponsor,
}

impl Domain {
    /// `D(name)`: the text that starts everything hashed or signed for this purpose, its zero byte included.
    #[must_use]
    pub const fn tag(self) -> &'static [u8] {
        match self {
            Self::Roster => b"sealrelay/v1/roster\0",
            Self::Transcript => b"sealrelay/v1/transcript\0",
            Self::HandshakeClient => b"sealrelay/v1/handshake/client\0",
            Self::HandshakeRelay => b"sealrelay/v1/handshake/relay\0",
            Self::Genesis => b"sealrelay/v1/genesis\0",
            Self::ReceiptLeaf => b"sealrelay/v1/receipt-leaf\0",
            Self::ReceiptRoot => b"sealrelay/v1/receipt-root\0",
            Self::PushLeaf => b"sealrelay/v1/push-leaf\0",
            Self::Ack => b"sealrelay/v1/ack\0",
            Self::LogReset => b"sealrelay/v1/log-reset\0",
            Self::Snapshot => b"sealrelay/v1/snapshot\0",
            Self::SnapshotAck => b"sealrelay/v1/snapshot-ack\0",
            Self::Purge => b"sealrelay/v1/purge\0",
            Self::Erase => b"sealrelay/v1/erase\0",
            Self::ErasedMember => b"sealrelay/v1/erased-member\0",
            Self::SessionTicket => b"sealrelay/v1/session-ticket\0",
            Self::SessionToken => b"sealrelay/v1/session-token\0",
            Self::SpaceExport => b"sealrelay/v1/space-export\0",
            Self::Sponsor => b"sealrelay/v1/sponsor\0",
        }
    }
}

/// SHA-256 of the parts, concatenated.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    Hash(relay_hash::sha256_of(parts))
}

/// `H(D(domain) ‖ parts)`.
#[must_use]
pub fn domain_hash(domain: Domain, parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(domain.tag());
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

/// The id of an entry: the hash of its sealed bytes.
#[must_use]
pub fn entry_id(sealed: &[u8]) -> EntryId {
    EntryId(sha256(&[sealed]).0)
}

/// The ids of entries, in their order; many together are hashed faster than one by one.
#[must_use]
pub fn entry_ids(sealed: &[&[u8]]) -> Vec<EntryId> {
    relay_hash::sha256_each(sealed).into_iter().map(EntryId).collect()
}

/// Fewest entries that this processor hashes faster together than one by one; `None` where it never does.
#[must_use]
pub fn entries_enough() -> Option<usize> {
    relay_hash::texts_enough()
}
