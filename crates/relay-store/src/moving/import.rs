//! A file as a space. The whole file is checked before anything is written; then a durable word says that an import is under
//! way, the space is written while nobody sees it, and it is known the moment that word is gone. What is cut off before is
//! undone by the next start, like an erasure.

use super::blobs::{self, BlobsIn};
use super::{BATCH_BYTES, BATCH_ENTRIES, ask, going_on};
use crate::cold::Found;
use crate::embedded::EmbeddedStore;
use crate::erase::files;
use crate::leaves::LeafWriter;
use crate::queue::Call;
use crate::segment::state::StateRecord;
use crate::shared::Shared;
use crate::space::Space;
use crate::vfs;
use bytes::Bytes;
use relay_core::environment::LogSigner;
use relay_core::erasure::Tombstone;
use relay_core::ledger::{DeviceRecord, RosterState, SpaceLedger};
use relay_core::moving::{Checker, Fault, Head, Mark, Report, Section, SectionReader};
use relay_core::store::{Completion, Refusal, StoreError, StoredEntry};
use relay_proto::erasure::ErasureReason;
use relay_proto::frame::Frame;
use relay_proto::ids::{Hash, Seq, SnapshotId, SpaceId};
use relay_proto::merkle::LogFold;
use relay_proto::snapshot::Manifest;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, PoisonError};

/// Leaves that wait for a file of their own.
const LEAVES_BATCH: usize = 256 * 1024;

/// Why a file did not become a space.
#[derive(Debug)]
pub enum ImportError {
    /// The file is not believed.
    Fault(Fault),
    /// The relay has this space already, with a log that the file does not go on from.
    Known,
    /// An import of this space is under way, or was not finished.
    Unfinished,
    /// Its owner erased the space here, and that is remembered.
    Erased,
    /// Its blobs are more than one space may hold here, or one of them was refused.
    BlobsRefused,
    /// The file does not hold a leaf for every entry of the log, so no log can be continued from it.
    HistoryUnknown,
    /// The store refused or failed.
    Store(StoreError),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Known => {
                f.write_str("this relay holds the space already, and its log is not the beginning of the file's")
            }
            Self::Unfinished => f.write_str("an import of this space is under way, or was not finished"),
            Self::Erased => f.write_str("the owner erased this space here, and that is remembered"),
            Self::BlobsRefused => f.write_str("the blobs of the file are more than a space may hold here"),
            Self::HistoryUnknown => {
                f.write_str("the file does not know every leaf of its log: the oldest were forgotten")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ImportError {}

impl From<Fault> for ImportError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Reads a whole file and says what it holds.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn verify(file: impl Read) -> Result<Report, Fault> {
    let mut reader = SectionReader::open(file)?;
    let mut checker = Checker::default();
    while let Some(section) = reader.next_section()? {
        checker.push(&section)?;
    }
    checker.finish()
}

/// What an import came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What the file holds.
    pub file: Report,
    /// Entries of it that were not there before.
    pub added: u64,
}

/// Makes a space of a file that can be read several times, or goes on with one that is there; says what it came to. Blocks; holds
/// one section, or one batch, at a time.
///
/// # Errors
/// [`ImportError`]; then nothing of a new space is there, and of one that was there no more than a further part of the file.
pub fn import<R: Read>(
    store: &EmbeddedStore,
    mut open: impl FnMut() -> io::Result<R>,
) -> Result<Imported, ImportError> {
    let report = verify(open().map_err(Fault::Read)?)?;
    if report.leaves_from != 1 || !report.head_is_proven {
        return Err(ImportError::HistoryUnknown);
    }
    if !blobs::fit(store, &report) {
        return Err(ImportError::BlobsRefused);
    }
    let added = match Turn::take(store, report.head.space) {
        Ok(turn) => {
            make(store, &report, &turn, &mut open)?;
            report.entries
        }
        Err(ImportError::Known) => going_on::go_on(store, &report, open)?,
        Err(error) => return Err(error),
    };
    Ok(Imported { file: report, added })
}

fn make<R: Read>(
    store: &EmbeddedStore,
    report: &Report,
    turn: &Turn<'_>,
    mut open: impl FnMut() -> io::Result<R>,
) -> Result<(), ImportError> {
    let mut file = || open().map_err(Fault::Read);
    write_word(&store.shared, report.head.space)?;
    let mut moving = Moving::new(store, report.head);
    let mut reader = SectionReader::open(file()?)?;
    while let Some(section) = reader.next_section()? {
        moving.take(section)?;
    }
    moving.settle()?;
    let space = moving.space.ok_or(ImportError::HistoryUnknown)?;
    remove_word(&store.shared, report.head.space)?;
    space.arrive();
    turn.is_over();
    Ok(())
}

/// The right to import one space; while it is held nobody founds it.
struct Turn<'a> {
    shared: &'a Shared,
    space: SpaceId,
}

