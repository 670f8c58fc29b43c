//! Tenants: on whose account a space is, and what all spaces of one account may take together.
//!
//! A tenant is named when a space is founded (`founding.rs`) and by what it was founded with. Which space is on whose account is
//! kept durably ([`TenantRecords`]); how much a tenant holds is not: it is the sum of what the store counts of its spaces, asked
//! for when a session of the tenant would push for the first time, and followed from then on. What a tenant keeps beside its
//! spaces is on the same account (`beside.rs`).
//!
//! Invariants:
//! 1. A space is founded only after it is durable on whose account it is.
//! 2. As long as it is not known how much a tenant holds, nothing of it is admitted; so a restart forgives nothing.
//! 3. Sessions hold nothing of a tenant; a space that nobody is connected to costs one entry of the table here.

mod beside;
mod meter;
mod tenant;

pub(crate) use beside::Accounts;
pub use beside::{Beside, BesideRefused, TenantAccounts};
pub(crate) use tenant::Tenant;

use crate::store::{Completion, SpaceCommit, Store};
use relay_proto::ids::SpaceId;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Length of a tenant's id, in bytes.
pub const TENANT_ID_BYTES: usize = 16;

/// Whose account it is: what the gatekeeper made of its name, and never all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub [u8; TENANT_ID_BYTES]);

/// What all spaces of a tenant may take together; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantLimits {
    /// Entries held at a time.
    pub entries_max: u64,
    /// Their sealed bytes.
    pub bytes_max: u64,
    /// Sessions open at a time.
    pub sessions_max: u64,
    /// Pushes in a second, all of them at once at most.
    pub pushes_per_second_max: u32,
}

/// What each tenant may take.
#[derive(Clone, Debug, Default)]
pub struct TenantPlan {
    /// Of those that have no limits of their own.
    pub general: TenantLimits,
    /// Of the others.
    pub own: HashMap<TenantId, TenantLimits>,
}

impl TenantPlan {
    fn of(&self, tenant: TenantId) -> TenantLimits {
        self.own.get(&tenant).copied().unwrap_or(self.general)
    }
}

/// Keeps which space is on whose account. The newest word about a space is the one that holds.
pub trait TenantRecords: Send + Sync {
    /// Everything that was kept; called once, before anything else.
    fn load(&self) -> Vec<(SpaceId, TenantId)>;
    /// *Durable.* Keeps whose space it is.
    fn put(&self, space: SpaceId, tenant: TenantId, done: Completion<()>);
    /// Forgets a space that is gone, soon; what is lost by a crash is forgotten with the next start.
    fn forget(&self, space: SpaceId);
}

/// What an operator sees of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantView {
    /// Which one.
    pub tenant: TenantId,
    /// What it may take.
    pub limits: TenantLimits,
    /// Spaces on its account.
    pub spaces: u64,
    /// Sessions that are open.
    pub sessions: u64,
    /// Entries and sealed bytes held, where they are counted and the count is known.
    pub held: Option<(u64, u64)>,
}

/// See the module.
pub(crate) struct Tenants {
    plan: TenantPlan,
    records: Arc<dyn TenantRecords>,
    accounts: RwLock<Table>,
}

#[derive(Default)]
struct Table {
    of_space: HashMap<SpaceId, Arc<Tenant>>,
    by_id: BTreeMap<TenantId, Arc<Tenant>>,
}

impl Table {
    fn assign(&mut self, space: SpaceId, id: TenantId, plan: &TenantPlan, is_empty: bool) {
        if self.of_space.get(&space).is_some_and(|known| known.id() == id) {
            return;
        }
        let tenant = self.by_id.entry(id).or_insert_with(|| Arc::new(Tenant::new(id, plan.of(id))));
        tenant.add_space(space, is_empty);
        if let Some(before) = self.of_space.insert(space, Arc::clone(tenant)) {
            before.remove_space(space);
        }
    }
}

impl Tenants {
    pub(crate) fn new(plan: TenantPlan, records: Arc<dyn TenantRecords>) -> Self {
        let mut accounts = Table::default();
        for (space, tenant) in records.load() {
            accounts.assign(space, tenant, &plan, false);
        }
        Self { plan, records, accounts: RwLock::new(accounts) }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.accounts.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// On whose account a space is.
    pub(crate) fn of(&self, space: SpaceId) -> Option<Arc<Tenant>> {
        self.read().of_space.get(&space).cloned()
    }

    /// Puts a space that is about to be founded on a tenant's account, durably.
    pub(crate) fn assign(self: &Arc<Self>, space: SpaceId, tenant: TenantId, done: Completion<()>) {
        if self.of(space).is_some_and(|known| known.id() == tenant) {
            return done(Ok(()));
        }
        let own = Arc::clone(self);
        let put = move |result| {
            if matches!(result, Ok(())) {
                own.write().assign(space, tenant, &own.plan, true);
            }
            done(result);
        };
        self.records.put(space, tenant, Box::new(put));
    }

    /// Counts what became durable.
    pub(crate) fn committed(&self, commit: &SpaceCommit) {
        if let Some(tenant) = self.of(commit.space) {
            tenant.committed(commit);
        }
    }

    /// A space may hold less than before; that is looked into when its tenant needs the room.
    pub(crate) fn shrank(&self, space: SpaceId) {
        if let Some(tenant) = self.of(space) {
            tenant.shrank(space);
        }
    }

    /// A space is gone.
    pub(crate) fn erased(&self, space: SpaceId) {
        let gone = {
            let mut accounts = self.write();
            let gone = accounts.of_space.remove(&space);
            if let Some(tenant) = gone.as_ref().filter(|tenant| tenant.remove_space(space) == 0 && tenant.is_over()) {
                accounts.by_id.remove(&tenant.id());
            }
            gone
        };
        if gone.is_some() {
            self.records.forget(space);
        }
    }

    /// How many tenants have spaces, and how many spaces that are.
    pub(crate) fn count(&self) -> (usize, usize) {
        let accounts = self.read();
        (accounts.by_id.len(), accounts.of_space.len())
    }

    /// Up to `count` tenants with ids above `after`, ascending.
    pub(crate) fn page(&self, after: Option<TenantId>, count: usize) -> Vec<TenantView> {
        use std::ops::Bound::{Excluded, Unbounded};
        let accounts = self.read();
        let from = after.map_or(Unbounded, Excluded);
        accounts.by_id.range((from, Unbounded)).take(count).map(|(_, tenant)| tenant.view()).collect()
    }
}

/// Counts what a tenant holds, and says when it is known.
pub(crate) fn ask(tenant: &Arc<Tenant>, store: &Arc<dyn Store>, waiter: Completion<()>) {
    tenant.wait(waiter);
    Tenant::count(tenant, store);
}
