//! What the threads of a store share.

use crate::cold::{Found, Keeper, Spaces};
use crate::damaged_read::{DamagedRead, Unreadable};
use crate::erase::Tombstones;
use crate::leaves::LeafFiles;
use crate::meta::Meta;
use crate::reserve::Reserve;
use crate::sealed::SealedSegments;
use crate::segment::writer::Owner;
use crate::space::Space;
use crate::vfs::Vfs;
use relay_core::environment::{Entropy, LogSigner, WallClock};
use relay_core::measure::Histogram;
use relay_core::store::{CommitListener, StoreError, StoreStats};
use relay_proto::ids::SpaceId;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Whether the store still accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Health {
    /// It does.
    Good = 0,
    /// A write or sync failed; reads go on.
    Poisoned = 1,
    /// It was closed.
    Closed = 2,
}

/// Counters; see [`StoreStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) entries: AtomicU64,
    pub(crate) entry_bytes: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) sync_micros: AtomicU64,
    pub(crate) sync_micros_max: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) overloaded: AtomicU64,
    pub(crate) disk_bytes: AtomicU64,
    pub(crate) torn_tails: AtomicU64,
    pub(crate) reclaimed_bytes: AtomicU64,
    pub(crate) reclaim_written_bytes: AtomicU64,
    pub(crate) reclaim_failures: AtomicU64,
    pub(crate) damaged_reads: AtomicU64,
    pub(crate) sync_durations: Histogram,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// See the module.
pub(crate) struct Shared {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) data_dir: PathBuf,
    pub(crate) owner: Owner,
    pub(crate) log_epoch: u64,
    pub(crate) signer: Arc<dyn LogSigner>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) wall_clock: Arc<dyn WallClock>,
    pub(crate) meta: Meta,
    pub(crate) spaces: Spaces,
    pub(crate) keeper: Keeper,
    pub(crate) sealed: SealedSegments,
    pub(crate) leaves: LeafFiles,
    pub(crate) reserve: Reserve,
    pub(crate) tombstones: Tombstones,
    /// Spaces of which an import is under way; nobody founds them meanwhile.
    pub(crate) importing: Mutex<BTreeSet<SpaceId>>,
    pub(crate) listener: OnceLock<Arc<dyn CommitListener>>,
    pub(crate) counters: Counters,
    health: AtomicU8,
    damage: Mutex<Option<Unreadable>>,
}

/// What a [`Shared`] is made of.
pub(crate) struct SharedParts {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) data_dir: PathBuf,
    pub(crate) owner: Owner,
    pub(crate) log_epoch: u64,
    pub(crate) signer: Arc<dyn LogSigner>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) wall_clock: Arc<dyn WallClock>,
    pub(crate) meta: Meta,
    pub(crate) spaces: Spaces,
    pub(crate) sealed: SealedSegments,
    pub(crate) leaves: LeafFiles,
    pub(crate) reserve: Reserve,
    pub(crate) tombstones: Tombstones,
}

impl Shared {
    pub(crate) fn new(parts: SharedParts) -> Self {
        Self {
            vfs: parts.vfs,
            data_dir: parts.data_dir,
            owner: parts.owner,
            log_epoch: parts.log_epoch,
            signer: parts.signer,
            entropy: parts.entropy,
            wall_clock: parts.wall_clock,
            meta: parts.meta,
            spaces: parts.spaces,
            keeper: Keeper::default(),
            sealed: parts.sealed,
            leaves: parts.leaves,
            reserve: parts.reserve,
            tombstones: parts.tombstones,
            importing: Mutex::default(),
            damage: Mutex::default(),
            listener: OnceLock::new(),
            counters: Counters::default(),
            health: AtomicU8::new(Health::Good as u8),
        }
    }

    pub(crate) fn health(&self) -> Health {
        match self.health.load(Ordering::Acquire) {
            0 => Health::Good,
            1 => Health::Poisoned,
            _ => Health::Closed,
        }
    }

    /// Accepts nothing more. A closed store stays closed.
    pub(crate) fn poison(&self) {
        self.health.fetch_max(Health::Poisoned as u8, Ordering::AcqRel);
    }

    pub(crate) fn close(&self) {
        self.health.store(Health::Closed as u8, Ordering::Release);
    }

    /// Whether a durable call may go on.
    pub(crate) fn writable(&self) -> Result<(), StoreError> {
        match self.health() {
            Health::Good => Ok(()),
            Health::Poisoned => Err(StoreError::Poisoned),
            Health::Closed => Err(StoreError::Closed),
        }
    }

