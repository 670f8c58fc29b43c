//! What one peer said and was not taken in yet, in its order: what has to be checked goes to the checker and comes back, and
//! nothing overtakes it.

use super::checker::{Checker, Lease};
use super::message::{self, Message};
use super::rules;
use super::{CHECKED_MESSAGES_MAX, INBOX_BYTES_MAX, LARGE_FRAME_BYTES};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) enum Item {
    /// Not read yet: it is large.
    Frame(Bytes),
    Message(Message),
    /// A message that may be taken as it is.
    Checked(Message),
}

/// One thing that waits.
pub(super) struct Queued {
    pub(super) item: Item,
    pub(super) lease: Arc<Lease>,
}

/// What comes next.
pub(super) enum Next {
    Take(Message),
    /// As [`Next::Take`], but its puts were judged.
    TakeChecked(Message),
    /// These go to the checker, and [`Inbox::give_back`] follows.
    Check(VecDeque<Queued>),
}

/// See the module.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: VecDeque<Queued>,
    /// Whether a batch is with the checker.
    is_checking: bool,
    bytes: Arc<AtomicUsize>,
}

/// Whether a message is checked elsewhere.
fn is_dear(message: &Message) -> bool {
    rules::signed_values(&message.said) > 0
}

impl Inbox {
    /// Adds a frame; `false` when too much waits on all connections, and nothing of it was taken.
    pub(super) fn add(&mut self, frame: Bytes, checker: &Checker) -> bool {
        let Some(lease) = checker.lease(&self.bytes, frame.len()) else { return false };
        if frame.len() >= LARGE_FRAME_BYTES {
            self.waiting.push_back(Queued { item: Item::Frame(frame), lease });
        } else {
            let messages = message::of_frame(&frame).into_iter();
            self.waiting
                .extend(messages.map(|message| Queued { item: Item::Message(message), lease: Arc::clone(&lease) }));
        }
        true
    }

    /// What comes next, unless it is being checked.
    pub(super) fn next(&mut self) -> Option<Next> {
        if self.is_checking {
            return None;
        }
        let is_dear = match &self.waiting.front()?.item {
            Item::Frame(_) => true,
            Item::Message(message) => is_dear(message),
            Item::Checked(_) => false,
        };
        if is_dear {
            self.is_checking = true;
            let count = self.waiting.len().min(CHECKED_MESSAGES_MAX);
            return Some(Next::Check(self.waiting.drain(..count).collect()));
        }
        Some(match self.waiting.pop_front()?.item {
            Item::Message(message) => Next::Take(message),
            Item::Checked(message) => Next::TakeChecked(message),
            Item::Frame(_) => return None,
        })
    }

    /// A batch came back from the checker: it stands before everything that came since.
    pub(super) fn give_back(&mut self, mut batch: VecDeque<Queued>) {
        batch.append(&mut self.waiting);
        self.waiting = batch;
        self.is_checking = false;
    }

    /// All that waits, of a peer that has gone.
    pub(super) fn into_left(self) -> VecDeque<Queued> {
        self.waiting
    }

    /// Whether something can be taken at once.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_checking && !self.waiting.is_empty()
    }

    /// Whether no more of the peer should be read; one frame may overshoot.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= INBOX_BYTES_MAX
    }
}
