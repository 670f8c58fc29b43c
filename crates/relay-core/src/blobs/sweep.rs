//! When blobs expire. The clock guard of the forgetting sweep holds here too: a wrong clock must not forget everything.

use super::store::{BlobStore, Expiry};
use crate::endpoint::Moment;
use crate::environment::WallClock;
use crate::limits::BLOB_SWEEP_MS;
use crate::relay::SweepGuard;
use relay_proto::limits::BLOB_RESUME_MS;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// See the module.
pub(super) struct BlobSweep {
    store: Arc<dyn BlobStore>,
    wall_clock: Arc<dyn WallClock>,
    retention_ms: u64,
    guard: SweepGuard,
    due: Mutex<Moment>,
    running: Arc<AtomicBool>,
}

impl BlobSweep {
    pub(super) fn new(store: Arc<dyn BlobStore>, wall_clock: Arc<dyn WallClock>, retention_ms: u64) -> Self {
        let due = Mutex::new(Moment::default());
        Self { store, wall_clock, retention_ms, guard: SweepGuard::default(), due, running: Arc::default() }
    }

    /// Sweeps when it is time and no sweep is under way.
    pub(super) fn run(&self, now: Moment) {
        let now_ms = self.wall_clock.now_ms();
        let may_forget = self.guard.permits(now, now_ms);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if now < *due || self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        *due = Moment(now.0 + Duration::from_millis(BLOB_SWEEP_MS));
        drop(due);
        let running = Arc::clone(&self.running);
        let retention_ms = may_forget.then_some(self.retention_ms);
        let expiry = Expiry { now_ms, retention_ms, resume_ms: if may_forget { BLOB_RESUME_MS } else { u64::MAX } };
        // A sweep that failed is tried again at the next turn; the store counts what went.
        self.store.blob_sweep(expiry, Box::new(move |_swept| running.store(false, Ordering::Release)));
    }
}
