//! From a proof whose signature holds to the welcome: roster, mark and head are looked up, one after the other.

mod sponsoring;

use super::State;
use super::erasure::show_erasure;
use super::handle::{Answer, SessionHandle};
use super::io::Io;
use super::open::{Admitted, OpenSession};
use super::refusal::code_of;
use super::roster::{Membership, membership};
use crate::commit::sign;
use crate::endpoint::Moment;
use crate::founding::{FoundingRequest, FoundingVerdict};
use crate::http::{Claims, Spending, Ticket};
use crate::hub::SpaceChannel;
use crate::ledger::RosterState;
use crate::limits::{QUOTA_RETRY_AFTER_MS, RETRY_AFTER_MS, SPONSORED_ROSTER_VERSION_MAX};
use crate::relay::Shared;
use crate::sponsored::Standing;
use crate::store::{DeviceMark, Page, ReadOutcome, Refusal, SpaceFacts, StoreError};
use crate::tenants::TenantId;
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{ErrorFrame, FoundingProof, Frame, Hello, Policy, SessionLimits, Welcome, WelcomeBody};
use relay_proto::handshake::ClientTranscript;
use relay_proto::hash::Domain;
use relay_proto::ids::{DeviceKey, EntryId, Hash, Signature, SpaceId};
use relay_proto::limits::{FEATURE_EPHEMERAL, FEATURE_TOPICS};
use relay_proto::roster::Statement;
use relay_proto::sponsorship::{OfferTranscript, Sponsorship};
use std::sync::Arc;

/// What a device brought to found a space with.
pub(super) enum Brought {
    Nothing,
    Token(Bytes),
    /// With the handshake it has to be for.
    Sponsorship(Box<(Sponsorship, OfferTranscript)>),
}

pub(super) struct Authentication {
    hello: Hello,
    features: u64,
    proof_signature: Signature,
    transcript: ClientTranscript,
    refuse_at: Moment,
    /// What is answered then.
    refusal: ErrorCode,
    chain: Vec<Bytes>,
    keyring: Bytes,
    brought: Brought,
    /// The space and the device that vouch, once their signature was verified.
    sponsor: Option<(SpaceId, DeviceKey)>,
    /// The space is not known, and whether it may be founded is found out.
    founding: bool,
    /// The newest statement the client knows: (version, hash).
    told: (u64, Hash),
    found: Option<Found>,
    /// Roster changes that were announced when the roster was asked for last.
    announced: u64,
    mark: DeviceMark,
    /// Of a handshake over HTTP, which yields a token.
    ticket: Option<Ticket>,
}

/// What is known once membership is proved.
struct Found {
    channel: Arc<SpaceChannel>,
    membership: Membership,
    roster_version: u64,
    roster_hash: Hash,
    size: u64,
}

/// How a step ended.
enum Step {
    Wait,
    Refuse,
    Open(Box<OpenSession>),
    Ended,
}

impl Authentication {
    pub(super) fn new(
        hello: Hello,
        proof: FoundingProof,
        brought: Brought,
        transcript: ClientTranscript,
        refuse_at: Moment,
        ticket: Option<Ticket>,
    ) -> Self {
        let told = (hello.roster_version, hello.roster_hash);
        Self {
            features: hello.features,
            hello,
            proof_signature: proof.signature,
            transcript,
            refuse_at,
            refusal: ErrorCode::HandshakeFailed,
            chain: proof.chain,
            keyring: proof.keyring,
            brought,
            sponsor: None,
            founding: false,
            told,
            found: None,
            announced: 0,
            mark: DeviceMark::default(),
            ticket,
        }
    }

    pub(super) fn release(&mut self, shared: &Shared, handle: &SessionHandle) {
        if self.found.take().is_some() {
            shared.hub.leave(self.hello.space, handle);
        }
    }

    fn is_root(&self) -> bool {
        self.hello.device == self.hello.space.as_device()
    }

