//! Which file a segment's number means in an image: after a compaction the number of the first segment means another file
//! than in the images that were written before.

use crate::index::SegmentFile;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one number means: each file with the compaction from which on it does, ascending.
type OfNumber = Vec<(u32, Arc<SegmentFile>)>;

/// What the numbers mean that images name.
#[derive(Debug, Default)]
pub(super) struct SegmentFiles(Mutex<BTreeMap<u64, OfNumber>>);

impl SegmentFiles {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, OfNumber>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a file known by its number, unless the number is.
    pub(super) fn note(&self, file: &Arc<SegmentFile>) {
        self.lock().entry(file.segment).or_insert_with(|| vec![(0, Arc::clone(file))]);
    }

    /// From a compaction on the number means this file.
    pub(super) fn replace(&self, file: &Arc<SegmentFile>, from: u32) {
        self.lock().entry(file.segment).or_default().push((from, Arc::clone(file)));
    }

    /// The file that a number meant as of a compaction.
    pub(super) fn find(&self, segment: u64, as_of: u32) -> Option<Arc<SegmentFile>> {
        let files = self.lock();
        let of_number = files.get(&segment)?;
        of_number.iter().rev().find(|(from, _)| *from <= as_of).map(|(_, file)| Arc::clone(file))
    }

    /// Lets go of what numbers meant before a compaction.
    pub(super) fn retire(&self, numbers: &[u64], before: u32) {
        let mut files = self.lock();
        for number in numbers {
            if let Some(of_number) = files.get_mut(number) {
                of_number.retain(|(from, _)| *from >= before);
                if of_number.is_empty() {
                    files.remove(number);
                }
            }
        }
    }
}
