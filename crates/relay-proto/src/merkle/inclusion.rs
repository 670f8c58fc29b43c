//! RFC 9162 inclusion proofs: checking a path.

use super::node_hash;
use crate::ids::Hash;

/// The root that `path` leads to from `leaf` at `index` of a tree of `count` leaves; `None` when the path's length or
/// the index cannot belong to such a tree.
#[must_use]
pub fn root_from_path(leaf: &Hash, index: u64, count: u64, path: &[Hash]) -> Option<Hash> {
    if index >= count {
        return None;
    }
    let mut position = index;
    let mut last = count - 1;
    let mut root = *leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if position & 1 == 1 || position == last {
            root = node_hash(sibling, &root);
            // A right edge skips the levels at which it has no sibling.
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            root = node_hash(&root, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

/// Whether `path` proves that `leaf` is at `index` of the tree of `count` leaves with this root.
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, count: u64, path: &[Hash], root: &Hash) -> bool {
    root_from_path(leaf, index, count, path).as_ref() == Some(root)
}
