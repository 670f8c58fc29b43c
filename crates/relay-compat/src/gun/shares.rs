//! How much waits in a table that all graphs share: so much in all, and of one graph no more than its share.

use relay_core::documents::Tenant;
use std::collections::HashMap;

/// Things, and bytes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) count: usize,
    pub(super) bytes: usize,
}

impl Amount {
    pub(super) fn one(bytes: usize) -> Self {
        Self { count: 1, bytes }
    }

    fn plus(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), bytes: self.bytes.saturating_add(other.bytes) }
    }

    fn minus(self, other: Self) -> Self {
        Self { count: self.count.saturating_sub(other.count), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    fn fits(self, max: Self) -> bool {
        self.count <= max.count && self.bytes <= max.bytes
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Shares {
    by_tenant: HashMap<Tenant, Amount>,
    all: Amount,
    tenant_max: Amount,
    all_max: Amount,
}

impl Shares {
    pub(super) fn new(tenant_max: Amount, all_max: Amount) -> Self {
        Self { by_tenant: HashMap::new(), all: Amount::default(), tenant_max, all_max }
    }

    /// Takes room; `false` when there is not enough.
    pub(super) fn take(&mut self, tenant: Tenant, amount: Amount) -> bool {
        let own = self.by_tenant.get(&tenant).copied().unwrap_or_default().plus(amount);
        let all = self.all.plus(amount);
        let fits = own.fits(self.tenant_max) && all.fits(self.all_max);
        if fits {
            self.by_tenant.insert(tenant, own);
            self.all = all;
        }
        fits
    }

    /// Gives room back that was taken.
    pub(super) fn give_back(&mut self, tenant: Tenant, amount: Amount) {
        self.all = self.all.minus(amount);
        let left = self.by_tenant.get(&tenant).copied().unwrap_or_default().minus(amount);
        if left == Amount::default() {
            self.by_tenant.remove(&tenant);
        } else {
            self.by_tenant.insert(tenant, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: u8) -> Tenant {
        let mut tenant = Tenant::ONLY;
        tenant.0[0] = number;
        tenant
    }

    #[test]
    fn one_has_its_share_and_all_together_no_more_than_there_is() {
        let mut shares = Shares::new(Amount { count: 2, bytes: 10 }, Amount { count: 3, bytes: 15 });
        assert!(!shares.take(tenant(1), Amount::one(11)) && shares.take(tenant(1), Amount::one(9)));
        assert!(!shares.take(tenant(1), Amount::one(2)), "its bytes");
        assert!(!shares.take(tenant(2), Amount::one(7)), "those of all");
        assert!(shares.take(tenant(1), Amount::one(1)) && !shares.take(tenant(1), Amount::one(0)), "how many it has");
        assert!(shares.take(tenant(2), Amount::one(1)) && !shares.take(tenant(3), Amount::one(0)), "how many all have");
        shares.give_back(tenant(1), Amount::one(9));
        assert!(shares.take(tenant(2), Amount::one(9)));
        shares.give_back(tenant(1), Amount::one(1));
        shares.give_back(tenant(2), Amount { count: 2, bytes: 10 });
        assert_eq!((shares.by_tenant.len(), shares.all), (0, Amount::default()));
    }
}
