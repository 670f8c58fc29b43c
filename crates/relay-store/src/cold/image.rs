//! The image of a space: what a cold space is loaded from, and a chunk of the checkpoint.
//!
//! space [32] · floor u64 · size u64 · marked size u64 · extents u32 × (segment u64 · first seq u64 · rows u64 · offset of the rows u64) ·
//! open u32 × (segment u64 · row as in a footer) · devices u32 × (device [32] · marks u32 × (push_seq u64 · seq u64)) ·
//! heads u16 × (size u64 · head [32]) · state as in a state record.

use crate::index::{Extent, Place, SegmentFile, SpaceIndex};
use crate::segment::footer::{ROW_BYTES, Row};
use crate::segment::state::StateRecord;
use crate::space::{Space, SpaceState};
use bytes::Bytes;
use relay_proto::ids::{DeviceKey, Hash, SpaceId};
use relay_proto::wire::{Reader, Writer};
use std::sync::Arc;

/// Heads kept of those that were attested last, to compare with what devices claim.
const HEADS_MAX: usize = 16;

/// The image of a space; `None` while a commit group holds more of it that is not durable yet.
pub(super) fn encode(state: &SpaceState) -> Option<Writer> {
    let record = state.record()?;
    let mut w = Writer::new();
    w.raw(record.space()).u64(record.ledger.floor).u64(record.ledger.size).u64(state.index.marked_size());
    state.index.write(&mut w);
    let heads: Vec<_> =
        state.ledger.attested_heads(HEADS_MAX).filter(|(size, _)| *size <= record.ledger.size).collect();
    w.count_u16(heads.len());
    for (size, head) in heads {
        w.u64(size).raw(head);
    }
    record.write(&mut w);
    Some(w)
}

/// What an image says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageHead {
    pub(crate) space: SpaceId,
    pub(crate) floor: u64,
    /// Whether the segments that are named hold every entry from the floor to the size.
    pub(crate) is_complete: bool,
}

impl ImageHead {
    /// Reads it; `is_named` says which segments are.
    pub(crate) fn read(image: &[u8], is_named: impl Fn(u64) -> bool) -> Option<Self> {
        let mut r = Reader::borrowed(image);
        let (space, floor, size) = (r.id().ok()?, r.bits().ok()?, r.bits().ok()?);
        let _marked_size = r.bits().ok()?;
        let (mut next, mut all_named) = (floor, true);
        for _ in 0..r.u32().ok()? {
            let (segment, seq_first, count) = (r.bits().ok()?, r.bits().ok()?, r.bits().ok()?);
            let _rows_offset = r.bits().ok()?;
            all_named &= is_named(segment);
            if seq_first <= next {
                next = next.max(seq_first.checked_add(count)?);
            }
        }
        let is_complete = all_named && r.u32().ok()? == 0 && next > size;
        Some(Self { space, floor, is_complete })
    }
}

/// Which entries of an image count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entries {
    /// All of them.
    All,
    /// Those in sealed segments that are known; the others are replayed.
    KnownSealed,
}

/// The space of an image; `None` when it is none, or names a file that is not known.
pub(super) fn decode(image: &Bytes, entries: Entries, file: impl Fn(u64) -> Option<Arc<SegmentFile>>) -> Option<Space> {
    let mut r = Reader::new(image);
    let (space, floor, size): (SpaceId, u64, u64) = (r.id().ok()?, r.bits().ok()?, r.bits().ok()?);
    let marked_size = r.bits().ok()?;
    let (mut extents, mut open) = (Vec::new(), Vec::new());
    for _ in 0..r.u32().ok()? {
        let found = file(r.bits().ok()?);
        let (seq_first, count, rows_offset) = (r.bits().ok()?, r.bits().ok()?, r.bits().ok()?);
        match found {
            Some(file) => extents.push(Extent { file, seq_first, count, rows_offset }),
            None if entries == Entries::KnownSealed => {}
            None => return None,
        }
    }
    for _ in 0..r.u32().ok()? {
        let (segment, row) = (r.bits().ok()?, Row::decode(r.take(ROW_BYTES).ok()?)?);
        if entries == Entries::All {
            open.push(Place { file: file(segment)?, row });
        }
    }
    let mut marks = Vec::new();
    for _ in 0..r.u32().ok()? {
        let device: DeviceKey = r.id().ok()?;
        let count = r.u32().ok()?;
        let of_device = (0..count).map(|_| Some((r.bits().ok()?, r.bits().ok()?))).collect::<Option<Vec<_>>>()?;
        marks.push((device, of_device));
    }
    let mut heads: Vec<(u64, Hash)> = Vec::new();
    for _ in 0..r.u16().ok()? {
        heads.push((r.bits().ok()?, r.id().ok()?));
    }
    let record = StateRecord::read(&mut r)?;
    r.finish().ok()?;
    if (record.space(), record.ledger.floor, record.ledger.size) != (space, floor, size) {
        return None;
    }
    let known = Space::of_record(record).ok()?;
    let mut state = known.lock();
    state.ledger.remember_heads(heads);
    extents.shrink_to_fit();
    // The marks of a checkpoint are those of all it speaks of; what is replayed of that is not marked again.
    let marked_size = if entries == Entries::KnownSealed { size } else { marked_size };
    state.index.restore(extents, open, marks, marked_size);
    drop(state);
    Some(known)
}

impl SpaceIndex {
    /// Appends where the rows are, and the marks.
    fn write(&self, w: &mut Writer) {
        w.count_u32(self.extents().len());
        for extent in self.extents() {
            w.u64(extent.file.segment).u64(extent.seq_first).u64(extent.count).u64(extent.rows_offset);
        }
        w.count_u32(self.open().len());
        for place in self.open() {
            w.u64(place.file.segment);
            place.row.write(w);
        }
        w.count_u32(self.marks().len());
        for (device, marks) in self.marks().iter() {
            w.raw(*device).count_u32(marks.len());
            marks.iter().for_each(|(push_seq, seq)| {
                w.u64(*push_seq).u64(*seq);
            });
        }
    }
}
