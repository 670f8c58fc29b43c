//! The spaces that are gone, in memory: asked before a space is founded, and for what to tell its devices.

use super::files;
use crate::segment::header::StoreId;
use crate::shared::Shared;
use crate::vfs::Vfs;
use relay_core::erasure::{TOMBSTONES_MAX, Tombstone};
use relay_proto::ids::SpaceId;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tombstones(RwLock<BTreeMap<SpaceId, Tombstone>>);

impl Tombstones {
    pub(crate) fn new(held: Vec<Tombstone>) -> Self {
        Self(RwLock::new(held.into_iter().map(|tombstone| (tombstone.space, tombstone)).collect()))
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<SpaceId, Tombstone>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<SpaceId, Tombstone>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left of a space, as long as it is remembered.
    pub(crate) fn get(&self, space: SpaceId, now_ms: u64) -> Option<Tombstone> {
        self.read().get(&space).filter(|tombstone| !tombstone.is_over(now_ms)).cloned()
    }

    /// Notes one that is durable; returns whether it is a new one.
    pub(super) fn note(&self, tombstone: Tombstone) -> bool {
        self.write().insert(tombstone.space, tombstone).is_none_or(|before| before.notice.done)
    }

    /// Forgets one whose file is gone.
    pub(crate) fn lift(&self, space: SpaceId) {
        self.write().remove(&space);
    }

    /// Removes those that were kept long enough by a time that may be believed, and the oldest above the limit. One whose file stays
    /// is met again.
    pub(crate) fn expire(&self, shared: &Shared, now_ms: u64) {
        let surplus = self.read().len().saturating_sub(TOMBSTONES_MAX);
        let mut gone: Vec<(u64, SpaceId)> = Vec::new();
        for tombstone in self.read().values().filter(|tombstone| tombstone.notice.done) {
            if surplus > 0 || tombstone.is_over(now_ms) {
                gone.push((tombstone.notice.time_ms, tombstone.space));
            }
        }
        gone.sort_unstable();
        for (index, (_, space)) in gone.into_iter().enumerate() {
            let is_over = self.get(space, now_ms).is_none();
            if (is_over || index < surplus) && files::remove_gone(&*shared.vfs, &shared.data_dir, space).is_ok() {
                self.write().remove(&space);
            }
        }
    }
}

/// Writes a tombstone, durably.
pub(super) fn write(vfs: &dyn Vfs, data_dir: &Path, store_id: &StoreId, tombstone: &Tombstone) -> io::Result<()> {
    files::write_gone(vfs, data_dir, store_id, tombstone)?;
    files::sync(vfs, data_dir)
}
