//! The newest commits of one space, encoded once.
//!
//! Invariant: the frames cover consecutive seqs; the last one ends at `head`.

use super::runs::{Part, Run, Runs};
use crate::endpoint::SharedFrame;
use relay_proto::ids::DeviceKey;
use std::collections::VecDeque;

/// One encoded Entries frame of the subscription.
#[derive(Clone, Debug)]
pub(super) struct LiveFrame {
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    pub(super) frame: SharedFrame,
    /// The same for a device that wants its own bodies omitted, for those authors that do.
    pub(super) own: Vec<(DeviceKey, SharedFrame)>,
}

impl LiveFrame {
    fn bytes(&self) -> usize {
        self.own.iter().fold(self.frame.bytes.len(), |sum, (_, frame)| sum + frame.bytes.len())
    }

    fn part(&self) -> Part<'_> {
        Part { bytes: &self.frame.bytes, frames: 1, end: self.last_seq }
    }

    /// The form for one subscriber.
    pub(super) fn form_for(&self, omit_own_of: Option<DeviceKey>) -> SharedFrame {
        let own = self.own.iter().find(|(device, _)| Some(*device) == omit_own_of);
        own.map_or(&self.frame, |(_, frame)| frame).clone()
    }
}

/// Nothing until the first commit that somebody follows.
#[derive(Debug, Default)]
pub(super) struct Ring(Option<Box<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    frames: VecDeque<LiveFrame>,
    bytes: usize,
    runs: Runs,
}

impl Ring {
    /// Bytes kept, joined or not.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.bytes + kept.runs.bytes())
    }

    /// Appends a frame and drops the oldest ones above the limit, the new one included when it is too large alone.
    pub(super) fn push(&mut self, frame: LiveFrame, bytes_max: usize) {
        self.0.get_or_insert_default().push(frame, bytes_max);
    }

    /// Keeps the frames only.
    pub(super) fn forget_runs(&mut self) {
        if let Some(kept) = &mut self.0 {
            kept.runs.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// The frame that starts right after a cursor.
    pub(super) fn after(&self, cursor: u64) -> Option<&LiveFrame> {
        self.0.as_ref()?.after(cursor)
    }

    /// All frames after a cursor in one piece, for a subscriber who gets them in the form of everybody.
    pub(super) fn run_after(&mut self, cursor: u64, omit_own_of: Option<DeviceKey>) -> Option<Run> {
        self.0.as_mut()?.run_after(cursor, omit_own_of)
    }
}

impl Kept {
    fn push(&mut self, frame: LiveFrame, bytes_max: usize) {
        self.runs.clear();
        self.bytes += frame.bytes();
        self.frames.push_back(frame);
        while self.bytes > bytes_max {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.bytes();
        }
    }

    fn after(&self, cursor: u64) -> Option<&LiveFrame> {
        // Mostly the newest one: a subscriber that keeps up lacks nothing else.
        if let Some(newest) = self.frames.back().filter(|frame| frame.first_seq == cursor + 1) {
            return Some(newest);
        }
        let place = self.frames.binary_search_by_key(&(cursor + 1), |frame| frame.first_seq).ok()?;
        self.frames.get(place)
    }

    fn run_after(&mut self, cursor: u64, omit_own_of: Option<DeviceKey>) -> Option<Run> {
        let place = self.frames.binary_search_by_key(&(cursor + 1), |frame| frame.first_seq).ok()?;
        let frames = self.frames.range(place..);
        if omit_own_of.is_some() && frames.clone().any(|frame| !frame.own.is_empty()) {
            return None;
        }
        self.runs.from(cursor, frames.map(LiveFrame::part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn frame(first_seq: u64, last_seq: u64, size: usize) -> LiveFrame {
        let frame = SharedFrame { bytes: Bytes::from(vec![0; size]), header_bytes: 2 };
        LiveFrame { first_seq, last_seq, frame, own: Vec::new() }
    }

    #[test]
    fn keeps_the_newest_within_its_bytes() {
        let mut ring = Ring::default();
        for seq in 1..=5 {
            ring.push(frame(seq * 2 - 1, seq * 2, 10), 30);
        }
        assert_eq!(ring.bytes(), 30);
        assert!(ring.after(3).is_none());
        assert_eq!(ring.after(4).unwrap().last_seq, 6);
        assert!(ring.after(5).is_none(), "the middle of a frame is not a place to start");
        assert!(ring.after(10).is_none());
        ring.push(frame(11, 11, 31), 30);
        assert_eq!((ring.bytes(), ring.after(10).is_none()), (0, true));
    }
}
