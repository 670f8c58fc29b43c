//! Pushes: handed to the store as they come, answered when they are durable.

use super::handle::Answer;
use super::io::Io;
use super::open::OpenSession;
use crate::admission;
use crate::store::{self, Pushed, ReceiptRun, StoreError, Verdict};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::attestation::ReceiptProof;
use relay_proto::frame::{EncodedReceipt, ErrorFrame, Push, ReceiptStatus};
use relay_proto::ids::SealedBytes;
use relay_proto::wire::U64_MAX;
use std::collections::VecDeque;

/// The pushes of one session that are not answered yet.
#[derive(Debug)]
pub(super) struct PushWindow {
    /// Pushes that wait, here or in the store.
    pub(super) count: usize,
    /// Their sealed bytes.
    pub(super) bytes: usize,
    /// The device's next push may be any above its mark; until one was answered they go to the store one at a time, so that
    /// what follows a refused one cannot be stored in its place.
    unbound: bool,
    in_store: usize,
    held: VecDeque<Push>,
    /// A refused push: what is above it is a gap until the client starts again there.
    refused_at: Option<u64>,
}

impl PushWindow {
    pub(super) const fn new(bound: bool) -> Self {
        Self { count: 0, bytes: 0, unbound: !bound, in_store: 0, held: VecDeque::new(), refused_at: None }
    }

    /// The lowest refused one counts: nothing above it may be stored in its place.
    fn refuse_from(&mut self, push_seq_first: u64) {
        self.refused_at = Some(self.refused_at.map_or(push_seq_first, |refused_at| refused_at.min(push_seq_first)));
    }
}

fn sealed_bytes(push: &Push) -> usize {
    push.entries.iter().map(SealedBytes::len).sum()
}

impl OpenSession {
    pub(super) fn on_push(&mut self, push: Push, io: &mut Io<'_>) {
        if let Some(code) = self.push_fault(&push, io) {
            self.pushes.refuse_from(push.push_seq_first);
            io.error(code, push.push_seq_first);
            return;
        }
        self.pushes.count += 1;
        self.pushes.bytes += sealed_bytes(&push);
        self.pushes.held.push_back(push);
        self.forward_pushes(io);
    }

    /// What is wrong with a push before its place in the log is looked at.
    fn push_fault(&self, push: &Push, io: &Io<'_>) -> Option<ErrorCode> {
        let limits = &io.shared.limits;
        let entry_bytes_max = usize::try_from(limits.entry_bytes_max).unwrap_or(usize::MAX);
        let last = push.push_seq_first.saturating_add(u64::try_from(push.entries.len()).unwrap_or(u64::MAX)) - 1;
        if !self.membership.may_write() {
            Some(ErrorCode::ReadOnly)
        } else if push.entries.len() > usize::from(limits.push_entries_max) {
            Some(ErrorCode::TooManyEntries)
        } else if push.entries.iter().any(|entry| entry.len() > entry_bytes_max) {
            Some(ErrorCode::EntryTooLarge)
        } else if last > U64_MAX {
            Some(ErrorCode::RequestInvalid)
        } else {
            None
        }
    }

    fn forward_pushes(&mut self, io: &mut Io<'_>) {
        while !(self.pushes.unbound && self.pushes.in_store > 0) {
            let Some(push) = self.pushes.held.pop_front() else { return };
            let bytes = sealed_bytes(&push);
            let push_seq_first = push.push_seq_first;
            if let Some(expected) = self.pushes.refused_at.filter(|refused_at| push_seq_first > *refused_at) {
                self.pushes.count -= 1;
                self.pushes.bytes -= bytes;
                gap(push_seq_first, expected, io);
                continue;
            }
            self.pushes.refused_at = None;
            if let Some(wait_ms) = io.shared.admission.excess_wait_ms(io.now) {
                self.pushes.count -= 1;
                self.pushes.bytes -= bytes;
                self.pushes.refuse_from(push_seq_first);
                busy(push_seq_first, wait_ms, io);
                continue;
            }
            self.pushes.in_store += 1;
            let waiting = io.shared.admission.enter(bytes);
            let done = io.completion(move |result| {
                drop(waiting);
                Answer::Pushed { push_seq_first, bytes, result }
            });
            io.shared.store.push(self.for_store(push), done);
        }
    }

    fn for_store(&self, push: Push) -> store::Push {
        store::Push {
            space: self.space,
            device: self.device,
            push_seq_first: push.push_seq_first,
            key_epoch: push.key_epoch,
            entries: push.entries.into_iter().map(|entry| entry.0).collect(),
        }
    }

    pub(super) fn on_pushed(
        &mut self,
        push_seq_first: u64,
        bytes: usize,
        result: Result<Pushed, StoreError>,
        io: &mut Io<'_>,
    ) {
        self.pushes.count = self.pushes.count.saturating_sub(1);
        self.pushes.bytes = self.pushes.bytes.saturating_sub(bytes);
        self.pushes.in_store = self.pushes.in_store.saturating_sub(1);
        match result {
            Ok(pushed) => {
                self.pushes.unbound = false;
                send_receipts(pushed, io);
            }
            Err(error) => {
                // While the mark is bound the store itself sees the gap that follows.
                if self.pushes.unbound {
                    self.pushes.refuse_from(push_seq_first);
                }
                io.store_error(&error, push_seq_first);
            }
        }
        if !io.is_closed() {
            self.forward_pushes(io);
        }
    }
}

/// Too much waits for the disk; nothing of the push was looked at or stored.
fn busy(push_seq_first: u64, wait_ms: u64, io: &mut Io<'_>) {
    io.shared.counters.pushes_refused_total.one();
    let mut random = [0; 4];
    io.shared.entropy.fill(&mut random);
    let retry_after_ms = admission::retry_after_ms(wait_ms, u32::from_be_bytes(random));
    let code = ErrorCode::Busy;
    io.error_frame(code, ErrorFrame { retry_after_ms, ..ErrorFrame::about(code, push_seq_first) });
}

fn gap(push_seq_first: u64, expected: u64, io: &mut Io<'_>) {
    let code = ErrorCode::PushSeqGap;
    let detail = Bytes::copy_from_slice(&expected.to_be_bytes());
    io.error_frame(code, ErrorFrame { detail, ..ErrorFrame::about(code, push_seq_first) });
}

fn send_receipts(pushed: Pushed, io: &mut Io<'_>) {
    for run in pushed.runs {
        io.send_bytes(receipt(run, &pushed.attestation).encode());
        io.shared.counters.receipts_total.one();
    }
}

fn receipt(run: ReceiptRun, attestation: &[u8]) -> EncodedReceipt<'_> {
    let (status, seq_first) = match run.verdict {
        Verdict::Stored { seq_first, index, leaves, path } => {
            (ReceiptStatus::Stored(ReceiptProof { index, leaves, path }), seq_first)
        }
        Verdict::Duplicate { seq_first } => (ReceiptStatus::Duplicate, seq_first),
        Verdict::DuplicateForgotten => (ReceiptStatus::DuplicateForgotten, 0),
    };
    EncodedReceipt { push_seq_first: run.push_seq_first, count: run.count, status, seq_first, attestation }
}
