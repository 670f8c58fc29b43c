//! Where the entries of one space are: rows of segments that are still open in memory, extents of sealed ones, whose rows
//! are read from their footers when they are wanted.
//!
//! Invariant: extents and open rows are in seq order and cover the seqs from the floor to the size without gaps. Below the
//! floor there are gaps where reclaim dropped what was forgotten.

use crate::damaged_read::Unreadable;
use crate::segment::footer::{ROW_BYTES, Row};
use crate::segment::offset_of;
use crate::segment::record::EntryFields;
use crate::vfs::SharedFile;
use relay_core::flat_map::FlatMap;
use relay_core::ledger::Held;
use relay_proto::ids::DeviceKey;
use std::collections::VecDeque;
use std::sync::Arc;

/// Seqs after which a device gets another mark: as many rows are looked at, at most, to find a push_seq.
const MARK_SEQS: u64 = 64;

/// Up to so many extents a space's memory grows by one at a time; most have a few.
const EXTENTS_BY_ONE_MAX: usize = 8;

/// A segment's file, shared by everything that names a place in it.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    /// Its number.
    pub(crate) segment: u64,
    /// The file.
    pub(crate) file: SharedFile,
}

/// A run of one space's entries in a sealed segment.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) file: Arc<SegmentFile>,
    pub(crate) seq_first: u64,
    pub(crate) count: u64,
    /// Where the run's first row is in the file, in bytes.
    pub(crate) rows_offset: u64,
}

/// An entry's place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The segment it is in.
    pub(crate) file: Arc<SegmentFile>,
    /// The row that names it.
    pub(crate) row: Row,
}

/// Rows to be read, taken under the space's lock and read without it.
#[derive(Debug, Default)]
pub(crate) struct RowPlan {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Sealed { extent: Extent, skip: u64, count: u64 },
    Open(Vec<Place>),
}

/// The index of one space.
#[derive(Debug, Default)]
pub(crate) struct SpaceIndex {
    sealed: Vec<Extent>,
    open: VecDeque<Place>,
    marks: FlatMap<DeviceKey, Vec<(u64, u64)>>,
    /// The highest push_seq of each device whose row was dropped.
    forgotten: FlatMap<DeviceKey, u64>,
    /// Up to here the marks came from an image.
    marked_size: u64,
}

impl SpaceIndex {
    /// Adds the entry with the next seq, in a segment that is open.
    pub(crate) fn add(&mut self, place: Place) {
        self.mark(&place.row);
        self.open.push_back(place);
    }

    /// Adds a device's entries with the next seqs, in a segment that is open; the device is looked up once for all of them.
    pub(crate) fn add_run(&mut self, device: DeviceKey, places: impl Iterator<Item = Place>) {
        let Self { open, marks, marked_size, .. } = self;
        marks.update(device, Vec::new(), |marks| {
            for place in places {
                add_mark(marks, &place.row, *marked_size);
                open.push_back(place);
            }
        });
    }

    /// Adds what a sealed segment's footer says, rows of consecutive seqs.
    pub(crate) fn add_sealed(&mut self, file: &Arc<SegmentFile>, rows: &[Row], rows_offset: u64) {
        rows.iter().for_each(|row| self.mark(row));
        let seq_first = rows.first().map_or(0, |row| row.fields.seq);
        self.push_extent(file, seq_first, offset_of(rows.len()), rows_offset);
    }

    /// Up to `count` rows of a segment that is open in memory, behind the first `skip` of them.
    pub(crate) fn open_part(&self, segment: u64, skip: usize, count: usize) -> Vec<Row> {
        let first = self.open.partition_point(|place| place.file.segment < segment);
        let rows = self.open.range(first.saturating_add(skip).min(self.open.len())..);
        rows.take(count).take_while(|place| place.file.segment == segment).map(|place| place.row).collect()
    }

    /// Exchanges the open rows of a segment for its footer's, which are the same.
    pub(crate) fn seal(&mut self, file: &Arc<SegmentFile>, seq_first: u64, count: u64, rows_offset: u64) {
        while self.open.front().is_some_and(|place| place.file.segment == file.segment) {
            self.open.pop_front();
        }
        self.push_extent(file, seq_first, count, rows_offset);
    }

    /// What is in sealed segments.
    pub(crate) fn extents(&self) -> &[Extent] {
        &self.sealed
    }