    /// A chain is offered to the store only by the root or a member of its last statement.
    fn start(&mut self, io: &Io<'_>) -> Step {
        let Some(last) = self.chain.last() else {
            io.shared.store.space(self.hello.space, io.completion(Answer::Facts));
            return Step::Wait;
        };
        let Ok(newest) = Statement::parse(last.clone()) else { return Step::Refuse };
        if !self.is_root() && newest.fields().device(&self.hello.device).is_none() {
            return Step::Refuse;
        }
        self.told = (newest.fields().version, newest.hash());
        let is_sponsored = io.shared.standing(self.hello.space) != Standing::Ordinary;
        if is_sponsored && self.told.0 > SPONSORED_ROSTER_VERSION_MAX {
            return Step::Refuse;
        }
        if io.shared.gatekeeper.is_some() {
            self.founding = true;
            io.shared.store.space(self.hello.space, io.completion(Answer::Facts));
        } else {
            self.put_roster(io);
        }
        Step::Wait
    }

    fn put_roster(&mut self, io: &Io<'_>) {
        self.founding = false;
        let (chain, keyring) = (std::mem::take(&mut self.chain), std::mem::take(&mut self.keyring));
        io.shared.store.put_roster(self.hello.space, chain, keyring, io.completion(Answer::RosterPut));
    }

    fn on_answer(&mut self, answer: Answer, io: &mut Io<'_>) -> Step {
        match answer {
            Answer::Facts(Ok(Some(_))) if self.founding => {
                self.put_roster(io);
                Step::Wait
            }
            Answer::Erasure(Ok(None)) if self.founding => self.ask_to_found(io),
            Answer::Founding(verdict) => self.on_verdict(&verdict, io),
            Answer::Sponsor(Ok(facts)) => self.on_sponsor(facts.as_ref(), io),
            Answer::Sponsored(Ok(())) => self.put_on_sponsors_account(io),
            Answer::Assigned(Ok(())) => {
                self.put_roster(io);
                Step::Wait
            }
            Answer::Facts(Ok(Some(facts))) | Answer::RosterPut(Ok(facts)) => self.on_facts(&facts, io),
            // Only a device that was in the space learns that it is gone.
            Answer::Facts(Ok(None)) | Answer::RosterPut(Err(StoreError::Refused(Refusal::SpaceErased))) => {
                io.shared.store.erasure(self.hello.space, io.completion(Answer::Erasure));
                Step::Wait
            }
            Answer::Erasure(Ok(Some(tombstone))) if tombstone.knows(self.hello.device) => {
                show_erasure(Ok(Some(tombstone)), io);
                Step::Ended
            }
            Answer::Erasure(_) => Step::Refuse,
            Answer::RosterPut(Err(StoreError::Refused(refusal))) if refusal != Refusal::TooManySpaces => Step::Refuse,
            Answer::Mark(Ok(mark)) => {
                self.mark = mark;
                io.shared.store.attest(self.hello.space, io.completion(Answer::Attested));
                Step::Wait
            }
            Answer::Attested(Ok(attestation)) => self.welcome(&attestation, io),
            Answer::Attested(Err(StoreError::Poisoned | StoreError::DiskFull)) => self.show_last_head(io),
            Answer::Read(Ok(ReadOutcome::Page(Page { attestation, .. }) | ReadOutcome::BelowFloor { attestation })) => {
                self.welcome(&attestation, io)
            }
            Answer::Facts(Err(error))
            | Answer::RosterPut(Err(error))
            | Answer::Assigned(Err(error))
            | Answer::Sponsor(Err(error))
            | Answer::Sponsored(Err(error))
            | Answer::Mark(Err(error))
            | Answer::Attested(Err(error))
            | Answer::Read(Err(error)) => {
                io.fatal(code_of(&error));
                Step::Ended
            }
            _ => Step::Wait,
        }
    }

    /// The space is to be founded: that needs statements that hold, and a word of the gatekeeper.
    fn ask_to_found(&mut self, io: &mut Io<'_>) -> Step {
        let now_ms = io.shared.wall_clock.now_ms();
        let Some(gatekeeper) = &io.shared.gatekeeper else { return Step::Refuse };
        if RosterState::found(self.hello.space, &self.chain, &self.keyring, now_ms).is_err() {
            return Step::Refuse;
        }
        let admission = match &self.brought {
            Brought::Nothing => {
                io.shared.counters.foundings_refused_total.one();
                io.error(ErrorCode::AdmissionRequired, 0);
                return Step::Ended;
            }
            Brought::Sponsorship(brought) => return self.ask_sponsor(**brought, io),
            Brought::Token(token) => token.clone(),
        };
        let request = FoundingRequest { space: self.hello.space, admission };
        let handle = Arc::clone(io.handle);
        gatekeeper.judge(request, Box::new(move |verdict| handle.post(Answer::Founding(verdict))));
        Step::Wait
    }

