//! A space as a file, piece by piece: whoever wants it asks for the next piece, and one piece is in memory.

use super::blobs::BlobsOut;
use super::{BATCH_BYTES, BATCH_ENTRIES, ask};
use crate::embedded::EmbeddedStore;
use crate::relay_key::RelayKey;
use bytes::Bytes;
use relay_core::environment::LogSigner;
use relay_core::moving::{Head, Mark, Section, SectionWriter};
use relay_core::store::{ReadOutcome, SpaceFacts, Store, StoreError};
use relay_proto::attestation::Attestation;
use relay_proto::ids::{Seq, SnapshotId, SpaceId};
use relay_proto::limits::LEAVES_PAGE_MAX;
use relay_proto::roster::Statement;
use relay_proto::snapshot::Manifest;
use std::sync::Arc;

const LEAVES_PAGE: u64 = 4096;
const _: () = assert!(LEAVES_PAGE as usize <= LEAVES_PAGE_MAX);

/// What comes next.
enum Step {
    Leaves { next_seq: Seq },
    Entries { after: Seq },
    Chunks { snapshot: SnapshotId, next: u32, count: u32 },
    Blobs,
    End,
    Over,
}

/// A space on its way into a file. The moment it shows is the one at which it was begun.
pub struct Export {
    store: Arc<EmbeddedStore>,
    signer: Arc<RelayKey>,
    writer: Option<SectionWriter>,
    head: Head,
    first: Vec<u8>,
    step: Step,
    /// None before the first of them.
    blobs: Option<BlobsOut>,
}

impl Export {
    /// Begins. Blocks.
    ///
    /// # Errors
    /// [`StoreError::UnknownSpace`], or why the store cannot be read.
    pub fn begin(store: &Arc<EmbeddedStore>, space: SpaceId, now_ms: u64) -> Result<Self, StoreError> {
        let signer = store.signer();
        let facts = ask(|done| store.space(space, done))?.ok_or(StoreError::UnknownSpace)?;
        // Before the head: a mark above the entries of the file would make a pushed entry pass for a duplicate.
        let marks = marks(store, space, &facts)?;
        let bytes = ask(|done| store.attest(space, done))?;
        let damaged = || StoreError::Damaged { place: "the newest attestation".to_owned() };
        let claim = Attestation::decode(&bytes).map_err(|_| damaged())?.claim;
        let head = Head {
            exported_ms: now_ms,
            space,
            log_id: signer.log_id(),
            log_epoch: claim.log_epoch,
            floor: claim.floor,
            size: claim.size,
        };
        let mut first = Vec::new();
        let mut writer = SectionWriter::begin(&mut first);
        writer.append(&Section::Head(head), &mut first);
        writer.append(&Section::Attestation(bytes), &mut first);
        for reset in ask(|done| store.log_resets(space, 0, done))? {
            writer.append(&Section::Reset(reset), &mut first);
        }
        writer.append(&Section::Roster { chain: facts.chain, keyring: facts.keyring }, &mut first);
        marks.into_iter().for_each(|mark| writer.append(&Section::Mark(mark), &mut first));
        for ack in ask(|done| store.acks(space, done))? {
            // One of a later moment says nothing about this one.
            if (ack.log_epoch, ack.size) <= (head.log_epoch, head.size) {
                writer.append(&Section::Ack(ack), &mut first);
            }
        }
        let store = Arc::clone(store);
        let mut export = Self { store, signer, writer: Some(writer), head, first, step: Step::Over, blobs: None };
        export.step = Step::Leaves { next_seq: export.first_known_leaf()? };
        Ok(export)
    }

    /// The next piece, about a megabyte or one entry; `None` when there is no more. Blocks.
    ///
    /// # Errors
    /// Why the store could not be read; [`StoreError::Overloaded`] when what was to come was forgotten meanwhile.
    pub fn next_piece(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let mut piece = std::mem::take(&mut self.first);
        while piece.len() < BATCH_BYTES as usize && self.advance(&mut piece)? {}
        Ok(if piece.is_empty() { None } else { Some(piece) })
    }

