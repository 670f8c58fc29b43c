//! The tree over the spaces of one commit group, and its one signature.

use super::{Attestation, HeadClaim, SALT_BYTES};
use crate::hash::{Domain, sha256};
use crate::ids::{Hash, LogId, Signature, SpaceId};
use crate::limits::GROUP_LEAVES_MAX;
use crate::merkle::{LEAF, tree_with_paths};
use crate::signing::KeyPair;

/// One space's leaf in the tree of a commit group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupLeaf {
    /// The space.
    pub space: SpaceId,
    /// What is stated about its log.
    pub claim: HeadClaim,
    /// Fresh random bytes.
    pub salt: [u8; SALT_BYTES],
}

impl GroupLeaf {
    /// The leaf hash under this log id.
    #[must_use]
    pub fn hash(&self, log_id: &LogId) -> Hash {
        let claim = &self.claim;
        sha256(&[
            &LEAF,
            Domain::ReceiptLeaf.tag(),
            &self.salt,
            &self.space.0,
            &log_id.0,
            &claim.log_epoch.to_be_bytes(),
            &claim.size.to_be_bytes(),
            &claim.head.0,
            &claim.floor.to_be_bytes(),
            &claim.time_ms.to_be_bytes(),
            &claim.pushes.0,
        ])
    }
}

/// The attestations of a commit group, in the order of its leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedGroup {
    /// Root of the group's tree.
    pub root: Hash,
    /// The log id's signature over it.
    pub signature: Signature,
    /// One attestation per leaf.
    pub attestations: Vec<Attestation>,
}

/// Signs a commit group; `None` when it has no leaves or more than [`GROUP_LEAVES_MAX`].
#[must_use]
pub fn sign_group(log_key: &KeyPair, leaves: &[GroupLeaf]) -> Option<SignedGroup> {
    let leaf_count = u32::try_from(leaves.len()).ok().filter(|count| *count <= GROUP_LEAVES_MAX)?;
    let log_id = log_key.log_id();
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf.hash(&log_id)).collect();
    let (root, paths) = tree_with_paths(&hashes)?;
    let signature = log_key.sign(Domain::ReceiptRoot, &[&root.0]);
    let attestations = leaves
        .iter()
        .zip(paths)
        .zip(0..leaf_count)
        .map(|((leaf, path), leaf_index)| Attestation {
            claim: leaf.claim,
            salt: leaf.salt,
            leaf_index,
            leaf_count,
            path,
            signature,
        })
        .collect();
    Some(SignedGroup { root, signature, attestations })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(i: u8) -> GroupLeaf {
        let claim = HeadClaim {
            log_epoch: 1,
            size: 10 + u64::from(i),
            head: Hash([i; 32]),
            floor: 1,
            time_ms: 5,
            pushes: Hash::ZERO,
        };
        GroupLeaf { space: SpaceId([i; 32]), claim, salt: [i; SALT_BYTES] }
    }

    #[test]
    fn every_leaf_verifies_for_its_space_only() {
        let key = KeyPair::from_seed(&[1; 32]);
        for n in 1..=6 {
            let leaves: Vec<_> = (0..n).map(leaf).collect();
            let group = sign_group(&key, &leaves).unwrap();
            for (leaf, attestation) in leaves.iter().zip(&group.attestations) {
                assert!(attestation.verify(&leaf.space, &key.log_id()));
                assert!(!attestation.verify(&SpaceId([99; 32]), &key.log_id()));
                assert!(!attestation.verify(&leaf.space, &KeyPair::from_seed(&[2; 32]).log_id()));
                let mut other = attestation.clone();
                other.claim.size += 1;
                assert!(!other.verify(&leaf.space, &key.log_id()));
            }
        }
        assert!(sign_group(&key, &[]).is_none());
    }
}
