//! How much the spaces of one tenant hold together.

use crate::limits::TENANT_COUNTS_UNDER_WAY_MAX;
use crate::quota::{Amount, Followed};
use crate::store::{SpaceCommit, SpaceUsage};
use relay_proto::ids::SpaceId;
use std::collections::{HashMap, HashSet, VecDeque};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct TenantMeter {
    spaces: HashMap<SpaceId, Followed>,
    /// Sum of those that are known.
    held: Amount,
    /// How many are not.
    unknown: usize,
    /// Spaces that the store is to be asked about, each once.
    due: VecDeque<SpaceId>,
    is_due: HashSet<SpaceId>,
    under_way: usize,
    /// Spaces that may hold less than is counted.
    shrunk: HashSet<SpaceId>,
    /// What was admitted and is not stored yet.
    pub(super) reserved: Amount,
}

const fn amount(usage: SpaceUsage) -> Amount {
    Amount { entries: usage.entries, bytes: usage.bytes }
}

impl TenantMeter {
    pub(super) fn add(&mut self, space: SpaceId, is_empty: bool) {
        if self.spaces.contains_key(&space) {
            return;
        }
        let followed = if is_empty { Followed::EMPTY } else { Followed::default() };
        self.spaces.insert(space, followed);
        if !is_empty {
            self.unknown += 1;
            self.is_due(space);
        }
    }

    pub(super) fn remove(&mut self, space: SpaceId) {
        if let Some(followed) = self.spaces.remove(&space) {
            self.forget(followed);
        }
        self.shrunk.remove(&space);
    }

    fn forget(&mut self, followed: Followed) {
        match followed.known() {
            Some(usage) => self.held = self.held.less(amount(usage)),
            None => self.unknown = self.unknown.saturating_sub(1),
        }
    }

    /// Changes what is followed of a space, and the sum with it.
    fn change(&mut self, space: SpaceId, change: impl FnOnce(&mut Followed)) {
        let Some(mut followed) = self.spaces.get(&space).copied() else { return };
        self.forget(followed);
        change(&mut followed);
        match followed.known() {
            Some(usage) => self.held = self.held.plus(amount(usage)),
            None => {
                self.unknown += 1;
                self.is_due(space);
            }
        }
        self.spaces.insert(space, followed);
    }

    fn is_due(&mut self, space: SpaceId) {
        if self.is_due.insert(space) {
            self.due.push_back(space);
        }
    }

    pub(super) fn committed(&mut self, commit: &SpaceCommit) {
        self.change(commit.space, |followed| followed.committed(commit));
    }

    pub(super) fn shrank(&mut self, space: SpaceId) {
        if self.spaces.contains_key(&space) {
            self.shrunk.insert(space);
        }
    }

    /// Those that may hold less are to be asked about again.
    pub(super) fn refresh(&mut self) {
        for space in std::mem::take(&mut self.shrunk) {
            self.is_due(space);
        }
    }

    /// The next space to ask the store about; `None` when there is none, or when enough are asked about.
    pub(super) fn next(&mut self) -> Option<SpaceId> {
        if self.under_way >= TENANT_COUNTS_UNDER_WAY_MAX {
            return None;
        }
        let space = self.due.pop_front()?;
        self.is_due.remove(&space);
        self.under_way += 1;
        Some(space)
    }

    /// What the store said of a space; `None`: it cannot be counted, and is asked about again when somebody waits.
    pub(super) fn learn(&mut self, space: SpaceId, usage: Option<SpaceUsage>) {
        self.under_way = self.under_way.saturating_sub(1);
        match usage {
            Some(usage) => self.change(space, |followed| followed.learn(usage)),
            None if self.spaces.contains_key(&space) => self.is_due(space),
            None => {}
        }
    }

    /// The space cannot be counted at all.
    pub(super) fn give_up(&mut self, space: SpaceId) {
        self.under_way = self.under_way.saturating_sub(1);
        self.change(space, Followed::give_up);
    }

    pub(super) const fn is_known(&self) -> bool {
        self.unknown == 0
    }

    pub(super) const fn held(&self) -> Amount {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoredEntry;
    use bytes::Bytes;
    use relay_proto::ids::{DeviceKey, EntryId};

    const A: SpaceId = SpaceId([1; 32]);
    const B: SpaceId = SpaceId([2; 32]);

    fn usage(size: u64, bytes: u64) -> Option<SpaceUsage> {
        Some(SpaceUsage { size, entries: size, bytes })
    }

    fn commit(space: SpaceId, first_seq: u64, entries: usize) -> SpaceCommit {
        let sealed = Bytes::from_static(&[0; 10]);
        let entry = StoredEntry { device: DeviceKey([1; 32]), push_seq: 1, key_epoch: 1, id: EntryId::ZERO, sealed };
        SpaceCommit { space, first_seq, entries: vec![entry; entries], attestation: Bytes::new() }
    }

    fn held(meter: &TenantMeter) -> (u64, u64) {
        (meter.held().entries, meter.held().bytes)
    }

    #[test]
    fn the_sum_follows_every_space_once() {
        let mut meter = TenantMeter::default();
        meter.add(A, false);
        meter.add(B, true);
        assert!(!meter.is_known());
        assert_eq!((meter.next(), meter.next()), (Some(A), None), "what is empty is not asked about");
        meter.committed(&commit(B, 1, 2));
        meter.committed(&commit(A, 3, 1));
        meter.learn(A, usage(2, 20));
        assert!(!meter.is_known(), "a commit came meanwhile");
        assert_eq!(meter.next(), Some(A));
        meter.learn(A, usage(3, 30));
        assert!(meter.is_known());
        assert_eq!(held(&meter), (5, 50));
        meter.shrank(A);
        meter.refresh();
        assert_eq!(meter.next(), Some(A));
        meter.learn(A, Some(SpaceUsage { size: 3, entries: 1, bytes: 10 }));
        assert_eq!(held(&meter), (3, 30));
        meter.remove(A);
        assert_eq!(held(&meter), (2, 20));
    }

    #[test]
    fn what_was_missed_is_asked_about() {
        let mut meter = TenantMeter::default();
        meter.add(A, true);
        meter.committed(&commit(A, 5, 1));
        assert!(!meter.is_known(), "four entries came unseen");
        assert_eq!(meter.next(), Some(A));
        meter.learn(A, None);
        assert_eq!(meter.next(), Some(A), "who could not be counted is counted again");
        meter.learn(A, usage(5, 50));
        assert_eq!(held(&meter), (5, 50));
        meter.add(B, false);
        meter.committed(&commit(B, 9, 1));
        assert_eq!(meter.next(), Some(B));
        meter.give_up(B);
        assert!(meter.is_known() && meter.next().is_none(), "it is not asked about for ever");
        meter.committed(&commit(B, 10, 1));
        assert_eq!(held(&meter), (6, 60));
    }

    #[test]
    fn no_more_are_asked_about_at_once_than_the_limit() {
        let mut meter = TenantMeter::default();
        let space = |n: usize| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&n.to_be_bytes());
            SpaceId(id)
        };
        (0..=TENANT_COUNTS_UNDER_WAY_MAX).for_each(|n| meter.add(space(n), false));
        (0..TENANT_COUNTS_UNDER_WAY_MAX).for_each(|n| assert_eq!(meter.next(), Some(space(n))));
        assert_eq!(meter.next(), None);
        meter.learn(space(0), usage(1, 1));
        assert_eq!(meter.next(), Some(space(TENANT_COUNTS_UNDER_WAY_MAX)));
    }
}