    /// What is in segments that are not sealed.
    pub(crate) fn open(&self) -> impl ExactSizeIterator<Item = &Place> {
        self.open.iter()
    }

    pub(crate) const fn marks(&self) -> &FlatMap<DeviceKey, Vec<(u64, u64)>> {
        &self.marks
    }

    /// The files its places are in; one may come more than once.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<SegmentFile>> {
        let files = self.sealed.iter().map(|extent| &extent.file).chain(self.open.iter().map(|place| &place.file));
        let mut before = None;
        files.filter(move |file| before.replace(file.segment) != Some(file.segment))
    }

    /// Up to here the marks were there before the rows.
    pub(crate) const fn marked_size(&self) -> u64 {
        self.marked_size
    }

    /// Puts in what an image had, with marks up to `marked_size`.
    pub(crate) fn restore(
        &mut self,
        extents: Vec<Extent>,
        open: Vec<Place>,
        marks: impl IntoIterator<Item = (DeviceKey, Vec<(u64, u64)>)>,
        marked_size: u64,
    ) {
        self.sealed = extents;
        self.open = open.into();
        self.marks = marks.into_iter().collect();
        self.marked_size = marked_size;
    }

    fn push_extent(&mut self, file: &Arc<SegmentFile>, seq_first: u64, count: u64, rows_offset: u64) {
        if count > 0 {
            if self.sealed.len() < EXTENTS_BY_ONE_MAX {
                self.sealed.reserve_exact(1);
            }
            self.sealed.push(Extent { file: Arc::clone(file), seq_first, count, rows_offset });
        }
    }

    fn mark(&mut self, row: &Row) {
        if row.fields.seq > self.marked_size {
            self.marks.update(row.fields.device, Vec::new(), |marks| add_mark(marks, row, self.marked_size));
        }
    }

    /// What has to be read for `count` rows from `seq_first` on; fewer when the log ends before.
    pub(crate) fn plan(&self, seq_first: u64, count: u64) -> RowPlan {
        let mut plan = RowPlan::default();
        let end = seq_first.saturating_add(count);
        let mut next = seq_first;
        let start = self.sealed.partition_point(|extent| extent.seq_first + extent.count <= seq_first);
        for extent in self.sealed.iter().skip(start) {
            if next < extent.seq_first {
                // Dropped rows leave a gap below the floor, and a segment that could not be sealed has its rows in memory.
                plan.parts.push(Part::Open(self.open_rows(next, end.min(extent.seq_first))));
                next = extent.seq_first;
            }
            if next >= end {
                break;
            }
            let skip = next - extent.seq_first;
            let taken = (extent.count - skip).min(end - next);
            plan.parts.push(Part::Sealed { extent: extent.clone(), skip, count: taken });
            next += taken;
        }
        if next < end {
            plan.parts.push(Part::Open(self.open_rows(next, end)));
        }
        plan
    }

    fn open_rows(&self, from: u64, end: u64) -> Vec<Place> {
        let first = self.open.front().map_or(u64::MAX, |place| place.row.fields.seq);
        let from = from.max(first);
        if from >= end {
            return Vec::new();
        }
        let skip = usize::try_from(from - first).unwrap_or(usize::MAX);
        let count = usize::try_from(end - from).unwrap_or(usize::MAX);
        self.open.iter().skip(skip).take(count).cloned().collect()
    }

    /// What is known about a device's push_seq.
    pub(crate) fn find(&self, device: DeviceKey, push_seq: u64) -> Result<Held, Unreadable> {
        let dropped = self.forgotten.get(&device).is_some_and(|high| push_seq <= *high);
        let unknown = if dropped { Held::Forgotten } else { Held::Unknown };
        let Some(marks) = self.marks.get(&device) else {
            return Ok(unknown);
        };
        let after = marks.partition_point(|(marked, _)| *marked <= push_seq);
        let Some((_, seq)) = after.checked_sub(1).and_then(|index| marks.get(index)) else {
            return Ok(unknown);
        };
        let places = self.plan(*seq, MARK_SEQS).read()?;
        let hit =
            places.iter().find(|place| place.row.fields.device == device && place.row.fields.push_seq == push_seq);
        Ok(hit.map_or(unknown, |place| Held::At { seq: place.row.fields.seq, id: place.row.fields.id }))
    }

    /// Exchanges what it has of some sealed segments for the rows that are left of them in `file`.
    pub(crate) fn compact(&mut self, victims: &[u64], file: &Arc<SegmentFile>, rows: &[Row], rows_offset: u64) {
        self.sealed.retain(|extent| !victims.contains(&extent.file.segment));
        if let Some(first) = rows.first() {
            let (seq_first, count) = (first.fields.seq, offset_of(rows.len()));
            let at = self.sealed.partition_point(|extent| extent.seq_first < seq_first);
            self.sealed.insert(at, Extent { file: Arc::clone(file), seq_first, count, rows_offset });
        }
        self.drop_marks();
    }

    /// Drops marks that lead to nothing any more; one below the first row held may lead to rows behind it.
    fn drop_marks(&mut self) {
        let first = self.first_seq();
        for marks in self.marks.values_mut() {
            let dead = marks.partition_point(|(_, seq)| seq.saturating_add(MARK_SEQS) <= first);
            marks.drain(..dead);
        }
        self.marks.retain(|_, marks| !marks.is_empty());
    }

    /// Notes that the row of a device's push was dropped.
    pub(crate) fn forget(&mut self, device: DeviceKey, push_seq: u64) {
        self.forgotten.update(device, push_seq, |high| *high = push_seq.max(*high));
    }

    /// The highest dropped push_seq of a device (0: none).
    pub(crate) fn forgotten(&self, device: DeviceKey) -> u64 {
        self.forgotten.get(&device).copied().unwrap_or(0)
    }

    /// seq of the first row held; above every seq when there is none.
    fn first_seq(&self) -> u64 {
        let sealed = self.sealed.first().map_or(u64::MAX, |extent| extent.seq_first);
        self.open.front().map_or(sealed, |place| place.row.fields.seq.min(sealed))
    }

    /// Whether every seq from `floor` to `size` has its row.
    pub(crate) fn covers(&self, floor: u64, size: u64) -> bool {
        let mut next = floor;
        for extent in &self.sealed {
            let end = extent.seq_first + extent.count;
            if extent.seq_first <= next {
                next = next.max(end);
            }
        }
        for place in &self.open {
            if place.row.fields.seq == next {
                next += 1;
            }
        }
        next > size
    }

    /// How many rows with seqs from `from` to below `to` each sealed segment has.
    pub(crate) fn sealed_rows(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.sealed.iter().filter_map(move |extent| {
            let (first, end) = (extent.seq_first.max(from), (extent.seq_first + extent.count).min(to));
            (first < end).then(|| (extent.file.segment, end - first))
        })
    }
}

