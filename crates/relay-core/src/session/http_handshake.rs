//! One request of a handshake over HTTP: the Hello alone, or the Hello, the Challenge and the ticket it was answered with,
//! and the Proof.

use super::handshake::Offered;
use super::io::Io;
use super::{Session, State, after_ms};
use crate::endpoint::{Endpoint, Moment, Opened, Outbox};
use crate::relay::Shared;
use bytes::Bytes;
use relay_proto::ErrorCode;
use relay_proto::frame::{Frame, Hello, SessionTicket};
use relay_proto::limits::{MESSAGE_BEFORE_OPEN_BYTES_MAX, PROOF_BYTES_MAX};
use std::sync::Arc;

/// Frames of the second request.
const FRAMES_MAX: usize = 4;

pub(crate) struct HttpHandshake {
    session: Session,
    frames: Vec<Bytes>,
    /// More came than a handshake has.
    too_many: bool,
}

impl HttpHandshake {
    pub(crate) fn new(shared: Arc<Shared>, opened: Opened, now: Moment) -> Self {
        Self { session: Session::new(shared, opened, now), frames: Vec::new(), too_many: false }
    }

    /// The first request: the challenge, and the ticket with which the second one brings it back.
    fn hello(&mut self, hello: Bytes, now: Moment, out: &mut dyn Outbox) {
        self.session.on_message(hello, now, out);
        let shared = Arc::clone(&self.session.shared);
        let handle = Arc::clone(&self.session.handle);
        let mut io = Io::new(&shared, &handle, now, out);
        if let State::AwaitProof { offered, .. } = &self.session.state {
            io.send(&offered.ticket(&shared.tickets, now));
            io.close_done();
            self.session.state = State::Closing;
        }
    }

    /// The second request. Until the device is known, whatever is wrong with it is answered like a failed proof.
    fn proof(&mut self, now: Moment, out: &mut dyn Outbox) {
        let shared = Arc::clone(&self.session.shared);
        let mut frames = std::mem::take(&mut self.frames).into_iter();
        let (hello, challenge, ticket, proof) = (frames.next(), frames.next(), frames.next(), frames.next());
        let offered = self.offered(hello, challenge, ticket, now);
        let until = after_ms(now, shared.limits.handshake_ms);
        self.session.state = State::AwaitProof { until, offered: Box::new(offered) };
        self.session.on_message(proof.unwrap_or_default(), now, out);
    }

    fn offered(&self, hello: Option<Bytes>, challenge: Option<Bytes>, ticket: Option<Bytes>, now: Moment) -> Offered {
        let shared = &self.session.shared;
        let (hello, challenge) = (hello.unwrap_or_default(), challenge.unwrap_or_default());
        let ticket = ticket.and_then(|frame| SessionTicket::decode(&frame).ok()).map(|frame| frame.ticket);
        let held = ticket.filter(|ticket| !self.too_many && shared.tickets.holds(ticket, &hello, &challenge, now));
        match (held, Hello::decode(&hello)) {
            (Some(ticket), Ok(fields)) => Offered::again(fields, hello, challenge, ticket),
            _ => Offered::unknown(),
        }
    }
}

impl Endpoint for HttpHandshake {
    fn on_message(&mut self, message: Bytes, _: Moment, _: &mut dyn Outbox) {
        if self.frames.len() < FRAMES_MAX {
            self.frames.push(message);
        } else {
            self.too_many = true;
        }
    }

    fn on_input_end(&mut self, now: Moment, out: &mut dyn Outbox) {
        match self.frames.len() {
            0 => {
                let shared = Arc::clone(&self.session.shared);
                let handle = Arc::clone(&self.session.handle);
                Io::new(&shared, &handle, now, out).error(ErrorCode::MalformedFrame, 0);
                self.session.state = State::Closing;
            }
            1 => {
                let hello = self.frames.pop().unwrap_or_default();
                self.hello(hello, now, out);
            }
            _ => self.proof(now, out),
        }
    }

    fn poll(&mut self, now: Moment, out: &mut dyn Outbox) {
        self.session.poll(now, out);
    }

    fn next_deadline(&self) -> Option<Moment> {
        self.session.next_deadline()
    }

    fn on_drain(&mut self, now: Moment, out: &mut dyn Outbox) {
        self.session.on_drain(now, out);
    }

    fn message_bytes_max(&self) -> usize {
        if self.frames.len() + 1 == FRAMES_MAX { PROOF_BYTES_MAX } else { MESSAGE_BEFORE_OPEN_BYTES_MAX }
    }

    fn on_closed(&mut self) {
        self.session.on_closed();
    }
}
