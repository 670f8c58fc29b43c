//! What tenants keep beside their spaces, on the same account: whoever keeps it tells of every change, and asks for room first.

use super::{Tenants, tenant::Tenant};
use crate::endpoint::Moment;
use crate::quota::Amount;
use crate::store::{Completion, Store};
use crate::tenants::TenantId;
use relay_proto::quota::QuotaDetail;
use std::sync::Arc;

/// Entries and bytes that are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Entries.
    pub entries: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Why a change is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BesideRefused {
    /// The account has not the room.
    Full(QuotaDetail),
    /// It is not known how much the tenant's spaces hold; [`TenantAccounts::counted`] finds out.
    NotCounted,
}

/// The accounts of tenants, for what they keep beside their spaces.
pub trait TenantAccounts: Send + Sync {
    /// Calls back once it is known how much the spaces of a tenant hold, or cannot be.
    fn counted(&self, tenant: TenantId, done: Completion<()>);
    /// Takes a change if there is room for it.
    ///
    /// # Errors
    /// Why it is not taken; what shrinks is always taken.
    fn change(&self, tenant: TenantId, before: Beside, after: Beside, now: Moment) -> Result<(), BesideRefused>;
    /// Takes a change that has happened: what was there at the start, what went, what was taken back.
    fn set(&self, tenant: TenantId, before: Beside, after: Beside);
}

const fn amount(Beside { entries, bytes }: Beside) -> Amount {
    Amount { entries, bytes }
}

impl Tenants {
    /// Acts on a tenant, which may have no space yet, and which nobody forgets meanwhile.
    fn with<R>(&self, id: TenantId, act: impl FnOnce(&Arc<Tenant>) -> R) -> R {
        let accounts = self.read();
        if let Some(tenant) = accounts.by_id.get(&id) {
            return act(tenant);
        }
        drop(accounts);
        let mut accounts = self.write();
        act(accounts.by_id.entry(id).or_insert_with(|| Arc::new(Tenant::new(id, self.plan.of(id)))))
    }

    /// Forgets a tenant that has nothing left.
    fn forget(&self, id: TenantId) {
        let mut accounts = self.write();
        if accounts.by_id.get(&id).is_some_and(|tenant| tenant.is_over()) {
            accounts.by_id.remove(&id);
        }
    }
}

/// The accounts with the store that counts what spaces hold.
pub(crate) struct Accounts {
    pub(crate) tenants: Arc<Tenants>,
    pub(crate) store: Arc<dyn Store>,
}

impl TenantAccounts for Accounts {
    fn counted(&self, tenant: TenantId, done: Completion<()>) {
        let known = self.tenants.read().by_id.get(&tenant).filter(|tenant| tenant.must_ask()).cloned();
        match known {
            Some(tenant) => super::ask(&tenant, &self.store, done),
            None => done(Ok(())),
        }
    }

    fn change(&self, id: TenantId, before: Beside, after: Beside, now: Moment) -> Result<(), BesideRefused> {
        let (tenant, taken) = self
            .tenants
            .with(id, |tenant| (Arc::clone(tenant), tenant.keep_beside(amount(before), amount(after), true)));
        if matches!(taken, Err(BesideRefused::Full(_))) {
            // Its spaces may hold less than was counted last.
            Tenant::refresh(&tenant, &self.store, now);
        }
        if tenant.is_over() {
            self.tenants.forget(id);
        }
        taken
    }

    fn set(&self, id: TenantId, before: Beside, after: Beside) {
        let is_over = self.tenants.with(id, |tenant| {
            // Nothing is refused that has happened.
            let _ = tenant.keep_beside(amount(before), amount(after), false);
            tenant.is_over()
        });
        if is_over {
            self.tenants.forget(id);
        }
    }
}
