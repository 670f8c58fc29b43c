//! Spaces for which calls wait until they are loaded. What comes later for such a space waits behind them, so that calls for
//! one space take effect in call order.

use relay_proto::ids::SpaceId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Waking {
    /// Calls by space; as many at most as may wait for the loading thread.
    calls: Mutex<HashMap<SpaceId, usize>>,
    /// All of them; none most of the time.
    all: AtomicUsize,
}

/// One call that waits; it is over when this is dropped.
pub(super) struct Ticket {
    waking: Arc<Waking>,
    space: SpaceId,
}

impl Waking {
    fn lock(&self) -> MutexGuard<'_, HashMap<SpaceId, usize>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether calls wait for a space.
    pub(super) fn has(&self, space: SpaceId) -> bool {
        self.all.load(Ordering::Acquire) > 0 && self.lock().contains_key(&space)
    }

    /// A call begins to wait.
    pub(super) fn enter(self: &Arc<Self>, space: SpaceId) -> Ticket {
        self.all.fetch_add(1, Ordering::AcqRel);
        *self.lock().entry(space).or_default() += 1;
        Ticket { waking: Arc::clone(self), space }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut calls = self.waking.lock();
        let left = calls.get_mut(&self.space).map_or(0, |calls| {
            *calls -= 1;
            *calls
        });
        if left == 0 {
            calls.remove(&self.space);
        }
        self.waking.all.fetch_sub(1, Ordering::AcqRel);
    }
}
