//! Reading entries and leaves: planned under the space's lock, read and checked without it.

use crate::damaged_read::Unreadable;
use crate::index::Place;
use crate::leaves::LeafFiles;
use crate::segment::footer::Row;
use crate::segment::record::{ENTRY_FIELD_BYTES, EntryFields, record_bytes};
use crate::segment::{length_of, offset_of, reader};
use crate::space::Space;
use bytes::Bytes;
use relay_core::store::{Page, ReadOutcome, StoredEntry};
use relay_proto::ids::Hash;

/// Bytes of neighbouring records read at once.
const RUN_BYTES_MAX: usize = 1024 * 1024;
/// Bytes between two records that are read along with them, rather than the two one by one.
const RUN_GAP_BYTES_MAX: u64 = 4096;
/// Rows looked up at once.
const ROWS_STEP: u64 = 256;
/// Most entries or leaves of one call; a caller that wants more asks again.
const ROWS_MAX: u64 = 65_536;

/// What can be said without reading.
pub(crate) fn outcome_now(space: &Space, after: u64) -> Option<ReadOutcome> {
    let state = space.lock();
    let (size, floor) = (state.shown.size, state.shown.floor);
    let attestation = state.shown.attestation.clone();
    if after > size {
        return Some(ReadOutcome::Ahead);
    }
    if after + 1 < floor {
        return Some(ReadOutcome::BelowFloor { attestation });
    }
    let empty = Page { first_seq: after + 1, entries: Vec::new(), more: false, attestation };
    (after == size).then_some(ReadOutcome::Page(empty))
}

/// Reads a page after a cursor that is inside the log.
pub(crate) fn page(space: &Space, after: u64, entries_max: u32, bytes_max: u32) -> Result<ReadOutcome, Unreadable> {
    let (size, attestation) = {
        let state = space.lock();
        (state.shown.size, state.shown.attestation.clone())
    };
    let count = u64::from(entries_max).min(size.saturating_sub(after)).min(ROWS_MAX);
    let places = places(space, after, count, bytes_max)?;
    // Rows below the floor may have gone meanwhile; what is left is no page then.
    if places.is_empty() {
        let below = outcome_now(space, after).filter(|outcome| matches!(outcome, ReadOutcome::BelowFloor { .. }));
        return below.ok_or_else(Unreadable::missing_row);
    }
    let mut entries = Vec::with_capacity(places.len());
    match read_entries(&places, &mut entries) {
        // What is before a damaged entry is still a page; the damage is the answer to whoever asks for the entry itself.
        Err(_) if !entries.is_empty() => {}
        // What was purged meanwhile is not damaged.
        Err(unreadable) => {
            let below = outcome_now(space, after).filter(|outcome| matches!(outcome, ReadOutcome::BelowFloor { .. }));
            return below.ok_or(unreadable);
        }
        Ok(()) => {}
    }
    // The floor may have risen meanwhile: what is below it is never returned.
    if let Some(outcome) = outcome_now(space, after).filter(|outcome| matches!(outcome, ReadOutcome::BelowFloor { .. }))
    {
        return Ok(outcome);
    }
    let read = offset_of(entries.len());
    Ok(ReadOutcome::Page(Page { first_seq: after + 1, more: after + read < size, entries, attestation }))
}

/// The places of the entries after a cursor, up to the limit of bytes, but at least one; a few rows at a time, because how
/// many entries fit a page shows only in their rows. None when the first row is gone.
fn places(space: &Space, after: u64, count: u64, bytes_max: u32) -> Result<Vec<Place>, Unreadable> {
    let mut places: Vec<Place> = Vec::new();
    let mut bytes = 0;
    while offset_of(places.len()) < count {
        let held = offset_of(places.len());
        let first_seq = after + held + 1;
        let plan = space.lock().index.plan(first_seq, ROWS_STEP.min(count - held));
        let more = match plan.read() {
            // As with damaged entries: what comes before is still a page.
            Err(_) if held > 0 => break,
            other => other?,
        };
        if more.first().is_none_or(|first| first.row.fields.seq != first_seq) {
            break;
        }
        for place in more {
            bytes += sealed_bytes(&place.row);
            if bytes > u64::from(bytes_max) && !places.is_empty() {
                return Ok(places);
            }
            places.push(place);
        }
    }
    Ok(places)
}

