//! Trees held in memory: roots and inclusion paths over a list of leaves.

use super::node_hash;
use crate::ids::Hash;

/// The RFC 9162 root over the leaf hashes; `None` when there are none.
#[must_use]
pub fn root_of(leaves: &[Hash]) -> Option<Hash> {
    let mut range = super::CompactRange::new();
    for leaf in leaves {
        range.push(*leaf);
    }
    range.root()
}

/// The inclusion path of the leaf at `index`; `None` when there is no such leaf.
#[must_use]
pub fn inclusion_path(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    let levels = levels_of(leaves);
    path_in(&levels, leaves.len(), index)
}

/// A tree of which roots and paths are asked one by one; each node is hashed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree over the leaf hashes.
    #[must_use]
    pub fn new(leaves: Vec<Hash>) -> Self {
        Self { levels: levels_over(leaves) }
    }

    /// Number of leaves.
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// The root; `None` when there are no leaves.
    #[must_use]
    pub fn root(&self) -> Option<Hash> {
        self.levels.last()?.first().copied()
    }

    /// The inclusion path of the leaf at `index`; `None` when there is no such leaf.
    #[must_use]
    pub fn path(&self, index: usize) -> Option<Vec<Hash>> {
        path_in(&self.levels, self.leaves(), index)
    }
}

/// The root and every leaf's inclusion path; `None` when there are no leaves. Each node is hashed once.
#[must_use]
pub fn tree_with_paths(leaves: &[Hash]) -> Option<(Hash, Vec<Vec<Hash>>)> {
    let levels = levels_of(leaves);
    let root = *levels.last()?.first()?;
    let paths = (0..leaves.len()).filter_map(|index| path_in(&levels, leaves.len(), index)).collect();
    Some((root, paths))
}

/// All levels, leaves first. A node without a right sibling rises unchanged, which gives exactly RFC 9162's splits.
fn levels_of(leaves: &[Hash]) -> Vec<Vec<Hash>> {
    levels_over(leaves.to_vec())
}

fn levels_over(leaves: Vec<Hash>) -> Vec<Vec<Hash>> {
    let mut levels = vec![leaves];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        let mut next = Vec::with_capacity(level.len().div_ceil(2));
        next.extend(level.chunks(2).filter_map(parent_of));
        levels.push(next);
    }
    levels
}

fn parent_of(pair: &[Hash]) -> Option<Hash> {
    match pair {
        [left, right] => Some(node_hash(left, right)),
        [single] => Some(*single),
        _ => None,
    }
}

fn path_in(levels: &[Vec<Hash>], count: usize, index: usize) -> Option<Vec<Hash>> {
    if index >= count {
        return None;
    }
    let mut path = Vec::with_capacity(levels.len());
    path.extend(levels.iter().enumerate().filter_map(|(height, level)| level.get((index >> height) ^ 1).copied()));
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::super::verify_inclusion;
    use super::*;

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| crate::hash::sha256(&[&i.to_be_bytes()])).collect()
    }

    /// The definition of RFC 9162, section 2.1.1.
    fn reference_root(leaves: &[Hash]) -> Hash {
        if leaves.len() == 1 {
            return leaves[0];
        }
        let split = leaves.len().next_power_of_two() / 2;
        node_hash(&reference_root(&leaves[..split]), &reference_root(&leaves[split..]))
    }

    #[test]
    fn roots_and_paths_hold_for_all_small_trees() {
        for n in 1..=70 {
            let leaves = leaves(n);
            let (root, paths) = tree_with_paths(&leaves).unwrap();
            assert_eq!(root, reference_root(&leaves));
            assert_eq!(Some(root), root_of(&leaves));
            let tree = Tree::new(leaves.clone());
            assert_eq!((tree.root(), tree.leaves(), tree.path(leaves.len())), (Some(root), leaves.len(), None));
            for (i, path) in paths.iter().enumerate() {
                assert_eq!(inclusion_path(&leaves, i).as_ref(), Some(path));
                assert_eq!(tree.path(i).as_ref(), Some(path));
                assert!(verify_inclusion(&leaves[i], i as u64, n, path, &root));
                assert!(!verify_inclusion(&leaves[i], i as u64 + 1, n, path, &root));
                let longer = [path.clone(), vec![root]].concat();
                assert!(!verify_inclusion(&leaves[i], i as u64, n, &longer, &root));
                if let Some((_, shorter)) = path.split_last() {
                    assert!(!verify_inclusion(&leaves[i], i as u64, n, shorter, &root));
                }
            }
        }
    }

    #[test]
    fn no_leaves_no_tree() {
        assert!(tree_with_paths(&[]).is_none());
        assert!(inclusion_path(&leaves(3), 3).is_none());
    }
}
