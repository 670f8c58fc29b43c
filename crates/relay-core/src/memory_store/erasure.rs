//! Purging and erasing: in memory what is gone is gone.

use super::{Inner, MemoryStore};
use crate::erasure::{PurgePoint, TOMBSTONES_MAX, Tombstone};
use crate::store::{Completion, StoreError};
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::SpaceId;

impl MemoryStore {
    pub(super) fn purge_now(&self, id: SpaceId, point: PurgePoint, done: Completion<()>) {
        let now_ms = self.now_ms();
        {
            let mut inner = self.lock();
            let result = self.purge_space(&mut inner, id, &point, now_ms);
            let listener = inner.listener.clone().filter(|_| result.is_ok());
            inner.deliveries.add(Box::new(move || {
                if let Some(listener) = listener {
                    listener.purged(id);
                }
                done(result);
            }));
        }
        self.deliver();
    }

    fn purge_space(&self, inner: &mut Inner, id: SpaceId, point: &PurgePoint, now_ms: u64) -> Result<(), StoreError> {
        inner.writable()?;
        let time_ms = inner.clock.now(now_ms);
        let space = inner.known_mut(id)?;
        space.ledger.check_purge(point).map_err(StoreError::Refused)?;
        if space.trim(point.size + 1) {
            self.attest_space(space, time_ms, &[]);
        }
        Ok(())
    }

    pub(super) fn erase_now(&self, id: SpaceId, reason: ErasureReason, done: Completion<()>) {
        let now_ms = self.now_ms();
        {
            let mut inner = self.lock();
            let result = inner.erase_space(id, reason, now_ms);
            let listener = inner.listener.clone();
            inner.deliveries.add(Box::new(move || {
                let (result, gone) = match result {
                    Ok(gone) => (Ok(()), gone),
                    Err(error) => (Err(error), None),
                };
                if let (Some(listener), Some(gone)) = (listener, gone) {
                    listener.space_erased(id, gone.notice.encode());
                }
                done(result);
            }));
        }
        self.deliver();
    }
}

impl Inner {
    /// With the tombstone, when the space was there until now.
    fn erase_space(
        &mut self,
        id: SpaceId,
        reason: ErasureReason,
        now_ms: u64,
    ) -> Result<Option<Tombstone>, StoreError> {
        self.writable()?;
        if self.tombstones.contains_key(&id) {
            return Ok(None);
        }
        let ledger = &self.known(id)?.ledger;
        ledger.check_erasure(&reason).map_err(StoreError::Refused)?;
        let mut tombstone = Tombstone::of(ledger, reason, now_ms);
        tombstone.notice.done = true;
        self.spaces.remove(&id);
        self.tombstones.retain(|_, other| !other.is_over(now_ms));
        if self.tombstones.len() >= TOMBSTONES_MAX {
            let oldest = self.tombstones.iter().min_by_key(|(_, other)| other.notice.time_ms).map(|(id, _)| *id);
            oldest.and_then(|oldest| self.tombstones.remove(&oldest));
        }
        self.tombstones.insert(id, tombstone.clone());
        Ok(Some(tombstone))
    }

    /// What is left of an erased space, as long as it is kept.
    pub(super) fn tombstone(&self, id: SpaceId, now_ms: u64) -> Option<Tombstone> {
        self.tombstones.get(&id).filter(|tombstone| !tombstone.is_over(now_ms)).cloned()
    }
}
