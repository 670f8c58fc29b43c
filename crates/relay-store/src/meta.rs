//! meta.redb: small metadata. Everything in it is conservative when lost; it is written at most once a second, by one
//! thread, except for the time lease, which must be durable before a time beyond it is signed.

mod backend;
mod tables;

use tables::Tables;
pub(crate) use tables::{Loaded, OpenedSnapshot};

use crate::segment::header::StoreId;
use crate::vfs::{self, Vfs};
pub(crate) use backend::FileBackend;
use redb::{Builder, Database};
use relay_core::store::SignedAck;
use relay_proto::ids::{DeviceKey, SnapshotId, SpaceId};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How far ahead of the clock a lease reaches, in milliseconds.
const LEASE_MS: u64 = 60_000;
/// How much of a lease is left when it is renewed, in milliseconds.
const LEASE_LEFT_MS: u64 = 30_000;
/// Longest time between a change and its transaction.
const FLUSH_PERIOD: Duration = Duration::from_secs(1);
/// Memory redb may use for pages, in bytes.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// Why metadata could not be used.
pub(crate) type MetaError = redb::Error;

/// Changes that wait for the next transaction; bounded by the number of known devices and snapshots.
#[derive(Debug, Default)]
struct Changes {
    acks: BTreeMap<(SpaceId, DeviceKey), SignedAck>,
    seen: BTreeMap<(SpaceId, DeviceKey), u64>,
    snapshots: HashMap<(SpaceId, SnapshotId), Option<OpenedSnapshot>>,
}

impl Changes {
    /// Drops what is about a space that is gone.
    fn forget(&mut self, space: SpaceId) {
        self.acks.retain(|(other, _), _| *other != space);
        self.seen.retain(|(other, _), _| *other != space);
        self.snapshots.retain(|(other, _), _| *other != space);
    }
}

impl Changes {
    /// Takes back what was not written, except where something newer waits.
    fn put_back(&mut self, older: Self) {
        for (key, ack) in older.acks {
            self.acks.entry(key).or_insert(ack);
        }
        for (key, now_ms) in older.seen {
            self.seen.entry(key).or_insert(now_ms);
        }
        for (key, known) in older.snapshots {
            self.snapshots.entry(key).or_insert(known);
        }
    }
}

#[derive(Debug, Default)]
struct Pending {
    changes: Changes,
    durable_group: u64,
    time_ms: u64,
    closing: bool,
}

/// The metadata file.
#[derive(Debug)]
pub(crate) struct Meta {
    vfs: Arc<dyn Vfs>,
    path: PathBuf,
    /// `None` after a failed transaction: redb wants to be opened again then.
    db: Mutex<Option<Database>>,
    pending: Mutex<Pending>,
    wake: Condvar,
    lease_ms: AtomicU64,
    written_group: AtomicU64,
    failures: AtomicU64,
}

fn open_database(vfs: &dyn Vfs, path: &Path) -> Result<Database, MetaError> {
    let backend = FileBackend::open(vfs, path).map_err(redb::StorageError::from)?;
    without_panic(|| {
        let mut db = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend)?;
        // A flipped bit shows in a checksum only when somebody looks. What is repaired is an older state, which is conservative.
        db.check_integrity()?;
        Ok(db)
    })
}

/// redb asserts what it wrote; bytes that were damaged behind its back are an error of the disk, not the end of the relay.
fn without_panic<T>(run: impl FnOnce() -> Result<T, MetaError>) -> Result<T, MetaError> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    caught.unwrap_or_else(|_| Err(MetaError::Corrupted("its pages contradict each other".to_owned())))
}

/// Whether a transaction failed for want of room.
pub(crate) fn is_full(error: &MetaError) -> bool {
    matches!(error, MetaError::Io(error) if vfs::is_full(error))
}

impl Meta {
    /// Opens or makes the file and reads everything.
    pub(crate) fn open(vfs: Arc<dyn Vfs>, path: &Path) -> Result<(Self, Loaded), MetaError> {
        let db = open_database(&*vfs, path)?;
        let loaded = without_panic(|| tables::load(&db))?;
        let pending = Pending { durable_group: loaded.durable_group, ..Pending::default() };
        let meta = Self {
            vfs,
            path: path.to_owned(),
            db: Mutex::new(Some(db)),
            pending: Mutex::new(pending),
            wake: Condvar::new(),
            lease_ms: AtomicU64::new(loaded.time_lease_ms),
            written_group: AtomicU64::new(loaded.durable_group),
            failures: AtomicU64::new(0),
        };
        Ok((meta, loaded))
    }

    /// Writes whose store this is; durable when it returns.
    pub(crate) fn name_store(&self, store_id: StoreId) -> Result<(), MetaError> {
        self.transact(|tables| tables.store_id(store_id))
    }

    /// Sets the newest durable group now; durable when it returns.
    pub(crate) fn set_durable_group(&self, group: u64) -> Result<(), MetaError> {
        self.lock().durable_group = group;
        self.flush()
    }

