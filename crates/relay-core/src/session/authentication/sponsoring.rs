//! A space that is to be founded on the word of a device of another space.
//!
//! Invariant: whoever vouches and may not, for a space that is there or not, gets the same answer at the same moment.

use super::{Authentication, Step};
use crate::limits::RETRY_AFTER_MS;
use crate::session::handle::Answer;
use crate::session::io::Io;
use crate::session::roster::membership;
use crate::sponsored::{NotSponsored, SponsoredRecord, Standing};
use crate::store::SpaceFacts;
use relay_proto::ErrorCode;
use relay_proto::frame::ErrorFrame;
use relay_proto::sponsorship::{OfferTranscript, Sponsorship};

impl Authentication {
    /// Nothing is looked up before the sponsor's signature was verified.
    pub(super) fn ask_sponsor(&mut self, (sponsorship, offer): (Sponsorship, OfferTranscript), io: &Io<'_>) -> Step {
        // Its first statement alone: what comes later is held against the limits of a sponsored space.
        let is_first = self.chain.len() == 1 && self.told.0 == 1;
        if !sponsorship.verify(&offer) || !is_first {
            return self.refuse_sponsor(io);
        }
        self.sponsor = Some((sponsorship.space, sponsorship.device));
        io.shared.store.space(sponsorship.space, io.completion(Answer::Sponsor));
        Step::Wait
    }

    pub(super) fn on_sponsor(&mut self, facts: Option<&SpaceFacts>, io: &mut Io<'_>) -> Step {
        let now_ms = io.shared.wall_clock.now_ms();
        let Some(((sponsor, device), spaces)) = self.sponsor.zip(io.shared.sponsored.as_ref()) else {
            return self.refuse_sponsor(io);
        };
        let vouches = facts
            .and_then(|facts| membership(facts, sponsor, device))
            .is_some_and(|membership| membership.may_put_rosters() && !membership.expired(now_ms));
        if !vouches || io.shared.standing(sponsor) != Standing::Ordinary {
            return self.refuse_sponsor(io);
        }
        let record = SponsoredRecord { space: self.hello.space, sponsor, founded_at_ms: now_ms.max(1) };
        match spaces.admit(record, io.completion(Answer::Sponsored)) {
            Ok(()) => Step::Wait,
            Err(refused) => {
                io.shared.counters.sponsored_refused_total.one();
                too_many(refused, io);
                Step::Ended
            }
        }
    }

    /// What is in it counts for the sponsor's tenant.
    pub(super) fn put_on_sponsors_account(&mut self, io: &Io<'_>) -> Step {
        io.shared.counters.sponsored_founded_total.one();
        let tenants = io.shared.tenants.as_ref();
        let tenant = self.sponsor.zip(tenants).and_then(|((sponsor, _), tenants)| tenants.of(sponsor));
        self.put_on_account(tenant.map(|tenant| tenant.id()), io);
        Step::Wait
    }

    fn refuse_sponsor(&mut self, io: &Io<'_>) -> Step {
        io.shared.counters.sponsored_refused_total.one();
        self.refusal = ErrorCode::SponsorRefused;
        Step::Refuse
    }
}

/// The sponsor is known here, so it is told how it stands.
fn too_many(refused: NotSponsored, io: &mut Io<'_>) {
    match refused {
        NotSponsored::Exceeded { detail, retry_after_ms } => {
            let code = ErrorCode::QuotaExceeded;
            io.fatal_frame(code, ErrorFrame { retry_after_ms, detail: detail.encode(), ..ErrorFrame::of(code) });
        }
        NotSponsored::Full => {
            let code = ErrorCode::AdmissionUnavailable;
            io.error_frame(code, ErrorFrame { retry_after_ms: RETRY_AFTER_MS, ..ErrorFrame::of(code) });
        }
    }
}
