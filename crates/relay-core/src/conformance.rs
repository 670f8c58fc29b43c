//! The contract of [`crate::store::Store`] as a suite: every store runs every case.
//!
//! A case is a sentence of the contract; it gets a fresh store each time and panics when the sentence does not hold. Cases
//! that reopen a store, or make it fail, are skipped for harnesses that cannot.

mod blobs;
mod calls;
mod documents;
mod erasure;
mod forgetting;
mod pushes;
mod reads;
mod restarts;
mod rosters;
mod snapshots;

use crate::store::Store;
use crate::testing::SetClock;
pub use blobs::{BlobHarness, run_blobs};
use calls::Calls;
pub use documents::{DocumentHarness, run_documents};
use std::sync::Arc;

/// One store under test, with the doubles it was given.
pub trait Harness: Send + Sync {
    /// The store.
    fn store(&self) -> Arc<dyn Store>;
    /// The wall clock it reads.
    fn clock(&self) -> &SetClock;
    /// Runs before every call.
    fn before_call(&self) {}
    /// Whether the store keeps spaces in memory between two calls: one that does not has no signed head to show of them once it
    /// signs nothing more.
    fn keeps_in_memory(&self) -> bool {
        true
    }
    /// Closes the store in order and opens it again; `None` when nothing survives.
    fn reopen(&self) -> Option<Arc<dyn Store>> {
        None
    }
    /// Makes the next durable write fail as a broken disk does; `false` when that cannot be done.
    fn break_disk(&self) -> bool {
        false
    }
    /// Fills the disk or makes room again; `false` when that cannot be done.
    fn fill_disk(&self, _full: bool) -> bool {
        false
    }
    /// Restores a backup in which every log had at most this size, in a new log epoch; `None` when that cannot be done.
    fn restore_backup(&self, _size: u64) -> Option<Arc<dyn Store>> {
        None
    }
}

/// One sentence of the contract.
#[derive(Clone, Copy)]
pub struct Case {
    /// The sentence.
    pub name: &'static str,
    check: fn(&Calls),
}

impl Case {
    /// Checks it on a fresh store.
    pub fn run(&self, harness: Box<dyn Harness>) {
        (self.check)(&Calls::new(harness));
    }
}

/// Sentences and their checks.
type Cases = &'static [(&'static str, fn(&Calls))];

/// All cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let groups = [
        pushes::CASES,
        reads::CASES,
        rosters::CASES,
        forgetting::CASES,
        snapshots::CASES,
        restarts::CASES,
        erasure::CASES,
    ];
    groups.iter().flat_map(|group| group.iter()).map(|(name, check)| Case { name, check: *check }).collect()
}

/// Runs every case, each on a store of its own; a failure names its case.
///
/// # Panics
/// When a case does not hold.
pub fn run(make: &dyn Fn() -> Box<dyn Harness>) {
    let mut broken = Vec::new();
    for case in cases() {
        let harness = make();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case.run(harness)));
        if outcome.is_err() {
            broken.push(case.name);
        }
    }
    assert!(broken.is_empty(), "the store breaks its contract: {broken:#?}");
}
