//! From a directory to running threads.

use super::committer::Committer;
use super::journal::Journal;
use super::layers::Layers;
use super::mover::{Mover, TABLES_FILE, move_all, moved_or_full};
use super::queue::Queue;
use super::replay::replay;
use super::scrub::{self, Scrub};
use super::shared::{Counters, Shared, take_clean};
use super::tables::Tables;
use super::{DocumentOptions, DocumentsOpenError, EmbeddedDocuments, workers_error};
use crate::data_dir::DirError;
use crate::open::StoreEnvironment;
use crate::vfs::{OpenMode, write_small};
use crate::workers::Workers;
use relay_core::documents::Overlay;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

/// Name of the file that says that the tables were made to the end.
const MADE_FILE: &str = "made";

fn tables_error(error: &impl ToString) -> DocumentsOpenError {
    DocumentsOpenError::Tables { reason: error.to_string() }
}

pub(super) fn open(
    options: &DocumentOptions,
    environment: StoreEnvironment,
) -> Result<EmbeddedDocuments, DocumentsOpenError> {
    let StoreEnvironment { vfs, entropy, .. } = environment;
    let (dir, limits) = (&options.dir, options.limits);
    vfs.create_dir(dir).map_err(DirError::io("make", dir))?;
    if let Some(parent) = dir.parent() {
        vfs.sync_dir(parent).map_err(DirError::io("sync", parent))?;
    }
    let was_clean = take_clean(&*vfs, dir).map_err(DirError::io("use", dir))?;
    scrub::finish(&*vfs, dir).map_err(DirError::io("use", dir))?;
    let path = dir.join(TABLES_FILE);
    let is_made = vfs.open(&dir.join(MADE_FILE), OpenMode::Read).is_ok();
    if !is_made {
        // A first start that was cut off while it made the file: nothing was ever answered.
        let _usually_not_there = vfs.remove(&path);
    }
    let tables = Tables::open(&*vfs, &path, limits.cache_bytes, was_clean).map_err(|error| tables_error(&error))?;
    if !is_made {
        vfs.sync_dir(dir).map_err(DirError::io("sync", dir))?;
        write_small(&*vfs, dir, MADE_FILE, b"1", OpenMode::Create).map_err(DirError::io("write", dir))?;
    }
    let snapshot = tables.snapshot().map_err(|error| tables_error(&error))?;
    let mut active = Overlay::default();
    let replayed = replay(&*vfs, dir, snapshot.moved_group, |changes| {
        for (keyspace, key, value) in changes {
            active.set(&snapshot, keyspace, key, value).map_err(|error| tables_error(&error))?;
        }
        Ok(())
    })?;
    let next_number = replayed.files.last().map_or(1, |newest| newest + 1);
    let shared = Arc::new(Shared {
        layers: RwLock::new(Layers::new(active, snapshot, replayed.last_group)),
        tables: Mutex::new(Some(tables)),
        mover: Mover::new(options.has_threads()),
        scrub: Scrub::default(),
        queue: Queue::new(limits),
        journal_number: AtomicU64::new(next_number),
        counters: Counters { journal_bytes: AtomicU64::new(replayed.bytes), ..Counters::default() },
        full: AtomicBool::new(false),
        wants_new_file: AtomicBool::new(false),
        wipes_journals: AtomicBool::new(false),
        health: AtomicU8::new(0),
        dir: dir.clone(),
        limits,
        vfs: Arc::clone(&vfs),
    });
    // What the journal shows may never have been synced: it is believed once the tables hold it, or when they have no room.
    moved_or_full(move_all(&shared)).map_err(|error| tables_error(&error))?;
    let journal = Journal::new(vfs, entropy, dir, limits.journal_bytes, next_number);
    let committer = Committer::new(Arc::clone(&shared), journal, replayed.last_group);
    start(options, shared, committer)
}

fn start(
    options: &DocumentOptions,
    shared: Arc<Shared>,
    committer: Committer,
) -> Result<EmbeddedDocuments, DocumentsOpenError> {
    let reader_threads = if options.has_threads() { options.limits.reader_threads.max(1) } else { 0 };
    let readers = Workers::start("relay-documents-read", reader_threads, options.limits.reads_waiting_max);
    let readers = readers.map_err(workers_error)?;
    #[cfg(feature = "testing")]
    let committer = {
        let mut committer = committer;
        committer.answer_before_write = options.answer_before_write;
        if options.by_hand {
            let by_hand = Some(Mutex::new(committer));
            return Ok(EmbeddedDocuments { shared, readers, threads: Mutex::default(), by_hand });
        }
        committer
    };
    let store = EmbeddedDocuments {
        shared: Arc::clone(&shared),
        readers,
        threads: Mutex::default(),
        #[cfg(feature = "testing")]
        by_hand: None,
    };
    let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(workers_error)
    };
    let moved = Arc::clone(&shared);
    let committing = spawn("relay-documents-commit", Box::new(move || committer.run()))?;
    let moving = spawn("relay-documents-move", Box::new(move || Mover::run(&moved)))?;
    *store.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = vec![committing, moving];
    Ok(store)
}

impl DocumentOptions {
    fn has_threads(&self) -> bool {
        #[cfg(feature = "testing")]
        return !self.by_hand;
        #[cfg(not(feature = "testing"))]
        true
    }
}
