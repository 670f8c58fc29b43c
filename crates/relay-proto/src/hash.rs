//! Domain-separated SHA-256.

use crate::ids::{EntryId, Hash};
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// Bytes of a block of SHA-256.
const BLOCK_BYTES: usize = 64;
/// What follows the text in its last block: the mark of its end and its length in bits.
const PADDING_BYTES_MIN: usize = 1 + 8;
/// Longest text of two blocks, in bytes.
const SHORT_BYTES_MAX: usize = 2 * BLOCK_BYTES - PADDING_BYTES_MIN;
/// The state SHA-256 begins with (FIPS 180-4, 5.3.3).
const INITIAL_STATE: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

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
    if let Some(hash) = sha256_short(parts) {
        return hash;
    }
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

/// The same for a text of at most two blocks, as leaves and nodes are: put together where it is hashed, without a hasher's
/// buffer between. `None` for a longer one.
fn sha256_short(parts: &[&[u8]]) -> Option<Hash> {
    let mut blocks = [[0; BLOCK_BYTES]; 2];
    let text = blocks.as_flattened_mut();
    let mut len = 0;
    for part in parts {
        let end = len + part.len();
        if end > SHORT_BYTES_MAX {
            return None;
        }
        text.get_mut(len..end)?.copy_from_slice(part);
        len = end;
    }
    *text.get_mut(len)? = 0x80;
    let count = (len + PADDING_BYTES_MIN).div_ceil(BLOCK_BYTES);
    let bits = u64::try_from(len).ok()? * 8;
    text.get_mut(..count * BLOCK_BYTES)?.last_chunk_mut().map(|length| *length = bits.to_be_bytes())?;
    let mut state = INITIAL_STATE;
    compress256(&mut state, blocks.get(..count)?);
    let mut hash = Hash::ZERO;
    hash.0.as_chunks_mut().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    Some(hash)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_hash_as_long_ones_do_at_every_length_and_split() {
        let text: Vec<u8> = (0..=255).collect();
        for len in 0..=2 * BLOCK_BYTES + 4 {
            let text = &text[..len];
            let expected = Hash(Sha256::digest(text).into());
            assert_eq!(sha256_short(&[text]).is_some(), len <= SHORT_BYTES_MAX, "{len}");
            for at in [0, 1, len / 2, len] {
                let (a, b) = text.split_at(at.min(len));
                assert_eq!(sha256(&[a, &[], b]), expected, "{len} at {at}");
            }
        }
    }
}