    fn on_verdict(&mut self, verdict: &FoundingVerdict, io: &mut Io<'_>) -> Step {
        let counters = &io.shared.counters;
        let (count, code) = match verdict {
            FoundingVerdict::Admitted(tenant) => {
                counters.foundings_admitted_total.one();
                self.put_on_account(*tenant, io);
                return Step::Wait;
            }
            FoundingVerdict::Exceeded(detail) => {
                counters.foundings_refused_total.one();
                let code = ErrorCode::QuotaExceeded;
                let retry_after_ms = QUOTA_RETRY_AFTER_MS;
                io.fatal_frame(code, ErrorFrame { retry_after_ms, detail: detail.encode(), ..ErrorFrame::of(code) });
                return Step::Ended;
            }
            FoundingVerdict::Refused => (&counters.foundings_refused_total, ErrorCode::AdmissionRefused),
            FoundingVerdict::Unavailable => (&counters.foundings_unavailable_total, ErrorCode::AdmissionUnavailable),
        };
        count.one();
        let retry_after_ms = if code.info().temporary { RETRY_AFTER_MS } else { 0 };
        io.error_frame(code, ErrorFrame { retry_after_ms, ..ErrorFrame::of(code) });
        Step::Ended
    }

    /// On whose account a space is, is durable before the space is.
    fn put_on_account(&mut self, tenant: Option<TenantId>, io: &Io<'_>) {
        match tenant.zip(io.shared.tenants.as_ref()) {
            Some((tenant, tenants)) => tenants.assign(self.hello.space, tenant, io.completion(Answer::Assigned)),
            None => self.put_roster(io),
        }
    }

    /// Nothing can be signed now. The head that was signed last does for a welcome, so that reads go on.
    fn show_last_head(&self, io: &Io<'_>) -> Step {
        let size = self.found.as_ref().map_or(0, |found| found.size);
        io.shared.store.read(self.hello.space, size, 1, 1, io.completion(Answer::Read));
        Step::Wait
    }

    fn on_facts(&mut self, facts: &SpaceFacts, io: &mut Io<'_>) -> Step {
        let Some(membership) = membership(facts, self.hello.space, self.hello.device) else {
            return Step::Refuse;
        };
        if membership.expired(io.shared.wall_clock.now_ms()) {
            io.error(ErrorCode::DeviceExpired, 0);
            return Step::Ended;
        }
        if io.shared.standing(self.hello.space) == Standing::Over {
            return Step::Refuse;
        }
        let joined = self.found.take().map(|found| found.channel);
        let is_first_look = joined.is_none();
        let join = || io.shared.hub.join(self.hello.space, Arc::clone(io.handle));
        let channel = match joined.map_or_else(join, Ok) {
            Ok(channel) => channel,
            Err(full) => {
                io.space_is_full(&full);
                return Step::Ended;
            }
        };
        let (roster_version, roster_hash) = (facts.roster_version, facts.roster_hash);
        self.found = Some(Found { channel, membership, roster_version, roster_hash, size: facts.size });
        // Changes are heard of from here on; what was read before may be older than one.
        if is_first_look || self.roster_is_old() {
            return self.look_again(io);
        }
        if self.is_root() {
            io.shared.store.attest(self.hello.space, io.completion(Answer::Attested));
        } else {
            io.shared.store.device_mark(self.hello.space, self.hello.device, io.completion(Answer::Mark));
        }
        Step::Wait
    }

