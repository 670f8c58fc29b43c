//! The thread that lets spaces go.

use crate::shared::Shared;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Time between two looks, in milliseconds.
pub(crate) const LOOK_MS: u64 = 5000;
/// Time until the next look after one that left too many in memory, in milliseconds.
const BUSY_PAUSE_MS: u64 = 50;

#[derive(Debug, Default)]
struct State {
    is_closing: bool,
    /// Too many are in memory.
    is_wanted: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    state: Mutex<State>,
    wake: Condvar,
}

impl Keeper {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks from time to time until [`Self::stop`]; the body of the keeper's thread.
    pub(crate) fn run(&self, shared: &Shared) {
        loop {
            self.look(shared);
            let pause = Duration::from_millis(if shared.spaces.is_over_limit() { BUSY_PAUSE_MS } else { 0 });
            let state = self.wake.wait_timeout_while(self.lock(), pause, |state| !state.is_closing);
            let state = state.unwrap_or_else(PoisonError::into_inner).0;
            let idle = |state: &mut State| !state.is_closing && !state.is_wanted;
            let state = self.wake.wait_timeout_while(state, Duration::from_millis(LOOK_MS), idle);
            let mut state = state.unwrap_or_else(PoisonError::into_inner).0;
            if state.is_closing {
                return;
            }
            state.is_wanted = false;
        }
    }

    /// Lets go what may be, once.
    pub(crate) fn look(&self, shared: &Shared) {
        if shared.writable().is_ok() {
            shared.spaces.let_go(shared.wall_clock.now_ms());
        }
    }

    /// Wakes the thread when too many spaces are in memory.
    pub(crate) fn note_load(&self, shared: &Shared) {
        if shared.spaces.is_over_limit() {
            self.lock().is_wanted = true;
            self.wake.notify_all();
        }
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.lock().is_closing = true;
        self.wake.notify_all();
    }
}
