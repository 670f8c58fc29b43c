//! The embedded store: wires the parts together and answers the contract's calls.

#[cfg(feature = "testing")]
pub mod by_hand;
mod calls;
pub mod inspect;
mod running;
pub mod sample;
mod waking;

use crate::blobs::BlobDesk;
use crate::committer::{Committer, CommitterParts};
use crate::damaged_read::DamagedRead;
use crate::data_dir::DataDir;
use crate::erase::{Eraser, EraserParts, Tombstones};
use crate::limits::{SEGMENT_BYTES, StoreLimits};
use crate::open::{self, OpenError, Opened, StoreEnvironment};
use crate::queue::{CommitQueue, QueueLimits};
use crate::reclaim::{Reclaimed, Reclaimer};
use crate::relay_key::RelayKey;
use crate::reserve::Reserve;
use crate::segments::{BACKGROUND_WAITING_MAX, Segments};
use crate::shared::{Shared, SharedParts, add};
use crate::snapshots::Snapshots;
use crate::workers::Workers;
use relay_core::measure::HistogramFigures;
use running::Running;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use waking::Waking;

/// Where the store is and how large it may get.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The data directory.
    pub dir: PathBuf,
    /// Length of a segment, in bytes.
    pub segment_bytes: u64,
    /// The limits.
    pub limits: StoreLimits,
    /// The control of the kill test: answers before it writes. Such a store lies.
    #[cfg(feature = "testing")]
    pub answer_before_write: bool,
    /// Starts no threads: work is done when [`EmbeddedStore::turn`] is called, so that a simulator decides the order.
    #[cfg(feature = "testing")]
    pub by_hand: bool,
}

impl StoreOptions {
    /// The defaults for a directory.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            segment_bytes: SEGMENT_BYTES,
            limits: StoreLimits::default(),
            #[cfg(feature = "testing")]
            answer_before_write: false,
            #[cfg(feature = "testing")]
            by_hand: false,
        }
    }
}

impl StoreOptions {
    fn has_threads(&self) -> bool {
        #[cfg(feature = "testing")]
        return !self.by_hand;
        #[cfg(not(feature = "testing"))]
        true
    }
}

/// The embedded store. Dropping it closes it in order.
pub struct EmbeddedStore {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: Arc<CommitQueue>,
    /// One thread, so that calls take effect in their order.
    loads: Arc<Workers>,
    waking: Arc<Waking>,
    readers: Arc<Workers>,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) snapshot_thread: Arc<Workers>,
    pub(crate) blobs: BlobDesk,
    signer: Arc<RelayKey>,
    pub(crate) reclaimer: Arc<Reclaimer>,
    eraser: Arc<Eraser>,
    segment_bytes: u64,
    running: Mutex<Option<Running>>,
    #[cfg(feature = "testing")]
    by_hand: Option<by_hand::ByHand>,
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map_err(OpenError::Threads)
}

pub(crate) fn workers(name: &str, threads: usize, waiting_max: usize) -> Result<Arc<Workers>, OpenError> {
    Workers::start(name, threads, waiting_max).map(Arc::new).map_err(OpenError::Threads)
}

fn commit_queue(limits: &StoreLimits) -> Arc<CommitQueue> {
    Arc::new(CommitQueue::new(QueueLimits {
        calls_max: limits.queue_calls_max,
        bytes_max: limits.queue_bytes_max,
        group_bytes_max: limits.group_bytes_max,
        group_calls_max: limits.group_calls_max,
    }))
}

fn start_threads(
    shared: &Arc<Shared>,
    committer: Committer,
    background: Arc<Workers>,
    dir: DataDir,
    segment_bytes: u64,
    (reclaimer, eraser): (Arc<Reclaimer>, Arc<Eraser>),
) -> Result<Running, OpenError> {
    let committer = spawn("relay-store-commit", move || committer.run())?;
    let meta_shared = Arc::clone(shared);
    let meta_thread = spawn("relay-store-meta", move || meta_shared.meta.run())?;
    let reclaimed = Arc::clone(shared);
    let reclaim_thread = spawn("relay-store-reclaim", move || reclaimer.run(&reclaimed, segment_bytes, &eraser))?;
    let kept = Arc::clone(shared);
    shared.spaces.call_idle();
    let cold_thread = spawn("relay-store-cold", move || kept.keeper.run(&kept))?;
    Ok(Running { committer, meta_thread, reclaim_thread, cold_thread, background, dir })
}

/// The threads that work off what waits.
struct Pools {
    background: Arc<Workers>,
    loads: Arc<Workers>,
    readers: Arc<Workers>,
    snapshot_thread: Arc<Workers>,
}

impl Pools {
    /// `threads` says how many there are where so many are wanted.
    fn start(limits: &StoreLimits, threads: impl Fn(usize) -> usize) -> Result<Self, OpenError> {
        let reader_threads = threads(limits.reader_threads.max(1));
        Ok(Self {
            background: workers("relay-store-back", threads(1), BACKGROUND_WAITING_MAX)?,
            loads: workers("relay-store-load", threads(1), limits.loads_waiting_max)?,
            readers: workers("relay-store-read", reader_threads, limits.reads_waiting_max)?,
            snapshot_thread: workers("relay-store-snap", threads(1), limits.snapshot_calls_waiting_max)?,
        })
    }
}