impl<'a> Turn<'a> {
    fn take(store: &'a EmbeddedStore, space: SpaceId) -> Result<Self, ImportError> {
        let shared = &*store.shared;
        shared.writable()?;
        if !shared.importing.lock().unwrap_or_else(PoisonError::into_inner).insert(space) {
            return Err(ImportError::Unfinished);
        }
        let turn = Self { shared, space };
        let free = turn.check(store);
        if free.is_err() {
            turn.is_over();
        }
        free.map(|()| turn)
    }

    /// Whether the space can be made. Nobody founds it any more; who began to before is done once the committer answers.
    fn check(&self, store: &EmbeddedStore) -> Result<(), ImportError> {
        let Self { shared, space } = *self;
        match commit(store, |done| Call::Trim { space, floor: 1, done }) {
            Err(StoreError::UnknownSpace) => {}
            Ok(()) => return Err(ImportError::Known),
            Err(error) => return Err(ImportError::Store(error)),
        }
        // One that is being erased is unknown to the committer, and still there.
        if !matches!(shared.spaces.find(space), Found::Unknown) {
            return Err(ImportError::Known);
        }
        let tombstone = shared.tombstones.get(space, shared.wall_clock.now_ms());
        let is_owners =
            |gone: Tombstone| !gone.notice.done || matches!(gone.notice.reason, ErasureReason::Signed { .. });
        if tombstone.is_some_and(is_owners) { Err(ImportError::Erased) } else { Ok(()) }
    }

    /// Not on every way out: what was begun and not finished stays unknown until the next start has undone it.
    fn is_over(&self) {
        self.shared.importing.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.space);
    }
}

/// Hands a call to the committer and waits for its answer.
pub(super) fn commit(store: &EmbeddedStore, call: impl FnOnce(Completion<()>) -> Call) -> Result<(), StoreError> {
    store.shared.writable()?;
    ask(|done| {
        if let Some((call, error)) = store.queue.add(call(done)) {
            call.refuse(error);
        }
    })
}

fn failed(shared: &Shared, error: &io::Error) -> StoreError {
    if vfs::is_full(error) {
        return StoreError::DiskFull;
    }
    shared.poison();
    StoreError::Poisoned
}

fn write_word(shared: &Shared, space: SpaceId) -> Result<(), StoreError> {
    let Shared { vfs, data_dir, owner, .. } = shared;
    let written = files::make_dir(&**vfs, data_dir)
        .and_then(|()| files::write_import(&**vfs, data_dir, &owner.store_id, space))
        .and_then(|()| files::sync(&**vfs, data_dir));
    written.map_err(|error| failed(shared, &error))
}

/// From here on the space is there, whatever happens; a tombstone of the operator's own is lifted before. One that a power cut
/// brought back beside the space would answer for its next erasure.
fn remove_word(shared: &Shared, space: SpaceId) -> Result<(), StoreError> {
    let Shared { vfs, data_dir, .. } = shared;
    let removed = files::remove_gone(&**vfs, data_dir, space)
        .and_then(|()| files::sync(&**vfs, data_dir))
        .and_then(|()| files::remove_import(&**vfs, data_dir, space))
        .and_then(|()| files::sync(&**vfs, data_dir));
    removed.map_err(|error| failed(shared, &error))?;
    shared.tombstones.lift(space);
    Ok(())
}