/// Marks a row of a device when that is due; those up to `marked_size` are marked.
fn add_mark(marks: &mut Vec<(u64, u64)>, row: &Row, marked_size: u64) {
    let EntryFields { seq, push_seq, .. } = row.fields;
    let is_due = |(last, at): &(u64, u64)| seq >= at + MARK_SEQS || push_seq <= *last;
    if seq > marked_size && marks.last().is_none_or(is_due) {
        marks.push((push_seq, seq));
    }
}

impl RowPlan {
    /// Reads the rows.
    pub(crate) fn read(self) -> Result<Vec<Place>, Unreadable> {
        let mut places = Vec::new();
        for part in self.parts {
            match part {
                Part::Open(open) => places.extend(open),
                Part::Sealed { extent, skip, count } => read_rows(&extent, skip, count, &mut places)?,
            }
        }
        Ok(places)
    }
}

fn read_rows(extent: &Extent, skip: u64, count: u64, places: &mut Vec<Place>) -> Result<(), Unreadable> {
    let at = extent.rows_offset + skip * offset_of(ROW_BYTES);
    let wrong = || Unreadable::footer(&extent.file, at);
    let bytes = usize::try_from(count).ok().and_then(|count| count.checked_mul(ROW_BYTES)).ok_or_else(wrong)?;
    let mut buffer = vec![0; bytes];
    extent.file.file.read_exact_at(&mut buffer, at).map_err(|_| wrong())?;
    for (chunk, seq) in buffer.chunks_exact(ROW_BYTES).zip(extent.seq_first + skip..) {
        let row = Row::decode(chunk).filter(|row| row.fields.seq == seq).ok_or_else(wrong)?;
        places.push(Place { file: Arc::clone(&extent.file), row });
    }
    Ok(())
}