    /// Appends what comes next; false when nothing does.
    fn advance(&mut self, out: &mut Vec<u8>) -> Result<bool, StoreError> {
        let Some(writer) = self.writer.as_mut() else { return Ok(false) };
        let (space, head) = (self.head.space, self.head);
        match self.step {
            Step::Leaves { next_seq } if next_seq < head.floor => {
                let count = LEAVES_PAGE.min(head.floor - next_seq);
                let leaves = leaves(&self.store, space, next_seq, count)?;
                if leaves.len() as u64 != count {
                    return Err(StoreError::Overloaded);
                }
                writer.append(&Section::Leaves { first_seq: next_seq, leaves }, out);
                self.step = Step::Leaves { next_seq: next_seq + count };
            }
            Step::Leaves { .. } => self.step = Step::Entries { after: head.floor - 1 },
            Step::Entries { after } if after < head.size => {
                let page = ask(|done| self.store.read(space, after, BATCH_ENTRIES, BATCH_BYTES, done))?;
                let ReadOutcome::Page(page) = page else { return Err(StoreError::Overloaded) };
                let mut last = after;
                for entry in page.entries {
                    // What came since is of another moment.
                    if last == head.size {
                        break;
                    }
                    last += 1;
                    writer.append(&Section::Entry { seq: last, entry }, out);
                }
                if last == after {
                    return Err(StoreError::Overloaded);
                }
                self.step = Step::Entries { after: last };
            }
            Step::Entries { .. } => {
                self.step = Step::Blobs;
                if let Some(manifest) = self.newest_snapshot()? {
                    let count = manifest.fields().chunk_count().unwrap_or(0);
                    writer_of(&mut self.writer, |writer| {
                        writer.append(&Section::Snapshot(manifest.bytes().clone()), out)
                    });
                    self.step = Step::Chunks { snapshot: manifest.id(), next: 0, count };
                }
            }
            Step::Chunks { snapshot, next, count } if next < count => {
                let chunk = ask(|done| self.store.snapshot_read(space, snapshot, next, done))?;
                writer.append(&Section::SnapshotChunk(chunk), out);
                self.step = Step::Chunks { snapshot, next: next + 1, count };
            }
            Step::Chunks { .. } => self.step = Step::Blobs,
            Step::Blobs => {
                if self.blobs.is_none() {
                    self.blobs = Some(BlobsOut::begin(&self.store, space)?);
                }
                match self.blobs.as_mut().map(|blobs| blobs.next_section(&self.store)).transpose()?.flatten() {
                    Some(section) => writer.append(&section, out),
                    None => self.step = Step::End,
                }
            }
            Step::End => {
                self.step = Step::Over;
                if let Some(writer) = self.writer.take() {
                    writer.end(&*self.signer, out);
                }
            }
            Step::Over => return Ok(false),
        }
        Ok(true)
    }

    /// The lowest seq from which on every leaf below the floor is known, to a page: the oldest are forgotten first.
    fn first_known_leaf(&self) -> Result<Seq, StoreError> {
        let mut known = self.head.floor;
        while known > 1 {
            let first = known.saturating_sub(LEAVES_PAGE).max(1);
            let count = known - first;
            if leaves(&self.store, self.head.space, first, count)?.len() as u64 != count {
                break;
            }
            known = first;
        }
        Ok(known)
    }

    /// The newest snapshot, when it is one of this moment that a reader would take.
    fn newest_snapshot(&self) -> Result<Option<Manifest>, StoreError> {
        let bytes = ask(|done| self.store.snapshot_manifest(self.head.space, None, done))?;
        let facts = ask(|done| self.store.space(self.head.space, done))?.ok_or(StoreError::UnknownSpace)?;
        let roster = facts.chain.last().cloned().and_then(|bytes| Statement::parse(bytes).ok());
        let holds = |manifest: &Manifest| {
            let author = roster.as_ref().and_then(|roster| roster.fields().device(&manifest.fields().device));
            manifest.fields().size <= self.head.size && author.is_some_and(|author| author.rights.may_write())
        };
        Ok(bytes.and_then(|bytes| Manifest::parse(bytes).ok()).filter(holds))
    }
}

fn writer_of(writer: &mut Option<SectionWriter>, use_it: impl FnOnce(&mut SectionWriter)) {
    if let Some(writer) = writer.as_mut() {
        use_it(writer);
    }
}

fn leaves(
    store: &EmbeddedStore,
    space: SpaceId,
    first: Seq,
    count: u64,
) -> Result<Vec<relay_proto::ids::Hash>, StoreError> {
    ask(|done| store.leaves(space, first, u32::try_from(count).unwrap_or(u32::MAX), done))
}

/// What the log knows of each device that the newest statement names.
fn marks(store: &EmbeddedStore, space: SpaceId, facts: &SpaceFacts) -> Result<Vec<Mark>, StoreError> {
    let newest = facts.chain.last().cloned().unwrap_or_else(Bytes::new);
    let roster = Statement::parse(newest).map_err(|_| StoreError::Damaged { place: "a roster".to_owned() })?;
    let fields = roster.fields();
    let mut marks = Vec::new();
    for device in fields.devices.iter().map(|device| device.key).chain(fields.former.iter().map(|former| former.key)) {
        let mark = ask(|done| store.device_mark(space, device, done))?;
        if mark.push_seq_high > 0 {
            marks.push(Mark { device, push_seq_high: mark.push_seq_high, last_entry: mark.last_entry });
        }
    }
    Ok(marks)
}
