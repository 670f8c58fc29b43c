//! What the threads of a document store share.

use super::DocumentLimits;
use super::layers::Layers;
use super::mover::Mover;
use super::queue::{Queue, Waiting};
use super::scrub::Scrub;
use super::tables::Tables;
use crate::vfs::{self, OpenMode, Vfs};
use relay_core::documents::DocumentStats;
use relay_core::store::StoreError;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Name of the file that says the last end was clean.
const CLEAN_FILE: &str = "clean";

const GOOD: u8 = 0;
const POISONED: u8 = 1;
const CLOSED: u8 = 2;

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) works: AtomicU64,
    pub(super) changes: AtomicU64,
    pub(super) changed_bytes: AtomicU64,
    pub(super) groups: AtomicU64,
    pub(super) written_bytes: AtomicU64,
    pub(super) overloaded: AtomicU64,
    pub(super) journal_bytes: AtomicU64,
    pub(super) table_bytes: AtomicU64,
    pub(super) move_failures: AtomicU64,
}

/// See the module.
pub(super) struct Shared {
    pub(super) vfs: Arc<dyn Vfs>,
    pub(super) dir: PathBuf,
    pub(super) limits: DocumentLimits,
    pub(super) queue: Queue,
    pub(super) layers: RwLock<Layers>,
    /// `None` after a failed transaction: redb wants to be opened again then.
    pub(super) tables: Mutex<Option<Tables>>,
    pub(super) mover: Mover,
    pub(super) scrub: Scrub,
    /// The journal file that is written now; older ones may go once they are moved.
    pub(super) journal_number: AtomicU64,
    pub(super) counters: Counters,
    pub(super) full: AtomicBool,
    /// The committer begins a new journal file before its next group.
    pub(super) wants_new_file: AtomicBool,
    /// Journal files that are all moved are overwritten before they are removed.
    pub(super) wipes_journals: AtomicBool,
    pub(super) health: AtomicU8,
}

impl Shared {
    pub(super) fn layers(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn layers_mut(&self) -> RwLockWriteGuard<'_, Layers> {
        self.layers.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn writable(&self) -> Result<(), StoreError> {
        match self.health.load(Ordering::Acquire) {
            GOOD => Ok(()),
            POISONED => Err(StoreError::Poisoned),
            _ => Err(StoreError::Closed),
        }
    }

    pub(super) fn readable(&self) -> Result<(), StoreError> {
        if self.health.load(Ordering::Acquire) == CLOSED { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// Accepts nothing more. A closed store stays closed.
    pub(super) fn poison(&self) {
        self.health.fetch_max(POISONED, Ordering::AcqRel);
    }

    /// Hands a work to the queue, or gives it back with the reason.
    pub(super) fn submit(&self, work: Waiting) -> Option<(Waiting, StoreError)> {
        if let Err(error) = self.writable() {
            return Some((work, error));
        }
        let refused = self.queue.add(work);
        if matches!(refused, Some((_, StoreError::Overloaded))) {
            self.counters.overloaded.fetch_add(1, Ordering::Relaxed);
        }
        refused
    }

    /// The last step of a close: everything into the tables, and a note that it was so.
    pub(super) fn end(&self) {
        let was = self.health.swap(CLOSED, Ordering::AcqRel);
        if was == GOOD && super::mover::move_all(self).is_ok() {
            // Without the note the next start checks what it could have believed.
            let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(tables);
            let _unclean = vfs::write_small(&*self.vfs, &self.dir, CLEAN_FILE, b"1", OpenMode::Create);
        }
    }

    pub(super) fn stats(&self) -> DocumentStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        DocumentStats {
            works: read(&counters.works),
            changes: read(&counters.changes),
            changed_bytes: read(&counters.changed_bytes),
            groups: read(&counters.groups),
            written_bytes: read(&counters.written_bytes),
            overloaded: read(&counters.overloaded),
            disk_bytes: read(&counters.journal_bytes) + read(&counters.table_bytes),
            move_failures: read(&counters.move_failures),
            disk_full: u64::from(self.full.load(Ordering::Relaxed)),
            poisoned: u64::from(self.health.load(Ordering::Acquire) == POISONED),
        }
    }
}

/// Whether the last end was clean; from now on it is not.
pub(super) fn take_clean(vfs: &dyn Vfs, dir: &Path) -> std::io::Result<bool> {
    let was_clean = vfs.open(&dir.join(CLEAN_FILE), OpenMode::Read).is_ok();
    if was_clean {
        vfs.remove(&dir.join(CLEAN_FILE))?;
        vfs.sync_dir(dir)?;
    }
    Ok(was_clean)
}
