//! The documents of foreign protocols: a journal with one fdatasync per group of works, its newest changes in memory, and redb
//! for everything older. `relay_core::documents::DocumentStore` is the contract it keeps.
//!
//! ```text
//! work ─► queue ─► committer: turn ─► journal (write, fdatasync) ─► layers: active ─► moving ─► tables (redb)
//! ```
//! A read looks at the layers from the newest on. Once the active layer is large enough it becomes the moving one, which the
//! mover writes into the tables in one transaction; then the journal up to there is removed. What the tables hold names the
//! group up to which they hold it, so a start reads only the rest of the journal, and no change counts twice.
//!
//! Invariants:
//! 1. A work is answered, and its changes are visible, only after the fdatasync of its group.
//! 2. A journal file is removed only after a durable transaction holds all of it.
//! 3. After a failed write or sync of the journal nothing more is accepted; full disks aside, where nothing was written.

mod codec;
mod committer;
mod journal;
mod layers;
mod mover;
mod open;
mod queue;
mod replay;
mod scrub;
mod shared;
mod tables;

use crate::damage::Damage;
use crate::data_dir::{DOCUMENTS_DIR, DirError};
use crate::open::StoreEnvironment;
use crate::workers::Workers;
use bytes::Bytes;
use queue::Waiting;
use relay_core::documents::limits::READ_ITEMS_MAX;
use relay_core::documents::{
    DocumentCompletion, DocumentError, DocumentRange, DocumentReader, DocumentStats, DocumentStore, DocumentWork,
    Keyspace, Page, Usage,
};
use relay_core::store::StoreError;
use shared::Shared;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// What an operator or a test may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Works that wait for their turn; more are refused as overloaded.
    pub waiting_works_max: usize,
    /// Bytes of works that wait for their turn; more are refused as overloaded.
    pub waiting_bytes_max: usize,
    /// Works in one group.
    pub group_works_max: usize,
    /// Bytes of works after which a group takes no further one.
    pub group_bytes_max: usize,
    /// Length of a journal file, in bytes; longer for a group that needs more.
    pub journal_bytes: u64,
    /// Bytes of changes in memory after which they are moved into the tables.
    pub move_bytes: usize,
    /// Bytes of changes in memory above which works wait for the mover.
    pub memory_bytes_max: usize,
    /// Bytes of pages that redb may keep in memory.
    pub cache_bytes: usize,
    /// Reads that wait; more are refused as overloaded.
    pub reads_waiting_max: usize,
    /// Bytes of documents that are copied at once when the tables are written anew; one may overshoot.
    pub copy_bytes: usize,
    /// Threads that read.
    pub reader_threads: usize,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            waiting_works_max: 16_384,
            waiting_bytes_max: 128 * 1024 * 1024,
            group_works_max: 4096,
            group_bytes_max: 8 * 1024 * 1024,
            journal_bytes: 16 * 1024 * 1024,
            move_bytes: 16 * 1024 * 1024,
            memory_bytes_max: 64 * 1024 * 1024,
            cache_bytes: 32 * 1024 * 1024,
            copy_bytes: 4 * 1024 * 1024,
            reads_waiting_max: 4096,
            reader_threads: 2,
        }
    }
}

/// Where the documents are.
#[derive(Clone, Debug)]
pub struct DocumentOptions {
    /// Their directory, inside of the data directory, whose lock its owner holds.
    pub dir: PathBuf,
    /// The limits.
    pub limits: DocumentLimits,
    /// Starts no threads: work is done when [`EmbeddedDocuments::turn`] is called, so that a simulator decides the order.
    #[cfg(feature = "testing")]
    pub by_hand: bool,
    /// The control of the durability tests: answers before it writes. Such a store lies.
    #[cfg(feature = "testing")]
    pub answer_before_write: bool,
}

impl DocumentOptions {
    /// The defaults, for a data directory.
    #[must_use]
    pub fn new(data_dir: &std::path::Path) -> Self {
        Self {
            dir: data_dir.join(DOCUMENTS_DIR),
            limits: DocumentLimits::default(),
            #[cfg(feature = "testing")]
            by_hand: false,
            #[cfg(feature = "testing")]
            answer_before_write: false,
        }
    }
}

/// Why documents cannot be opened. `Display` says what is wrong and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum DocumentsOpenError {
    /// The directory cannot be used.
    Dir(DirError),
    /// Something on disk is damaged. Nothing was changed.
    Damaged(Damage),
    /// The tables cannot be used.
    Tables {
        /// What redb said.
        reason: String,
    },
    /// A thread cannot be started.
    Threads(std::io::Error),
}

impl fmt::Display for DocumentsOpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dir(error) => error.fmt(f),
            Self::Damaged(damage) => damage.fmt(f),
            Self::Tables { reason } => write!(
                f,
                "cannot use the tables of documents: {reason}; check the disk and its free space, then restore the newest backup"
            ),
            Self::Threads(error) => write!(f, "cannot start a thread: {error}; raise the limit of processes"),
        }
    }
}

impl std::error::Error for DocumentsOpenError {}

impl From<DirError> for DocumentsOpenError {
    fn from(error: DirError) -> Self {
        Self::Dir(error)
    }
}

