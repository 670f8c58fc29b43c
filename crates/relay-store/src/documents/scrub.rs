//! Nothing of what was deleted stays in the files: the journal begins a new file, so that what is moved takes all older ones along,
//! and the tables are written anew without their freed pages; their old file is overwritten and removed.
//!
//! ```text
//! write documents.redb.new ─► sync ─► documents.redb → .old ─► .new → documents.redb ─► overwrite .old
//! ```
//! A start finds whichever of these was cut off and ends it ([`finish`]).

use super::mover::{TABLES_FILE, move_all, moved_error, open_tables};
use super::shared::Shared;
use super::tables::Tables;
use crate::erase::wipe_file;
use crate::vfs::{OpenMode, Vfs, is_full};
use relay_core::documents::{DocumentCompletion, DocumentError, DocumentWork, Documents, Keyspace, Tenant, Usage};
use relay_core::store::StoreError;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};

const NEW_FILE: &str = "documents.redb.new";
const OLD_FILE: &str = "documents.redb.old";

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

/// Moves everything and writes the tables anew. What is committed meanwhile waits in memory.
pub(super) fn run(shared: &Shared) -> Result<(), DocumentError> {
    shared.readable()?;
    shared.wipes_journals.store(true, Ordering::Release);
    let moved = move_all(shared);
    shared.wipes_journals.store(false, Ordering::Release);
    moved?;
    let _one = shared.mover.moving.lock().unwrap_or_else(PoisonError::into_inner);
    let mut tables = shared.tables.lock().unwrap_or_else(PoisonError::into_inner);
    shared.readable()?;
    let old = open_tables(shared, tables.take())?;
    let (vfs, dir) = (&*shared.vfs, &*shared.dir);
    let fresh = match write_anew(shared, &old) {
        Ok(fresh) => fresh,
        Err(error) => {
            *tables = Some(old);
            // It holds nothing that the tables do not; a start removes one that stays.
            let _stays = wipe_file(vfs, &dir.join(NEW_FILE));
            return Err(error);
        }
    };
    shared.layers_mut().tables = fresh.snapshot().map_err(|error| moved_error(shared, &error))?;
    // redb writes to its file when it is let go.
    drop(old);
    let failed = |error: io::Error| {
        // Whichever name the file has now, a start puts it right.
        shared.poison();
        DocumentError::Store(if is_full(&error) { StoreError::DiskFull } else { StoreError::Poisoned })
    };
    swap(vfs, dir).map_err(failed)?;
    *tables = Some(fresh);
    drop(tables);
    wipe_file(vfs, &dir.join(OLD_FILE)).and_then(|()| vfs.sync_dir(dir)).map_err(|error| {
        DocumentError::Store(if is_full(&error) { StoreError::DiskFull } else { StoreError::Overloaded })
    })
}

fn write_anew(shared: &Shared, old: &Tables) -> Result<Tables, DocumentError> {
    let path = shared.dir.join(NEW_FILE);
    let (vfs, failed) = (&*shared.vfs, |error: redb::Error| DocumentError::Store(moved_error(shared, &error)));
    wipe_file(vfs, &path).map_err(|error| failed(redb::Error::Io(error)))?;
    let fresh = Tables::open(vfs, &path, shared.limits.cache_bytes, true).map_err(failed)?;
    fresh.fill(old).map_err(failed)?;
    vfs.sync_dir(&shared.dir).map_err(|error| failed(redb::Error::Io(error)))?;
    Ok(fresh)
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
