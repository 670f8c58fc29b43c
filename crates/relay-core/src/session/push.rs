//! Pushes: gathered as they come, handed to the store when no more are at hand, answered when they are durable.

use super::handle::Answer;
use super::io::Io;
use super::open::OpenSession;
use super::push_window::Joined;
use super::refusal::code_of;
use crate::admission;
use crate::endpoint::Moment;
use crate::gcra::Rate;
use crate::measure::Outcome;
use crate::store::{self, Pushed, ReceiptRun, StoreError, Verdict};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::attestation::ReceiptProof;
use relay_proto::frame::{EncodedReceipt, ErrorFrame, Push, ReceiptStatus};
use relay_proto::wire::U64_MAX;

impl OpenSession {
    pub(super) fn on_push(&mut self, push: Push, io: &mut Io<'_>) {
        if let Some(code) = self.push_fault(&push, io) {
            // What came before it is not to be refused for it.
            self.forward_pushes(io);
            self.pushes.refuse_from(push.push_seq_first);
            self.measure(Outcome::of_error(code), io.now, 1, io);
            io.error(code, push.push_seq_first);
            return;
        }
        // It goes to the store when the transport has no more messages at hand: neighbours go as one.
        self.pushes.hold(push);
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

    /// Hands what was gathered to the store.
    pub(super) fn forward_pushes(&mut self, io: &mut Io<'_>) {
        while !(self.pushes.unbound && self.pushes.in_store > 0) {
            let Some(next) = self.pushes.next_push_seq() else { return };
            if let Some(expected) = self.pushes.refused_at.filter(|refused_at| next > *refused_at) {
                self.pushes.drop_next();
                self.measure(Outcome::of_error(ErrorCode::PushSeqGap), io.now, 1, io);
                gap(next, expected, io);
                continue;
            }
            self.pushes.refused_at = None;
            if let Some(wait_ms) = io.shared.admission.excess_wait_ms(io.now) {
                self.pushes.drop_next();
                self.pushes.refuse_from(next);
                self.measure(Outcome::of_error(ErrorCode::Busy), io.now, 1, io);
                busy(next, wait_ms, io);
                continue;
            }
            if self.must_ask_usage(io) {
                return;
            }
            if let Some(retry_after_ms) = self.is_too_fast(io) {
                self.pushes.drop_next();
                self.pushes.refuse_from(next);
                self.measure(Outcome::of_error(ErrorCode::RateLimited), io.now, 1, io);
                too_fast(next, retry_after_ms, io);
                continue;
            }
            let Some((push, joined)) = self.join_next(io) else { return };
            let room = match self.reserve(&push) {
                Ok(room) => room,
                Err(_) if joined.is_several() => {
                    self.pushes.hold_apart(joined);
                    continue;
                }
                Err(detail) => {
                    self.pushes.answered(1, joined.bytes);
                    self.pushes.refuse_from(next);
                    self.measure(Outcome::of_error(ErrorCode::QuotaExceeded), io.now, 1, io);
                    self.refuse_for_quota(next, detail, io);
                    continue;
                }
            };
            self.pushes.in_store += 1;
            let waiting = io.shared.admission.enter(joined.firsts.len(), joined.bytes);
            let done = io.completion(move |result| {
                drop((waiting, room));
                Answer::Pushed { joined, result }
            });
            io.shared.store.push(self.for_store(push), done);
        }
    }

    fn join_next(&mut self, io: &Io<'_>) -> Option<(Push, Joined)> {
        self.pushes.join(usize::from(io.shared.limits.push_entries_max), io.now)
    }

    /// Requests over HTTP are measured as such, by the transport.
    fn measure(&self, outcome: Outcome, since: Moment, pushes: usize, io: &Io<'_>) {
        if self.exchange.is_none() {
            let took = io.now.0.saturating_sub(since.0);
            io.shared.counters.websocket_pushes.record(outcome, took, u64::try_from(pushes).unwrap_or(u64::MAX));
        }
    }

    /// How long the next push is to wait, in milliseconds, because its session, its space or its tenant sends too many. Those joined to it
    /// came with it and are not counted: they cost as much as one.
    fn is_too_fast(&mut self, io: &Io<'_>) -> Option<u32> {
        let limits = &io.shared.limits;
        let own = Rate::per_second(limits.session_pushes_per_second_max);
        let shared = Rate::per_second(limits.space_pushes_per_second_max);
        let own = own.map(|rate| self.pushes.rate.admit(rate, io.now)).filter(|verdict| !verdict.is_admitted());
        let refused = match own {
            Some(verdict) => Some(verdict),
            None => shared.map(|rate| self.channel.admit_push(rate, io.now)).filter(|verdict| !verdict.is_admitted()),
        };
        refused.map(|verdict| verdict.retry_after_ms()).or_else(|| self.is_too_fast_for_tenant(io))
    }

    fn is_too_fast_for_tenant(&self, io: &Io<'_>) -> Option<u32> {
        let verdict = self.channel.tenant()?.admit_push(io.now).filter(|verdict| !verdict.is_admitted())?;
        io.shared.counters.tenant_pushes_limited_total.one();
        Some(verdict.retry_after_ms())
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

    pub(super) fn on_pushed(&mut self, joined: Joined, result: Result<Pushed, StoreError>, io: &mut Io<'_>) {
        self.pushes.in_store = self.pushes.in_store.saturating_sub(1);
        match result {
            Err(StoreError::Refused(_)) if joined.is_several() => self.pushes.hold_apart(joined),
            result => {
                self.pushes.answered(joined.firsts.len(), joined.bytes);
                let outcome = result.as_ref().map_or_else(|error| Outcome::of_error(code_of(error)), |_| Outcome::Ok);
                self.measure(outcome, joined.since, joined.firsts.len(), io);
                self.answer_pushes(&joined.firsts, result, io);
            }
        }
        if !io.is_closed() {
            self.forward_pushes(io);
        }
    }

    fn answer_pushes(&mut self, firsts: &[u64], result: Result<Pushed, StoreError>, io: &mut Io<'_>) {
        match result {
            Ok(pushed) => {
                self.pushes.unbound = false;
                self.pushes.note_stored(&pushed);
                send_receipts(pushed, io);
            }
            Err(error) => {
                // While the mark is bound the store itself sees the gap that follows.
                if let Some(first) = firsts.first().filter(|_| self.pushes.unbound) {
                    self.pushes.refuse_from(*first);
                }
                firsts.iter().for_each(|first| io.store_error(&error, *first));
            }
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

/// The session, its space or its tenant sends more than it may; nothing of the push was looked at or stored.
fn too_fast(push_seq_first: u64, retry_after_ms: u32, io: &mut Io<'_>) {
    io.shared.counters.pushes_limited_total.one();
    let code = ErrorCode::RateLimited;
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
