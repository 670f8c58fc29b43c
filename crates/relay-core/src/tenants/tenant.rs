//! One tenant: its seats, its rate, and how much it holds.

use super::meter::TenantMeter;
use super::{BesideRefused, TenantId, TenantLimits, TenantView};
use crate::endpoint::Moment;
use crate::gcra::{Cell, Rate, Verdict};
use crate::limits::USAGE_REFRESH_MS;
use crate::quota::Amount;
use crate::store::{Completion, SpaceCommit, SpaceUsage, Store, StoreError};
use relay_proto::ids::SpaceId;
use relay_proto::quota::{Quota, QuotaDetail};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// See the module.
pub(crate) struct Tenant {
    id: TenantId,
    limits: TenantLimits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    spaces: u64,
    sessions: u64,
    pushes: Cell,
    meter: TenantMeter,
    /// What it keeps beside its spaces.
    beside: Amount,
    /// Sessions that wait until it is known how much the tenant holds; one for each at most.
    waiters: Vec<Completion<()>>,
    /// Somebody hands spaces to the store already.
    is_counting: bool,
    refreshed_at: Option<Moment>,
}

impl State {
    /// What is held and what is under way.
    const fn used(&self) -> Amount {
        self.meter.held().plus(self.meter.reserved).plus(self.beside)
    }
}

impl Tenant {
    pub(super) fn new(id: TenantId, limits: TenantLimits) -> Self {
        Self { id, limits, state: Mutex::default() }
    }

