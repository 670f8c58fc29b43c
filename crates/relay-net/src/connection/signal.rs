//! How other threads reach a connection's task: one atomic word and one task waker. The endpoint's wake-ups go to its pump.

use atomic_waker::AtomicWaker;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Waker;

const DRAIN: u8 = 1;
const ABORT: u8 = 2;

/// Requests to one connection; setting one twice before the task runs is the same as setting it once.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    requests: AtomicU8,
    task: AtomicWaker,
}

/// The requests found in one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Requests(u8);

impl Requests {
    /// The relay drains.
    pub(crate) fn drain(self) -> bool {
        self.0 & DRAIN != 0
    }

    /// Drop everything now.
    pub(crate) fn abort(self) -> bool {
        self.0 & ABORT != 0
    }
}

impl Signal {
    /// Lets the task look at its connection.
    pub(crate) fn wake(&self) {
        self.task.wake();
    }

    pub(crate) fn drain(&self) {
        self.send(DRAIN);
    }

    pub(crate) fn abort(&self) {
        self.send(ABORT);
    }

    /// Whether the relay drains.
    pub(crate) fn is_draining(&self) -> bool {
        self.requests.load(Ordering::Acquire) & DRAIN != 0
    }

    fn send(&self, request: u8) {
        if self.requests.fetch_or(request, Ordering::AcqRel) & request == 0 {
            self.task.wake();
        }
    }

    /// Registers the task that is to be woken; call before [`Self::requests`], so that no request is missed.
    pub(crate) fn register(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// The requests made so far. They stay, because the HTTP phase and the WebSocket phase both look.
    pub(crate) fn requests(&self) -> Requests {
        Requests(self.requests.load(Ordering::Acquire))
    }
}
