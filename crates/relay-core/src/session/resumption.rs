//! A session by token: from the token's claims to an open session, by what the newest roster says now.

use super::State;
use super::exchange::Exchange;
use super::handle::{Answer, SessionHandle};
use super::io::Io;
use super::open::{Admitted, OpenSession};
use super::roster::Membership;
use crate::endpoint::Moment;
use crate::http::{Claims, judge};
use crate::hub::SpaceChannel;
use crate::relay::Shared;
use crate::sponsored::Standing;
use crate::store::DeviceMark;
use relay_proto::ErrorCode;
use relay_proto::limits::FEATURE_ERASURE;
use std::sync::Arc;

pub(super) struct Resumption {
    claims: Claims,
    exchange: Exchange,
    found: Option<(Arc<SpaceChannel>, Membership)>,
    started: bool,
}

/// How a step ended.
enum Step {
    Wait,
    Open(Box<OpenSession>),
    Ended,
}

impl Resumption {
    pub(super) fn new(claims: Claims, exchange: Exchange) -> Self {
        Self { claims, exchange, found: None, started: false }
    }

    pub(super) fn input_ended(&mut self) {
        self.exchange.input_ended = true;
    }

    pub(super) fn release(&mut self, shared: &Shared, handle: &SessionHandle) {
        if self.found.take().is_some() {
            shared.hub.leave(self.claims.space, handle);
        }
    }

    fn on_answer(&mut self, answer: Answer, io: &mut Io<'_>) -> Step {
        match answer {
            Answer::Facts(facts) => match judge(io.shared, facts, self.claims.space, self.claims.device) {
                Ok(membership) => self.on_membership(membership, io),
                Err(code) => refuse(code, io),
            },
            Answer::Mark(Ok(mark)) => self.open(mark, io),
            Answer::Mark(Err(error)) => refuse(super::code_of(&error), io),
            _ => Step::Wait,
        }
    }

    fn on_membership(&mut self, membership: Membership, io: &mut Io<'_>) -> Step {
        if io.shared.standing(self.claims.space) == Standing::Over {
            return refuse(ErrorCode::SessionExpired, io);
        }
        let channel = match io.shared.hub.join(self.claims.space, Arc::clone(io.handle)) {
            Ok(channel) => channel,
            Err(full) => {
                io.space_is_full(&full);
                return Step::Ended;
            }
        };
        self.found = Some((channel, membership));
        if membership == Membership::Root {
            return self.open(DeviceMark::default(), io);
        }
        io.shared.store.device_mark(self.claims.space, self.claims.device, io.completion(Answer::Mark));
        Step::Wait
    }

    fn open(&mut self, mark: DeviceMark, io: &mut Io<'_>) -> Step {
        let Some((channel, membership)) = self.found.take() else { return Step::Wait };
        let Claims { space, device, told } = self.claims.clone();
        // A request over HTTP has nobody to hear what is not stored.
        let admitted = Admitted { space, device, membership, channel, told, mark, features: FEATURE_ERASURE };
        let mut open = OpenSession::new(admitted, io);
        open.exchange = Some(Box::new(self.exchange.clone()));
        Step::Open(Box::new(open))
    }
}

fn refuse(code: ErrorCode, io: &mut Io<'_>) -> Step {
    io.fatal(code);
    Step::Ended
}

/// Takes the answers that are there; nothing is read from the peer until the session is open.
pub(super) fn advance(mut resumption: Box<Resumption>, until: Moment, io: &mut Io<'_>) -> State {
    if !std::mem::replace(&mut resumption.started, true) {
        io.pause_reading(true);
        io.shared.store.space(resumption.claims.space, io.completion(Answer::Facts));
    }
    while let Some(answer) = io.handle.take() {
        match resumption.on_answer(answer, io) {
            Step::Wait => {}
            Step::Open(mut open) => {
                io.pause_reading(false);
                open.drive(io);
                return State::Open(open);
            }
            Step::Ended => break,
        }
    }
    State::Resuming { until, resumption }
}
