//! How many connections an address has open.

use crate::limits::ADDRESS_SHARDS;
use relay_core::foreign::AddressKey;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts by address; at most one for each open connection, so the limit of those bounds it.
#[derive(Debug)]
pub(super) struct OpenConnections {
    /// 0: no limit, and nothing is counted.
    address_max: u32,
    hasher: RandomState,
    shards: [Mutex<HashMap<AddressKey, u32>>; ADDRESS_SHARDS],
}

/// One connection of an address; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenSeat {
    connections: Arc<OpenConnections>,
    key: AddressKey,
}

/// The address has as many as it may.
#[derive(Debug)]
pub(super) struct Full;

impl OpenConnections {
    pub(super) fn new(address_max: u32) -> Arc<Self> {
        Arc::new(Self { address_max, hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) })
    }

    /// Counts one more connection of an address; none when nothing is counted.
    pub(super) fn take(self: &Arc<Self>, key: AddressKey) -> Result<Option<OpenSeat>, Full> {
        if self.address_max == 0 {
            return Ok(None);
        }
        let mut shard = self.shard(key);
        let open = shard.get(&key).copied().unwrap_or(0);
        if open >= self.address_max {
            return Err(Full);
        }
        shard.insert(key, open + 1);
        Ok(Some(OpenSeat { connections: Arc::clone(self), key }))
    }

    fn give_back(&self, key: AddressKey) {
        let mut shard = self.shard(key);
        match shard.get_mut(&key) {
            Some(open) if *open > 1 => *open -= 1,
            _ => drop(shard.remove(&key)),
        }
    }

    /// A count is one number, which a panicking holder cannot have left half-written.
    fn shard(&self, key: AddressKey) -> MutexGuard<'_, HashMap<AddressKey, u32>> {
        let place = usize::try_from(self.hasher.hash_one(key)).unwrap_or(0) % ADDRESS_SHARDS;
        // The place is below the number of shards, so there is always one.
        let [first, ..] = &self.shards;
        self.shards.get(place).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenSeat {
    fn drop(&mut self) {
        self.connections.give_back(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_given_back_and_addresses_forgotten() {
        let connections = OpenConnections::new(2);
        let (one, other) = (AddressKey::V4(1), AddressKey::V6(1));
        let first = connections.take(one).unwrap();
        let second = connections.take(one).unwrap();
        assert!(connections.take(one).is_err());
        assert!(connections.take(other).is_ok(), "another address has its own");
        drop(first);
        let third = connections.take(one).unwrap();
        assert!(connections.take(one).is_err());
        drop((second, third));
        assert!(connections.shards.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }

    #[test]
    fn zero_counts_nothing() {
        let connections = OpenConnections::new(0);
        assert!((0..10).all(|_| matches!(connections.take(AddressKey::V4(1)), Ok(None))));
    }
}
