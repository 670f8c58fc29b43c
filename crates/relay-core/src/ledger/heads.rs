//! The heads that were attested last, to compare with what devices claim.

use relay_proto::ids::Hash;
use std::collections::VecDeque;

/// How many heads are remembered.
const HEADS_MAX: usize = 256;

/// Up to so many the memory grows by one at a time: most spaces rest after a few.
const HEADS_BY_ONE_MAX: usize = 4;

/// Heads by ascending size.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentHeads(VecDeque<(u64, Hash)>);

impl RecentHeads {
    pub(super) fn note(&mut self, size: u64, head: Hash) {
        if self.0.back().is_some_and(|(newest, _)| *newest >= size) {
            return;
        }
        if self.0.len() >= HEADS_MAX {
            self.0.pop_front();
        }
        if self.0.len() < HEADS_BY_ONE_MAX {
            self.0.reserve_exact(1);
        }
        self.0.push_back((size, head));
    }

    /// The newest `count`, by ascending size.
    pub(super) fn newest(&self, count: usize) -> impl Iterator<Item = (u64, Hash)> + '_ {
        self.0.iter().skip(self.0.len().saturating_sub(count)).copied()
    }

    pub(super) fn at(&self, size: u64) -> Option<Hash> {
        let place = self.0.binary_search_by_key(&size, |(size, _)| *size).ok()?;
        self.0.get(place).map(|(_, head)| *head)
    }
}
