//! Sends the outbox in order, a few pushes at a time, and starts again at the first refused one.

use super::super::cast::seal;
use super::super::scheduler::MS;
use super::session::Phase;
use super::{Device, Told};
use relay_proto::ErrorCode;
use relay_proto::attestation::{PushLeaf, verify_receipt};
use relay_proto::frame::{ErrorFrame, Push, Receipt, ReceiptStatus};
use relay_proto::ids::{EntryId, SealedBytes};
use relay_store::vfs::sim::Dice;

/// Pushes sent and not answered, at most.
const IN_FLIGHT_MAX: usize = 4;
/// Entries of a push, at most.
const PUSH_ENTRIES_MAX: u64 = 4;
/// Shortest wait after a refusal, in microseconds.
const RETRY_US: u64 = 250 * MS;

struct InFlight {
    first: u64,
    count: u64,
    open: u64,
}

/// The pushes of a session.
pub(crate) struct PushState {
    next: u64,
    in_flight: Vec<InFlight>,
    /// From where, and when, to start again after a refusal.
    restart: Option<(u64, u64)>,
}

impl PushState {
    pub(super) const fn new(next: u64) -> Self {
        Self { next, in_flight: Vec::new(), restart: None }
    }

    pub(super) fn retry_at_us(&self) -> Option<u64> {
        self.restart.filter(|_| self.in_flight.is_empty()).map(|(_, at_us)| at_us)
    }

    /// A receipt may cover a part of a push, or several pushes in a row.
    fn answered(&mut self, first: u64, count: u64) {
        for push in &mut self.in_flight {
            let covered = (push.first + push.count).min(first + count).saturating_sub(push.first.max(first));
            push.open -= push.open.min(covered);
        }
        self.in_flight.retain(|push| push.open > 0);
    }
}

impl Device {
    pub(super) fn push_on(&mut self, now_us: u64) {
        while let Some(push) = self.next_push(now_us) {
            self.send(&push);
        }
    }

    fn next_push(&mut self, now_us: u64) -> Option<Push> {
        let agrees = self.roster.confirmed && self.roster.lists(&self.key);
        let Phase::Open(open) = &mut self.phase else { return None };
        // Nothing is pushed before the own roster and log epoch are the relay's.
        let current = self.roster.version() >= open.welcome.roster_version && self.log.epoch == open.welcome.log_epoch;
        if !agrees || !current || open.push.in_flight.len() >= IN_FLIGHT_MAX {
            return None;
        }
        if let Some((at, due_us)) = open.push.restart {
            if !open.push.in_flight.is_empty() || now_us < due_us {
                return None;
            }
            (open.push.restart, open.push.next) = (None, at);
        }
        let next = open.push.next;
        let first = if self.outbox.get(next).is_some() { next } else { self.outbox.first_unsent(next)? };
        let key_epoch = self.outbox.get(first)?.key_epoch;
        let high = open.welcome.push_seq_high;
        let is_old = key_epoch != self.roster.key_epoch();
        // What the relay holds is pushed again as it was; what no relay can hold is sealed again under the present key.
        if is_old && first > high {
            if open.push.in_flight.is_empty() {
                self.reseal(first);
                return self.next_push(now_us);
            }
            return None;
        }
        let count = 1 + self.dice.below(PUSH_ENTRIES_MAX);
        let same_epoch = |push_seq: &u64| {
            let same = self.outbox.get(*push_seq).is_some_and(|it| it.key_epoch == key_epoch);
            same && !(is_old && *push_seq > high)
        };
        let numbers: Vec<u64> = (first..first + count).take_while(same_epoch).collect();
        let entries = numbers.iter().filter_map(|push_seq| self.outbox.get(*push_seq));
        let entries: Vec<SealedBytes> = entries.map(|entry| SealedBytes(entry.sealed.clone())).collect();
        let count = entries.len() as u64;
        open.push.in_flight.push(InFlight { first, count, open: count });
        open.push.next = first + count;
        Some(Push { push_seq_first: first, key_epoch, entries })
    }

    /// Seals again, under the present key, what no relay can hold.
    fn reseal(&mut self, from: u64) {
        let key_epoch = self.roster.key_epoch();
        for push_seq in from..=self.outbox.len() {
            let mut dice = Dice::new(self.dice.roll());
            let sealed = seal(self.space, self.index, push_seq, key_epoch, &mut dice);
            self.outbox.reseal(push_seq, key_epoch, sealed);
            self.tell_sealed(push_seq);
        }
    }

    /// A receipt whose attestation holds.
    pub(super) fn on_receipt(&mut self, receipt: &Receipt) -> Result<(), String> {
        let (first, count) = (receipt.push_seq_first, u64::from(receipt.count));
        let claim = &receipt.attestation.claim;
        let ids: Vec<EntryId> = (first..first + count).filter_map(|n| self.outbox.get(n)).map(|it| it.id).collect();
        if ids.len() as u64 != count || count == 0 {
            return Err(format!("receipt_broken: for {count} entries from {first} on"));
        }
        if receipt.seq_first + count - 1 > claim.size {
            return Err("receipt_broken: above its head".to_owned());
        }
        if let Phase::Open(open) = &mut self.phase {
            open.push.answered(first, count);
        }
        let ReceiptStatus::Stored(proof) = &receipt.status else {
            (first..first + count).for_each(|push_seq| self.outbox.owe(push_seq, claim.size));
            return self.outbox.reached_size(self.log.size());
        };
        let leaf = PushLeaf::of(self.key, first, receipt.seq_first, &ids);
        if !verify_receipt(&leaf, proof, &claim.pushes) {
            return Err("receipt_broken: the signed head does not cover the push".to_owned());
        }
        for (push_seq, seq) in (first..first + count).zip(receipt.seq_first..) {
            self.outbox.promise(push_seq, seq, self.log.size())?;
            self.told.push(Told::Receipted { epoch: claim.log_epoch, seq, push_seq });
        }
        Ok(())
    }

    /// Whether a refusal was about a push; everything is sent again from there.
    pub(super) fn on_push_refused(&mut self, code: ErrorCode, error: &ErrorFrame, now_us: u64) -> Result<bool, String> {
        let Phase::Open(open) = &mut self.phase else { return Ok(false) };
        let Some(at) = open.push.in_flight.iter().position(|push| push.first == error.context) else {
            return Ok(false);
        };
        let push = open.push.in_flight.remove(at);
        let mut from = push.first;
        if let (ErrorCode::PushSeqGap, Some(expected)) = (code, error.detail.first_chunk::<8>()) {
            from = u64::from_be_bytes(*expected);
            if from <= self.outbox.stored() && self.outbox.get(from).is_none_or(|entry| entry.seq > 0) {
                return Err(format!("rollback: the relay asks for entry {from}, which it receipted"));
            }
        }
        let told_us = u64::from(error.retry_after_ms) * MS;
        let wait_us = if code == ErrorCode::PushSeqGap { told_us } else { told_us.max(RETRY_US) };
        let (at, due_us) = open.push.restart.unwrap_or((u64::MAX, 0));
        open.push.restart = Some((from.min(at), (now_us + wait_us).max(due_us)));
        Ok(true)
    }
}