/// What overwrites takes part in everything that writes files.
fn eraser_parts(
    shared: &Arc<Shared>,
    queue: &Arc<CommitQueue>,
    background: &Arc<Workers>,
    (snapshots, snapshot_thread, blobs): (&Arc<Snapshots>, &Arc<Workers>, &BlobDesk),
    threads: usize,
) -> Result<(Arc<Reclaimer>, EraserParts), OpenError> {
    let reclaimer = Arc::new(Reclaimer::default());
    let parts = EraserParts {
        shared: Arc::clone(shared),
        queue: Arc::clone(queue),
        background: Arc::clone(background),
        snapshots: Arc::clone(snapshots),
        snapshot_thread: Arc::clone(snapshot_thread),
        blobs: blobs.clone(),
        reclaimer: Arc::clone(&reclaimer),
        worker: workers("relay-store-erase", threads, BACKGROUND_WAITING_MAX)?,
    };
    Ok((reclaimer, parts))
}

impl EmbeddedStore {
    /// Opens a store: takes the directory, checks and mends the log, starts the threads.
    ///
    /// # Errors
    /// [`OpenError`]; its text names the thing and the fix.
    pub fn open(options: &StoreOptions, environment: StoreEnvironment) -> Result<Self, OpenError> {
        let opened = open::open(&options.dir, &environment, options.limits.residency(), false)?;
        let (limits, now_ms) = (options.limits, environment.wall_clock.now_ms());
        let Opened { dir, signer, owner, meta, loaded, spaces, sealed, leaves, erased, mended, .. } = opened;
        let shared = Arc::new(Shared::new(SharedParts {
            vfs: environment.vfs,
            data_dir: options.dir.clone(),
            owner,
            log_epoch: opened.log_epoch,
            signer: Arc::clone(&signer) as Arc<_>,
            entropy: environment.entropy,
            wall_clock: environment.wall_clock,
            meta,
            spaces,
            sealed,
            leaves,
            reserve: Reserve::new(&options.dir, options.segment_bytes),
            tombstones: Tombstones::new(erased.tombstones),
        }));
        add(&shared.counters.disk_bytes, opened.disk_bytes);
        add(&shared.counters.torn_tails, mended.torn_tails);
        let snapshots = Arc::new(Snapshots::load(Arc::clone(&shared), loaded.snapshots, now_ms)?);
        let threads = |wanted: usize| if options.has_threads() { wanted } else { 0 };
        let Pools { background, loads, readers, snapshot_thread } = Pools::start(&limits, threads)?;
        let blobs = BlobDesk::open(Arc::clone(&shared), &limits, threads(limits.blob_threads.max(1)))?;
        let queue = commit_queue(&limits);
        let (segment_bytes, next) = (options.segment_bytes, opened.next_segment);
        let segments = Segments::new(Arc::clone(&shared), Arc::clone(&background), segment_bytes, mended.open, next);
        let committer = Committer::new(CommitterParts {
            shared: Arc::clone(&shared),
            queue: Arc::clone(&queue),
            segments,
            last_group: opened.last_group,
            last_time_ms: opened.last_time_ms,
            spaces_max: limits.spaces_max,
            #[cfg(feature = "testing")]
            answer_before_write: options.answer_before_write,
            #[cfg(feature = "testing")]
            by_hand: options.by_hand,
        })
        .map_err(OpenError::Threads)?;
        let files = (&snapshots, &snapshot_thread, &blobs);
        let (reclaimer, parts) = eraser_parts(&shared, &queue, &background, files, threads(1))?;
        let mut store = Self {
            shared: Arc::clone(&shared),
            queue,
            loads,
            waking: Arc::default(),
            readers,
            snapshots,
            snapshot_thread,
            blobs,
            signer,
            reclaimer,
            eraser: Eraser::new(parts, erased.purges),
            segment_bytes,
            running: Mutex::default(),
            #[cfg(feature = "testing")]
            by_hand: None,
        };
        #[cfg(feature = "testing")]
        if options.by_hand {
            store.by_hand = Some(by_hand::ByHand::new(committer, background, dir));
            return Ok(store);
        }
        let reclaiming = (Arc::clone(&store.reclaimer), Arc::clone(&store.eraser));
        let running = start_threads(&shared, committer, background, dir, segment_bytes, reclaiming)?;
        store.running = Mutex::new(Some(running));
        Ok(store)
    }

    /// Gives back what is forgotten, now instead of when its turn comes. Blocks until it is done.
    pub fn reclaim(&self) -> Reclaimed {
        self.reclaimer.pass(&self.shared, self.segment_bytes)
    }

    /// Lets spaces go from memory, now instead of when the keeper looks.
    #[cfg(feature = "testing")]
    pub fn let_go(&self) {
        self.shared.keeper.look(&self.shared);
    }

    /// Where a read met bytes that do not match their checksum; the newest place, once. Blocks: it reads the segment.
    #[must_use]
    pub fn take_damage(&self) -> Option<DamagedRead> {
        self.shared.take_damage()
    }

    /// How long the sync calls of the committer took.
    #[must_use]
    pub fn sync_durations(&self) -> HistogramFigures {
        self.shared.counters.sync_durations.read()
    }

    /// The log's key, for whoever else has to sign for this log.
    #[must_use]
    pub fn signer(&self) -> Arc<RelayKey> {
        Arc::clone(&self.signer)
    }
}

impl std::fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedStore").field("dir", &self.shared.data_dir).finish_non_exhaustive()
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// The operating system's clock and randomness, for embedders that have no other.
#[must_use]
pub fn real_environment(
    entropy: Arc<dyn relay_core::environment::Entropy>,
    wall_clock: Arc<dyn relay_core::environment::WallClock>,
) -> StoreEnvironment {
    StoreEnvironment { vfs: Arc::new(crate::vfs::RealVfs), entropy, wall_clock }
}
