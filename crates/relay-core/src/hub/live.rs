//! The newest entries of one space, kept in memory for those who follow them.
//!
//! Invariant: the bytes it keeps are in the gauge `live_bytes` exactly; so every method that changes them is handed the counters.

use super::channel::Common;
use super::encode::{PageEncoding, encode_page};
use super::ring::{LiveFrame, Ring};
use crate::endpoint::{SharedFrame, SharedRun};
use crate::store::SpaceCommit;
use relay_proto::attestation::Attestation;
use relay_proto::ids::DeviceKey;
use relay_proto::wire::Reader;
use std::collections::BTreeSet;

/// What comes after a subscriber's cursor.
#[derive(Debug)]
pub(crate) enum Live {
    /// The next frame, the seq it ends with, and whether nothing follows it yet.
    Frame { frame: SharedFrame, last_seq: u64, is_newest: bool },
    /// The next frames joined, the same way.
    Run { run: SharedRun, last_seq: u64, is_newest: bool },
    /// Something that is not kept here; it is in the log.
    InLog,
    /// Nothing that this channel knows of.
    Nothing,
}

/// See the module.
#[derive(Default)]
pub(super) struct LiveEntries {
    /// The newest seq announced since the channel exists (0: none).
    head: u64,
    ring: Ring,
}

impl LiveEntries {
    pub(super) const fn head(&self) -> u64 {
        self.head
    }

    /// Entries became durable that nobody follows.
    pub(super) fn pass(&mut self, commit: &SpaceCommit) {
        self.head = last_seq(commit);
    }

    /// Entries became durable: keeps them encoded, also without the own bodies of each of `omitting`.
    pub(super) fn append(&mut self, commit: &SpaceCommit, omitting: &BTreeSet<DeviceKey>, common: &Common) {
        let frames = encode(commit, omitting);
        let before = self.ring.bytes();
        if self.head + 1 != commit.first_seq {
            self.ring.clear();
        }
        self.head = last_seq(commit);
        for frame in frames {
            self.ring.push(frame, common.limits.live_space_bytes_max);
        }
        common.counters.live_bytes.changed_len(before, self.ring.bytes());
        if is_over_limit(common) {
            self.clear(common);
        }
    }

    /// What comes after a cursor, in the form for a subscriber that omits the bodies of `omit_own_of`.
    pub(super) fn after(&mut self, cursor: u64, omit_own_of: Option<DeviceKey>, common: &Common) -> Live {
        let head = self.head;
        if cursor >= head {
            return Live::Nothing;
        }
        match self.ring.after(cursor).map(|live| (live.last_seq, live)) {
            None => Live::InLog,
            Some((last_seq, live)) if last_seq == head => {
                Live::Frame { frame: live.form_for(omit_own_of), last_seq, is_newest: true }
            }
            Some((last_seq, live)) => {
                let frame = live.form_for(omit_own_of);
                let before = self.ring.bytes();
                let run = self.ring.run_after(cursor, omit_own_of);
                common.counters.live_bytes.changed_len(before, self.ring.bytes());
                if is_over_limit(common) {
                    // What was joined is sent and not kept.
                    let joined = self.ring.bytes();
                    self.ring.forget_runs();
                    common.counters.live_bytes.changed_len(joined, self.ring.bytes());
                }
                match run {
                    Some(run) => Live::Run { run: run.frames, last_seq: run.end, is_newest: run.end == head },
                    None => Live::Frame { frame, last_seq, is_newest: false },
                }
            }
        }
    }

    /// Keeps nothing; what comes after a cursor is in the log.
    pub(super) fn clear(&mut self, common: &Common) {
        common.counters.live_bytes.changed_len(self.ring.bytes(), 0);
        self.ring.clear();
    }
}

/// Whether all spaces together keep more than they may.
fn is_over_limit(common: &Common) -> bool {
    common.counters.live_bytes.is_above_len(common.limits.live_bytes_max)
}

fn encode(commit: &SpaceCommit, omitting: &BTreeSet<DeviceKey>) -> Vec<LiveFrame> {
    let Ok(attestation) = Attestation::read(&mut Reader::new(&commit.attestation)) else {
        return Vec::new();
    };
    let encode = |omit_own_of| {
        let page = PageEncoding { request: 0, first_seq: commit.first_seq, omit_own_of, attestation: &attestation };
        encode_page(&page, &commit.entries)
    };
    let mut frames: Vec<LiveFrame> = encode(None)
        .into_iter()
        .map(|run| LiveFrame { first_seq: run.first_seq, last_seq: run.last_seq, frame: run.frame, own: Vec::new() })
        .collect();
    // The frames are cut by the sizes of the sealed bytes in both forms, so they pair up.
    for author in omitting {
        for (frame, own) in frames.iter_mut().zip(encode(Some(*author))) {
            frame.own.push((*author, own.frame));
        }
    }
    frames
}

fn last_seq(commit: &SpaceCommit) -> u64 {
    commit.first_seq + u64::try_from(commit.entries.len()).unwrap_or(u64::MAX) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RelayLimits;
    use bytes::Bytes;

    #[test]
    fn what_is_joined_for_a_subscriber_is_not_kept_above_the_limit_of_all_spaces() {
        let live_bytes = |live_bytes_max| {
            let limits = RelayLimits { live_bytes_max, ..RelayLimits::default() };
            let common = Common { limits, counters: std::sync::Arc::default() };
            let mut live = LiveEntries { head: 3, ..LiveEntries::default() };
            for seq in 1..=3 {
                let frame = SharedFrame { bytes: Bytes::from_static(&[0; 100]), header_bytes: 2 };
                live.ring.push(LiveFrame { first_seq: seq, last_seq: seq, frame, own: Vec::new() }, usize::MAX);
            }
            common.counters.live_bytes.changed_len(0, live.ring.bytes());
            let sent = live.after(0, None, &common);
            assert!(matches!(sent, Live::Run { last_seq: 3, is_newest: true, .. }), "{sent:?}");
            common.counters.live_bytes.get()
        };
        assert_eq!((live_bytes(1000), live_bytes(500)), (600, 300));
    }
}
