//! What each tenant keeps and all of them together, held to the caps in the turn in which it changes.

use crate::documents::{Cap, DocumentError, Keyspace, Usage};
use crate::endpoint::Moment;
use crate::store::StoreError;
use crate::tenants::{Beside, BesideRefused, TenantAccounts, TenantId};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// One tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantFacts {
    /// What it keeps, works that are on their way to the disk included.
    pub usage: Usage,
    /// When it was opened, in hours since 1970; 0 where that is not known.
    pub opened_h: u32,
    /// When something was written to it last, in hours since 1970; 0 where that is not known.
    pub used_h: u32,
    /// Somebody let it in, or the operator named it; it counts for no cap on those that named themselves.
    pub is_admitted: bool,
    /// When the operator erased it, in hours since 1970; 0: it was not erased.
    pub erased_h: u32,
    /// It is being erased.
    pub is_erasing: bool,
    /// On whose account it is, if somebody let it in on one.
    pub account: Option<TenantId>,
}

impl TenantFacts {
    pub(super) const fn is_erased(&self) -> bool {
        self.erased_h > 0 || self.is_erasing
    }

    /// Whether there is a reason to know of it.
    const fn is_nothing(&self) -> bool {
        self.usage.keys == 0 && !self.is_admitted && !self.is_erased()
    }
}

/// Bytes of tenants that named themselves, and how many there are of all kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemTotal {
    /// Tenants; erased ones are none.
    pub tenants: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Bytes of those that nobody let in.
    pub open_bytes: u64,
}

/// What a turn changed, so that it can be taken back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    before: Usage,
    after: Usage,
    /// The tenant is new by it.
    pub(super) opens: bool,
}

/// Caps; 0 is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Caps {
    pub(super) tenants_max: u64,
    pub(super) open_bytes_max: u64,
}

/// See the module. Its size is bounded by the cap on tenants and by that on erased ones.
#[derive(Default)]
pub(super) struct Account {
    /// What tenants keep in spaces as well is on the same account.
    accounts: Option<Arc<dyn TenantAccounts>>,
    rows: BTreeMap<Keyspace, TenantFacts>,
    totals: HashMap<u8, SystemTotal>,
}

fn moved(value: u64, before: u64, after: u64) -> u64 {
    value.saturating_add(after).saturating_sub(before)
}

/// What of a tenant is on an account.
fn beside(facts: &TenantFacts) -> Beside {
    Beside { entries: facts.usage.keys, bytes: facts.usage.bytes }
}

impl Account {
    pub(super) fn on(accounts: Option<Arc<dyn TenantAccounts>>) -> Self {
        Self { accounts, ..Self::default() }
    }

    pub(super) fn get(&self, keyspace: Keyspace) -> Option<TenantFacts> {
        self.rows.get(&keyspace).copied()
    }

    pub(super) fn total(&self, system: u8) -> SystemTotal {
        self.totals.get(&system).copied().unwrap_or_default()
    }

    /// Tenants of all systems.
    pub(super) fn tenants(&self) -> u64 {
        self.totals.values().map(|total| total.tenants).sum()
    }

    /// Erased tenants that are remembered.
    pub(super) fn erased(&self) -> usize {
        self.rows.values().filter(|facts| facts.erased_h > 0).count()
    }

    pub(super) fn rows_after(&self, after: Option<Keyspace>) -> impl Iterator<Item = (Keyspace, TenantFacts)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.rows.range((from, Bound::Unbounded)).map(|(keyspace, facts)| (*keyspace, *facts))
    }

    /// Changes what is known of a tenant, and the sums with it; what there is no reason to know of is forgotten.
    pub(super) fn update(&mut self, keyspace: Keyspace, change: impl FnOnce(&mut TenantFacts)) -> TenantFacts {
        let before = self.get(keyspace).unwrap_or_default();
        let after = self.note(keyspace, change);
        if let Some(accounts) = &self.accounts {
            match (before.account, after.account) {
                (Some(was), Some(is)) if was == is => accounts.set(is, beside(&before), beside(&after)),
                (was, is) => {
                    was.into_iter().for_each(|was| accounts.set(was, beside(&before), Beside::default()));
                    is.into_iter().for_each(|is| accounts.set(is, Beside::default(), beside(&after)));
                }
            }
        }
        after
    }

    /// Changes what is known and the sums here.
    fn note(&mut self, keyspace: Keyspace, change: impl FnOnce(&mut TenantFacts)) -> TenantFacts {
        let before = self.get(keyspace).unwrap_or_default();
        let mut after = before;
        change(&mut after);
        let weight = |facts: &TenantFacts| {
            let is_counted = !facts.is_nothing() && !facts.is_erased();
            let open = if facts.is_admitted { 0 } else { facts.usage.bytes };
            (u64::from(is_counted), facts.usage.bytes, open)
        };
        let (was, is) = (weight(&before), weight(&after));
        let total = self.totals.entry(keyspace.system).or_default();
        total.tenants = moved(total.tenants, was.0, is.0);
        total.bytes = moved(total.bytes, was.1, is.1);
        total.open_bytes = moved(total.open_bytes, was.2, is.2);
        if after.is_nothing() {
            self.rows.remove(&keyspace);
        } else {
            self.rows.insert(keyspace, after);
        }
        after
    }

    /// Takes a change of what a tenant keeps.
    pub(super) fn take(
        &mut self,
        keyspace: Keyspace,
        before: Usage,
        after: Usage,
        caps: Caps,
        now: Moment,
    ) -> Result<Change, DocumentError> {
        let known = self.get(keyspace);
        let opens = known.is_none() && after.keys > 0;
        let is_over = |value: u64, max: u64| max > 0 && value > max;
        if opens && is_over(self.tenants() + 1, caps.tenants_max) {
            return Err(DocumentError::Full(Cap::Tenants));
        }
        let is_open = !known.is_some_and(|facts| facts.is_admitted);
        let open_bytes = moved(self.total(keyspace.system).open_bytes, before.bytes, after.bytes);
        if is_open && after.bytes > before.bytes && is_over(open_bytes, caps.open_bytes_max) {
            return Err(DocumentError::Full(Cap::SystemBytes));
        }
        let mut next = known.unwrap_or_default();
        moved_by(&mut next, before, after);
        if let (Some(accounts), Some(facts), Some(account)) =
            (&self.accounts, known, known.and_then(|facts| facts.account))
        {
            accounts.change(account, beside(&facts), beside(&next), now).map_err(|refused| match refused {
                BesideRefused::Full(detail) => DocumentError::Account(detail),
                BesideRefused::NotCounted => StoreError::Overloaded.into(),
            })?;
        }
        self.note(keyspace, |facts| *facts = next);
        Ok(Change { before, after, opens })
    }

    /// Takes a change back that came to nothing.
    pub(super) fn revert(&mut self, keyspace: Keyspace, change: Change) {
        self.update(keyspace, |facts| moved_by(facts, change.after, change.before));
    }
}

