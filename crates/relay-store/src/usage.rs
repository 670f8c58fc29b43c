//! What a space holds, counted from the rows of its index. What was counted once is remembered while the space is in memory, so
//! that asking again reads only the rows of what came and went since.

use crate::damaged_read::Unreadable;
use crate::index::Place;
use crate::reads::sealed_bytes;
use crate::segment::offset_of;
use crate::space::Space;
use relay_core::store::SpaceUsage;

/// Rows read at once.
const ROWS_STEP: u64 = 4096;

/// Entries from a floor to a size, and their sealed bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    floor: u64,
    size: u64,
    bytes: u64,
}

/// Counts what is durable now.
pub(crate) fn of(space: &Space) -> Result<SpaceUsage, Unreadable> {
    let (floor, size, before) = {
        let state = space.lock();
        (state.shown.floor, state.shown.size, state.counted)
    };
    let counted = match before.map(|before| recount(space, before, floor, size)).transpose()?.flatten() {
        Some(counted) => counted,
        None => Counted { floor, size, bytes: bytes_of(space, floor, size + 1)?.0 },
    };
    space.lock().counted = Some(counted);
    Ok(SpaceUsage { size, entries: size + 1 - floor, bytes: counted.bytes })
}

/// What was counted before, with what changed; `None` when that cannot be told, and all is to be counted.
fn recount(space: &Space, before: Counted, floor: u64, size: u64) -> Result<Option<Counted>, Unreadable> {
    if floor < before.floor || size < before.size || floor > before.size + 1 {
        return Ok(None);
    }
    let (gone, rows) = bytes_of(space, before.floor, floor)?;
    if rows < floor - before.floor {
        // Reclaim was there first.
        return Ok(None);
    }
    let (new, _) = bytes_of(space, before.size + 1, size + 1)?;
    Ok(Some(Counted { floor, size, bytes: before.bytes.saturating_sub(gone).saturating_add(new) }))
}

/// Sealed bytes of the rows from `first` to below `end`, and how many rows there were.
fn bytes_of(space: &Space, first: u64, end: u64) -> Result<(u64, u64), Unreadable> {
    let (mut bytes, mut rows, mut next) = (0_u64, 0_u64, first);
    while next < end {
        let count = ROWS_STEP.min(end - next);
        let plan = space.lock().index.plan(next, count);
        let places = plan.read()?;
        rows += offset_of(places.len());
        bytes = places.iter().map(|Place { row, .. }| sealed_bytes(row)).fold(bytes, u64::saturating_add);
        next += count;
    }
    Ok((bytes, rows))
}
