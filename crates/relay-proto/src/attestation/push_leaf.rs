//! What binds a receipt to the attestation it came with.

use super::read_path;
use crate::hash::{Domain, sha256};
use crate::ids::{DeviceKey, EntryId, Hash, PushSeq, Seq};
use crate::merkle::{LEAF, Tree, verify_inclusion};
use crate::wire::{DecodeError, Reader, Writer};
use sha2::{Digest, Sha256};

/// One run of entries that a commit group stored for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushLeaf {
    /// Who pushed.
    pub device: DeviceKey,
    /// push_seq of the first entry.
    pub push_seq_first: PushSeq,
    /// seq of the first entry.
    pub seq_first: Seq,
    /// Number of entries.
    pub count: u32,
    /// Hash of the entry ids, concatenated.
    pub entries_hash: Hash,
}

impl PushLeaf {
    /// The leaf of a run of entries, given by their ids in order.
    #[must_use]
    pub fn of(device: DeviceKey, push_seq_first: PushSeq, seq_first: Seq, entries: &[EntryId]) -> Self {
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        Self { device, push_seq_first, seq_first, count, entries_hash: entries_hash(entries) }
    }

    /// The leaf hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        sha256(&[
            &LEAF,
            Domain::PushLeaf.tag(),
            &self.device.0,
            &self.push_seq_first.to_be_bytes(),
            &self.seq_first.to_be_bytes(),
            &self.count.to_be_bytes(),
            &self.entries_hash.0,
        ])
    }
}

fn entries_hash(entries: &[EntryId]) -> Hash {
    if let [entry] = entries {
        return sha256(&[&entry.0]);
    }
    let mut hasher = Sha256::new();
    for entry in entries {
        hasher.update(entry.0);
    }
    Hash(hasher.finalize().into())
}

/// The proof that a push is among those an attestation acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptProof {
    /// Position of the push leaf.
    pub index: u32,
    /// Number of push leaves.
    pub leaves: u32,
    /// Inclusion path of the push leaf.
    pub path: Vec<Hash>,
}

impl ReceiptProof {
    /// Appends the proof.
    pub fn write(&self, w: &mut Writer) {
        w.u32(self.index).u32(self.leaves).count_u8(self.path.len()).raw_each(&self.path);
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { index: r.u32()?, leaves: r.u32()?, path: read_path(r)? })
    }
}

/// The tree over the push leaves of one space in a commit group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushTree(Tree);

impl PushTree {
    /// The tree of these pushes.
    #[must_use]
    pub fn new(pushes: &[PushLeaf]) -> Self {
        Self(Tree::new(pushes.iter().map(PushLeaf::hash).collect()))
    }

    /// What the attestation states; zeros without pushes.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.0.root().unwrap_or(Hash::ZERO)
    }

    /// The proof of the push at `index`; `None` when there is no such push.
    #[must_use]
    pub fn proof(&self, index: usize) -> Option<ReceiptProof> {
        let path = self.0.path(index)?;
        let leaves = u32::try_from(self.0.leaves()).unwrap_or(u32::MAX);
        Some(ReceiptProof { index: u32::try_from(index).unwrap_or(u32::MAX), leaves, path })
    }
}

/// The root over the push leaves of one space in a commit group and the proof of each; zeros and none without pushes.
#[must_use]
pub fn push_tree(pushes: &[PushLeaf]) -> (Hash, Vec<ReceiptProof>) {
    let tree = PushTree::new(pushes);
    let proofs = (0..pushes.len()).filter_map(|index| tree.proof(index)).collect();
    (tree.root(), proofs)
}

/// Whether the proof holds: the push is among those whose root the attestation binds.
#[must_use]
pub fn verify_receipt(push: &PushLeaf, proof: &ReceiptProof, pushes: &Hash) -> bool {
    verify_inclusion(&push.hash(), u64::from(proof.index), u64::from(proof.leaves), &proof.path, pushes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_hold_for_their_push_only() {
        let entries = [EntryId([1; 32]), EntryId([2; 32])];
        let pushes: Vec<_> = (1..=5).map(|i| PushLeaf::of(DeviceKey([9; 32]), i, i + 10, &entries)).collect();
        let (root, proofs) = push_tree(&pushes);
        for (push, proof) in pushes.iter().zip(&proofs) {
            assert!(verify_receipt(push, proof, &root));
            let other = PushLeaf { seq_first: 99, ..*push };
            assert!(!verify_receipt(&other, proof, &root));
        }
        assert_eq!(push_tree(&[]), (Hash::ZERO, Vec::new()));
    }
}
