//! The checkpoint: every space's state and where its entries are in the sealed segments, so that a start reads what was
//! committed since and not the whole log.
//!
//! It is derived. It is used only when every sealed segment it speaks of is there with the very trailer it had; else the log
//! is replayed as if there were none. What it says may be newer than the segments it names: replay passes over what a space
//! has already.
//!
//! The first chunk says what the checkpoint is of, each other one is the image of a space. A start keeps only their places.

use crate::cold::{Chunk, ChunkReader, ChunkWriter, ImageHead, Imaged, Kept, Spaces, SpacesParts};
use crate::index::SegmentFile;
use crate::sealed::Sealed;
use crate::segment::footer::{TRAILER_BYTES, Trailer};
use crate::segment::header::STORE_ID_BYTES;
use crate::segment::writer::Owner;
use crate::shared::Shared;
use crate::vfs::{OpenMode, Vfs};
use relay_proto::ids::SpaceId;
use relay_proto::wire::{Reader, Writer};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Its file's name.
pub(crate) const CHECKPOINT_FILE: &str = "checkpoint";
/// Its name until it is whole.
pub(crate) const CHECKPOINT_NEW_FILE: &str = "checkpoint.new";
const MAGIC: [u8; 8] = *b"SRCHKPT2";
const END: [u8; 8] = *b"SRCHKEND";
/// Spaces whose ids are taken at once.
const PAGE_SPACES: usize = 4096;
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
    spaces: Vec<Kept>,
}

/// Writes a checkpoint of what is durable now; spaces that are not in memory are loaded from it from then on. No compaction
/// may run meanwhile.
pub(crate) fn write(shared: &Shared) -> io::Result<u64> {
    if shared.spaces.is_damaged() {
        return Err(io::Error::other("the state of a space cannot be read"));
    }
    let new = shared.data_dir.join(CHECKPOINT_NEW_FILE);
    // One that is left holds places that are still read.
    remove_name(&*shared.vfs, &new)?;
    let written = write_new(shared, &new);
    if written.is_err() {
        let _removed_before_the_next_one = shared.vfs.remove(&new);
    }
    let bytes = written?;
    shared.vfs.rename(&new, &shared.data_dir.join(CHECKPOINT_FILE))?;
    shared.vfs.sync_dir(&shared.data_dir)?;
    Ok(bytes)
}

fn write_new(shared: &Shared, new: &Path) -> io::Result<u64> {
    // Segments first: what is sealed later is not named, and is replayed.
    let sealed = shared.sealed.list();
    let mut out =
        Out { file: ChunkWriter::new(shared.vfs.open(new, OpenMode::Create)?), moves: Vec::new(), spaces: 0, shared };
    out.file.chunk(head(shared, &sealed).as_slice())?;
    let mut page = shared.spaces.page_kept(None, PAGE_SPACES);
    while let Some(last) = page.last().copied() {
        page.into_iter().try_for_each(|id| out.space(id))?;
        // One that is founded meanwhile may be missed: its first record is in no segment that is named.
        page = shared.spaces.page_kept(Some(last), PAGE_SPACES);
    }
    out.end()?;
    out.move_spaces();
    out.file.file().sync_data()?;
    Ok(out.file.bytes())
}

fn head(shared: &Shared, sealed: &[Sealed]) -> Writer {
    let mut w = Writer::new();
    w.raw(MAGIC).raw(shared.owner.store_id.0).raw(shared.owner.log_id).u64(shared.meta.durable_group());
    w.count_u32(sealed.len());
    for segment in sealed {
        w.u64(segment.file.segment).raw(segment.trailer.encode()).u64(segment.dead_rows);
    }
    w
}

/// A checkpoint in the making.
struct Out<'a> {
    file: ChunkWriter,
    /// Cold spaces whose images are buffered: where they are, and where they will be.
    moves: Vec<(SpaceId, Chunk, Chunk)>,
    spaces: usize,
    shared: &'a Shared,
}