/// By differences, so that changes can be taken back in any order.
fn moved_by(facts: &mut TenantFacts, before: Usage, after: Usage) {
    facts.usage.keys = moved(facts.usage.keys, before.keys, after.keys);
    facts.usage.bytes = moved(facts.usage.bytes, before.bytes, after.bytes);
}

#[cfg(test)]
mod tests {
    use super::{Account, Caps};
    use crate::documents::{Cap, DocumentError, Keyspace, Tenant, Usage};
    use crate::endpoint::Moment;

    const NOTHING: Usage = Usage { keys: 0, bytes: 0 };
    const NOW: Moment = Moment(std::time::Duration::ZERO);

    fn keyspace(system: u8, tenant: u8) -> Keyspace {
        Keyspace { system, tenant: Tenant([tenant; 16]) }
    }

    fn usage(bytes: u64) -> Usage {
        Usage { keys: 1, bytes }
    }

    #[test]
    fn tenants_are_counted_over_all_systems_and_bytes_by_system() {
        let caps = Caps { tenants_max: 3, open_bytes_max: 100 };
        let mut account = Account::default();
        for (system, tenant) in [(1, 1), (1, 2), (2, 1)] {
            assert!(account.take(keyspace(system, tenant), NOTHING, usage(40), caps, NOW).unwrap().opens);
        }
        let full = |account: &mut Account, of, before, after| account.take(of, before, after, caps, NOW).map(|_| ());
        let too_many = Err(DocumentError::Full(Cap::Tenants));
        assert_eq!(full(&mut account, keyspace(2, 2), NOTHING, usage(1)), too_many);
        let too_much = Err(DocumentError::Full(Cap::SystemBytes));
        assert_eq!(full(&mut account, keyspace(1, 1), usage(40), usage(61)), too_much);
        assert_eq!(full(&mut account, keyspace(1, 1), usage(40), usage(60)), Ok(()));
        assert_eq!(full(&mut account, keyspace(2, 1), usage(40), usage(100)), Ok(()), "another system has its own");
        assert_eq!(full(&mut account, keyspace(1, 2), usage(40), usage(30)), Ok(()), "less is always taken");
        assert_eq!(account.total(1).open_bytes, 90);
    }

    #[test]
    fn what_came_to_nothing_is_taken_back_in_any_order() {
        let mut account = Account::default();
        let one = keyspace(1, 1);
        let first = account.take(one, NOTHING, usage(10), Caps::default(), NOW).unwrap();
        let second = account.take(one, usage(10), Usage { keys: 2, bytes: 25 }, Caps::default(), NOW).unwrap();
        account.revert(one, first);
        account.revert(one, second);
        assert_eq!((account.get(one), account.tenants(), account.total(1).bytes), (None, 0, 0));
    }

    #[test]
    fn who_was_let_in_counts_for_no_cap_on_the_others() {
        let caps = Caps { tenants_max: 0, open_bytes_max: 50 };
        let mut account = Account::default();
        let guest = keyspace(1, 1);
        account.update(guest, |facts| facts.is_admitted = true);
        assert!(!account.take(guest, NOTHING, usage(1000), caps, NOW).unwrap().opens);
        assert!(account.take(keyspace(1, 2), NOTHING, usage(50), caps, NOW).is_ok());
        assert!(account.take(keyspace(1, 3), NOTHING, usage(1), caps, NOW).is_err());
        assert_eq!((account.total(1).bytes, account.total(1).open_bytes), (1050, 50));
    }
}
