//! Moves changes from memory and journal into the tables, and removes the journal files that are all moved.

use super::journal::{file_name, number_of};
use super::shared::Shared;
use super::tables::{Tables, is_full};
use super::{poisoned, scrub};
use crate::erase::wipe_file;
use relay_core::documents::{DocumentError, Overlay};
use relay_core::store::StoreError;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Pause after a failed move.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Name of the tables' file.
pub(super) const TABLES_FILE: &str = "documents.redb";

#[derive(Debug, Default)]
struct State {
    wanted: bool,
    stopped: bool,
    failed: Option<StoreError>,
}

/// How the committer and the mover's thread meet.
#[derive(Debug)]
pub(super) struct Mover {
    state: Mutex<State>,
    changed: Condvar,
    /// One move at a time.
    pub(super) moving: Mutex<()>,
    has_thread: bool,
}

impl Mover {
    pub(super) fn new(has_thread: bool) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), moving: Mutex::default(), has_thread }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether moves have a thread of their own.
    pub(super) fn has_thread(&self) -> bool {
        self.has_thread
    }

    /// Ends the thread; what is in memory is moved by the close.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits while too much is in memory; refused when the mover cannot go on.
    pub(super) fn wait_for_room(&self, shared: &Shared) -> Result<(), StoreError> {
        let is_over = || shared.layers().bytes() > shared.limits.memory_bytes_max;
        if !self.has_thread {
            return if is_over() { move_once(shared).map_err(|_| StoreError::DiskFull) } else { Ok(()) };
        }
        while is_over() {
            let mut state = self.lock();
            if state.stopped {
                return Err(StoreError::Closed);
            }
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            state.wanted = true;
            self.changed.notify_all();
            // Woken after every move; the time-out covers one that ended between the look and the wait.
            let _state = self.changed.wait_timeout(state, Duration::from_millis(50));
        }
        Ok(())
    }

    /// The thread.
    pub(super) fn run(shared: &Shared) {
        let mover = &shared.mover;
        loop {
            let idle = |state: &mut State| !state.wanted && !state.stopped;
            let state = mover.changed.wait_while(mover.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            if state.stopped {
                return;
            }
            drop(state);
            let moved = move_once(shared);
            let mut state = mover.lock();
            state.wanted = moved.is_err();
            state.failed = moved.err();
            mover.changed.notify_all();
            if state.failed.is_some() {
                let _state = mover.changed.wait_timeout(state, RETRY_PAUSE);
            }
        }
    }
}

/// Starts a move when the active layer is large enough.
pub(super) fn begin_if_due(shared: &Shared) {
    let is_due = {
        let layers = shared.layers();
        layers.active.bytes() >= shared.limits.move_bytes || layers.moving.is_some()
    };
    if !is_due {
        return;
    }
    if shared.mover.has_thread {
        let mut state = shared.mover.lock();
        if !state.wanted {
            state.wanted = true;
            shared.mover.changed.notify_all();
        }
        return;
    }
    // Tried again by the next commit.
    let _failed = move_once(shared);
}

/// Moves everything that is in memory.
pub(super) fn move_all(shared: &Shared) -> Result<(), DocumentError> {
    loop {
        move_once(shared).map_err(DocumentError::Store)?;
        if shared.layers().bytes() == 0 {
            return Ok(());
        }
    }
}

/// One move: what is on the move already, or else the active layer.
fn move_once(shared: &Shared) -> Result<(), StoreError> {
    let _one = shared.mover.moving.lock().unwrap_or_else(PoisonError::into_inner);
    let (changes, group, journal_number) = {
        let mut layers = shared.layers_mut();
        if layers.moving.is_none() {
            layers.moving = Some(Arc::new(std::mem::take(&mut layers.active)));
            layers.moving_group = layers.last_group;
            layers.moving_journal = shared.journal_number.load(Ordering::Acquire);
        }
        let Some(moving) = &layers.moving else { return Ok(()) };
        (Arc::clone(moving), layers.moving_group, layers.moving_journal)
    };
    let moved = write_tables(shared, &changes, group);
    if let Err(error) = moved {
        shared.counters.move_failures.fetch_add(1, Ordering::Relaxed);
        return Err(error);
    }
    remove_journals(shared, journal_number);
    Ok(())
}

/// The tables; opened again when the last transaction failed.
pub(super) fn open_tables(shared: &Shared, tables: Option<Tables>) -> Result<Tables, StoreError> {
    match tables {
        Some(open) => Ok(open),
        // A failed transaction may have left pages that were never synced: they are written again.
        None => Tables::open(&*shared.vfs, &shared.dir.join(TABLES_FILE), shared.limits.cache_bytes, false)
            .map_err(|error| moved_error(shared, &error)),
    }
}

/// What a failed transaction of the tables is to the store: it is tried again.
pub(super) fn moved_error(shared: &Shared, error: &redb::Error) -> StoreError {
    if is_full(error) {
        shared.full.store(true, Ordering::Relaxed);
        return StoreError::DiskFull;
    }
    StoreError::Overloaded
}

fn write_tables(shared: &Shared, changes: &Overlay, group: u64) -> Result<(), StoreError> {
    let mut tables = shared.tables.lock().unwrap_or_else(PoisonError::into_inner);
    let path = shared.dir.join(TABLES_FILE);
    let failed = |error: redb::Error| moved_error(shared, &error);
    let open = open_tables(shared, tables.take())?;
    open.move_in(changes, group).map_err(failed)?;
    scrub::follow(shared, changes, group);
    let snapshot = open.snapshot().map_err(failed)?;
    *tables = Some(open);
    drop(tables);
    let mut layers = shared.layers_mut();
    layers.tables = snapshot;
    layers.moving = None;
    drop(layers);
    if let Ok(len) = shared.vfs.open(&path, crate::vfs::OpenMode::Read).and_then(|file| file.len()) {
        shared.counters.table_bytes.store(len, Ordering::Relaxed);
    }
    Ok(())
}

/// Removes the files before `number`: all of their groups are in the tables. One that cannot be removed is read and left out
/// by the next start.
fn remove_journals(shared: &Shared, number: u64) {
    let Ok(names) = shared.vfs.read_dir(&shared.dir) else { return };
    for older in names.iter().filter_map(|entry| number_of(&entry.name)).filter(|older| *older < number) {
        let path = shared.dir.join(file_name(older));
        let len = shared.vfs.open(&path, crate::vfs::OpenMode::Read).and_then(|file| file.len()).unwrap_or(0);
        let wipes = shared.wipes_journals.load(Ordering::Acquire);
        let removed = if wipes { wipe_file(&*shared.vfs, &path) } else { shared.vfs.remove(&path) };
        if removed.is_ok() {
            let counter = &shared.counters.journal_bytes;
            let _previous =
                counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| Some(bytes.saturating_sub(len)));
        }
    }
}

/// Whether a store that meets this at a start can go on.
pub(super) fn moved_or_full(moved: Result<(), DocumentError>) -> Result<(), DocumentError> {
    match moved {
        Err(DocumentError::Store(StoreError::DiskFull)) | Ok(()) => Ok(()),
        Err(_) => Err(poisoned()),
    }
}
