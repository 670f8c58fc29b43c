//! Quotas of what a space holds, and the count that they are held against.
//!
//! The count of an active space starts with what the store holds and follows what is committed. Forgetting it does not see: it is
//! counted anew when something was refused, so a space that made room is let in again with the next try.
//!
//! Invariant: as long as the count is not known, nothing is admitted; so a restart forgives nothing.

mod followed;

pub(crate) use followed::Followed;

use crate::endpoint::Moment;
use crate::limits::USAGE_REFRESH_MS;
use crate::store::{SpaceCommit, SpaceUsage};
use relay_proto::quota::{Quota, QuotaDetail};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much a space may hold; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceQuota {
    /// Entries held at a time.
    pub entries_max: u64,
    /// Their sealed bytes.
    pub bytes_max: u64,
}

impl SpaceQuota {
    /// What both allow.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let lower = |a: u64, b: u64| {
            if a == 0 {
                b
            } else if b == 0 {
                a
            } else {
                a.min(b)
            }
        };
        Self {
            entries_max: lower(self.entries_max, other.entries_max),
            bytes_max: lower(self.bytes_max, other.bytes_max),
        }
    }

    /// Whether there is any limit.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.entries_max > 0 || self.bytes_max > 0
    }
}

/// Entries and their sealed bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Amount {
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { entries: self.entries.saturating_add(other.entries), bytes: self.bytes.saturating_add(other.bytes) }
    }

    pub(crate) const fn less(self, other: Self) -> Self {
        Self { entries: self.entries.saturating_sub(other.entries), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    /// Whether as much more fits beside what is used; `checks` are the quotas of entries and of bytes, 0 is none.
    pub(crate) fn check(self, needed: Self, checks: [(Quota, u64); 2]) -> Result<(), QuotaDetail> {
        let amounts = [(self.entries, needed.entries), (self.bytes, needed.bytes)];
        for ((quota, allowed), (used, needed)) in checks.into_iter().zip(amounts) {
            if allowed > 0 && needed > 0 && used.saturating_add(needed) > allowed {
                return Err(QuotaDetail { quota, used, allowed, needed });
            }
        }
        Ok(())
    }
}

/// The count of one active space; without a quota nothing is counted, and nothing is kept.
#[derive(Debug)]
pub(crate) struct Meter(Option<Box<Counted>>);

#[derive(Debug)]
struct Counted {
    quota: SpaceQuota,
    state: Mutex<MeterState>,
}

#[derive(Debug, Default)]
struct MeterState {
    held: Followed,
    /// What was admitted and is under way.
    reserved: Amount,
    refreshed_at: Option<Moment>,
}

impl Counted {
    fn lock(&self) -> MutexGuard<'_, MeterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    pub(crate) fn new(quota: SpaceQuota) -> Self {
        Self(quota.is_set().then(|| Box::new(Counted { quota, state: Mutex::default() })))
    }

    /// Whether anything is counted at all.
    pub(crate) const fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the store is to be asked before anything can be admitted.
    pub(crate) fn must_ask(&self) -> bool {
        self.0.as_ref().is_some_and(|counted| counted.lock().held.known().is_none())
    }

    /// Takes what the store counted. What was committed meanwhile makes it worthless, and it is to be asked again.
    pub(crate) fn learn(&self, usage: SpaceUsage) {
        if let Some(counted) = &self.0 {
            counted.lock().held.learn(usage);
        }
    }

    /// Counts what became durable.
    pub(crate) fn committed(&self, commit: &SpaceCommit) {
        if let Some(counted) = &self.0 {
            counted.lock().held.committed(commit);
        }
    }

    /// Reserves room, or says which quota would be exceeded.
    pub(crate) fn reserve(&self, needed: Amount) -> Result<(), QuotaDetail> {
        let Some(counted) = &self.0 else { return Ok(()) };
        let mut state = counted.lock();
        let known = state.held.known().unwrap_or_default();
        let used = state.reserved.plus(Amount { entries: known.entries, bytes: known.bytes });
        let SpaceQuota { entries_max, bytes_max } = counted.quota;
        let checks = [(Quota::SpaceEntries, entries_max), (Quota::SpaceBytes, bytes_max)];
        used.check(needed, checks)?;
        state.reserved = state.reserved.plus(needed);
        Ok(())
    }

    /// Gives back what was reserved: it was counted by its commit, or not stored.
    pub(crate) fn release(&self, amount: Amount) {
        if let Some(counted) = &self.0 {
            let mut state = counted.lock();
            state.reserved = state.reserved.less(amount);
        }
    }

    /// Whether to ask the store again because something was refused; at most once in a while.
    pub(crate) fn may_refresh(&self, now: Moment) -> bool {
        let Some(counted) = &self.0 else { return false };
        let mut state = counted.lock();
        let pause = Duration::from_millis(USAGE_REFRESH_MS);
        let due = state.refreshed_at.is_none_or(|at| now.0 >= at.0 + pause);
        if due {
            state.refreshed_at = Some(now);
        }
        due
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoredEntry;
    use bytes::Bytes;
    use relay_proto::ids::{DeviceKey, EntryId, SpaceId};

    fn meter() -> Meter {
        Meter::new(SpaceQuota { entries_max: 3, bytes_max: 100 })
    }

    fn usage(size: u64, entries: u64, bytes: u64) -> SpaceUsage {
        SpaceUsage { size, entries, bytes }
    }

    fn commit(first_seq: u64, entries: usize) -> SpaceCommit {
        let entry = StoredEntry {
            device: DeviceKey([1; 32]),
            push_seq: 1,
            key_epoch: 1,
            id: EntryId::ZERO,
            sealed: Bytes::from_static(&[0; 10]),
        };
        let space = SpaceId([2; 32]);
        SpaceCommit { space, first_seq, entries: vec![entry; entries], attestation: Bytes::new() }
    }

    fn amount(entries: u64, bytes: u64) -> Amount {
        Amount { entries, bytes }
    }

    #[test]
    fn what_is_under_way_counts() {
        let meter = meter();
        meter.learn(usage(1, 1, 40));
        assert_eq!(meter.reserve(amount(1, 40)), Ok(()));
        let bytes = QuotaDetail { quota: Quota::SpaceBytes, used: 80, allowed: 100, needed: 40 };
        assert_eq!(meter.reserve(amount(1, 40)), Err(bytes));
        let entries = QuotaDetail { quota: Quota::SpaceEntries, used: 2, allowed: 3, needed: 2 };
        assert_eq!(meter.reserve(amount(2, 10)), Err(entries));
        meter.release(amount(1, 40));
        assert_eq!(meter.reserve(amount(2, 60)), Ok(()), "exactly up to the quota");
    }

    #[test]
    fn commits_are_counted_once() {
        let meter = meter();
        assert!(meter.must_ask());
        meter.committed(&commit(1, 2));
        meter.learn(usage(1, 1, 10));
        assert!(meter.must_ask(), "an answer that misses a commit is not believed");
        meter.learn(usage(2, 2, 20));
        assert!(!meter.must_ask());
        meter.committed(&commit(2, 2));
        let full = QuotaDetail { quota: Quota::SpaceEntries, used: 3, allowed: 3, needed: 1 };
        assert_eq!(meter.reserve(amount(1, 1)), Err(full), "seq 2 was counted already, seq 3 was not");
        meter.learn(usage(2, 0, 0));
        assert_eq!(meter.reserve(amount(1, 1)), Err(full), "what is older than what is known changes nothing");
        meter.learn(usage(3, 1, 10));
        assert_eq!(meter.reserve(amount(1, 1)), Ok(()), "what was forgotten makes room");
    }

    #[test]
    fn without_quotas_nothing_is_asked() {
        assert!(!Meter::new(SpaceQuota::default()).must_ask());
    }
}
