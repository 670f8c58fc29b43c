//! The roots of the perfect subtrees of a growing tree: all that is needed to go on and to know the root.

use super::node_hash;
use crate::ids::Hash;
use crate::limits::RANGE_HASHES_MAX;

/// The compact range of a tree that starts at leaf 0: at most 64 hashes, largest subtree first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CompactRange {
    leaves: u64,
    hashes: Vec<Hash>,
}

impl CompactRange {
    /// The empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self { leaves: 0, hashes: Vec::new() }
    }

    /// A range of `leaves` leaves; `None` when the number of hashes is not the one such a tree has.
    #[must_use]
    pub fn from_parts(leaves: u64, hashes: Vec<Hash>) -> Option<Self> {
        let count = usize::try_from(leaves.count_ones()).ok()?;
        (hashes.len() == count && count <= RANGE_HASHES_MAX).then_some(Self { leaves, hashes })
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut carry = leaf;
        // Each trailing one of the old size is a subtree as large as the carry.
        for _ in 0..self.leaves.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                carry = node_hash(&left, &carry);
            }
        }
        if self.hashes.len() == self.hashes.capacity() {
            // Each space has a range, and it grows with the logarithm of its log only.
            self.hashes.reserve_exact(1);
        }
        self.hashes.push(carry);
        self.leaves = self.leaves.saturating_add(1);
    }

    /// Number of leaves.
    #[must_use]
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The roots of the perfect subtrees, largest first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root; `None` for the empty tree.
    #[must_use]
    pub fn root(&self) -> Option<Hash> {
        fold(&self.hashes)
    }
}

/// The root over perfect subtrees given largest first; it does not depend on their sizes.
#[must_use]
pub(crate) fn fold(hashes: &[Hash]) -> Option<Hash> {
    let (last, larger) = hashes.split_last()?;
    Some(larger.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}

#[cfg(test)]
mod tests {
    use super::super::root_of;
    use super::*;

    fn leaf(i: u64) -> Hash {
        crate::hash::sha256(&[&i.to_be_bytes()])
    }

    #[test]
    fn equals_the_recursive_definition() {
        let mut range = CompactRange::new();
        let mut leaves = Vec::new();
        assert_eq!(range.root(), None);
        for i in 0..130 {
            range.push(leaf(i));
            leaves.push(leaf(i));
            assert_eq!(range.root(), root_of(&leaves), "size {i}");
            let again = CompactRange::from_parts(range.leaves(), range.hashes().to_vec()).unwrap();
            assert_eq!(again, range);
        }
    }

    #[test]
    fn parts_must_fit_the_size() {
        assert!(CompactRange::from_parts(3, vec![leaf(0)]).is_none());
        assert!(CompactRange::from_parts(0, Vec::new()).is_some());
        assert!(CompactRange::from_parts(u64::MAX, vec![leaf(0); 64]).is_some());
    }
}
