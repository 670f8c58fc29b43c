//! How an endpoint without a socket of its own reaches the task that drives it.

use atomic_waker::AtomicWaker;
use relay_core::endpoint::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;

/// See the module. Starts woken, so that an endpoint is polled once at its beginning.
#[derive(Debug)]
pub(super) struct EndpointWake {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl EndpointWake {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { woken: AtomicBool::new(true), task: AtomicWaker::new() })
    }

    /// What the endpoint is given.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        let wake = Arc::clone(self);
        Arc::new(move || {
            wake.ask();
            wake.task.wake();
        })
    }

    /// The task that is woken from now on.
    pub(super) fn register(&self, cx: &Context<'_>) {
        self.task.register(cx.waker());
    }

    /// The endpoint is to be polled; said by the task itself.
    pub(super) fn ask(&self) {
        self.woken.store(true, Ordering::Release);
    }

    /// Whether the endpoint is to be polled, once.
    pub(super) fn take(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }
}
