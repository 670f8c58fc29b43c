//! Sealing a full segment: its footer, and the exchange of rows in memory for it.

use super::SegmentContents;
use crate::index::SegmentFile;
use crate::segment::footer::ROW_BYTES;
use crate::segment::offset_of;
use crate::segment::writer::SegmentWriter;
use crate::shared::Shared;
use relay_proto::ids::SpaceId;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows copied out of a space at a time, while its lock is held.
const ROWS_AT_ONCE: usize = 256;

/// Whether a segment could not be sealed. Later ones are not sealed then either, until the next start: a space's sealed
/// rows all come before its open ones.
#[derive(Debug, Default)]
pub(super) struct Sealing(AtomicBool);

impl Sealing {
    pub(super) fn has_failed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, sealed: bool) {
        self.0.fetch_or(!sealed, Ordering::Relaxed);
    }
}

/// Where the rows of one space are.
struct Run {
    space: SpaceId,
    seq_first: u64,
    count: u64,
}

/// Writes a full segment's footer, and exchanges its rows in memory for it.
pub(super) fn seal(
    shared: &Shared,
    writer: &SegmentWriter,
    full: &Arc<SegmentFile>,
    contents: &SegmentContents,
) -> io::Result<()> {
    let mut footer = writer.footer();
    let mut runs = Vec::new();
    for space in &contents.spaces {
        let mut run = Run { space: *space, seq_first: 0, count: 0 };
        let known = shared.spaces.borrow(*space).map_err(|_| io::Error::other("a space cannot be read"))?;
        let known = known.ok_or_else(|| io::Error::other("a space is gone"))?;
        loop {
            let skip = usize::try_from(run.count).unwrap_or(usize::MAX);
            let rows = known.peek().index.open_part(full.segment, skip, ROWS_AT_ONCE);
            for row in &rows {
                footer.row(row)?;
            }
            if run.count == 0 {
                run.seq_first = rows.first().map_or(0, |row| row.fields.seq);
            }
            run.count += offset_of(rows.len());
            if rows.len() < ROWS_AT_ONCE {
                break;
            }
        }
        runs.push(run);
    }
    let rows: u64 = runs.iter().map(|run| run.count).sum();
    if rows != contents.trailer.rows {
        return Err(io::Error::other("not every row of the segment is in memory"));
    }
    for fact in &contents.facts {
        footer.fact(fact)?;
    }
    let trailer = footer.finish(&contents.trailer)?;
    let sealed_len = full.file.len()?;
    shared.counters.disk_bytes.fetch_add(sealed_len, Ordering::Relaxed);
    shared.counters.disk_bytes.fetch_sub(writer.room_bytes(), Ordering::Relaxed);
    let dead_rows = exchange_rows(shared, full, &runs, trailer.rows_offset)?;
    shared.sealed.add(Arc::clone(full), trailer, sealed_len, dead_rows);
    Ok(())
}

/// Exchanges the rows in memory; returns how many of them are forgotten already.
fn exchange_rows(shared: &Shared, full: &Arc<SegmentFile>, runs: &[Run], rows_offset: u64) -> io::Result<u64> {
    let mut dead_rows = 0;
    let mut offset = rows_offset;
    for run in runs {
        let exchanged = shared.spaces.edit(run.space, None, |state| {
            state.index.seal(full, run.seq_first, run.count, offset);
            state.ledger.floor().saturating_sub(run.seq_first).min(run.count)
        });
        let dead = exchanged.map_err(|_| io::Error::other("a space cannot be read"))?;
        dead_rows += dead.unwrap_or(0);
        offset += run.count * offset_of(ROW_BYTES);
    }
    Ok(dead_rows)
}
