//! Purge and erase: judged here, done by the store, answered once nothing is left to overwrite.

use super::handle::Answer;
use super::io::Io;
use super::open::OpenSession;
use super::requests::UnderWay;
use crate::erasure::{PurgePoint, Tombstone};
use crate::forgetting::{Subject, purgeable};
use crate::limits::RETRY_AFTER_MS;
use crate::store::{ForgettingFacts, StoreError};
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::erasure::ErasureReason;
use relay_proto::frame::{Erase, ErrorFrame, Purge, Purged};
use relay_proto::limits::FEATURE_ERASURE;
use relay_proto::roster::Statement;

impl OpenSession {
    /// Why a session may not ask for this at all.
    fn erasure_fault(&self) -> Option<ErrorCode> {
        if self.features & FEATURE_ERASURE == 0 {
            return Some(ErrorCode::UnexpectedFrame);
        }
        // As for rosters: the private half of the root lies on admin devices, and an admin can lock everybody out anyway.
        (!self.membership.may_put_rosters()).then_some(ErrorCode::NotAdmin)
    }

    pub(super) fn start_purge(&mut self, purge: &Purge, io: &mut Io<'_>) {
        let log = io.shared.store.log();
        if let Some(code) = self.erasure_fault() {
            return io.error(code, purge.size);
        }
        // What makes room would make a sponsored space hold more than it may.
        if self.channel.is_sponsored()
            || purge.log_epoch != log.log_epoch
            || !purge.verify(&self.device, &self.space, &log.log_id)
        {
            return io.error(ErrorCode::PurgeInvalid, purge.size);
        }
        let point = PurgePoint { log_epoch: purge.log_epoch, size: purge.size, head: purge.head };
        self.requests.under_way = Some(UnderWay::PurgeJudged(Box::new(point)));
        io.shared.store.forgetting_facts(self.space, io.completion(Answer::Forgetting));
    }

    /// What a live device has not acked stays: shown a floor above its ack, it would accuse the relay.
    pub(super) fn on_purge_facts(
        &mut self,
        point: PurgePoint,
        facts: Result<ForgettingFacts, StoreError>,
        io: &mut Io<'_>,
    ) {
        let facts = match facts {
            Ok(facts) => facts,
            Err(error) => return io.store_error(&error, point.size),
        };
        let Ok(newest) = Statement::parse(facts.roster.clone()) else { return io.fatal(ErrorCode::Internal) };
        let subject = Subject { facts: &facts, roster: newest.fields(), log_epoch: point.log_epoch };
        let now_ms = io.shared.wall_clock.now_ms();
        if point.size > purgeable(&subject, self.device, &io.shared.limits.forgetting, now_ms) {
            let code = ErrorCode::PurgeTooEarly;
            let frame = ErrorFrame { retry_after_ms: RETRY_AFTER_MS, ..ErrorFrame::about(code, point.size) };
            return io.error_frame(code, frame);
        }
        self.requests.under_way = Some(UnderWay::Purge(point.size));
        io.shared.store.purge(self.space, point, io.completion(Answer::Purged));
    }

    /// The floor is shown with a head signed now.
    pub(super) fn on_purged(&mut self, size: u64, purged: Result<(), StoreError>, io: &mut Io<'_>) {
        match purged {
            Ok(()) => {
                io.shared.counters.purges_total.one();
                self.requests.under_way = Some(UnderWay::PurgeShown(size));
                io.shared.store.attest(self.space, io.completion(Answer::Attested));
            }
            Err(error) => io.store_error(&error, size),
        }
    }

    pub(super) fn start_erase(&mut self, erase: &Erase, io: &mut Io<'_>) {
        let log = io.shared.store.log();
        if let Some(code) = self.erasure_fault() {
            return io.error(code, 0);
        }
        if erase.log_epoch != log.log_epoch || !erase.verify(&self.device, &self.space, &log.log_id) {
            return io.error(ErrorCode::EraseInvalid, 0);
        }
        let reason = ErasureReason::Signed { signer: self.device, erase: *erase };
        self.requests.under_way = Some(UnderWay::Erase);
        io.shared.store.erase(self.space, reason, io.completion(Answer::Erased));
    }

    pub(super) fn on_erased(&mut self, erased: Result<(), StoreError>, io: &mut Io<'_>) {
        match erased {
            Ok(()) => {
                self.requests.under_way = Some(UnderWay::EraseTold);
                io.shared.store.erasure(self.space, io.completion(Answer::Erasure));
            }
            Err(error) => {
                io.store_error(&error, 0);
                if !io.is_closed() && super::refusal::code_of(&error) == ErrorCode::RosterConflict {
                    self.roster.show_all(self.space, io);
                }
            }
        }
    }

    /// Cuts a session whose space is gone, unless it asked for that itself: then it is told when nothing is left.
    pub(super) fn end_if_erased(&self, io: &mut Io<'_>) {
        let asked = matches!(self.requests.under_way, Some(UnderWay::Erase | UnderWay::EraseTold));
        if let Some(notice) = self.channel.erased().filter(|_| !asked && !io.is_closed()) {
            space_erased(notice, io);
        }
    }
}

/// Tells a device of the space what became of it.
pub(super) fn show_erasure(erasure: Result<Option<Tombstone>, StoreError>, io: &mut Io<'_>) {
    match erasure {
        Ok(Some(tombstone)) => space_erased(tombstone.notice.encode(), io),
        Ok(None) => io.error(ErrorCode::SpaceErased, 0),
        Err(error) => io.store_error(&error, 0),
    }
}

fn space_erased(notice: Bytes, io: &mut Io<'_>) {
    let code = ErrorCode::SpaceErased;
    io.error_frame(code, ErrorFrame { detail: notice, ..ErrorFrame::of(code) });
}

/// Answers a purge.
pub(super) fn purged(size: u64, attested: Result<Bytes, StoreError>, io: &mut Io<'_>) {
    if let Some(attestation) = io.attested(attested, size) {
        io.send(&Purged { size, attestation });
    }
}
