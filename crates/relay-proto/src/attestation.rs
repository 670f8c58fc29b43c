//! Signed heads: one signature serves a whole commit group, each space gets its leaf and path.

mod group;
mod push_leaf;

pub use group::{GroupLeaf, SignedGroup, sign_group};
pub use push_leaf::{PushLeaf, PushTree, ReceiptProof, push_tree, verify_receipt};

use crate::hash::Domain;
use crate::ids::{Hash, LogId, Seq, Signature, SpaceId};
use crate::limits::{GROUP_LEAVES_MAX, PATH_HASHES_MAX};
use crate::merkle::root_from_path;
use crate::signing;
use crate::wire::{DecodeError, Reader, Writer};
use bytes::Bytes;

/// Length of the salt of a group leaf, in bytes.
pub const SALT_BYTES: usize = 16;

/// Room for an attestation, in bytes: its fixed fields and a usual path.
const ATTESTATION_BYTES_USUAL: usize = 512;

/// What the relay states about one log at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadClaim {
    /// The log epoch, from 1.
    pub log_epoch: u64,
    /// Seq of the newest entry.
    pub size: Seq,
    /// The Merkle root at that size.
    pub head: Hash,
    /// Lowest seq still held.
    pub floor: Seq,
    /// The relay's clock, in Unix milliseconds; never decreases within a log id.
    pub time_ms: u64,
    /// Root over the pushes of this space in the commit group; zeros when there are none.
    pub pushes: Hash,
}

/// A head claim with the proof that the log id signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// What is stated.
    pub claim: HeadClaim,
    /// Fresh and random per leaf, so that a path tells nothing of other spaces.
    pub salt: [u8; SALT_BYTES],
    /// Position of the leaf in the group's tree.
    pub leaf_index: u32,
    /// Number of leaves in the group's tree.
    pub leaf_count: u32,
    /// Inclusion path of the leaf.
    pub path: Vec<Hash>,
    /// The log id's signature over the group's root.
    pub signature: Signature,
}

impl Attestation {
    /// Whether the log id signed this claim for this space.
    #[must_use]
    pub fn verify(&self, space: &SpaceId, log_id: &LogId) -> bool {
        if self.leaf_count > GROUP_LEAVES_MAX {
            return false;
        }
        let leaf = GroupLeaf { space: *space, claim: self.claim, salt: self.salt }.hash(log_id);
        root_from_path(&leaf, u64::from(self.leaf_index), u64::from(self.leaf_count), &self.path)
            .is_some_and(|root| signing::verify(&log_id.0, Domain::ReceiptRoot, &[&root.0], &self.signature))
    }

    /// What the log id signs for a commit group with this root, for a signer that keeps its key to itself.
    #[must_use]
    pub fn signing_text(root: &Hash) -> Vec<u8> {
        signing::signing_text(Domain::ReceiptRoot, &[&root.0])
    }

    /// The attestation's bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::with_capacity(ATTESTATION_BYTES_USUAL);
        self.write(&mut w);
        w.into_bytes()
    }

    /// Reads bytes that are exactly one attestation; its signature is not checked.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::borrowed(bytes);
        let attestation = Self::read(&mut r)?;
        r.finish()?;
        Ok(attestation)
    }

    /// How many bytes [`Self::write`] appends.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        let fixed = 4 * size_of::<u64>() + 2 * size_of::<Hash>() + SALT_BYTES;
        fixed + 2 * size_of::<u32>() + size_of::<u8>() + size_of_val(&*self.path) + size_of::<Signature>()
    }

    /// Appends the attestation.
    pub fn write(&self, w: &mut Writer) {
        let claim = &self.claim;
        w.u64(claim.log_epoch).u64(claim.size).raw(claim.head).u64(claim.floor).u64(claim.time_ms).raw(claim.pushes);
        w.raw(self.salt).u32(self.leaf_index).u32(self.leaf_count);
        w.count_u8(self.path.len()).raw_each(&self.path).raw(self.signature);
    }

    /// Reads an attestation; its signature is not checked.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let claim = HeadClaim {
            log_epoch: r.u64()?,
            size: r.u64()?,
            head: r.id()?,
            floor: r.u64()?,
            time_ms: r.u64()?,
            pushes: r.id()?,
        };
        Ok(Self {
            claim,
            salt: r.array()?,
            leaf_index: r.u32()?,
            leaf_count: r.u32()?,
            path: read_path(r)?,
            signature: r.id()?,
        })
    }
}

pub(crate) fn read_path(r: &mut Reader<'_>) -> Result<Vec<Hash>, DecodeError> {
    let count = usize::from(r.u8()?);
    r.list(count, PATH_HASHES_MAX, Hash::BYTES, Reader::id)
}
