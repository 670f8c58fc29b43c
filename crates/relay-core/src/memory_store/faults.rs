//! What goes wrong with disks, on request.

use super::{Health, MemoryStore};
use relay_proto::frame::Frame;
use relay_proto::ids::SpaceId;

impl MemoryStore {
    /// From now on durable calls fail as after a failed sync.
    pub fn poison(&self) {
        self.lock().health = Health::Poisoned;
    }

    /// From now on durable calls find the disk full, or no longer.
    pub fn set_disk_full(&self, full: bool) {
        self.lock().health = if full { Health::DiskFull } else { Health::Good };
    }

    /// From now on the entry with this seq cannot be read, as on a damaged disk.
    pub fn damage(&self, space: SpaceId, seq: u64) {
        if let Some(space) = self.lock().spaces.get_mut(&space) {
            space.damaged_seq = Some(seq);
        }
    }

    /// Results wait, as behind a slow disk, until [`Self::resume`].
    pub fn pause(&self) {
        self.lock().deliveries.paused = true;
    }

    /// Lets the results go that waited.
    pub fn resume(&self) {
        self.lock().deliveries.paused = false;
        self.deliver();
    }

    /// Does what an operator does who restores a backup: every space loses what is above `size`, and a new log epoch begins.
    pub fn restore_backup(&self, size: u64) {
        let now_ms = self.now_ms();
        let mut inner = self.lock();
        let time_ms = inner.clock.now(now_ms);
        let new_epoch = time_ms.max(inner.log_epoch + 1);
        inner.log_epoch = new_epoch;
        for space in inner.spaces.values_mut() {
            space.cut_above(size);
            let reset = space.ledger.begin_epoch(new_epoch, time_ms, &*self.parts.signer);
            space.resets.push((new_epoch, reset.encode()));
            self.attest_space(space, time_ms, &[]);
        }
    }
}