/// A space that is being written.
struct Moving<'a> {
    store: &'a EmbeddedStore,
    head: Head,
    roster: Option<(Vec<Bytes>, Bytes)>,
    marks: Vec<Mark>,
    leaves: Option<(LogFold, StateRecord)>,
    leaf_pages: Vec<(Seq, Vec<Hash>)>,
    leaves_waiting: usize,
    batch: Vec<StoredEntry>,
    batch_bytes: usize,
    snapshot: Option<(SnapshotId, u32)>,
    space: Option<Arc<Space>>,
    blobs: BlobsIn<'a>,
}

impl<'a> Moving<'a> {
    fn new(store: &'a EmbeddedStore, head: Head) -> Self {
        Self {
            store,
            head,
            roster: None,
            marks: Vec::new(),
            leaves: None,
            leaf_pages: Vec::new(),
            leaves_waiting: 0,
            batch: Vec::new(),
            batch_bytes: 0,
            snapshot: None,
            space: None,
            blobs: BlobsIn::new(store, head.space),
        }
    }

    fn take(&mut self, section: Section) -> Result<(), ImportError> {
        match section {
            Section::Roster { chain, keyring } => self.roster = Some((chain, keyring)),
            Section::Mark(mark) => self.marks.push(mark),
            Section::Leaves { first_seq, leaves } => {
                self.begin()?;
                if let Some((fold, _)) = &mut self.leaves {
                    fold.extend(leaves.iter().copied());
                }
                self.leaves_waiting += leaves.len();
                self.leaf_pages.push((first_seq, leaves));
                if self.leaves_waiting >= LEAVES_BATCH {
                    self.keep_leaves()?;
                }
            }
            Section::Entry { entry, .. } => {
                self.found()?;
                self.batch_bytes += entry.sealed.len();
                self.batch.push(entry);
                if self.batch.len() >= BATCH_ENTRIES as usize || self.batch_bytes >= BATCH_BYTES as usize {
                    self.append()?;
                }
            }
            Section::Snapshot(manifest) => {
                self.settle()?;
                self.begin_snapshot(manifest)?;
            }
            Section::SnapshotChunk(chunk) => self.chunk(chunk)?,
            Section::Blob(head) => {
                self.settle()?;
                self.blobs.begin(&head)?;
            }
            Section::BlobPiece(piece) => self.blobs.piece(piece)?,
            // What another log signed, and acks of it, say nothing here.
            Section::Head(_) | Section::Attestation(_) | Section::Reset(_) | Section::Ack(_) | Section::End(_) => {}
        }
        Ok(())
    }

    /// The state before the first leaf: a log of this relay's own, in its own log epoch.
    fn begin(&mut self) -> Result<(), ImportError> {
        if self.leaves.is_some() {
            return Ok(());
        }
        let shared = &self.store.shared;
        let (chain, keyring) = self.roster.take().ok_or(ImportError::HistoryUnknown)?;
        let now_ms = shared.wall_clock.now_ms();
        let roster = RosterState::found(self.head.space, &chain, &keyring, now_ms)
            .map_err(|refusal| ImportError::Store(StoreError::Refused(refusal)))?;
        self.marks.retain(|mark| roster.names(mark.device));
        let signer: &dyn LogSigner = &*shared.signer;
        let (ledger, reset) = SpaceLedger::found(self.head.space, Arc::new(roster), shared.log_epoch, now_ms, signer);
        let fold = ledger.fold().clone();
        let resets = reset.map(|reset| (reset.new_epoch, reset.encode())).into_iter().collect();
        let record = StateRecord { ledger: ledger.state(), forgotten: Vec::new(), resets, ages: Vec::new() };
        self.leaves = Some((fold, record));
        Ok(())
    }

