//! WebSockets of one foreign system: how many it has, and how many each of its tenants.

use crate::documents::Tenant;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many there may be; 0 is no limit. `Default` limits nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeatLimits {
    /// Of the system.
    pub system_max: u64,
    /// Of one tenant; not of the one whose peers are strangers to each other ([`Tenant::ONLY`]).
    pub tenant_max: u64,
}

#[derive(Debug, Default)]
struct Taken {
    all: u64,
    /// At most one for each seat.
    by_tenant: HashMap<Tenant, u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Seats {
    limits: SeatLimits,
    taken: Mutex<Taken>,
    refused: AtomicU64,
}

/// The place of one WebSocket; free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    tenant: Tenant,
}

/// All places are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatsFull;

impl Seats {
    /// With these limits.
    #[must_use]
    pub fn new(limits: SeatLimits) -> Arc<Self> {
        Arc::new(Self { limits, ..Self::default() })
    }

    /// Takes a place.
    ///
    /// # Errors
    /// When the system or the tenant has as many as it may; it is counted.
    pub fn take(self: &Arc<Self>, tenant: Tenant) -> Result<Seat, SeatsFull> {
        let SeatLimits { system_max, tenant_max } = self.limits;
        let is_full = |taken: u64, max: u64| max > 0 && taken >= max;
        let mut taken = self.lock();
        let of_tenant = taken.by_tenant.get(&tenant).copied().unwrap_or(0);
        let is_tenant_full = tenant != Tenant::ONLY && is_full(of_tenant, tenant_max);
        if is_full(taken.all, system_max) || is_tenant_full {
            drop(taken);
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(SeatsFull);
        }
        taken.all += 1;
        taken.by_tenant.insert(tenant, of_tenant + 1);
        Ok(Seat { seats: Arc::clone(self), tenant })
    }

    /// How many a tenant has.
    #[must_use]
    pub fn of(&self, tenant: Tenant) -> u64 {
        self.lock().by_tenant.get(&tenant).copied().unwrap_or(0)
    }

    /// Refused since the start.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Counts are whole numbers, which a panicking holder cannot have left half-written.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.all = taken.all.saturating_sub(1);
        match taken.by_tenant.get_mut(&self.tenant) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.by_tenant.remove(&self.tenant)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SeatLimits, Seats, SeatsFull};
    use crate::documents::Tenant;

    #[test]
    fn seats_of_system_and_tenant_are_limited_and_given_back() {
        let seats = Seats::new(SeatLimits { system_max: 3, tenant_max: 2 });
        let (one, other) = (Tenant([1; 16]), Tenant([2; 16]));
        let strangers = [(); 3].map(|()| seats.take(Tenant::ONLY).unwrap());
        assert_eq!(seats.take(Tenant::ONLY).unwrap_err(), SeatsFull, "the system's alone");
        drop(strangers);
        let first = seats.take(one).unwrap();
        let second = seats.take(one).unwrap();
        assert_eq!(seats.take(one).unwrap_err(), SeatsFull, "the tenant's");
        let third = seats.take(other).unwrap();
        assert_eq!(seats.take(Tenant::ONLY).unwrap_err(), SeatsFull, "the system's");
        assert_eq!((seats.of(one), seats.of(other), seats.refused()), (2, 1, 3));
        drop((first, third));
        let again = seats.take(one).unwrap();
        drop((second, again));
        let left = seats.lock();
        assert_eq!((left.by_tenant.len(), left.all), (0, 0));
    }

    #[test]
    fn without_limits_they_are_only_counted() {
        let seats = Seats::new(SeatLimits::default());
        let taken: Vec<_> = (0..100).map(|_| seats.take(Tenant::ONLY).unwrap()).collect();
        assert_eq!((seats.of(Tenant::ONLY), taken.len() as u64), (100, 100));
    }
}
