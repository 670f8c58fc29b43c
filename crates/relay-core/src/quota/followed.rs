//! The usage of one space, as it follows commits.

use crate::store::{SpaceCommit, SpaceUsage};

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Followed {
    known: Option<SpaceUsage>,
    /// Newest seq committed while nothing was known.
    missed: u64,
}

impl Followed {
    /// Of a space that holds nothing.
    pub(crate) const EMPTY: Self = Self { known: Some(SpaceUsage { size: 0, entries: 0, bytes: 0 }), missed: 0 };

    /// What it holds, once that is known.
    pub(crate) const fn known(&self) -> Option<SpaceUsage> {
        self.known
    }

    /// Takes what the store counted. What was committed meanwhile makes it worthless, and it is to be asked again.
    pub(crate) fn learn(&mut self, usage: SpaceUsage) {
        let newest = self.known.map_or(self.missed, |known| known.size);
        if usage.size >= newest {
            self.known = Some(usage);
        }
    }

    /// The store cannot say what it holds: that counts as nothing, and what comes from now on is counted.
    pub(crate) fn give_up(&mut self) {
        let size = self.known.map_or(self.missed, |known| known.size);
        self.known = Some(SpaceUsage { size, ..SpaceUsage::default() });
    }

    /// Counts what became durable, each entry once. What leaves a gap was not told, and the store is to be asked.
    pub(crate) fn committed(&mut self, commit: &SpaceCommit) {
        let last = commit.first_seq.saturating_add(super::count(commit.entries.len())).saturating_sub(1);
        let Some(known) = self.known.as_mut().filter(|known| commit.first_seq <= known.size.saturating_add(1)) else {
            self.known = None;
            self.missed = self.missed.max(last);
            return;
        };
        let counted_already = known.size.saturating_add(1).saturating_sub(commit.first_seq);
        let skip = usize::try_from(counted_already).unwrap_or(usize::MAX);
        for entry in commit.entries.iter().skip(skip) {
            known.entries = known.entries.saturating_add(1);
            known.bytes = known.bytes.saturating_add(super::count(entry.sealed.len()));
        }
        known.size = known.size.max(last);
    }
}