    fn roster_is_old(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.channel.roster_changes() != self.announced)
    }

    fn look_again(&mut self, io: &Io<'_>) -> Step {
        self.announced = self.found.as_ref().map_or(0, |found| found.channel.roster_changes());
        io.shared.store.space(self.hello.space, io.completion(Answer::Facts));
        Step::Wait
    }

    fn welcome(&mut self, attestation: &Bytes, io: &mut Io<'_>) -> Step {
        // A device that was removed meanwhile is not welcome, and learns nothing of the log.
        if self.roster_is_old() {
            return self.look_again(io);
        }
        let Some(attestation) = io.attestation(attestation) else { return Step::Ended };
        match self.ticket.map(|ticket| io.shared.tickets.spend(ticket, io.now)) {
            None | Some(Spending::Spent) => {}
            Some(Spending::Again) => return Step::Refuse,
            Some(Spending::Full) => {
                io.fatal(ErrorCode::Overloaded);
                return Step::Ended;
            }
        }
        let Some(found) = self.found.take() else { return Step::Wait };
        let body = WelcomeBody {
            log_epoch: attestation.claim.log_epoch,
            roster_version: found.roster_version,
            roster_hash: found.roster_hash,
            push_seq_high: self.mark.push_seq_high,
            push_seq_bound: self.mark.bound,
            last_entry_id: self.mark.last_entry.unwrap_or(EntryId::ZERO),
            session_limits: session_limits(io.shared),
            policy: policy(io.shared),
            attestation,
        };
        let value = self.transcript.relay_value(&self.proof_signature, &body.encode_unsigned());
        let signature = sign(&*io.shared.signer, Domain::HandshakeRelay, value.as_bytes());
        io.send_bytes(Welcome { body, signature }.encode());
        io.shared.counters.handshakes_ok_total.one();
        // Only the log of a sponsored space is for use.
        let unused = if found.channel.is_sponsored() { FEATURE_EPHEMERAL | FEATURE_TOPICS } else { 0 };
        let admitted = Admitted {
            space: self.hello.space,
            device: self.hello.device,
            membership: found.membership,
            channel: found.channel,
            told: self.told,
            mark: self.mark,
            features: self.features & io.shared.features() & !unused,
        };
        let mut open = OpenSession::new(admitted, io);
        if self.ticket.is_some() {
            let claims = Claims { space: self.hello.space, device: self.hello.device, told: self.told };
            io.send(&io.shared.tokens.issue(&claims, io.now));
            open.end_after_answers(io.now);
        }
        Step::Open(Box::new(open))
    }
}

fn session_limits(shared: &Shared) -> SessionLimits {
    let limits = &shared.limits;
    SessionLimits {
        message_bytes_max: u32::try_from(limits.message_bytes_max()).unwrap_or(u32::MAX),
        entry_bytes_max: limits.entry_bytes_max,
        push_entries_max: limits.push_entries_max,
        push_bytes_in_flight_max: limits.push_in_flight_bytes_max,
        heartbeat_ms: limits.heartbeat_ms,
    }
}

const fn policy(shared: &Shared) -> Policy {
    let forgetting = &shared.limits.forgetting;
    Policy { retention_ms: forgetting.retention_ms, device_lease_ms: forgetting.device_lease_ms }
}

pub(super) fn begin(mut authentication: Box<Authentication>, until: Moment, io: &mut Io<'_>) -> State {
    match authentication.start(io) {
        Step::Refuse => State::Refused { at: authentication.refuse_at, code: authentication.refusal },
        _ => advance(authentication, false, until, io),
    }
}

/// Takes the answers that are there. A frame of the peer before the welcome is out of turn.
pub(super) fn advance(mut authentication: Box<Authentication>, spoke: bool, until: Moment, io: &mut Io<'_>) -> State {
    if spoke {
        // Not told apart from a failed proof: the peer is not known yet.
        authentication.release(io.shared, io.handle);
        return State::Refused { at: authentication.refuse_at, code: authentication.refusal };
    }
    while let Some(answer) = io.handle.take() {
        match authentication.on_answer(answer, io) {
            Step::Wait => {}
            Step::Refuse => {
                authentication.release(io.shared, io.handle);
                return State::Refused { at: authentication.refuse_at, code: authentication.refusal };
            }
            Step::Open(mut open) => {
                open.drive(io);
                return State::Open(open);
            }
            Step::Ended => break,
        }
    }
    State::Authenticating { until, authentication }
}
