//! From the ledgers a commit group touched to one encoded attestation per space and one proof per push.

use super::signing::sign;
use crate::environment::{Entropy, LogSigner};
use crate::ledger::SpaceLedger;
use bytes::Bytes;
use relay_proto::attestation::{Attestation, GroupLeaf, PushLeaf, PushTree, ReceiptProof, SALT_BYTES};
use relay_proto::hash::Domain;
use relay_proto::ids::{Hash, LogId};
use relay_proto::limits::GROUP_LEAVES_MAX;
use relay_proto::merkle::tree_with_paths;
use relay_proto::wire::Writer;

/// Collects the spaces of one commit group. Give it each ledger once, after everything of the group was applied to it.
#[derive(Debug)]
pub struct GroupAttestor {
    time_ms: u64,
    leaves: Vec<GroupLeaf>,
    pushes: Vec<PushTree>,
}

impl GroupAttestor {
    /// Most spaces in one group.
    pub const SPACES_MAX: usize = GROUP_LEAVES_MAX as usize;

    /// A group of the time the log's clock gave.
    #[must_use]
    pub const fn new(time_ms: u64) -> Self {
        Self { time_ms, leaves: Vec::new(), pushes: Vec::new() }
    }

    /// Adds a space and the push leaves of this group in it, in order (none: zeros); returns the slot by which its attestation
    /// and its proofs are asked for. The ledger remembers the head, to judge acks by.
    pub fn add(&mut self, ledger: &mut SpaceLedger, pushes: &[PushLeaf]) -> usize {
        let pushes = PushTree::new(pushes);
        let claim = ledger.attested_claim(self.time_ms, pushes.root());
        self.leaves.push(GroupLeaf { space: ledger.space(), claim, salt: [0; SALT_BYTES] });
        self.pushes.push(pushes);
        self.leaves.len() - 1
    }

    /// Salts the leaves and builds the group's tree; `None` when it has no spaces or more than [`Self::SPACES_MAX`].
    #[must_use]
    pub fn close(mut self, log_id: &LogId, entropy: &dyn Entropy) -> Option<UnsignedGroup> {
        if self.leaves.is_empty() || self.leaves.len() > Self::SPACES_MAX {
            return None;
        }
        // Asked for once: randomness is a system call, and a group may have a space for every push.
        let mut salts = vec![[0; SALT_BYTES]; self.leaves.len()];
        entropy.fill(salts.as_flattened_mut());
        self.leaves.iter_mut().zip(salts).for_each(|(leaf, salt)| leaf.salt = salt);
        let hashes: Vec<Hash> = self.leaves.iter().map(|leaf| leaf.hash(log_id)).collect();
        let (root, paths) = tree_with_paths(&hashes)?;
        Some(UnsignedGroup { leaves: self.leaves, paths, pushes: self.pushes, root })
    }
}

/// A group that waits for its signature, which may be made while the group is being written.
#[derive(Debug)]
pub struct UnsignedGroup {
    leaves: Vec<GroupLeaf>,
    paths: Vec<Vec<Hash>>,
    pushes: Vec<PushTree>,
    root: Hash,
}

impl UnsignedGroup {
    /// Signs the group and encodes its attestations. Nothing of it may leave before the group is durable.
    #[must_use]
    pub fn sign(self, signer: &dyn LogSigner) -> CommittedGroup {
        let signature = sign(signer, Domain::ReceiptRoot, self.root.as_bytes());
        let leaf_count = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        let attestations = self
            .leaves
            .iter()
            .zip(self.paths)
            .zip(0..leaf_count)
            .map(|((leaf, path), leaf_index)| {
                encode(&Attestation { claim: leaf.claim, salt: leaf.salt, leaf_index, leaf_count, path, signature })
            })
            .collect();
        CommittedGroup { attestations, pushes: self.pushes }
    }
}

/// The attestations and proofs of a signed group.
#[derive(Debug)]
pub struct CommittedGroup {
    attestations: Vec<Bytes>,
    pushes: Vec<PushTree>,
}

impl CommittedGroup {
    /// The encoded attestation of a slot; empty for a slot that was never given out.
    #[must_use]
    pub fn attestation(&self, slot: usize) -> Bytes {
        self.attestations.get(slot).cloned().unwrap_or_default()
    }

    /// The proof of the `index`-th push leaf of a slot.
    #[must_use]
    pub fn proof(&self, slot: usize, index: usize) -> Option<ReceiptProof> {
        self.pushes.get(slot)?.proof(index)
    }
}

fn encode(attestation: &Attestation) -> Bytes {
    // Exactly what it takes: each space keeps its newest one.
    let mut w = Writer::with_capacity(attestation.encoded_bytes());
    attestation.write(&mut w);
    w.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RosterState;
    use crate::testing::{SeededEntropy, SpaceFixture, TestSigner};
    use relay_proto::KeyPair;
    use relay_proto::attestation::verify_receipt;
    use relay_proto::ids::EntryId;
    use relay_proto::merkle::Genesis;
    use relay_proto::roster::Rights;
    use relay_proto::wire::Reader;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    #[test]
    fn one_signature_serves_every_space_and_every_push_of_a_group() {
        let (signer, entropy) = (TestSigner::new(1), SeededEntropy::new(1));
        let device = KeyPair::from_seed(&[2; 32]);
        let mut attestor = GroupAttestor::new(77);
        let mut expected = Vec::new();
        for (seed, pushes) in [(10, 3), (11, 0), (12, 1), (13, 2)] {
            let space = SpaceFixture::new(seed, &[(&device, Rights::Write)]);
            let roster = RosterState::found(space.id(), &space.chain, &space.keyring, 0).unwrap();
            let mut ledger = SpaceLedger::new(Genesis::first(space.id(), signer.log_id()), Arc::new(roster));
            let leaf = |n: u64| PushLeaf::of(device.device(), n, n, &[EntryId([9; 32])]);
            let leaves: Vec<PushLeaf> = (1..=pushes).map(leaf).collect();
            expected.push((attestor.add(&mut ledger, &leaves), space.id(), ledger.head(), leaves));
        }
        let group = attestor.close(&signer.log_id(), &entropy).unwrap().sign(&signer);
        let mut salts = BTreeSet::new();
        for (slot, space, head, leaves) in expected {
            let encoded = group.attestation(slot);
            let attestation = Attestation::read(&mut Reader::new(&encoded)).unwrap();
            assert!(salts.insert(attestation.salt), "each space has a salt of its own");
            assert!(attestation.verify(&space, &signer.log_id()));
            assert_eq!(encoded.len(), attestation.encoded_bytes());
            assert_eq!((attestation.claim.time_ms, attestation.claim.head), (77, head));
            assert_eq!(leaves.is_empty(), attestation.claim.pushes.is_zero());
            for (index, leaf) in leaves.iter().enumerate() {
                assert!(verify_receipt(leaf, &group.proof(slot, index).unwrap(), &attestation.claim.pushes));
            }
            assert!(group.proof(slot, leaves.len()).is_none());
        }
        assert!(GroupAttestor::new(1).close(&signer.log_id(), &entropy).is_none());
    }
}
