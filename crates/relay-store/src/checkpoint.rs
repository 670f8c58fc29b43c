//! The checkpoint: every space's state and where its entries are in the sealed segments, so that a start reads what was
//! committed since and not the whole log.
//!
//! It is derived. It is used only when every sealed segment it speaks of is there with the very trailer it had; else the log
//! is replayed as if there were none. What it says may be newer than the segments it names: replay passes over what a space
//! has already.
//!
//! Chunks: body_len u32 | crc u32 | body. The first says what the checkpoint is of, each other one is a space.

use crate::index::{Extent, SegmentFile, SpaceIndex};
use crate::sealed::Sealed;
use crate::segment::footer::{TRAILER_BYTES, Trailer};
use crate::segment::header::STORE_ID_BYTES;
use crate::segment::state::StateRecord;
use crate::segment::writer::Owner;
use crate::segment::{length_of, offset_of};
use crate::shared::Shared;
use crate::space::Space;
use crate::vfs::{OpenMode, SharedFile, Vfs};
use bytes::Bytes;
use relay_proto::ids::DeviceKey;
use relay_proto::wire::{Reader, Writer};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Its file's name.
pub(crate) const CHECKPOINT_FILE: &str = "checkpoint";
/// Its name until it is whole.
pub(crate) const CHECKPOINT_NEW_FILE: &str = "checkpoint.new";
const MAGIC: [u8; 8] = *b"SRCHKPT1";
const CHUNK_HEADER_BYTES: usize = 8;
/// Bytes written at once.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Longest chunk that is read, in bytes.
const CHUNK_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How often a space that is being pushed to is asked for its state.
const STATE_TRIES: u32 = 2000;
const STATE_PAUSE: Duration = Duration::from_micros(500);

/// A sealed segment as a checkpoint names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NamedSegment {
    pub(crate) segment: u64,
    pub(crate) trailer: Trailer,
    pub(crate) dead_rows: u64,
}

/// A checkpoint that was read.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    /// The newest group that was durable.
    pub(crate) durable_group: u64,
    /// The sealed segments, ascending.
    pub(crate) segments: Vec<NamedSegment>,
    spaces: Vec<Bytes>,
}

/// Writes a checkpoint of what is durable now. No compaction may run meanwhile.
pub(crate) fn write(shared: &Shared) -> io::Result<u64> {
    let new = shared.data_dir.join(CHECKPOINT_NEW_FILE);
    let written = write_new(shared, &new);
    if written.is_err() {
        let _removed_at_the_next_start = shared.vfs.remove(&new);
    }
    let bytes = written?;
    shared.vfs.rename(&new, &shared.data_dir.join(CHECKPOINT_FILE))?;
    shared.vfs.sync_dir(&shared.data_dir)?;
    Ok(bytes)
}

fn write_new(shared: &Shared, new: &Path) -> io::Result<u64> {
    // Segments first: what is sealed later is no part of the extents below, and is replayed.
    let sealed = shared.sealed.list();
    let spaces: Vec<Arc<Space>> =
        shared.spaces.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
    let mut out = Out { file: shared.vfs.open(new, OpenMode::Create)?, buffer: Vec::new(), written: 0 };
    out.chunk(&head(shared, &sealed, spaces.len()))?;
    for space in spaces {
        out.chunk(&body(shared, &space, &sealed)?)?;
    }
    out.flush()?;
    out.file.sync_data()?;
    Ok(out.written)
}

fn head(shared: &Shared, sealed: &[Sealed], spaces: usize) -> Writer {
    let mut w = Writer::new();
    w.raw(MAGIC).raw(shared.owner.store_id.0).raw(shared.owner.log_id).u64(shared.meta.durable_group());
    w.count_u32(spaces).count_u32(sealed.len());
    for segment in sealed {
        w.u64(segment.file.segment).raw(segment.trailer.encode()).u64(segment.dead_rows);
    }
    w
}

fn body(shared: &Shared, space: &Space, sealed: &[Sealed]) -> io::Result<Writer> {
    let is_named = |segment: u64| sealed.binary_search_by_key(&segment, |named| named.file.segment).is_ok();
    for _ in 0..STATE_TRIES {
        let state = space.lock();
        if let Some(record) = state.record() {
            let mut w = Writer::new();
            record.write(&mut w);
            state.index.write(&mut w, is_named);
            return Ok(w);
        }
        drop(state);
        shared.writable().map_err(io::Error::other)?;
        std::thread::sleep(STATE_PAUSE);
    }
    Err(io::Error::other("a space was never quiet"))
}

struct Out {
    file: SharedFile,
    buffer: Vec<u8>,
    written: u64,
}

impl Out {
    fn chunk(&mut self, body: &Writer) -> io::Result<()> {
        let body = body.as_slice();
        let len = u32::try_from(body.len()).map_err(io::Error::other)?;
        self.buffer.extend_from_slice(&len.to_be_bytes());
        self.buffer.extend_from_slice(&crc32c::crc32c(body).to_be_bytes());
        self.buffer.extend_from_slice(body);
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.written)?;
        self.written += offset_of(self.buffer.len());
        self.buffer.clear();
        Ok(())
    }
}

