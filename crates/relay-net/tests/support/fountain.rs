//! An endpoint whose output comes from a feed, and from its polls when the feed says so.

use super::hub::shared;
use bytes::Bytes;
use relay_core::endpoint::{Endpoint, Fed, Feed, FeedKind, FeedWaker, Moment, Outbound, Outbox, SharedFrame};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What one connection is to be sent.
#[derive(Default)]
pub struct Fountain {
    frames: Mutex<VecDeque<SharedFrame>>,
    waker: Mutex<Option<Arc<dyn FeedWaker>>>,
    /// The feed passes nothing on.
    pub asks: AtomicBool,
    pub polls: AtomicU64,
    pub fed: AtomicU64,
}

impl Fountain {
    /// Adds a frame and wakes the transport for it.
    pub fn spout(&self, payload: &[u8]) {
        self.frames.lock().unwrap().push_back(shared(payload));
        let waker = self.waker.lock().unwrap().clone();
        waker.expect("the transport took the feed").wake();
    }

    pub fn polls(&self) -> u64 {
        self.polls.load(Ordering::SeqCst)
    }

    pub fn fed(&self) -> u64 {
        self.fed.load(Ordering::SeqCst)
    }
}

impl Feed for Fountain {
    fn take(&self) -> Fed {
        if self.asks.load(Ordering::SeqCst) {
            return Fed::AskEndpoint;
        }
        let mut frames = self.frames.lock().unwrap();
        match frames.pop_front() {
            Some(frame) => {
                self.fed.fetch_add(1, Ordering::SeqCst);
                Fed::Run { run: frame.into(), more: !frames.is_empty() }
            }
            None => Fed::Nothing,
        }
    }
}

/// Offers the feed with its first message, and answers it.
pub struct Spring(pub Arc<Fountain>);

impl Endpoint for Spring {
    fn on_message(&mut self, message: Bytes, _now: Moment, out: &mut dyn Outbox) {
        let feed = Arc::clone(&self.0) as Arc<dyn Feed>;
        *self.0.waker.lock().unwrap() = out.offer_feed(FeedKind::Entries, feed);
        out.push(Outbound::Own(message));
    }

    fn poll(&mut self, _now: Moment, out: &mut dyn Outbox) {
        self.0.polls.fetch_add(1, Ordering::SeqCst);
        let mut frames = self.0.frames.lock().unwrap();
        while out.room_bytes() > 0 {
            let Some(frame) = frames.pop_front() else { return };
            out.push(Outbound::Shared(frame));
        }
    }

    fn next_deadline(&self) -> Option<Moment> {
        None
    }

    fn on_drain(&mut self, _now: Moment, _out: &mut dyn Outbox) {}

    fn on_closed(&mut self) {}
}
