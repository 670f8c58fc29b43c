//! The native protocol's endpoint: one session in one space, sans-IO.
//!
//! ```text
//! AwaitHello ─Hello→ AwaitProof ─Proof→ Authenticating ─store→ Open ─→ Closing
//!      │                 │                    │
//!      │                 └──────── Refused ◄──┘   the one answer, 25 ms after the proof
//!      └─ unsupported_version, malformed_frame → Closing
//! ```
//! Invariants:
//! 1. Nothing is looked up for a device before its one signature was verified.
//! 2. Every failure before membership is proved gives the same bytes at the same time; so does every sponsor that may not vouch.
//! 3. What a session holds is bounded: one request under way and a bounded queue of small ones, pushes within a window of
//!    bytes, one page of the log. When a bound is reached it stops reading from the peer.
//! 4. After a change of roster was announced, no entry is sent before the RosterUpdate.

mod acks;
mod authentication;
mod ephemeral;
mod erasure;
mod exchange;
mod gathered;
mod handle;
mod handshake;
mod http_handshake;
mod io;
mod open;
mod pull;
mod push;
mod push_window;
mod quota;
mod refusal;
mod requests;
mod resumption;
mod roster;
mod snapshot;
mod subscription;
mod topics;

pub(crate) use handle::SessionHandle;
pub(crate) use http_handshake::HttpHandshake;
pub(crate) use refusal::code_of;
pub(crate) use roster::{Membership, membership};

use crate::endpoint::{Endpoint, Moment, Opened, Outbox};
use crate::http::ExchangeOptions;
use crate::relay::Shared;
use authentication::Authentication;
use bytes::Bytes;
use exchange::Exchange;
use handshake::Offered;
use io::Io;
use open::OpenSession;
use relay_proto::ErrorCode;
use relay_proto::limits::{MESSAGE_BEFORE_OPEN_BYTES_MAX, PROOF_BYTES_MAX};
use resumption::Resumption;
use std::sync::Arc;
use std::time::Duration;

/// One connection's endpoint.
pub(crate) struct Session {
    shared: Arc<Shared>,
    handle: Arc<SessionHandle>,
    state: State,
}

enum State {
    AwaitHello {
        until: Moment,
    },
    AwaitProof {
        until: Moment,
        offered: Box<Offered>,
    },
    Authenticating {
        until: Moment,
        authentication: Box<Authentication>,
    },
    Refused {
        at: Moment,
        code: ErrorCode,
    },
    /// A token that does not hold.
    Unknown,
    Resuming {
        until: Moment,
        resumption: Box<Resumption>,
    },
    Open(Box<OpenSession>),
    Closing,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, opened: Opened, now: Moment) -> Self {
        shared.counters.connections.one();
        let handle = Arc::new(SessionHandle::new(opened.connection_id, opened.waker));
        let until = after_ms(now, shared.limits.handshake_ms);
        Self { shared, handle, state: State::AwaitHello { until } }
    }

    /// A session by token; its first poll opens or ends it.
    pub(crate) fn resume(
        shared: Arc<Shared>,
        token: &[u8],
        options: ExchangeOptions,
        opened: Opened,
        now: Moment,
    ) -> Self {
        let state = match shared.tokens.open(token, now) {
            Some((claims, token_until)) => {
                let exchange = Exchange::new(options, token_until, now);
                let until = after_ms(now, shared.limits.handshake_ms);
                State::Resuming { until, resumption: Box::new(Resumption::new(claims, exchange)) }
            }
            None => State::Unknown,
        };
        Self { state, ..Self::new(shared, opened, now) }
    }

    fn step(state: State, message: Option<Bytes>, io: &mut Io<'_>) -> State {
        match (state, message) {
            (State::AwaitHello { until }, Some(message)) => handshake::on_hello(message, until, io),
            (State::AwaitProof { until, offered }, Some(message)) => handshake::on_proof(*offered, &message, until, io),
            (State::Authenticating { until, authentication }, message) => {
                authentication::advance(authentication, message.is_some(), until, io)
            }
            (State::Open(mut open), message) => {
                let rests = message.is_some_and(|message| open.on_message(message, io));
                // A push is answered later: while nothing else is there, looking for it with every message would find nothing.
                if !rests || io.handle.has_answers() {
                    open.drive(io);
                }
                State::Open(open)
            }
            (State::Unknown, _) => {
                io.error(ErrorCode::SessionExpired, 0);
                State::Closing
            }
            (State::Resuming { until, resumption }, None) => resumption::advance(resumption, until, io),
            (State::Resuming { mut resumption, .. }, Some(_)) => {
                resumption.release(io.shared, io.handle);
                io.error(ErrorCode::UnexpectedFrame, 0);
                State::Closing
            }
            (State::Refused { at, code }, _) if io.now >= at => {
                io.shared.counters.handshakes_failed_total.one();
                io.error(code, 0);
                State::Closing
            }
            (other, _) => other,
        }
    }

    fn run(&mut self, message: Option<Bytes>, now: Moment, out: &mut dyn Outbox) {
        let Self { shared, handle, state } = self;
        handle.looking();
        let mut io = Io::new(shared, handle, now, out);
        let mut next = Self::step(std::mem::replace(state, State::Closing), message, &mut io);
        let timed_out = next.handshake_until().is_some_and(|until| now >= until);
        if timed_out && !io.is_closed() {
            io.error(ErrorCode::HandshakeTimeout, 0);
        }
        if io.is_closed() {
            next.release(shared, handle);
            next = State::Closing;
        }
        *state = next;
    }
}

