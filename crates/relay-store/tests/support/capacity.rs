//! A simulated disk of a certain size.

use super::watched::{Warden, WatchedVfs};
use relay_store::vfs::sim::SimVfs;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// See the module.
pub type CapacityVfs = WatchedVfs<Capacity>;

#[derive(Debug)]
pub struct Capacity(AtomicU64);

impl Default for Capacity {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

fn used(disk: &SimVfs) -> u64 {
    disk.contents().values().map(|bytes| bytes.len() as u64).sum()
}

impl Warden for Capacity {
    fn may_grow(&self, disk: &SimVfs, bytes: u64) -> io::Result<()> {
        let max = self.0.load(Ordering::SeqCst);
        let fits = max == u64::MAX || used(disk).saturating_add(bytes) <= max;
        if fits { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }
    fn free_bytes(&self, disk: &SimVfs) -> Option<u64> {
        Some(self.0.load(Ordering::SeqCst).saturating_sub(used(disk)))
    }
}

impl CapacityVfs {
    pub fn used(&self) -> u64 {
        used(&self.inner)
    }

    /// From now on there is room for so many more bytes.
    pub fn leave(&self, bytes: u64) {
        self.warden.0.store(self.used().saturating_add(bytes), Ordering::SeqCst);
    }
}
