//! How other threads reach a connection's task: one atomic word and one task waker.

use atomic_waker::AtomicWaker;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Waker;

const POLL: u8 = 1;
const DRAIN: u8 = 2;
const ABORT: u8 = 4;

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
    /// The endpoint has something to say.
    pub(crate) fn poll(self) -> bool {
        self.0 & POLL != 0
    }

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
    pub(crate) fn poll(&self) {
        self.send(POLL);
    }

    pub(crate) fn drain(&self) {
        self.send(DRAIN);
    }

    pub(crate) fn abort(&self) {
        self.send(ABORT);
    }

    fn send(&self, request: u8) {
        if self.requests.fetch_or(request, Ordering::AcqRel) & request == 0 {
            self.task.wake();
        }
    }

    /// Registers the task that is to be woken; call before [`Self::take`], so that no request is missed.
    pub(crate) fn register(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// Takes the requests made so far. Drain and abort stay, because the HTTP phase and the WebSocket phase both look.
    pub(crate) fn take(&self) -> Requests {
        Requests(self.requests.fetch_and(!POLL, Ordering::AcqRel))
    }
}
