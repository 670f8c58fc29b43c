//! What a device pushed and will push. It keeps all of it: after a log reset whatever was lost is pushed again.

use bytes::Bytes;
use relay_proto::hash::entry_id;
use relay_proto::ids::EntryId;
use std::collections::BTreeMap;

/// One own entry.
#[derive(Clone, Debug)]
pub(crate) struct OwnEntry {
    pub(crate) key_epoch: u32,
    pub(crate) id: EntryId,
    pub(crate) sealed: Bytes,
    /// Where the relay is known to hold it; 0: nowhere.
    pub(crate) seq: u64,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Outbox {
    /// By push_seq − 1.
    entries: Vec<OwnEntry>,
    /// push_seqs of receipts whose seq the fold has not reached, by seq.
    promised: BTreeMap<u64, u64>,
    /// push_seqs that the relay calls duplicates, with the size at which the fold must have found them.
    owed: BTreeMap<u64, u64>,
    /// Own entries up to this push_seq were seen by the author of a snapshot that was loaded.
    vouched: u64,
    /// Up to here the log came from a snapshot, so that own entries in it were not found one by one.
    skipped: u64,
}

impl Outbox {
    pub(crate) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    fn index(push_seq: u64) -> usize {
        usize::try_from(push_seq.wrapping_sub(1)).unwrap_or(usize::MAX)
    }

    pub(crate) fn get(&self, push_seq: u64) -> Option<&OwnEntry> {
        self.entries.get(Self::index(push_seq))
    }

    pub(crate) fn append(&mut self, key_epoch: u32, sealed: Bytes) {
        let id = entry_id(&sealed);
        self.entries.push(OwnEntry { key_epoch, id, sealed, seq: 0 });
    }

    /// Puts other bytes in the place of an entry that no relay holds.
    pub(crate) fn reseal(&mut self, push_seq: u64, key_epoch: u32, sealed: Bytes) {
        let id = entry_id(&sealed);
        if let Some(entry) = self.entries.get_mut(Self::index(push_seq)) {
            *entry = OwnEntry { key_epoch, id, sealed, seq: 0 };
        }
    }

    /// The first entry at or above this push_seq that no relay is known to hold.
    pub(crate) fn first_unsent(&self, from: u64) -> Option<u64> {
        (from.max(1)..=self.len()).find(|push_seq| self.get(*push_seq).is_some_and(|entry| entry.seq == 0))
    }

    /// The highest push_seq that a relay is known to hold.
    pub(crate) fn stored(&self) -> u64 {
        (1..=self.len()).rev().find(|push_seq| self.get(*push_seq).is_some_and(|entry| entry.seq > 0)).unwrap_or(0)
    }

    /// Whether the relay holds everything.
    pub(crate) fn all_stored(&self) -> bool {
        self.entries.iter().all(|entry| entry.seq > 0)
    }

    /// An own entry was folded at a seq.
    pub(crate) fn found(&mut self, push_seq: u64, seq: u64) {
        if let Some(entry) = self.entries.get_mut(Self::index(push_seq)) {
            entry.seq = seq;
        }
    }

    /// A receipt says that the entry is at a seq.
    pub(crate) fn promise(&mut self, push_seq: u64, seq: u64, folded: u64) -> Result<(), String> {
        if seq > folded {
            self.promised.insert(seq, push_seq);
        } else if seq > self.skipped && self.get(push_seq).is_none_or(|entry| entry.seq != seq) {
            return Err(format!("receipt_broken: own entry {push_seq} is not at seq {seq}"));
        }
        self.found(push_seq, seq);
        Ok(())
    }

    /// The fold reached a seq and found this own entry there, or none.
    pub(crate) fn reached_seq(&mut self, seq: u64, own: Option<u64>) -> Result<(), String> {
        match self.promised.remove(&seq) {
            Some(push_seq) if own != Some(push_seq) => {
                Err(format!("receipt_broken: own entry {push_seq} was promised at seq {seq}, {own:?} is there"))
            }
            _ => Ok(()),
        }
    }

    /// The relay calls an entry a duplicate under a head of this size.
    pub(crate) fn owe(&mut self, push_seq: u64, size: u64) {
        if self.get(push_seq).is_none_or(|entry| entry.seq > 0) {
            return;
        }
        if push_seq <= self.vouched {
            self.found(push_seq, size);
        } else {
            self.owed.insert(push_seq, size);
        }
    }

    /// A snapshot of this size takes the place of the log: its author saw own entries up to a push_seq.
    pub(crate) fn skip(&mut self, vouched: u64, size: u64) {
        (self.vouched, self.skipped) = (vouched.max(self.vouched), size);
        self.promised.retain(|seq, _| *seq > size);
        let owed = std::mem::take(&mut self.owed);
        owed.into_iter().for_each(|(push_seq, owed_size)| self.owe(push_seq, owed_size));
    }

    /// The relay says that up to this size it holds own entries up to `high`. That alone is not enough, and neither is the word of a
    /// snapshot's author: after a log reset it may have seen what has still to be pushed again.
    pub(crate) fn cover(&mut self, high: u64, size: u64) {
        let index = usize::try_from(self.vouched.min(high)).unwrap_or(usize::MAX).min(self.entries.len());
        self.entries[..index].iter_mut().filter(|entry| entry.seq == 0).for_each(|entry| entry.seq = size);
    }

    /// The fold reached a size: what was called a duplicate by then must have been found.
    pub(crate) fn reached_size(&mut self, size: u64) -> Result<(), String> {
        let entries = &self.entries;
        self.owed.retain(|push_seq, _| entries.get(Self::index(*push_seq)).is_some_and(|entry| entry.seq == 0));
        match self.owed.iter().find(|(_, owed)| **owed <= size) {
            Some((push_seq, _)) => Err(format!("receipt_broken: own entry {push_seq}, a duplicate, is not in the log")),
            None => Ok(()),
        }
    }

    /// After a log reset: what was above the base is in no log any more.
    pub(crate) fn reopen(&mut self, base_size: u64) {
        self.owed.clear();
        self.skipped = self.skipped.min(base_size);
        self.promised.retain(|seq, _| *seq <= base_size);
        self.entries.iter_mut().filter(|entry| entry.seq > base_size).for_each(|entry| entry.seq = 0);
    }
}
