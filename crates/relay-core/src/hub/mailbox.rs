//! What one session is still to be sent of its topics, in order and bounded.

use crate::counters::Counters;
use crate::endpoint::SharedFrame;
use crate::limits::{TOPIC_FRAME_OVERHEAD_BYTES, TOPIC_QUEUE_BYTES_MAX};
use crate::session::SessionHandle;
use relay_proto::frame::TopicCredit;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What one look brought.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// The session was taken out of its topics; what it was still to be sent is gone.
    pub(crate) overrun: bool,
    pub(crate) credits: Vec<TopicCredit>,
    pub(crate) frames: Vec<SharedFrame>,
}

/// A session's side of its topics.
pub(super) struct Mailbox {
    handle: Arc<SessionHandle>,
    counters: Arc<Counters>,
    /// Its own peer number in each topic it is in.
    own: BTreeMap<u32, u32>,
    frames: VecDeque<SharedFrame>,
    bytes: usize,
    /// By (topic, receiver); at most one for each pipe.
    credits: BTreeMap<(u32, u32), u32>,
    overrun: bool,
}

impl Mailbox {
    pub(super) const fn new(handle: Arc<SessionHandle>, counters: Arc<Counters>) -> Self {
        Self {
            handle,
            counters,
            own: BTreeMap::new(),
            frames: VecDeque::new(),
            bytes: 0,
            credits: BTreeMap::new(),
            overrun: false,
        }
    }

    pub(super) fn peer_in(&self, number: u32) -> Option<u32> {
        self.own.get(&number).copied()
    }

    pub(super) fn topics(&self) -> usize {
        self.own.len()
    }

    pub(super) fn numbers(&self) -> Vec<u32> {
        self.own.keys().copied().collect()
    }

    pub(super) fn joined(&mut self, number: u32, peer: u32) {
        self.own.insert(number, peer);
    }

    /// Returns the peer number it had.
    pub(super) fn left(&mut self, number: u32) -> Option<u32> {
        self.credits.retain(|(topic, _), _| *topic != number);
        self.own.remove(&number)
    }

    /// Appends a frame and wakes the session; `false` when more waits than may wait.
    pub(super) fn add(&mut self, frame: SharedFrame) -> bool {
        let bytes = charge(&frame);
        self.bytes += bytes;
        self.counters.topic_bytes.add_len(bytes);
        self.frames.push_back(frame);
        self.handle.wake();
        self.bytes <= TOPIC_QUEUE_BYTES_MAX
    }

    pub(super) fn credit(&mut self, number: u32, peer: u32, bytes: u32) {
        let credit = self.credits.entry((number, peer)).or_insert(0);
        *credit = credit.saturating_add(bytes);
        self.handle.wake();
    }

    /// Everything that waited is given up, and the session is told.
    pub(super) fn end_overrun(&mut self) {
        self.forget();
        self.credits.clear();
        self.overrun = true;
        self.handle.wake();
    }

    fn forget(&mut self) {
        self.counters.topic_bytes.sub_len(self.bytes);
        self.frames = VecDeque::new();
        self.bytes = 0;
    }

    pub(super) fn take(&mut self, room_bytes: usize) -> Option<Mail> {
        if self.frames.is_empty() && self.credits.is_empty() && !self.overrun {
            return None;
        }
        let credit = |((number, peer), bytes)| TopicCredit { number, peer, bytes };
        let credits = std::mem::take(&mut self.credits).into_iter().map(credit).collect();
        let mut mail = Mail { overrun: std::mem::take(&mut self.overrun), credits, frames: Vec::new() };
        let mut taken = 0;
        while taken < room_bytes {
            let Some(frame) = self.frames.pop_front() else { break };
            taken += charge(&frame);
            mail.frames.push(frame);
        }
        self.bytes -= taken;
        self.counters.topic_bytes.sub_len(taken);
        self.counters.topic_frames_total.add_len(mail.frames.len());
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        Some(mail)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.forget();
    }
}

fn charge(frame: &SharedFrame) -> usize {
    frame.bytes.len() + TOPIC_FRAME_OVERHEAD_BYTES
}
