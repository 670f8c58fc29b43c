//! Nothing of what was deleted stays in the files: the journal begins a new file, so that what is moved takes all older ones along,
//! and the tables are written anew without their freed pages; their old file is overwritten and removed.
//!
//! ```text
//! write documents.redb.new ─► sync ─► documents.redb → .old ─► .new → documents.redb ─► overwrite .old
//! ```
//! The new tables are written piece by piece, with pauses. What is moved meanwhile goes into both files ([`follow`]): a piece that
//! was copied stays as new as the old file, and one that was not yet is copied from there. So nobody's writes wait for it all.
//!
//! A start finds whichever of these was cut off and ends it ([`finish`]).

use super::mover::{TABLES_FILE, move_all, moved_error, open_tables};
use super::shared::Shared;
use super::tables::{Snapshot, Tables};
use crate::erase::wipe_file;
use crate::vfs::{OpenMode, Vfs, is_full};
use relay_core::documents::{
    DocumentCompletion, DocumentError, DocumentWork, Documents, Keyspace, Overlay, Tenant, Usage,
};
use relay_core::store::StoreError;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

const NEW_FILE: &str = "documents.redb.new";
const OLD_FILE: &str = "documents.redb.old";

/// What is under way.
#[derive(Default)]
pub(super) struct Scrub {
    /// One at a time.
    only: Mutex<()>,
    /// The new tables, until they are whole; gone when something could not be written into them.
    fresh: Mutex<Option<Tables>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes what was moved into the new tables too, if there are any. The mover's lock is held.
pub(super) fn follow(shared: &Shared, changes: &Overlay, group: u64) {
    let mut fresh = locked(&shared.scrub.fresh);
    if fresh.as_ref().is_some_and(|tables| tables.move_in(changes, group).is_err()) {
        *fresh = None;
    }
}

/// Changes nothing: the committer looks at its journal before it runs.
struct Nudge(SyncSender<Result<(), DocumentError>>);

impl DocumentWork for Nudge {
    fn waiting_bytes(&self) -> usize {
        0
    }
    fn run(&mut self, _: &mut dyn Documents) -> Result<(), DocumentError> {
        Ok(())
    }
    fn done(self: Box<Self>, result: Result<Usage, DocumentError>) {
        // Nobody waits when the store was closed meanwhile.
        let _gone = self.0.send(result.map(|_| ()));
    }
}

/// Scrubs on a thread of its own: it takes as long as everything that is kept takes to be written.
pub(super) fn begin(shared: &Arc<Shared>, done: DocumentCompletion<()>) {
    let scrubbed = Arc::clone(shared);
    let (give, take) = sync_channel::<DocumentCompletion<()>>(1);
    let spawned = std::thread::Builder::new().name("relay-documents-scrub".to_owned()).spawn(move || {
        let result = roll(&scrubbed).and_then(|()| run(&scrubbed));
        if let Ok(done) = take.recv() {
            done(result);
        }
    });
    match spawned {
        Ok(_) => drop(give.send(done)),
        Err(_) => done(Err(StoreError::Overloaded.into())),
    }
}

/// Has the committer begin a new file, and waits for it.
fn roll(shared: &Shared) -> Result<(), DocumentError> {
    shared.wants_new_file.store(true, Ordering::Release);
    let (send, receive) = sync_channel(1);
    let keyspace = Keyspace { system: u8::MAX, tenant: Tenant::ONLY };
    let nudge = super::queue::Waiting { keyspace, work: Box::new(Nudge(send)) };
    if let Some((_, error)) = shared.submit(nudge) {
        return Err(error.into());
    }
    receive.recv().unwrap_or(Err(StoreError::Closed.into()))?;
    // It could not, for want of room.
    if shared.wants_new_file.load(Ordering::Acquire) { Err(StoreError::DiskFull.into()) } else { Ok(()) }
}

/// Moves everything and writes the tables anew.
pub(super) fn run(shared: &Shared) -> Result<(), DocumentError> {
    let _only = locked(&shared.scrub.only);
    shared.readable()?;
    shared.wipes_journals.store(true, Ordering::Release);
    let moved = move_all(shared);
    shared.wipes_journals.store(false, Ordering::Release);
    moved?;
    let written = open_fresh(shared).and_then(|()| copy(shared)).and_then(|()| exchange(shared));
    let is_left = locked(&shared.scrub.fresh).take().is_some();
    // It holds nothing that the tables do not. A start removes one that stays, as it does after a close.
    if is_left && shared.readable().is_ok() {
        let _stays = wipe_file(&*shared.vfs, &shared.dir.join(NEW_FILE));
    }
    written?;
    let (vfs, dir) = (&*shared.vfs, &*shared.dir);
    wipe_file(vfs, &dir.join(OLD_FILE)).and_then(|()| vfs.sync_dir(dir)).map_err(|error| {
        DocumentError::Store(if is_full(&error) { StoreError::DiskFull } else { StoreError::Overloaded })
    })
}

fn failed(shared: &Shared) -> impl Fn(redb::Error) -> DocumentError {
    |error| DocumentError::Store(moved_error(shared, &error))
}

fn open_fresh(shared: &Shared) -> Result<(), DocumentError> {
    let path = shared.dir.join(NEW_FILE);
    wipe_file(&*shared.vfs, &path).map_err(|error| failed(shared)(redb::Error::Io(error)))?;
    let fresh = Tables::open(&*shared.vfs, &path, shared.limits.cache_bytes, true).map_err(failed(shared))?;
    *locked(&shared.scrub.fresh) = Some(fresh);
    Ok(())
}

/// Copies all documents, piece by piece.
fn copy(shared: &Shared) -> Result<(), DocumentError> {
    let mut after = Vec::new();
    loop {
        let began = Instant::now();
        match copy_piece(shared, &after)? {
            Some(last) => after = last,
            None => return Ok(()),
        }
        // As long as it took, so that moves and the disk are others' for half of the time.
        if shared.mover.has_thread() {
            thread::sleep(began.elapsed());
        }
    }
}

/// Copies what is behind a key; the last key that was, if there may be more.
fn copy_piece(shared: &Shared, after: &[u8]) -> Result<Option<Vec<u8>>, DocumentError> {
    // What is moved after this is moved into both.
    let _still = locked(&shared.mover.moving);
    shared.readable()?;
    let held = held(shared)?;
    let fresh = locked(&shared.scrub.fresh);
    let tables = fresh.as_ref().ok_or(StoreError::Overloaded)?;
    tables.copy(&held, after, shared.limits.copy_bytes).map_err(failed(shared))
}

fn held(shared: &Shared) -> Result<Snapshot, DocumentError> {
    let mut tables = locked(&shared.tables);
    let open = open_tables(shared, tables.take())?;
    let held = open.snapshot().map_err(failed(shared));
    *tables = Some(open);
    held
}

/// Ends the new tables and puts them in the place of the old ones.
fn exchange(shared: &Shared) -> Result<(), DocumentError> {
    let _still = locked(&shared.mover.moving);
    shared.readable()?;
    let held = held(shared)?;
    let snapshot = {
        let fresh = locked(&shared.scrub.fresh);
        let tables = fresh.as_ref().ok_or(StoreError::Overloaded)?;
        tables.finish_copy(&held).and_then(|()| tables.snapshot()).map_err(failed(shared))?
    };
    drop(held);
    let (vfs, dir) = (&*shared.vfs, &*shared.dir);
    vfs.sync_dir(dir).map_err(|error| failed(shared)(redb::Error::Io(error)))?;
    let mut tables = locked(&shared.tables);
    shared.layers_mut().tables = snapshot;
    // redb writes to its file when it is let go.
    drop(tables.take());
    swap(vfs, dir).map_err(|error| {
        // Whichever name the file has now, a start puts it right.
        shared.poison();
        DocumentError::Store(if is_full(&error) { StoreError::DiskFull } else { StoreError::Poisoned })
    })?;
    *tables = locked(&shared.scrub.fresh).take();
    Ok(())
}

fn swap(vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
    let [tables, new, old] = [TABLES_FILE, NEW_FILE, OLD_FILE].map(|name| dir.join(name));
    vfs.rename(&tables, &old)?;
    vfs.rename(&new, &tables)?;
    vfs.sync_dir(dir)
}

/// Ends what an earlier run began, before the tables are opened.
pub(super) fn finish(vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
    let [tables, new, old] = [TABLES_FILE, NEW_FILE, OLD_FILE].map(|name| dir.join(name));
    let is_there = |path: &Path| vfs.open(path, OpenMode::Read).is_ok();
    if !is_there(&tables) && is_there(&old) {
        // The new file was whole before the old one lost its name; without it the old one still is all there is.
        vfs.rename(if is_there(&new) { &new } else { &old }, &tables)?;
        vfs.sync_dir(dir)?;
    }
    let left: Vec<_> = [new, old].into_iter().filter(|path| is_there(path)).collect();
    left.iter().try_for_each(|path| wipe_file(vfs, path))?;
    if left.is_empty() { Ok(()) } else { vfs.sync_dir(dir) }
}
