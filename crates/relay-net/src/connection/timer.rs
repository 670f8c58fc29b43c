//! One timer per connection that is moved only when it must ring earlier; ringing too early costs one look at the deadlines.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    rings_at: Instant,
    /// It was polled since it was moved, so it wakes its task.
    waits: bool,
}

impl Timer {
    pub(crate) fn new(at: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(at)), rings_at: at, waits: false }
    }

    /// Whether it rings later than `at` at the earliest.
    pub(super) fn is_after(&self, at: Instant) -> bool {
        self.rings_at > at
    }

    /// Whether it is sure to wake the task that polled it at `at` or earlier, and has not rung: then there is nothing to poll.
    pub(super) fn is_set(&self, at: Instant, now: Instant) -> bool {
        self.waits && self.rings_at <= at && now < self.rings_at
    }

    /// Ready if the timer rang (then look at the deadlines again); otherwise the task is woken at `at` or earlier.
    pub(crate) fn poll_at(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if at < self.rings_at || self.sleep.is_elapsed() {
            self.sleep.as_mut().reset(at);
            self.rings_at = at;
        }
        let rang = self.sleep.as_mut().poll(cx);
        self.waits = rang.is_pending();
        rang
    }
}