/// Removes a checkpoint, and what is left of making one, for good: it could be newer than a log that was restored.
pub(crate) fn remove(vfs: &dyn Vfs, data_dir: &Path) -> io::Result<()> {
    let mut any = false;
    for name in [CHECKPOINT_FILE, CHECKPOINT_NEW_FILE] {
        match vfs.remove(&data_dir.join(name)) {
            Ok(()) => any = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if any { vfs.sync_dir(data_dir) } else { Ok(()) }
}

impl Checkpoint {
    /// Reads the checkpoint of a directory; `None` when there is none, or it is not whole, or not of this store.
    pub(crate) fn read(vfs: &dyn Vfs, data_dir: &Path, owner: &Owner) -> Option<Self> {
        let file = vfs.open(&data_dir.join(CHECKPOINT_FILE), OpenMode::Read).ok()?;
        let mut chunks = Chunks { len: file.len().ok()?, file, at: 0 };
        let head = chunks.next()?;
        let mut r = Reader::borrowed(&head);
        let magic: [u8; 8] = r.array().ok()?;
        let store_id: [u8; STORE_ID_BYTES] = r.array().ok()?;
        if magic != MAGIC || store_id != owner.store_id.0 || r.id().ok() != Some(owner.log_id) {
            return None;
        }
        let durable_group = r.bits().ok()?;
        let (spaces, segments) = (r.u32().ok()?, usize::try_from(r.u32().ok()?).ok()?);
        let segments = (0..segments).map(|_| read_segment(&mut r)).collect::<Option<Vec<_>>>()?;
        let spaces = (0..spaces).map(|_| chunks.next()).collect::<Option<Vec<_>>>()?;
        Some(Self { durable_group, segments, spaces })
    }

    /// The spaces, one by one; `files` are those of its segments, in order.
    pub(crate) fn spaces(self, files: &[Arc<SegmentFile>]) -> impl Iterator<Item = Option<Space>> {
        self.spaces.into_iter().map(|bytes| {
            let mut r = Reader::new(&bytes);
            let record = StateRecord::read(&mut r)?;
            let size = record.ledger.size;
            let space = Space::of_record(record).ok()?;
            space.lock().index.read(&mut r, files, size)?;
            r.finish().ok()?;
            Some(space)
        })
    }
}

fn read_segment(r: &mut Reader<'_>) -> Option<NamedSegment> {
    let segment = r.bits().ok()?;
    let trailer: [u8; TRAILER_BYTES] = r.array().ok()?;
    Some(NamedSegment { segment, trailer: Trailer::decode(&trailer)?, dead_rows: r.bits().ok()? })
}

struct Chunks {
    file: SharedFile,
    len: u64,
    at: u64,
}

impl Chunks {
    fn next(&mut self) -> Option<Bytes> {
        let mut head = [0; CHUNK_HEADER_BYTES];
        self.file.read_exact_at(&mut head, self.at).ok()?;
        let mut r = Reader::borrowed(&head);
        let (len, crc) = (u64::from(r.u32().ok()?), r.u32().ok()?);
        let start = self.at + offset_of(CHUNK_HEADER_BYTES);
        if len > CHUNK_BYTES_MAX || start.checked_add(len)? > self.len {
            return None;
        }
        let mut body = vec![0; length_of(len)];
        self.file.read_exact_at(&mut body, start).ok()?;
        self.at = start + len;
        (crc32c::crc32c(&body) == crc).then(|| Bytes::from(body))
    }
}

impl SpaceIndex {
    /// Appends where the rows are that named segments hold, and the marks.
    fn write(&self, w: &mut Writer, is_named: impl Fn(u64) -> bool) {
        let extents: Vec<&Extent> = self.extents().filter(|extent| is_named(extent.file.segment)).collect();
        w.count_u32(extents.len());
        for extent in extents {
            w.u64(extent.file.segment).u64(extent.seq_first).u64(extent.count).u64(extent.rows_offset);
        }
        w.count_u32(self.marks().len());
        for (device, marks) in self.marks().iter() {
            w.raw(*device).count_u32(marks.len());
            marks.iter().for_each(|(push_seq, seq)| {
                w.u64(*push_seq).u64(*seq);
            });
        }
    }

    fn read(&mut self, r: &mut Reader<'_>, files: &[Arc<SegmentFile>], size: u64) -> Option<()> {
        let mut extents = Vec::new();
        for _ in 0..r.u32().ok()? {
            let segment = r.bits().ok()?;
            let at = files.binary_search_by_key(&segment, |file| file.segment).ok()?;
            let (seq_first, count, rows_offset) = (r.bits().ok()?, r.bits().ok()?, r.bits().ok()?);
            extents.push(Extent { file: Arc::clone(files.get(at)?), seq_first, count, rows_offset });
        }
        let mut marks = BTreeMap::new();
        for _ in 0..r.u32().ok()? {
            let device: DeviceKey = r.id().ok()?;
            let count = r.u32().ok()?;
            let of_device = (0..count).map(|_| Some((r.bits().ok()?, r.bits().ok()?))).collect::<Option<Vec<_>>>()?;
            marks.insert(device, of_device);
        }
        self.restore(extents, marks, size);
        Some(())
    }
}