    pub(crate) const fn id(&self) -> TenantId {
        self.id
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    const fn has_quota(&self) -> bool {
        self.limits.entries_max > 0 || self.limits.bytes_max > 0
    }

    /// `is_empty`: it was just founded, and holds nothing.
    pub(super) fn add_space(&self, space: SpaceId, is_empty: bool) {
        let mut state = self.lock();
        state.spaces += 1;
        if self.has_quota() {
            state.meter.add(space, is_empty);
        }
    }

    /// Returns how many are left.
    pub(super) fn remove_space(&self, space: SpaceId) -> u64 {
        let mut state = self.lock();
        state.spaces = state.spaces.saturating_sub(1);
        state.meter.remove(space);
        state.spaces
    }

    /// Whether nothing is on its account any more.
    pub(super) fn is_over(&self) -> bool {
        let state = self.lock();
        state.spaces == 0 && state.beside == Amount::default()
    }

    /// Takes a change of what it keeps beside its spaces; with `is_held` one that it has no room for is refused.
    pub(super) fn keep_beside(&self, before: Amount, after: Amount, is_held: bool) -> Result<(), BesideRefused> {
        let mut state = self.lock();
        let needed = after.less(before);
        if is_held && self.has_quota() && needed != Amount::default() {
            if !state.meter.is_known() {
                return Err(BesideRefused::NotCounted);
            }
            let TenantLimits { entries_max, bytes_max, .. } = self.limits;
            let checks = [(Quota::TenantEntries, entries_max), (Quota::TenantBytes, bytes_max)];
            state.used().check(needed, checks).map_err(BesideRefused::Full)?;
        }
        state.beside = state.beside.plus(after).less(before);
        Ok(())
    }

    /// A place for one more session, or how many there may be.
    pub(crate) fn take_seat(&self) -> Result<(), QuotaDetail> {
        let mut state = self.lock();
        let (used, allowed) = (state.sessions, self.limits.sessions_max);
        if allowed > 0 && used >= allowed {
            return Err(QuotaDetail { quota: Quota::TenantConnections, used, allowed, needed: 1 });
        }
        state.sessions += 1;
        Ok(())
    }

    pub(crate) fn give_back_seats(&self, count: usize) {
        let mut state = self.lock();
        state.sessions = state.sessions.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Admits one push of any session, or says when; `None` where there is no limit.
    pub(crate) fn admit_push(&self, now: Moment) -> Option<Verdict> {
        let rate = Rate::per_second(self.limits.pushes_per_second_max)?;
        Some(self.lock().pushes.admit(rate, now))
    }

    pub(super) fn committed(&self, commit: &SpaceCommit) {
        if self.has_quota() {
            self.lock().meter.committed(commit);
        }
    }

    pub(super) fn shrank(&self, space: SpaceId) {
        if self.has_quota() {
            self.lock().meter.shrank(space);
        }
    }

    /// Whether the store is to be asked before anything can be admitted.
    pub(crate) fn must_ask(&self) -> bool {
        self.has_quota() && !self.lock().meter.is_known()
    }

    /// Reserves room, or says which quota would be exceeded.
    pub(crate) fn reserve(&self, needed: Amount) -> Result<(), QuotaDetail> {
        if !self.has_quota() {
            return Ok(());
        }
        let mut state = self.lock();
        let used = state.used();
        let TenantLimits { entries_max, bytes_max, .. } = self.limits;
        used.check(needed, [(Quota::TenantEntries, entries_max), (Quota::TenantBytes, bytes_max)])?;
        state.meter.reserved = state.meter.reserved.plus(needed);
        Ok(())
    }

    /// Gives back what was reserved: it was counted by its commit, or not stored.
    pub(crate) fn release(&self, amount: Amount) {
        if self.has_quota() {
            let mut state = self.lock();
            state.meter.reserved = state.meter.reserved.less(amount);
        }
    }

    /// Looks into what was forgotten because something was refused; at most once in a while.
    pub(crate) fn refresh(tenant: &Arc<Self>, store: &Arc<dyn Store>, now: Moment) {
        {
            let mut state = tenant.lock();
            let pause = Duration::from_millis(USAGE_REFRESH_MS);
            if state.refreshed_at.is_some_and(|at| now.0 < at.0 + pause) {
                return;
            }
            state.refreshed_at = Some(now);
            state.meter.refresh();
        }
        Self::count(tenant, store);
    }

    pub(super) fn wait(&self, waiter: Completion<()>) {
        self.lock().waiters.push(waiter);
    }

    /// Hands spaces that are due to the store, and tells who waits once all are known.
    pub(super) fn count(tenant: &Arc<Self>, store: &Arc<dyn Store>) {
        if std::mem::replace(&mut tenant.lock().is_counting, true) {
            // A store that answers at once comes here again; the loop below goes on.
            return;
        }
        loop {
            let next = {
                let mut state = tenant.lock();
                let next = state.meter.next();
                state.is_counting = next.is_some();
                next
            };
            let Some(space) = next else { break };
            let (own, store_of) = (Arc::clone(tenant), Arc::clone(store));
            store.usage(space, Box::new(move |usage| own.counted(space, usage, &store_of)));
        }
        tenant.tell_if_known();
    }

    fn counted(self: Arc<Self>, space: SpaceId, usage: Result<SpaceUsage, StoreError>, store: &Arc<dyn Store>) {
        match usage {
            Ok(usage) => self.lock().meter.learn(space, Some(usage)),
            // It was not founded after all, or its bytes cannot be read: it holds nothing that anybody could get.
            Err(StoreError::UnknownSpace | StoreError::Damaged { .. }) => {
                self.lock().meter.give_up(space);
            }
            Err(error) => {
                self.lock().meter.learn(space, None);
                // Whoever comes back asks again.
                return self.tell(|| Err(error.clone()));
            }
        }
        Self::count(&self, store);
    }

    fn tell_if_known(&self) {
        if self.lock().meter.is_known() {
            self.tell(|| Ok(()));
        }
    }

    fn tell(&self, result: impl Fn() -> Result<(), StoreError>) {
        let waiters = std::mem::take(&mut self.lock().waiters);
        waiters.into_iter().for_each(|waiter| waiter(result()));
    }

    pub(super) fn view(&self) -> TenantView {
        let state = self.lock();
        let held = state.meter.held().plus(state.beside);
        let held = (self.has_quota() && state.meter.is_known()).then_some((held.entries, held.bytes));
        TenantView { tenant: self.id, limits: self.limits, spaces: state.spaces, sessions: state.sessions, held }
    }
}