    /// Makes the space, once all leaves below its floor are known.
    fn found(&mut self) -> Result<(), ImportError> {
        if self.space.is_some() {
            return Ok(());
        }
        self.begin()?;
        let Some((fold, mut record)) = self.leaves.take() else { return Err(ImportError::HistoryUnknown) };
        self.keep_leaves()?;
        (record.ledger.size, record.ledger.floor) = (fold.size(), self.head.floor);
        record.ledger.range = fold.hashes().to_vec();
        // Of no log epoch: a device may go on above its mark, as after a log reset.
        let mut devices: Vec<_> = self.marks.iter().map(|mark| (mark.device, record_of(mark))).collect();
        devices.sort_unstable_by_key(|(device, _)| *device);
        if self.head.floor > 1 {
            record.forgotten = devices.iter().map(|(device, known)| (*device, known.push_seq_high)).collect();
        }
        record.ledger.devices = devices;
        let damaged = |_| ImportError::HistoryUnknown;
        let space = Arc::new(Space::of_record(record.clone()).map_err(damaged)?);
        space.lock().finish_replay();
        // Nobody sees it before it is complete.
        space.await_arrival();
        self.commit(&space, Some(Box::new(record)), Vec::new())?;
        self.space = Some(space);
        Ok(())
    }

    /// Leaves below the floor, so that devices can prove the log they knew.
    fn keep_leaves(&mut self) -> Result<(), ImportError> {
        let pages = std::mem::take(&mut self.leaf_pages);
        self.leaves_waiting = 0;
        if pages.is_empty() {
            return Ok(());
        }
        let EmbeddedStore { shared, reclaimer, .. } = self.store;
        let write = || {
            let mut writer = LeafWriter::create(&*shared.vfs, &shared.data_dir, &shared.leaves)?;
            for (first_seq, leaves) in &pages {
                writer.run(self.head.space, *first_seq, leaves)?;
            }
            writer.finish(&*shared.vfs, &shared.leaves, &shared.owner.store_id, shared.wall_clock.now_ms())
        };
        // No compaction makes a leaf file meanwhile.
        reclaimer.alone(|_| write()).map(|_| ()).map_err(|error| failed(shared, &error).into())
    }

    fn append(&mut self) -> Result<(), ImportError> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let Some(space) = self.space.clone().filter(|_| !batch.is_empty()) else { return Ok(()) };
        self.commit(&space, None, batch)
    }

    fn commit(
        &self,
        space: &Arc<Space>,
        begins: Option<Box<StateRecord>>,
        entries: Vec<StoredEntry>,
    ) -> Result<(), ImportError> {
        let space = Arc::clone(space);
        commit(self.store, |done| Call::Import { space, begins, entries, done }).map_err(ImportError::Store)
    }

    /// Everything of the log is durable.
    fn settle(&mut self) -> Result<(), ImportError> {
        self.found()?;
        self.append()
    }

    fn begin_snapshot(&mut self, bytes: Bytes) -> Result<(), ImportError> {
        let invalid = || ImportError::Store(StoreError::Refused(Refusal::SnapshotInvalid));
        let manifest = Manifest::parse(bytes).map_err(|_| invalid())?;
        self.snapshot = Some((manifest.id(), 0));
        let (snapshots, space) = (Arc::clone(&self.store.snapshots), self.head.space);
        on_snapshots(self.store, move || snapshots.begin_imported(space, manifest).map(|_| ()))
    }

    fn chunk(&mut self, chunk: Bytes) -> Result<(), ImportError> {
        let Some((id, index)) = self.snapshot else { return Err(ImportError::HistoryUnknown) };
        self.snapshot = Some((id, index + 1));
        let (snapshots, space) = (Arc::clone(&self.store.snapshots), self.head.space);
        on_snapshots(self.store, move || snapshots.chunk(space, id, index, &chunk).map(|_| ()))
    }
}

/// Runs on the thread that writes snapshots, and waits for it.
pub(super) fn on_snapshots(
    store: &EmbeddedStore,
    run: impl FnOnce() -> Result<(), StoreError> + Send + 'static,
) -> Result<(), ImportError> {
    let thread = &store.snapshot_thread;
    ask(|done| thread.submit(Box::new(move |may_run| done(may_run.and_then(|()| run()))))).map_err(ImportError::Store)
}

fn record_of(mark: &Mark) -> DeviceRecord {
    DeviceRecord { push_seq_high: mark.push_seq_high, log_epoch: 0, last_entry: mark.last_entry }
}
