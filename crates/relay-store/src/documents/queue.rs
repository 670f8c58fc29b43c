//! Works that wait for their turn, bounded in number and in bytes.

use super::DocumentLimits;
use relay_core::documents::{DocumentWork, Keyspace};
use relay_core::store::StoreError;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One work and where it belongs.
pub(super) struct Waiting {
    pub(super) keyspace: Keyspace,
    pub(super) work: Box<dyn DocumentWork>,
}

#[derive(Default)]
struct State {
    works: VecDeque<Waiting>,
    bytes: usize,
    ended: bool,
}

/// See the module.
pub(super) struct Queue {
    limits: DocumentLimits,
    state: Mutex<State>,
    wake: Condvar,
}

impl Queue {
    pub(super) fn new(limits: DocumentLimits) -> Self {
        Self { limits, state: Mutex::default(), wake: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a work, or gives it back with the reason.
    pub(super) fn add(&self, work: Waiting) -> Option<(Waiting, StoreError)> {
        let bytes = work.work.waiting_bytes();
        let mut state = self.lock();
        if state.ended {
            return Some((work, StoreError::Closed));
        }
        let too_many = state.works.len() >= self.limits.waiting_works_max;
        let too_large = state.bytes.saturating_add(bytes) > self.limits.waiting_bytes_max && !state.works.is_empty();
        if too_many || too_large {
            return Some((work, StoreError::Overloaded));
        }
        let was_empty = state.works.is_empty();
        state.bytes = state.bytes.saturating_add(bytes);
        state.works.push_back(work);
        drop(state);
        if was_empty {
            self.wake.notify_one();
        }
        None
    }

    /// Nothing comes behind what waits now.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.wake.notify_all();
    }

    /// Waits for works and takes one group of them; `None` once it ended and nothing waits.
    pub(super) fn take(&self) -> Option<Vec<Waiting>> {
        let idle = |state: &mut State| state.works.is_empty() && !state.ended;
        let mut state = self.wake.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let works = self.take_of(&mut state);
        (!works.is_empty()).then_some(works)
    }

    /// Takes one group without waiting.
    #[cfg(feature = "testing")]
    pub(super) fn take_now(&self) -> Vec<Waiting> {
        self.take_of(&mut self.lock())
    }

    fn take_of(&self, state: &mut State) -> Vec<Waiting> {
        let (mut works, mut bytes) = (Vec::new(), 0_usize);
        while works.len() < self.limits.group_works_max && bytes < self.limits.group_bytes_max {
            let Some(next) = state.works.pop_front() else { break };
            bytes = bytes.saturating_add(next.work.waiting_bytes());
            works.push(next);
        }
        state.bytes = if state.works.is_empty() { 0 } else { state.bytes.saturating_sub(bytes) };
        works
    }
}
