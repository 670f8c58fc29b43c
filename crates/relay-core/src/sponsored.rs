//! Sponsored spaces: where a token is asked for, a device that may let others into a space of this relay may found one more for a
//! short while, in which it meets a device that has no token. What is in it is on the account of the sponsor's tenant.
//!
//! Invariants:
//! 1. A space is founded only after it is durable that it is a sponsored one; so a restart makes none an ordinary one.
//! 2. A sponsored space sponsors none, so a device that was only met vouches for nobody.
//! 3. A space that sponsors no more for now may do so again as its sponsored ones get old, and not as they end.

mod book;

pub(crate) use book::SponsoredBook;
pub use book::SponsoredFoundings;

use crate::counters::Counters;
use crate::limits::{QUOTA_RETRY_AFTER_MS, SPONSORED_COUNTED_MS, SPONSORED_LIFE_MS, SPONSORED_SPACES_MAX};
use crate::store::{Completion, StoreError};
use relay_proto::ids::SpaceId;
use relay_proto::quota::QuotaDetail;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One sponsored space, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SponsoredRecord {
    /// Which.
    pub space: SpaceId,
    /// The space whose device vouched for it.
    pub sponsor: SpaceId,
    /// Unix ms; not 0.
    pub founded_at_ms: u64,
}

impl SponsoredRecord {
    /// Whether so much time has passed. A clock that was set back by more makes nothing last longer.
    const fn is_older_than(&self, ms: u64, now_ms: u64) -> bool {
        now_ms >= self.founded_at_ms.saturating_add(ms) || self.founded_at_ms > now_ms.saturating_add(ms)
    }
}

/// Keeps which spaces are sponsored. The newest word about a space is the one that holds.
pub trait SponsoredRecords: Send + Sync {
    /// Everything that was kept; called once, before anything else.
    fn load(&self) -> Vec<SponsoredRecord>;
    /// *Durable.* Keeps one.
    fn put(&self, record: SponsoredRecord, done: Completion<()>);
    /// Forgets one, soon; what is lost by a crash is forgotten with the next start.
    fn forget(&self, space: SpaceId);
}

/// Why a space is not founded on a sponsor's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSponsored {
    /// The sponsor's space has sponsored as many as it may.
    Exceeded { detail: QuotaDetail, retry_after_ms: u32 },
    /// The relay has as many as it may.
    Full,
}

/// Where a space stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is no sponsored one.
    Ordinary,
    /// It may be used.
    Open,
    /// Its time is over.
    Over,
}

/// See the module.
pub(crate) struct SponsoredSpaces {
    hourly_max: u32,
    records: Arc<dyn SponsoredRecords>,
    counters: Arc<Counters>,
    book: RwLock<SponsoredBook>,
}

impl SponsoredSpaces {
    /// `hourly_max` 0: no new ones; those that are there keep what holds for them.
    pub(crate) fn new(hourly_max: u32, records: Arc<dyn SponsoredRecords>, counters: Arc<Counters>) -> Self {
        let mut book = SponsoredBook::default();
        for record in records.load() {
            book.insert(record);
        }
        counters.sponsored_spaces.add_len(book.open());
        Self { hourly_max, records, counters, book: RwLock::new(book) }
    }

    fn read(&self) -> RwLockReadGuard<'_, SponsoredBook> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the book, and the gauge with it.
    fn change<T>(&self, change: impl FnOnce(&mut SponsoredBook) -> T) -> T {
        let mut book: RwLockWriteGuard<'_, SponsoredBook> = self.book.write().unwrap_or_else(PoisonError::into_inner);
        let before = book.open();
        let result = change(&mut book);
        self.counters.sponsored_spaces.add_len(book.open().saturating_sub(before));
        self.counters.sponsored_spaces.sub_len(before.saturating_sub(book.open()));
        result
    }

    /// Whether a device may vouch for a space at all.
    pub(crate) const fn are_taken(&self) -> bool {
        self.hourly_max > 0
    }

    pub(crate) fn contains(&self, space: SpaceId) -> bool {
        self.read().get(space).is_some()
    }

    pub(crate) fn standing(&self, space: SpaceId, now_ms: u64) -> Standing {
        match self.read().get(space) {
            None => Standing::Ordinary,
            Some(record) if record.is_older_than(SPONSORED_LIFE_MS, now_ms) => Standing::Over,
            Some(_) => Standing::Open,
        }
    }

    /// Takes a place for a space that is about to be founded, and keeps it durably; the same one again takes no other.
    pub(crate) fn admit(self: &Arc<Self>, wish: SponsoredRecord, done: Completion<()>) -> Result<(), NotSponsored> {
        let (record, is_new) = self.change(|book| -> Result<_, NotSponsored> {
            if let Some(known) = book.get(wish.space).filter(|known| known.sponsor == wish.sponsor) {
                return Ok((*known, false));
            }
            if book.len() >= SPONSORED_SPACES_MAX {
                return Err(NotSponsored::Full);
            }
            book.check(wish.sponsor, self.hourly_max).map_err(|(detail, oldest_ms)| {
                let left_ms = oldest_ms.saturating_add(SPONSORED_COUNTED_MS).saturating_sub(wish.founded_at_ms);
                let retry_after_ms = u32::try_from(left_ms).unwrap_or(u32::MAX).max(QUOTA_RETRY_AFTER_MS);
                NotSponsored::Exceeded { detail, retry_after_ms }
            })?;
            book.insert(wish);
            Ok((wish, true))
        })?;
        let own = Arc::clone(self);
        let put = move |result: Result<(), StoreError>| {
            match result {
                Ok(()) if is_new => own.change(|book| book.tell(record.sponsor)),
                Err(_) if is_new => own.change(|book| book.remove(record.space)),
                _ => {}
            }
            done(result);
        };
        self.records.put(record, Box::new(put));
        Ok(())
    }

    /// A space is gone: it counts until it is old, and is not looked at any more. Returns whether that is news.
    pub(crate) fn ended(&self, space: SpaceId) -> bool {
        self.contains(space) && self.change(|book| book.end(space))
    }

    /// Those whose time is over and that are still there; forgets those that are gone and old.
    pub(crate) fn over(&self, now_ms: u64) -> Vec<SpaceId> {
        let forgotten = self.change(|book| book.drain_old(SPONSORED_COUNTED_MS, now_ms));
        forgotten.into_iter().for_each(|space| self.records.forget(space));
        self.read().over(SPONSORED_LIFE_MS, now_ms)
    }

    /// Spaces that vouched since this was asked last.
    pub(crate) fn take_founded(&self) -> SponsoredFoundings {
        self.change(SponsoredBook::take_told)
    }
}
