//! Whether a file goes on from the log that this store holds of its space: leaf by leaf, as far as both reach.

use super::ask;
use crate::embedded::EmbeddedStore;
use relay_core::moving::Section;
use relay_core::store::{Store, StoreError};
use relay_proto::ids::{Hash, Seq, SpaceId};
use relay_proto::limits::LEAVES_PAGE_MAX;
use relay_proto::merkle::entry_leaf;

/// Leaves read from the store at once.
const LEAVES_PAGE: u64 = 4096;
const _: () = assert!(LEAVES_PAGE as usize <= LEAVES_PAGE_MAX);

/// See the module. Holds one page of leaves.
pub(super) struct Prefix<'a> {
    store: &'a EmbeddedStore,
    space: SpaceId,
    /// Entries of the store's log.
    size: Seq,
    first: Seq,
    page: Vec<Hash>,
    is_same: bool,
}

impl<'a> Prefix<'a> {
    pub(super) const fn new(store: &'a EmbeddedStore, space: SpaceId, size: Seq) -> Self {
        Self { store, space, size, first: 1, page: Vec::new(), is_same: true }
    }

    /// Compares what a section says of the log, as far as the store holds it.
    pub(super) fn compare(&mut self, section: &Section) -> Result<(), StoreError> {
        match section {
            Section::Leaves { first_seq, leaves } => {
                (*first_seq..).zip(leaves).try_for_each(|(seq, leaf)| self.leaf(seq, *leaf))
            }
            Section::Entry { seq, entry } => {
                self.leaf(*seq, entry_leaf(&entry.device, entry.push_seq, entry.key_epoch, &entry.id))
            }
            _ => Ok(()),
        }
    }

    fn leaf(&mut self, seq: Seq, leaf: Hash) -> Result<(), StoreError> {
        if !self.is_same || seq > self.size {
            return Ok(());
        }
        let end = self.first.saturating_add(u64::try_from(self.page.len()).unwrap_or(u64::MAX));
        if !(self.first..end).contains(&seq) {
            let count = LEAVES_PAGE.min(self.size - seq + 1);
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            self.page = ask(|done| self.store.leaves(self.space, seq, count, done))?;
            self.first = seq;
        }
        let place = usize::try_from(seq - self.first).unwrap_or(usize::MAX);
        // A leaf that is not known any more cannot be compared, and is not believed.
        self.is_same = self.page.get(place) == Some(&leaf);
        Ok(())
    }

    /// Whether nothing contradicted.
    pub(super) const fn is_same(&self) -> bool {
        self.is_same
    }
}