    /// Whether any call may go on.
    pub(crate) fn readable(&self) -> Result<(), StoreError> {
        if self.health() == Health::Closed { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// Whether a space is known.
    pub(crate) fn is_known(&self, space: SpaceId) -> bool {
        match self.spaces.find(space) {
            Found::Unknown => false,
            Found::Cold => true,
            Found::Resident(space) => !space.is_gone(),
        }
    }

    /// A known space, in memory. Reads its image when it was not: for threads that may wait for a disk.
    pub(crate) fn load(&self, space: SpaceId) -> Result<Arc<Space>, StoreError> {
        self.readable()?;
        let loaded = self.spaces.load(space).map_err(|unreadable| self.damaged(unreadable))?;
        self.keeper.note_load(self);
        // One that is being erased is still found until its bytes are overwritten.
        loaded.filter(|space| !space.is_gone()).ok_or(StoreError::UnknownSpace)
    }

    /// A known space with its acks and contacts. May wait for a disk, too.
    pub(crate) fn load_heard(&self, space: SpaceId) -> Result<Arc<Space>, StoreError> {
        let known = self.load(space)?;
        self.hear(&known);
        Ok(known)
    }

    /// Reads a space's acks and contacts from the metadata, unless it has them.
    pub(crate) fn hear(&self, space: &Space) {
        if !space.peek().is_heard {
            let (acks, contacts) = self.meta.of_space(space.id);
            space.lock().hear(acks, contacts);
        }
    }

    /// Whether an import of this space is under way.
    pub(crate) fn is_importing(&self, space: SpaceId) -> bool {
        self.importing.lock().unwrap_or_else(PoisonError::into_inner).contains(&space)
    }

    /// A new space.
    pub(crate) fn insert(&self, space: Arc<Space>) {
        self.spaces.insert(space);
        self.keeper.note_load(self);
    }

    pub(crate) fn space_count(&self) -> usize {
        self.spaces.len()
    }

    /// What a read is answered that met bytes it did not expect: of a space that is being erased they are no damage.
    pub(crate) fn unreadable(&self, space: &Space, unreadable: Unreadable) -> StoreError {
        if space.is_gone() { StoreError::UnknownSpace } else { self.damaged(unreadable) }
    }

    /// Counts a read that met damaged bytes, and keeps the place for whoever reports it.
    pub(crate) fn damaged(&self, unreadable: Unreadable) -> StoreError {
        add(&self.counters.damaged_reads, 1);
        let error = StoreError::from(&unreadable);
        *self.damage.lock().unwrap_or_else(PoisonError::into_inner) = Some(unreadable);
        error
    }

    /// The place where the newest read met damaged bytes, once.
    pub(crate) fn take_damage(&self) -> Option<DamagedRead> {
        let taken = self.damage.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.map(|unreadable| unreadable.describe(&self.owner.store_id))
    }

    /// Counts one sync.
    pub(crate) fn count_sync(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counters.sync_durations.record(took, 1);
        add(&self.counters.syncs, 1);
        add(&self.counters.sync_micros, micros);
        self.counters.sync_micros_max.fetch_max(micros, Ordering::Relaxed);
    }

    /// The counters, without the queue's.
    pub(crate) fn stats(&self) -> StoreStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (counters, cold) = (&self.counters, &self.spaces.counters);
        StoreStats {
            commits: read(&counters.commits),
            entries: read(&counters.entries),
            entry_bytes: read(&counters.entry_bytes),
            written_bytes: read(&counters.written_bytes),
            syncs: read(&counters.syncs),
            sync_micros: read(&counters.sync_micros),
            sync_micros_max: read(&counters.sync_micros_max),
            duplicates: read(&counters.duplicates),
            overloaded: read(&counters.overloaded),
            disk_bytes: read(&counters.disk_bytes),
            torn_tails: read(&counters.torn_tails),
            reclaimed_bytes: read(&counters.reclaimed_bytes),
            reclaim_written_bytes: read(&counters.reclaim_written_bytes),
            reclaim_failures: read(&counters.reclaim_failures),
            damaged_reads: read(&counters.damaged_reads),
            meta_failures: self.meta.failures(),
            spaces: u64::try_from(self.space_count()).unwrap_or(u64::MAX),
            spaces_resident: u64::try_from(cold.resident.load(Ordering::Relaxed)).unwrap_or(u64::MAX),
            space_loads: read(&cold.loads),
            space_load_failures: read(&cold.load_failures),
            spaces_let_go: read(&cold.let_go),
            let_go_failures: read(&cold.let_go_failures),
            cold_file_bytes: self.spaces.cold_file_bytes(),
            disk_full: u64::from(self.reserve.is_spent()),
            poisoned: u64::from(self.health() == Health::Poisoned),
            ..StoreStats::default()
        }
    }
}
