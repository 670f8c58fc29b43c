//! Sponsored spaces in memory: which there are, by whom, and how many each sponsor has.

use super::SponsoredRecord;
use relay_proto::ids::SpaceId;
use relay_proto::quota::{Quota, QuotaDetail};
use std::collections::HashMap;

/// Foundings that are kept to be told one by one; what comes beyond is counted.
const TOLD_MAX: usize = 4096;

/// What was founded on a sponsor's word since it was asked for last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SponsoredFoundings {
    /// The spaces whose devices vouched, oldest first; one that did it twice is there twice.
    pub sponsors: Vec<SpaceId>,
    /// How many more there were than are kept.
    pub more: u64,
}

#[derive(Clone, Copy)]
struct Held {
    record: SponsoredRecord,
    /// The space is gone; its record still counts.
    is_ended: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct SponsoredBook {
    held: HashMap<SpaceId, Held>,
    /// When what each sponsor vouched for was founded, in no order; never empty.
    of_sponsor: HashMap<SpaceId, Vec<u64>>,
    open: usize,
    told: SponsoredFoundings,
}

impl SponsoredBook {
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Those that are not gone.
    pub(super) const fn open(&self) -> usize {
        self.open
    }

    pub(super) fn get(&self, space: SpaceId) -> Option<&SponsoredRecord> {
        self.held.get(&space).map(|held| &held.record)
    }

    /// Adds one, in the place of what was known of the space.
    pub(super) fn insert(&mut self, record: SponsoredRecord) {
        self.remove(record.space);
        self.held.insert(record.space, Held { record, is_ended: false });
        self.of_sponsor.entry(record.sponsor).or_default().push(record.founded_at_ms);
        self.open += 1;
    }

    pub(super) fn remove(&mut self, space: SpaceId) {
        let Some(Held { record, is_ended }) = self.held.remove(&space) else { return };
        self.open -= usize::from(!is_ended);
        let Some(times) = self.of_sponsor.get_mut(&record.sponsor) else { return };
        if let Some(at) = times.iter().position(|time| *time == record.founded_at_ms) {
            times.swap_remove(at);
        }
        if times.is_empty() {
            self.of_sponsor.remove(&record.sponsor);
        }
    }

    /// The space is gone; returns whether that is news.
    pub(super) fn end(&mut self, space: SpaceId) -> bool {
        let Some(held) = self.held.get_mut(&space).filter(|held| !held.is_ended) else { return false };
        held.is_ended = true;
        self.open -= 1;
        true
    }

    /// Whether a sponsor has room for one more, or the quota and when its oldest one was founded.
    pub(super) fn check(&self, sponsor: SpaceId, max: u32) -> Result<(), (QuotaDetail, u64)> {
        let times = self.of_sponsor.get(&sponsor).map_or(&[][..], Vec::as_slice);
        let (used, allowed) = (u64::try_from(times.len()).unwrap_or(u64::MAX), u64::from(max));
        if used < allowed {
            return Ok(());
        }
        let detail = QuotaDetail { quota: Quota::SponsoredSpaces, used, allowed, needed: 1 };
        Err((detail, times.iter().min().copied().unwrap_or(0)))
    }

    /// Those that are there and older than `life_ms`.
    pub(super) fn over(&self, life_ms: u64, now_ms: u64) -> Vec<SpaceId> {
        let over = self.held.values().filter(|held| !held.is_ended && held.record.is_older_than(life_ms, now_ms));
        over.map(|held| held.record.space).collect()
    }

    /// Takes out those that are gone and older than `counted_ms`.
    pub(super) fn drain_old(&mut self, counted_ms: u64, now_ms: u64) -> Vec<SpaceId> {
        let old = self.held.values().filter(|held| held.is_ended && held.record.is_older_than(counted_ms, now_ms));
        let old: Vec<SpaceId> = old.map(|held| held.record.space).collect();
        old.iter().for_each(|space| self.remove(*space));
        old
    }

    pub(super) fn tell(&mut self, sponsor: SpaceId) {
        if self.told.sponsors.len() < TOLD_MAX {
            self.told.sponsors.push(sponsor);
        } else {
            self.told.more += 1;
        }
    }

    pub(super) fn take_told(&mut self) -> SponsoredFoundings {
        std::mem::take(&mut self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    fn record(space: u8, sponsor: u8, founded_at_ms: u64) -> SponsoredRecord {
        SponsoredRecord { space: SpaceId([space; 32]), sponsor: SpaceId([sponsor; 32]), founded_at_ms }
    }

    #[test]
    fn one_that_ended_counts_until_it_is_old() {
        let mut book = SponsoredBook::default();
        book.insert(record(1, 9, 10));
        book.insert(record(2, 9, 20));
        book.insert(record(3, 8, 30));
        let full = QuotaDetail { quota: Quota::SponsoredSpaces, used: 2, allowed: 2, needed: 1 };
        assert_eq!(book.check(SpaceId([9; 32]), 2), Err((full, 10)));
        assert_eq!(book.check(SpaceId([8; 32]), 2), Ok(()));
        assert!(book.end(SpaceId([1; 32])) && !book.end(SpaceId([1; 32])));
        assert_eq!((book.open(), book.len()), (2, 3));
        assert_eq!(book.check(SpaceId([9; 32]), 2), Err((full, 10)));
        assert_eq!(book.drain_old(HOUR_MS, 9 + HOUR_MS), []);
        assert_eq!(book.drain_old(HOUR_MS, 10 + HOUR_MS), [SpaceId([1; 32])]);
        assert_eq!(book.check(SpaceId([9; 32]), 2), Ok(()));
        assert_eq!(book.drain_old(HOUR_MS, u64::MAX), [], "what is there is not forgotten");
    }

    #[test]
    fn time_that_is_set_back_makes_nothing_last_longer() {
        let mut book = SponsoredBook::default();
        book.insert(record(1, 9, 10 * HOUR_MS));
        assert_eq!(book.over(HOUR_MS, 10 * HOUR_MS + 1), []);
        assert_eq!(book.over(HOUR_MS, 9 * HOUR_MS), []);
        assert_eq!(book.over(HOUR_MS, 9 * HOUR_MS - 1), [SpaceId([1; 32])]);
        assert_eq!(book.over(HOUR_MS, 11 * HOUR_MS), [SpaceId([1; 32])]);
    }

    #[test]
    fn a_space_that_comes_again_is_there_once() {
        let mut book = SponsoredBook::default();
        book.insert(record(1, 9, 10));
        book.insert(record(1, 8, 20));
        assert_eq!((book.open(), book.len()), (1, 1));
        assert!(book.check(SpaceId([9; 32]), 1).is_ok() && book.check(SpaceId([8; 32]), 1).is_err());
        book.remove(SpaceId([1; 32]));
        assert_eq!((book.open(), book.len(), book.of_sponsor.len()), (0, 0, 0));
    }
}
