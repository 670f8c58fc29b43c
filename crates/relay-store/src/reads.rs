//! Reading entries and leaves: planned under the space's lock, read and checked without it.

use crate::damaged_read::Unreadable;
use crate::index::Place;
use crate::leaves::LeafFiles;
use crate::segment::footer::Row;
use crate::segment::record::{ENTRY_FIELD_BYTES, record_bytes};
use crate::segment::{length_of, offset_of, reader};
use crate::space::Space;
use bytes::Bytes;
use relay_core::store::{Page, ReadOutcome, StoredEntry};
use relay_proto::ids::Hash;

/// Bytes of adjacent records read at once.
const RUN_BYTES_MAX: usize = 1024 * 1024;
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
    let (plan, size, attestation) = {
        let state = space.lock();
        let size = state.shown.size;
        let count = u64::from(entries_max).min(size.saturating_sub(after)).min(ROWS_MAX);
        (state.index.plan(after + 1, count), size, state.shown.attestation.clone())
    };
    let mut places = plan.read()?;
    // Rows below the floor may have gone meanwhile; what is left is no page then.
    if places.first().is_none_or(|first| first.row.fields.seq != after + 1) {
        let below = outcome_now(space, after).filter(|outcome| matches!(outcome, ReadOutcome::BelowFloor { .. }));
        return below.ok_or_else(Unreadable::missing_row);
    }
    cut(&mut places, bytes_max);
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

/// Cuts what is over the limit of bytes, but never the first.
fn cut(places: &mut Vec<Place>, bytes_max: u32) {
    let mut bytes = 0_u64;
    let sealed = |row: &Row| u64::from(row.body_len).saturating_sub(offset_of(ENTRY_FIELD_BYTES));
    let fitting = places.iter().take_while(|place| {
        bytes += sealed(&place.row);
        bytes <= u64::from(bytes_max)
    });
    let count = fitting.count().max(1);
    places.truncate(count);
}

fn read_entries(places: &[Place], entries: &mut Vec<StoredEntry>) -> Result<(), Unreadable> {
    let adjacent = |a: &Place, b: &Place| a.file.segment == b.file.segment && record_end(&a.row) == b.row.offset;
    for run in places.chunk_by(adjacent) {
        let mut rest = run;
        while let Some(first) = rest.first() {
            let within = |place: &&Place| record_end(&place.row) - first.row.offset <= offset_of(RUN_BYTES_MAX);
            let count = rest.iter().take_while(within).count().max(1);
            let (now, later) = rest.split_at(count);
            read_run(now, entries)?;
            rest = later;
        }
    }
    Ok(())
}

fn record_end(row: &Row) -> u64 {
    row.offset + offset_of(record_bytes(length_of(u64::from(row.body_len))))
}

fn read_run(run: &[Place], entries: &mut Vec<StoredEntry>) -> Result<(), Unreadable> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
    let damaged = |row: &Row| Unreadable::entry(&first.file, row.offset);
    let start = first.row.offset;
    let mut buffer = vec![0; length_of(record_end(&last.row) - start)];
    first.file.file.read_exact_at(&mut buffer, start).map_err(|_| damaged(&first.row))?;
    let buffer = Bytes::from(buffer);
    for place in run {
        let record = buffer.slice(length_of(place.row.offset - start)..length_of(record_end(&place.row) - start));
        let (fields, sealed) = reader::sealed_of(&place.row, &record).ok_or_else(|| damaged(&place.row))?;
        let (device, push_seq, key_epoch) = (fields.device, fields.push_seq, fields.key_epoch);
        entries.push(StoredEntry { device, push_seq, key_epoch, id: fields.id, sealed });
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
