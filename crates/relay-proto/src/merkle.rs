//! RFC 9162 Merkle trees: the log of a space with its genesis leaf, and the small trees of a commit group.

mod compact_range;
mod inclusion;
mod log_fold;
mod tree;

pub use compact_range::CompactRange;
pub(crate) use compact_range::fold;
pub use inclusion::{root_from_path, verify_inclusion};
pub use log_fold::{Genesis, LogFold};
pub use tree::{Tree, inclusion_path, root_of, tree_with_paths};

use crate::hash::sha256;
use crate::ids::{DeviceKey, EntryId, Hash, PushSeq};

/// First byte of every hashed leaf.
pub(crate) const LEAF: [u8; 1] = [0];
/// First byte of every hashed inner node.
const NODE: [u8; 1] = [1];

/// Hash of an inner node.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&NODE, &left.0, &right.0])
}

/// Leaf of an entry in the log: it covers every field the relay sees in clear.
#[must_use]
pub fn entry_leaf(device: &DeviceKey, push_seq: PushSeq, key_epoch: u32, entry: &EntryId) -> Hash {
    sha256(&[&LEAF, &device.0, &push_seq.to_be_bytes(), &key_epoch.to_be_bytes(), &entry.0])
}