pub(crate) fn sealed_bytes(row: &Row) -> u64 {
    u64::from(row.body_len).saturating_sub(offset_of(ENTRY_FIELD_BYTES))
}

/// Reads what the places name, neighbours at once. After an error, what was read before it is there.
fn read_entries(places: &[Place], entries: &mut Vec<StoredEntry>) -> Result<(), Unreadable> {
    let mut rest = places;
    while let Some(first) = rest.first() {
        let (run, later) = rest.split_at(run_length(first, rest));
        match read_run(run, entries) {
            // What lies between the records is of no concern to this space, and neither is whether it can be read.
            Err(Failed::Read) if run.len() > 1 => {
                run.iter()
                    .try_for_each(|place| read_run(std::slice::from_ref(place), entries).map_err(|_| damaged(place)))?;
            }
            Err(Failed::Read) => return Err(damaged(first)),
            Err(Failed::Record(unreadable)) => return Err(unreadable),
            Ok(()) => {}
        }
        rest = later;
    }
    Ok(())
}

/// How many of the places, from the first on, are read at once: those in ascending order in one file, close to each other.
fn run_length(first: &Place, places: &[Place]) -> usize {
    let mut end = first.row.offset;
    let joins = |place: &&Place| {
        let gap = place.row.offset.checked_sub(end);
        end = record_end(&place.row);
        place.file.segment == first.file.segment
            && gap.is_some_and(|gap| gap <= RUN_GAP_BYTES_MAX)
            && end - first.row.offset <= offset_of(RUN_BYTES_MAX)
    };
    places.iter().take_while(joins).count().max(1)
}

fn record_end(row: &Row) -> u64 {
    row.offset + offset_of(record_bytes(length_of(u64::from(row.body_len))))
}

fn damaged(place: &Place) -> Unreadable {
    Unreadable::entry(&place.file, place.row.offset)
}

/// Why a run was not read.
enum Failed {
    /// The file system.
    Read,
    /// A record that is not what its row says.
    Record(Unreadable),
}

fn read_run(run: &[Place], entries: &mut Vec<StoredEntry>) -> Result<(), Failed> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
    let start = first.row.offset;
    let mut buffer = Vec::new();
    let bytes = length_of(record_end(&last.row) - start);
    first.file.file.append_exact_at(&mut buffer, bytes, start).map_err(|_| Failed::Read)?;
    let buffer = Bytes::from(buffer);
    for place in run {
        let at = length_of(place.row.offset - start);
        let record = buffer.get(at..length_of(record_end(&place.row) - start)).unwrap_or_default();
        let sealed = reader::sealed_in(&place.row, record).ok_or_else(|| Failed::Record(damaged(place)))?;
        let EntryFields { device, push_seq, key_epoch, id, .. } = place.row.fields;
        let sealed = buffer.slice(at + sealed.start..at + sealed.end);
        entries.push(StoredEntry { device, push_seq, key_epoch, id, sealed });
    }
    Ok(())
}

/// Leaves from `first_seq` on, up to the first that is not known any more.
pub(crate) fn leaves(files: &LeafFiles, space: &Space, first_seq: u64, count: u32) -> Result<Vec<Hash>, Unreadable> {
    let (plan, count) = {
        let state = space.lock();
        let held = state.shown.size.saturating_add(1).saturating_sub(first_seq);
        if first_seq == 0 || held == 0 {
            return Ok(Vec::new());
        }
        let count = u64::from(count).min(held).min(ROWS_MAX);
        (state.index.plan(first_seq, count), count)
    };
    let mut known = vec![None; length_of(count)];
    for place in plan.read()? {
        let at = place.row.fields.seq.checked_sub(first_seq);
        if let Some(leaf) = at.and_then(|at| known.get_mut(length_of(at))) {
            *leaf = Some(place.row.leaf());
        }
    }
    if known.iter().any(Option::is_none) {
        let _not_whole = files.fill(space.id, first_seq, &mut known);
    }
    Ok(known.into_iter().map_while(|leaf| leaf).collect())
}
