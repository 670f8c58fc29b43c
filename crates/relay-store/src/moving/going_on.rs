//! A file into a space that is there already: what the file has beside it is appended, if the log of the one is the beginning of the
//! other's. So an import can be repeated, and a second export brings what came since the first one.
//!
//! Every batch is appended only where the log still has the length that was compared: whoever pushes meanwhile ends the import,
//! and what was appended until then is a beginning that the next one goes on from.

use super::blobs::BlobsIn;
use super::import::{ImportError, commit, on_snapshots};
use super::prefix::Prefix;
use super::{BATCH_BYTES, BATCH_ENTRIES, ask};
use crate::embedded::EmbeddedStore;
use crate::queue::Call;
use relay_core::moving::{Fault, Report, Section, SectionReader};
use relay_core::store::{Store, StoredEntry};
use relay_proto::ids::{Seq, SnapshotId};
use relay_proto::snapshot::Manifest;
use std::io::{self, Read};
use std::sync::Arc;

/// Compares and appends; returns how many entries were added.
pub(super) fn go_on<R: Read>(
    store: &EmbeddedStore,
    report: &Report,
    mut open: impl FnMut() -> io::Result<R>,
) -> Result<u64, ImportError> {
    let mut file = || open().map_err(Fault::Read);
    let space = report.head.space;
    let facts = ask(|done| store.space(space, done))?.ok_or(ImportError::Unfinished)?;
    let mut prefix = Prefix::new(store, space, facts.size);
    let mut reader = SectionReader::open(file()?)?;
    while let Some(section) = reader.next_section()? {
        prefix.compare(&section)?;
    }
    if !prefix.is_same() {
        return Err(ImportError::Known);
    }
    let mut going_on = GoingOn {
        store,
        report,
        size: facts.size,
        batch: Vec::new(),
        batch_bytes: 0,
        snapshot: None,
        blobs: BlobsIn::new(store, space),
    };
    let mut reader = SectionReader::open(file()?)?;
    while let Some(section) = reader.next_section()? {
        going_on.take(section)?;
    }
    going_on.append()?;
    Ok(going_on.size - facts.size)
}

struct GoingOn<'a> {
    store: &'a EmbeddedStore,
    report: &'a Report,
    /// What the log is to hold before the batch.
    size: Seq,
    batch: Vec<StoredEntry>,
    batch_bytes: usize,
    /// The next chunk of a snapshot that is wanted.
    snapshot: Option<(SnapshotId, u32)>,
    blobs: BlobsIn<'a>,
}

impl GoingOn<'_> {
    fn take(&mut self, section: Section) -> Result<(), ImportError> {
        let space = self.report.head.space;
        match section {
            // Statements that are held are no news; those that contradict them refuse the file.
            Section::Roster { chain, keyring } => {
                ask(|done| self.store.put_roster(space, chain, keyring, done))?;
            }
            Section::Entry { seq, entry } if seq > self.next_seq() - 1 => {
                self.batch_bytes += entry.sealed.len();
                self.batch.push(entry);
                if self.batch.len() >= BATCH_ENTRIES as usize || self.batch_bytes >= BATCH_BYTES as usize {
                    self.append()?;
                }
            }
            Section::Snapshot(manifest) => {
                self.append()?;
                self.begin_snapshot(manifest)?;
            }
            Section::SnapshotChunk(chunk) => {
                if let Some((id, index)) = self.snapshot.take() {
                    let snapshots = Arc::clone(&self.store.snapshots);
                    on_snapshots(self.store, move || snapshots.chunk(space, id, index, &chunk).map(|_| ()))?;
                    self.snapshot = Some((id, index + 1));
                }
            }
            Section::Blob(head) => {
                self.append()?;
                self.blobs.begin(&head)?;
            }
            Section::BlobPiece(piece) => self.blobs.piece(piece)?,
            _ => {}
        }
        Ok(())
    }

    fn next_seq(&self) -> Seq {
        self.size + u64::try_from(self.batch.len()).unwrap_or(u64::MAX) + 1
    }

    fn append(&mut self) -> Result<(), ImportError> {
        let entries = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if entries.is_empty() {
            return Ok(());
        }
        let (space, after) = (self.report.head.space, self.size);
        self.size += u64::try_from(entries.len()).unwrap_or(u64::MAX);
        commit(self.store, |done| Call::GoOn { space, after, entries, done }).map_err(ImportError::Store)
    }

    /// One that the space has, or a newer one, stays; an older one is nobody's loss.
    fn begin_snapshot(&mut self, bytes: bytes::Bytes) -> Result<(), ImportError> {
        let space = self.report.head.space;
        let held = ask(|done| self.store.snapshot_manifest(space, None, done))?;
        let held = held.and_then(|bytes| Manifest::parse(bytes).ok()).map_or(0, |held| held.fields().size);
        let Ok(manifest) = Manifest::parse(bytes) else { return Ok(()) };
        if held >= manifest.fields().size {
            return Ok(());
        }
        let id = manifest.id();
        let snapshots = Arc::clone(&self.store.snapshots);
        on_snapshots(self.store, move || snapshots.begin_imported(space, manifest).map(|_| ()))?;
        self.snapshot = Some((id, 0));
        Ok(())
    }
}