    /// Runs one durable transaction; opens the file again when the last one failed.
    fn transact(&self, change: impl FnOnce(&Tables<'_>) -> Result<(), MetaError>) -> Result<(), MetaError> {
        self.transact_on(&mut self.lock_db(), change)
    }

    fn transact_on(
        &self,
        db: &mut Option<Database>,
        change: impl FnOnce(&Tables<'_>) -> Result<(), MetaError>,
    ) -> Result<(), MetaError> {
        let open = match db.take() {
            Some(open) => open,
            None => open_database(&*self.vfs, &self.path)?,
        };
        without_panic(|| tables::write(&open, change))?;
        *db = Some(open);
        Ok(())
    }

    fn lock_db(&self) -> MutexGuard<'_, Option<Database>> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The acks and contacts of a space. What cannot be read counts as lost, which is conservative.
    pub(crate) fn of_space(&self, space: SpaceId) -> (Vec<SignedAck>, Vec<(DeviceKey, u64)>) {
        // While the file is held nothing is on its way from what waits to what is written.
        let db = self.lock_db();
        let written = db.as_ref().map(|db| without_panic(|| tables::of_space(db, space)));
        let (mut acks, mut contacts) = match written {
            Some(Ok(written)) => written,
            _ => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                Default::default()
            }
        };
        let pending = self.lock();
        let of_space = (space, DeviceKey([0; 32]))..=(space, DeviceKey([0xff; 32]));
        acks.extend(pending.changes.acks.range(of_space.clone()).map(|(_, ack)| ack.clone()));
        contacts.extend(pending.changes.seen.range(of_space).map(|((_, device), now_ms)| (*device, *now_ms)));
        (acks, contacts)
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that a time may be signed: the lease reaches it, durably.
    pub(crate) fn lease(&self, time_ms: u64) -> Result<(), MetaError> {
        if time_ms <= self.lease_ms.load(Ordering::Acquire) {
            return Ok(());
        }
        self.extend_lease(&mut self.lock_db(), time_ms)
    }

    fn extend_lease(&self, db: &mut Option<Database>, time_ms: u64) -> Result<(), MetaError> {
        let lease_ms = time_ms.saturating_add(LEASE_MS);
        self.transact_on(db, |tables| tables.time_lease(lease_ms))?;
        self.lease_ms.fetch_max(lease_ms, Ordering::AcqRel);
        Ok(())
    }

    /// Notes that a group is durable and which time it used.
    pub(crate) fn note_group(&self, group: u64, time_ms: u64) {
        let mut pending = self.lock();
        pending.durable_group = group;
        pending.time_ms = time_ms;
    }

    /// The newest group that was noted as durable.
    pub(crate) fn durable_group(&self) -> u64 {
        self.lock().durable_group
    }

    /// Notes an ack.
    pub(crate) fn note_ack(&self, space: SpaceId, ack: SignedAck) {
        self.lock().changes.acks.insert((space, ack.device), ack);
    }

    /// Notes a contact.
    pub(crate) fn note_seen(&self, space: SpaceId, device: DeviceKey, now_ms: u64) {
        self.lock().changes.seen.insert((space, device), now_ms);
    }

    /// Notes what is known of a complete snapshot besides its file; `None` when it is gone.
    pub(crate) fn note_snapshot(&self, space: SpaceId, snapshot: SnapshotId, known: Option<OpenedSnapshot>) {
        self.lock().changes.snapshots.insert((space, snapshot), known);
    }

    /// Forgets everything about these spaces; durable when it returns.
    pub(crate) fn forget(&self, spaces: &[SpaceId]) -> Result<(), MetaError> {
        if spaces.is_empty() {
            return Ok(());
        }
        // The changes that are on their way now are behind the lock of the file, and are removed with the rest.
        self.transact(|tables| spaces.iter().try_for_each(|space| tables.forget(space)))?;
        spaces.iter().for_each(|space| self.lock().changes.forget(*space));
        Ok(())
    }

    /// Transactions that failed since the start; what they held waits for the next one.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Writes what waits, in one transaction; what could not be written waits for the next one.
    pub(crate) fn flush(&self) -> Result<(), MetaError> {
        let mut db = self.lock_db();
        let (changes, group, time_ms) = {
            let mut pending = self.lock();
            (std::mem::take(&mut pending.changes), pending.durable_group, pending.time_ms)
        };
        let result = self.write(&mut db, &changes, group, time_ms);
        if result.is_err() {
            self.lock().changes.put_back(changes);
        }
        result
    }

    fn write(&self, db: &mut Option<Database>, changes: &Changes, group: u64, time_ms: u64) -> Result<(), MetaError> {
        if time_ms.saturating_add(LEASE_LEFT_MS) > self.lease_ms.load(Ordering::Acquire) {
            self.extend_lease(db, time_ms)?;
        }
        let nothing = changes.acks.is_empty() && changes.seen.is_empty() && changes.snapshots.is_empty();
        if nothing && group == self.written_group.load(Ordering::Acquire) {
            return Ok(());
        }
        self.transact_on(db, |tables| {
            tables.durable_group(group)?;
            changes.acks.iter().try_for_each(|((space, _), ack)| tables.ack(space, ack))?;
            changes.seen.iter().try_for_each(|((space, device), now_ms)| tables.seen(space, device, *now_ms))?;
            let snapshots = &mut changes.snapshots.iter();
            snapshots.try_for_each(|((space, snapshot), known)| tables.snapshot(space, snapshot, known.as_ref()))
        })?;
        self.written_group.store(group, Ordering::Release);
        Ok(())
    }

    /// Flushes once a second until [`Self::stop`]; the body of the metadata thread.
    pub(crate) fn run(&self) {
        loop {
            let pending = self.lock();
            let waited = self.wake.wait_timeout_while(pending, FLUSH_PERIOD, |pending| !pending.closing);
            let closing = waited.unwrap_or_else(PoisonError::into_inner).0.closing;
            if self.flush().is_err() {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            if closing {
                return;
            }
        }
    }

    /// Lets the file go: redb writes to it when it is dropped, which must happen before anyone else opens it.
    pub(crate) fn close(&self) {
        self.lock_db().take();
    }

    /// Ends the metadata thread after a last flush.
    pub(crate) fn stop(&self) {
        self.lock().closing = true;
        self.wake.notify_all();
    }
}