impl From<Damage> for DocumentsOpenError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// The embedded document store. Dropping it closes it in order.
pub struct EmbeddedDocuments {
    shared: Arc<Shared>,
    readers: Workers,
    threads: Mutex<Vec<JoinHandle<()>>>,
    #[cfg(feature = "testing")]
    by_hand: Option<Mutex<committer::Committer>>,
}

impl EmbeddedDocuments {
    /// Opens or makes the directory, reads what the journal holds beyond the tables, and starts the threads.
    ///
    /// # Errors
    /// [`DocumentsOpenError`]; damage is reported, not guessed at.
    pub fn open(options: &DocumentOptions, environment: StoreEnvironment) -> Result<Self, DocumentsOpenError> {
        open::open(options, environment)
    }

    /// Moves what is in memory into the tables, now instead of when its turn comes. Blocks until it is done.
    ///
    /// # Errors
    /// What the disk says; it is tried again later.
    pub fn move_now(&self) -> Result<(), DocumentError> {
        mover::move_all(&self.shared)
    }

    /// Commits one group of what waits and answers one read; `false` when nothing waited.
    #[cfg(feature = "testing")]
    pub fn turn(&self) -> bool {
        let Some(committer) = &self.by_hand else { return false };
        let committed = {
            let mut committer = committer.lock().unwrap_or_else(PoisonError::into_inner);
            let works = self.shared.queue.take_now();
            let any = !works.is_empty();
            committer.commit(works);
            any
        };
        let read = self.readers.turn();
        committed || read
    }

    /// Takes nothing more, makes everything durable, and marks a clean end. Does nothing the second time.
    pub fn close(&self) {
        self.shared.queue.end();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        #[cfg(feature = "testing")]
        while self.by_hand.is_some() && self.turn() {}
        let this_thread = std::thread::current().id();
        for thread in threads {
            // The last owner may be a completion on one of its own threads.
            if thread.thread().id() != this_thread {
                let _panicked = thread.join();
            }
            // The committer is the first one, and may wait for the mover.
            self.shared.mover.stop();
        }
        self.readers.stop();
        self.shared.end();
    }

    fn read<T: Send + 'static>(
        &self,
        done: DocumentCompletion<T>,
        read: impl FnOnce(&dyn DocumentReader) -> Result<T, DocumentError> + Send + 'static,
    ) {
        let shared = Arc::clone(&self.shared);
        self.readers.submit(Box::new(move |may_run| {
            let result = may_run.and_then(|()| shared.readable()).map_err(DocumentError::from);
            let result = result.and_then(|()| read(&*shared.layers()));
            done(result);
        }));
    }
}

impl DocumentStore for EmbeddedDocuments {
    fn document_commit(&self, keyspace: Keyspace, work: Box<dyn DocumentWork>) {
        if let Some((work, error)) = self.shared.submit(Waiting { keyspace, work }) {
            work.work.done(Err(error.into()));
        }
    }

    fn document_get(&self, keyspace: Keyspace, keys: Vec<Bytes>, done: DocumentCompletion<Vec<Option<Bytes>>>) {
        if keys.len() > READ_ITEMS_MAX {
            return done(Err(DocumentError::TooLarge));
        }
        self.read(done, move |layers| keys.iter().map(|key| layers.read(keyspace, key)).collect());
    }

    fn document_scan(&self, keyspace: Keyspace, range: DocumentRange, done: DocumentCompletion<Page>) {
        let range = range.clone().limited(range.items_max.min(READ_ITEMS_MAX), range.bytes_max);
        self.read(done, move |layers| layers.read_range(keyspace, &range));
    }

    fn document_usage(&self, keyspace: Keyspace, done: DocumentCompletion<Usage>) {
        self.read(done, move |layers| layers.read_usage(keyspace));
    }

    fn document_keyspaces(
        &self,
        after: Option<Keyspace>,
        keyspaces_max: usize,
        done: DocumentCompletion<Vec<Keyspace>>,
    ) {
        self.read(done, move |layers| layers.read_keyspaces(after, keyspaces_max.min(READ_ITEMS_MAX)));
    }

    fn document_scrub(&self, done: DocumentCompletion<()>) {
        #[cfg(feature = "testing")]
        if let Some(committer) = &self.by_hand {
            while self.turn() {}
            self.shared.wants_new_file.store(true, std::sync::atomic::Ordering::Release);
            committer.lock().unwrap_or_else(PoisonError::into_inner).begin_wanted_file();
            return done(scrub::run(&self.shared));
        }
        scrub::begin(&self.shared, done);
    }

    fn document_stats(&self) -> DocumentStats {
        self.shared.stats()
    }
}

impl fmt::Debug for EmbeddedDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedDocuments").field("dir", &self.shared.dir).finish_non_exhaustive()
    }
}

impl Drop for EmbeddedDocuments {
    fn drop(&mut self) {
        self.close();
    }
}

fn workers_error(error: std::io::Error) -> DocumentsOpenError {
    DocumentsOpenError::Threads(error)
}

/// Whether a call may go on after an earlier one failed so.
fn poisoned() -> DocumentError {
    DocumentError::Store(StoreError::Poisoned)
}
