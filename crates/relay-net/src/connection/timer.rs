//! One timer per connection that is moved only when it must ring earlier; ringing too early costs one look at the deadlines.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
}

impl Timer {
    pub(crate) fn new(at: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(at)) }
    }

    /// Whether it rings later than `at` at the earliest.
    pub(super) fn is_after(&self, at: Instant) -> bool {
        self.sleep.deadline() > at
    }

    /// Ready if the timer rang (then look at the deadlines again); otherwise the task is woken at `at` or earlier.
    pub(crate) fn poll_at(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if at < self.sleep.deadline() || self.sleep.is_elapsed() {
            self.sleep.as_mut().reset(at);
        }
        self.sleep.as_mut().poll(cx)
    }
}