impl State {
    fn handshake_until(&self) -> Option<Moment> {
        match self {
            Self::AwaitHello { until }
            | Self::AwaitProof { until, .. }
            | Self::Authenticating { until, .. }
            | Self::Resuming { until, .. } => Some(*until),
            Self::Refused { .. } | Self::Unknown | Self::Open(_) | Self::Closing => None,
        }
    }

    /// Gives back what is registered elsewhere.
    fn release(&mut self, shared: &Shared, handle: &SessionHandle) {
        match self {
            Self::Open(open) => open.release(shared, handle),
            Self::Authenticating { authentication, .. } => authentication.release(shared, handle),
            Self::Resuming { resumption, .. } => resumption.release(shared, handle),
            Self::AwaitHello { .. }
            | Self::AwaitProof { .. }
            | Self::Refused { .. }
            | Self::Unknown
            | Self::Closing => {}
        }
    }
}

impl Endpoint for Session {
    fn on_message(&mut self, message: Bytes, now: Moment, out: &mut dyn Outbox) {
        self.run(Some(message), now, out);
    }

    fn take_in_place(&mut self, message: &[u8], now: Moment) -> bool {
        match &mut self.state {
            State::Open(open) => {
                open.take_ephemeral(message, now, &self.shared.limits, self.handle.id)
                    || open.gather_push(message, &self.shared)
            }
            _ => false,
        }
    }

    fn poll(&mut self, now: Moment, out: &mut dyn Outbox) {
        self.run(None, now, out);
    }

    fn on_read_end(&mut self, now: Moment, out: &mut dyn Outbox) {
        let Self { shared, handle, state } = self;
        let State::Open(open) = state else { return };
        open.publish_ephemeral(handle.id);
        let mut io = Io::new(shared, handle, now, out);
        open.end_read(&mut io);
        if io.is_closed() {
            state.release(shared, handle);
            *state = State::Closing;
        }
    }

    fn on_input_end(&mut self, now: Moment, out: &mut dyn Outbox) {
        match &mut self.state {
            State::Resuming { resumption, .. } => resumption.input_ended(),
            State::Open(open) => open.input_ended(),
            _ => {}
        }
        self.run(None, now, out);
    }

    fn is_idle(&self) -> bool {
        matches!(&self.state, State::Open(open) if open.owes_nothing())
    }

    fn next_deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Refused { at, .. } => Some(*at),
            State::Open(open) => open.next_deadline(),
            other => other.handshake_until(),
        }
    }

    fn on_drain(&mut self, now: Moment, out: &mut dyn Outbox) {
        if matches!(self.state, State::Closing) {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let handle = Arc::clone(&self.handle);
        let mut io = Io::new(&shared, &handle, now, out);
        io.goaway();
        if let State::Open(open) = &mut self.state {
            open.drain();
            return self.run(None, now, out);
        }
        io.close_drained();
        self.state.release(&shared, &handle);
        self.state = State::Closing;
    }

    fn message_bytes_max(&self) -> usize {
        match &self.state {
            State::AwaitProof { .. } => PROOF_BYTES_MAX,
            State::Resuming { .. } | State::Open(_) => self.shared.limits.message_bytes_max(),
            _ => MESSAGE_BEFORE_OPEN_BYTES_MAX,
        }
    }

    fn on_closed(&mut self) {
        self.state.release(&self.shared, &self.handle);
        self.state = State::Closing;
        self.shared.counters.connections.one_less();
    }
}

/// A moment some milliseconds later.
pub(crate) fn after_ms(moment: Moment, ms: u64) -> Moment {
    Moment(moment.0.saturating_add(Duration::from_millis(ms)))
}
