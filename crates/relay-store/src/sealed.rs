//! Which segments are sealed, how large they are, and how much of each is forgotten: what reclaim chooses by.
//!
//! The forgotten rows are counted when floors rise. The count only guides the choice: what is dropped is decided row by row.

use crate::index::SegmentFile;
use crate::segment::footer::Trailer;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One sealed segment.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) file: Arc<SegmentFile>,
    pub(crate) trailer: Trailer,
    /// Length of the file, in bytes.
    pub(crate) bytes: u64,
    /// Rows below the floors of their spaces.
    pub(crate) dead_rows: u64,
    /// A damaged record keeps it from being compacted.
    pub(crate) stuck: bool,
}

impl Sealed {
    /// Bytes that go when it is compacted, about.
    pub(crate) fn dead_bytes(&self) -> u64 {
        if self.trailer.rows == 0 {
            return 0;
        }
        let share = u128::from(self.bytes) * u128::from(self.dead_rows.min(self.trailer.rows));
        u64::try_from(share / u128::from(self.trailer.rows)).unwrap_or(u64::MAX)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SealedSegments(Mutex<BTreeMap<u64, Sealed>>);

impl SealedSegments {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Sealed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one, or puts it in the place of what had its number.
    pub(crate) fn add(&self, file: Arc<SegmentFile>, trailer: Trailer, bytes: u64, dead_rows: u64) {
        let number = file.segment;
        self.lock().insert(number, Sealed { file, trailer, bytes, dead_rows, stuck: false });
    }

    pub(crate) fn remove(&self, number: u64) {
        self.lock().remove(&number);
    }

    /// Counts rows of a segment that were forgotten; of one that is not sealed they are counted when it is.
    pub(crate) fn forget(&self, number: u64, rows: u64) {
        if let Some(sealed) = self.lock().get_mut(&number) {
            sealed.dead_rows = sealed.dead_rows.saturating_add(rows);
        }
    }

    /// Notes the trailer of a segment in which rows were made to name nothing.
    pub(crate) fn scrubbed(&self, number: u64, trailer: Trailer, blank_rows: u64) {
        if let Some(sealed) = self.lock().get_mut(&number) {
            sealed.trailer = trailer;
            sealed.dead_rows = sealed.dead_rows.saturating_add(blank_rows);
        }
    }

    pub(crate) fn mark_stuck(&self, numbers: &[u64]) {
        let mut sealed = self.lock();
        numbers.iter().for_each(|number| {
            if let Some(sealed) = sealed.get_mut(number) {
                sealed.stuck = true;
            }
        });
    }

    /// All of them, ascending.
    pub(crate) fn list(&self) -> Vec<Sealed> {
        self.lock().values().cloned().collect()
    }
}
