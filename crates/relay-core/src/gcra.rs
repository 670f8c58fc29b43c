//! Rates: the generic cell rate algorithm, for one cell and for a bounded table of keys.
//!
//! A cell is one number: the time at which everything that was admitted would have come in if it had kept to the rate (the
//! theoretical arrival time, TAT). A request is admitted while that is not further ahead than the burst allows.
//!
//! Invariants:
//! 1. Between any two moments `t` apart, at most `burst + t / interval` requests of one key are admitted; several that come as one
//!    and are more than the burst are admitted when nothing came before them, and are paid for afterwards.
//! 2. It holds for keys that fell out of the table as well: a key without a place begins with the lowest TAT of its set, which
//!    is at or above any that was pushed out of it (the space-saving rule). So nobody gains by filling the table, and with the
//!    whole set at its limit newcomers wait too.

use crate::endpoint::Moment;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Keys that share one lock and one lowest TAT.
const WAYS: usize = 8;

/// How many requests may come, and how many of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval_ns: u64,
    burst: u32,
}

/// What a look at a rate came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Most that can be admitted at once.
    pub limit: u32,
    /// How many more would be admitted now.
    pub remaining: u32,
    /// Until as many as the limit would be admitted, if nothing comes.
    pub reset: Duration,
    /// Until this one would have been admitted; `None` when it was.
    pub retry_after: Option<Duration>,
}

impl Verdict {
    /// Whether the request may go on.
    #[must_use]
    pub const fn is_admitted(&self) -> bool {
        self.retry_after.is_none()
    }

    /// How long to wait, in whole milliseconds and at least one, for an answer that says so; 0 when it was admitted.
    #[must_use]
    pub fn retry_after_ms(&self) -> u32 {
        let wait = self.retry_after.map_or(0, |wait| wait.as_nanos().div_ceil(1_000_000).max(1));
        u32::try_from(wait).unwrap_or(u32::MAX)
    }
}

impl Rate {
    /// `count` in every `period`, `burst` of them at once; `None`, no limit, when one of the three is zero.
    #[must_use]
    pub fn new(count: u32, period: Duration, burst: u32) -> Option<Self> {
        // Rounded up, so that rounding admits less and never more.
        let interval_ns = nanos(period).div_ceil(u64::from(count).max(1));
        (count > 0 && burst > 0 && interval_ns > 0).then_some(Self { interval_ns, burst })
    }

    /// As many in a minute, all of them at once at most.
    #[must_use]
    pub fn per_minute(count: u32) -> Option<Self> {
        Self::new(count, Duration::from_secs(60), count)
    }

    /// As many in a second, all of them at once at most.
    #[must_use]
    pub fn per_second(count: u32) -> Option<Self> {
        Self::new(count, Duration::from_secs(1), count)
    }

    fn tolerance_ns(self) -> u64 {
        self.interval_ns.saturating_mul(u64::from(self.burst))
    }

    /// Judges `count` requests at once against a TAT; with the TAT that follows when they are admitted.
    fn judge(self, tat_ns: u64, count: u32, now: Moment) -> (Verdict, Option<u64>) {
        let now_ns = nanos(now.0);
        let begins_ns = tat_ns.max(now_ns);
        let ahead_of = |tat_ns: u64| tat_ns.saturating_sub(now_ns);
        let next_ns = begins_ns.saturating_add(self.interval_ns.saturating_mul(u64::from(count)));
        let excess_ns = ahead_of(next_ns).saturating_sub(self.tolerance_ns());
        // More at once than the burst would never be admitted; they are when the cell is empty, and are paid for afterwards.
        let admitted = excess_ns == 0 || (count > self.burst && begins_ns == now_ns);
        let ahead_ns = ahead_of(if admitted { next_ns } else { begins_ns });
        let left = self.tolerance_ns().saturating_sub(ahead_ns) / self.interval_ns;
        let verdict = Verdict {
            limit: self.burst,
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            reset: Duration::from_nanos(ahead_ns),
            retry_after: (!admitted).then(|| Duration::from_nanos(excess_ns.min(ahead_ns))),
        };
        (verdict, admitted.then_some(next_ns))
    }
}

/// One cell: the rate of one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    tat_ns: u64,
}

impl Cell {
    /// One that nothing came through.
    pub const NEW: Self = Self { tat_ns: 0 };

    /// Admits one request, or says when.
    pub fn admit(&mut self, rate: Rate, now: Moment) -> Verdict {
        self.admit_many(rate, 1, now)
    }

    /// Admits several at once, or none of them.
    pub fn admit_many(&mut self, rate: Rate, count: u32, now: Moment) -> Verdict {
        let (verdict, next_ns) = rate.judge(self.tat_ns, count, now);
        self.tat_ns = next_ns.unwrap_or(self.tat_ns);
        verdict
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot<K> {
    key: Option<K>,
    cell: Cell,
}

type Set<K> = [Slot<K>; WAYS];

/// The cells of many keys in a bounded, never growing amount of memory; one short lock per eight keys.
#[derive(Debug)]
pub struct Table<K, S> {
    rate: Rate,
    sets: Box<[Mutex<Set<K>>]>,
    hasher: S,
    refused: AtomicU64,
    crowded: AtomicU64,
}

impl<K: Copy + Eq + Hash, S: BuildHasher> Table<K, S> {
    /// A table for about `keys_max` keys. The hasher should be keyed, so that nobody can choose whose set a key falls into.
    #[must_use]
    pub fn new(rate: Rate, keys_max: usize, hasher: S) -> Self {
        let slot = Slot { key: None, cell: Cell::default() };
        let sets = (0..keys_max.div_ceil(WAYS).max(1)).map(|_| Mutex::new([slot; WAYS])).collect();
        Self { rate, sets, hasher, refused: AtomicU64::new(0), crowded: AtomicU64::new(0) }
    }

    /// Admits one request of a key, or says when.
    pub fn admit(&self, key: K, now: Moment) -> Verdict {
        self.admit_many(key, 1, now)
    }

    /// Admits several requests of a key at once, or none of them.
    pub fn admit_many(&self, key: K, count: u32, now: Moment) -> Verdict {
        let verdict = self.look(key, count, now);
        if !verdict.is_admitted() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }

    fn look(&self, key: K, count: u32, now: Moment) -> Verdict {
        let place = usize::try_from(self.hasher.hash_one(key) % self.sets.len() as u64).unwrap_or(0);
        let Some(set) = self.sets.get(place) else { return self.rate.judge(0, count, now).0 };
        // A cell is one number, so a panicking holder cannot have left one half-written.
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        let own = set.iter_mut().position(|slot| slot.key == Some(key));
        let lowest = || set.iter().enumerate().min_by_key(|(_, slot)| slot.cell.tat_ns).map(|(place, _)| place);
        let Some(slot) = own.or_else(lowest).and_then(|place| set.get_mut(place)) else {
            return self.rate.judge(0, count, now).0;
        };
        let inherits = slot.key != Some(key) && slot.cell.tat_ns > nanos(now.0);
        let verdict = slot.cell.admit_many(self.rate, count, now);
        if verdict.is_admitted() {
            slot.key = Some(key);
        }
        if inherits {
            self.crowded.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }

    /// The rate of each key.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Requests that were not admitted, since the start.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Looks at keys without a place that began where a key that had to go stood, since the start.
    #[must_use]
    pub fn crowded(&self) -> u64 {
        self.crowded.load(Ordering::Relaxed)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