impl Out<'_> {
    fn space(&mut self, id: SpaceId) -> io::Result<()> {
        let spaces = &self.shared.spaces;
        for _ in 0..STATE_TRIES {
            let unreadable = |_| io::Error::other("the state of a space cannot be read");
            match spaces.image(id).map_err(unreadable)? {
                None => return Ok(()),
                Some(Imaged::Busy) => {}
                Some(Imaged::Cold(image, from)) => {
                    let to = self.file.chunk(&image)?;
                    self.spaces += 1;
                    self.moves.push((id, from, to));
                    if self.file.is_flushed() {
                        self.move_spaces();
                    }
                    return Ok(());
                }
                Some(Imaged::Resident(image, space)) => {
                    space.keep_image(self.file.chunk(image.as_slice())?);
                    self.spaces += 1;
                    return Ok(());
                }
            }
            self.shared.writable().map_err(io::Error::other)?;
            std::thread::sleep(STATE_PAUSE);
        }
        Err(io::Error::other("a space was never quiet"))
    }

    /// Says how many there are; without that a file is not whole.
    fn end(&mut self) -> io::Result<()> {
        let mut w = Writer::new();
        w.raw(END).count_u32(self.spaces);
        self.file.chunk(w.as_slice())?;
        self.file.flush()
    }

    fn move_spaces(&mut self) {
        self.shared.spaces.moved(self.moves.drain(..));
    }
}

fn remove_name(vfs: &dyn Vfs, path: &Path) -> io::Result<()> {
    match vfs.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a checkpoint, and what is left of making one: it could be newer than a log that was restored. Until the directory is
/// synced, which a start does before it mends the log, a power cut may bring it back; where segments were overwritten
/// meanwhile, it names trailers that are gone and is not used.
pub(crate) fn remove(vfs: &dyn Vfs, data_dir: &Path) -> io::Result<()> {
    for name in [CHECKPOINT_FILE, CHECKPOINT_NEW_FILE] {
        remove_name(vfs, &data_dir.join(name))?;
    }
    Ok(())
}

impl Checkpoint {
    /// Reads the checkpoint of a directory; `None` when there is none, or it is not whole, or not of this store.
    pub(crate) fn read(vfs: &dyn Vfs, data_dir: &Path, owner: &Owner) -> Option<Self> {
        let file = vfs.open(&data_dir.join(CHECKPOINT_FILE), OpenMode::Read).ok()?;
        let mut chunks = ChunkReader::new(file).ok()?;
        let (_, (durable_group, segments)) = chunks.next(|head| read_head(head, owner))?;
        let mut spaces = Vec::new();
        loop {
            let read = |body: &[u8]| match read_end(body) {
                Some(count) => Some(Err(count)),
                None => ImageHead::read(body, |segment| is_named(&segments, segment)).map(Ok),
            };
            match chunks.next(read)? {
                (chunk, Ok(head)) => spaces.push((chunk, head)),
                (_, Err(count)) => {
                    let is_whole = usize::try_from(count) == Ok(spaces.len());
                    return is_whole.then_some(Self { durable_group, segments, spaces });
                }
            }
        }
    }

    /// The spaces; `files` are the segments of the log. `None` when it is not what it seems to be.
    pub(crate) fn spaces(self, parts: SpacesParts, files: &[Arc<SegmentFile>]) -> Option<Spaces> {
        Spaces::of_checkpoint(parts, self.spaces, files, |segment| is_named(&self.segments, segment))
    }
}

fn is_named(segments: &[NamedSegment], segment: u64) -> bool {
    segments.binary_search_by_key(&segment, |named| named.segment).is_ok()
}

/// The number of spaces, when this is the last chunk.
fn read_end(body: &[u8]) -> Option<u32> {
    let count = body.strip_prefix(&END)?;
    count.try_into().ok().map(u32::from_be_bytes)
}

/// The newest durable group, and the segments.
fn read_head(head: &[u8], owner: &Owner) -> Option<(u64, Vec<NamedSegment>)> {
    let mut r = Reader::borrowed(head);
    let magic: [u8; 8] = r.array().ok()?;
    let store_id: [u8; STORE_ID_BYTES] = r.array().ok()?;
    if magic != MAGIC || store_id != owner.store_id.0 || r.id().ok() != Some(owner.log_id) {
        return None;
    }
    let durable_group = r.bits().ok()?;
    let segments = (0..r.u32().ok()?).map(|_| read_segment(&mut r)).collect::<Option<Vec<_>>>()?;
    Some((durable_group, segments))
}

fn read_segment(r: &mut Reader<'_>) -> Option<NamedSegment> {
    let segment = r.bits().ok()?;
    let trailer: [u8; TRAILER_BYTES] = r.array().ok()?;
    Some(NamedSegment { segment, trailer: Trailer::decode(&trailer)?, dead_rows: r.bits().ok()? })
}
