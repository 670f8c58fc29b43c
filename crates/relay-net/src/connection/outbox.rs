//! The endpoint's side of the write queue.

use super::seat::Seat;
use crate::write_queue::WriteQueue;
use relay_core::endpoint::{Close, Feed, FeedKind, FeedWaker, Outbound, Outbox, SharedRun};
use std::sync::Arc;

/// What the endpoint does not have to be asked for.
#[derive(Default)]
pub(super) struct Feeds {
    entries: Option<Arc<dyn Feed>>,
    /// Most connections have none.
    ephemeral: Option<Box<Arc<dyn Feed>>>,
}

impl Feeds {
    fn set(&mut self, kind: FeedKind, feed: Arc<dyn Feed>) {
        match kind {
            FeedKind::Entries => self.entries = Some(feed),
            FeedKind::Ephemeral => self.ephemeral = Some(Box::new(feed)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Feed>> {
        self.entries.iter().chain(self.ephemeral.as_deref())
    }
}

/// Lends the write queue to the endpoint for one call.
pub(super) struct QueueOutbox<'a> {
    pub(super) queue: &'a mut WriteQueue,
    pub(super) close: Option<Close>,
    pub(super) reading_paused: &'a mut bool,
    pub(super) feeds: &'a mut Feeds,
    pub(super) seat: &'a Arc<Seat>,
    pub(super) pushed: bool,
}

impl Outbox for QueueOutbox<'_> {
    fn room_bytes(&self) -> usize {
        if self.close.is_some() { 0 } else { self.queue.room_bytes() }
    }

    fn push(&mut self, message: Outbound) {
        if self.close.is_some() {
            return;
        }
        self.pushed = true;
        match message {
            Outbound::Own(frame) => self.queue.push_own(frame),
            Outbound::Shared(frame) => self.queue.push_shared(frame),
        }
    }

    fn push_run(&mut self, run: SharedRun) {
        if self.close.is_none() {
            self.pushed = true;
            self.queue.push_run(run);
        }
    }

    fn offer_feed(&mut self, kind: FeedKind, feed: Arc<dyn Feed>) -> Option<Arc<dyn FeedWaker>> {
        self.feeds.set(kind, feed);
        Some(Arc::clone(self.seat) as Arc<dyn FeedWaker>)
    }

    fn close(&mut self, close: Close) {
        self.close.get_or_insert(close);
    }

    fn pause_reading(&mut self, paused: bool) {
        *self.reading_paused = paused;
    }
}
