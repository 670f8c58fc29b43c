//! The fold of one log: its compact range together with where the log epoch started.

use super::{CompactRange, LEAF};
use crate::hash::{Domain, sha256};
use crate::ids::{Hash, LogId, Seq, SpaceId};

/// What the genesis leaf of a log epoch binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The space.
    pub space: SpaceId,
    /// The ordering authority.
    pub log_id: LogId,
    /// The log epoch, from 1.
    pub log_epoch: u64,
    /// Size the log had when this epoch began; 0 in the first.
    pub base_size: Seq,
    /// Head the log had then; zeros in the first epoch.
    pub base_head: Hash,
}

impl Genesis {
    /// The genesis of a log's first epoch.
    #[must_use]
    pub const fn first(space: SpaceId, log_id: LogId) -> Self {
        Self { space, log_id, log_epoch: 1, base_size: 0, base_head: Hash::ZERO }
    }

    /// Leaf 0 of the log's tree.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        sha256(&[
            &LEAF,
            Domain::Genesis.tag(),
            &self.space.0,
            &self.log_id.0,
            &self.log_epoch.to_be_bytes(),
            &self.base_size.to_be_bytes(),
            &self.base_head.0,
        ])
    }
}

/// A log's compact range, counted in seqs. There is always at least the genesis leaf, so there is always a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFold {
    base_size: Seq,
    range: CompactRange,
}

impl LogFold {
    /// The fold of an epoch without entries.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        let mut range = CompactRange::new();
        range.push(genesis.leaf());
        Self { base_size: genesis.base_size, range }
    }

    /// The fold at `size` from its hashes, largest subtree first; `None` when they cannot belong to that size.
    #[must_use]
    pub fn from_parts(base_size: Seq, size: Seq, hashes: Vec<Hash>) -> Option<Self> {
        let leaves = size.checked_sub(base_size)?.checked_add(1)?;
        let range = CompactRange::from_parts(leaves, hashes)?;
        Some(Self { base_size, range })
    }

    /// Appends leaves of consecutive entries and returns the new size.
    pub fn extend(&mut self, leaves: impl IntoIterator<Item = Hash>) -> Seq {
        for leaf in leaves {
            self.range.push(leaf);
        }
        self.size()
    }

    /// Size the log had when its epoch began.
    #[must_use]
    pub const fn base_size(&self) -> Seq {
        self.base_size
    }

    /// Seq of the newest entry.
    #[must_use]
    pub const fn size(&self) -> Seq {
        self.base_size.saturating_add(self.range.leaves()).saturating_sub(1)
    }

    /// The Merkle root at this size. It is hashed anew on each call, so that appending costs nothing for it.
    #[must_use]
    pub fn head(&self) -> Hash {
        self.range.root().unwrap_or(Hash::ZERO)
    }

    /// The roots of the perfect subtrees, largest first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        self.range.hashes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_its_base() {
        let genesis = Genesis {
            log_epoch: 2,
            base_size: 41,
            base_head: Hash([9; 32]),
            ..Genesis::first(SpaceId([1; 32]), LogId([2; 32]))
        };
        let mut fold = LogFold::new(&genesis);
        assert_eq!((fold.size(), fold.head()), (41, genesis.leaf()));
        assert_eq!(fold.extend([Hash([3; 32]), Hash([4; 32])]), 43);
        let again = LogFold::from_parts(41, 43, fold.hashes().to_vec()).unwrap();
        assert_eq!(again, fold);
        assert!(LogFold::from_parts(41, 40, Vec::new()).is_none());
        assert!(LogFold::from_parts(41, 42, fold.hashes().to_vec()).is_none());
    }
}
