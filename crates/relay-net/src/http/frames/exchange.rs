//! One request of frames: its body goes to an endpoint, whose answers become the answer's body. Pulled from both sides:
//! nothing is read while the endpoint has no room, and the endpoint is asked for more only when its answers were taken on.

use super::super::endpoint_wake::EndpointWake;
use super::input::{Input, Next};
use super::outbox::FrameOutbox;
use crate::clock::after_ms;
use crate::connection::session::{Panicked, Session};
use crate::connection::signal::Signal;
use crate::connection::{Shared, timer::Timer};
use crate::partial::PartialLease;
use bytes::Bytes;
use relay_core::endpoint::{Endpoint, Moment, Opened, Outbox};
use relay_proto::ErrorCode;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Periods of the heartbeat after which a body that brings nothing is given up.
const SILENT_PERIODS_MAX: u64 = 2;

pub(crate) struct FrameExchange {
    session: Option<Session>,
    input: Input,
    input_ended: bool,
    pub(super) out: FrameOutbox,
    wake: Arc<EndpointWake>,
    connection: Arc<Signal>,
    drained: bool,
    /// Since when the peer owes something: the rest of a frame, or another one.
    waits_since: Moment,
    frame_bytes: u64,
    lease: PartialLease,
    timer: Timer,
    shared: Arc<Shared>,
}

impl FrameExchange {
    pub(super) fn open(
        open: impl FnOnce(Opened, Moment) -> Box<dyn Endpoint>,
        input: Input,
        (connection_id, connection): (u64, &Arc<Signal>),
        shared: Arc<Shared>,
    ) -> Self {
        let now = shared.clock.now();
        let wake = EndpointWake::new();
        let waker = wake.waker();
        let session = Session::open_with(|| open(Opened { connection_id, waker }, now));
        let mut exchange = Self {
            session: None,
            input,
            input_ended: false,
            out: FrameOutbox::default(),
            wake,
            connection: Arc::clone(connection),
            drained: false,
            waits_since: now,
            frame_bytes: 0,
            lease: PartialLease::new(Arc::clone(&shared.stats.partial)),
            timer: Timer::new(shared.clock.instant(after_ms(now, shared.limits.message_grace_ms))),
            shared,
        };
        match session {
            Ok(session) => exchange.session = Some(session),
            Err(Panicked) => exchange.panicked(),
        }
        exchange
    }

    /// Whether everything was answered and taken on.
    pub(super) fn is_finished(&self) -> bool {
        self.out.closed && self.out.is_empty()
    }

    /// The next bytes of the answer; none once it is complete.
    pub(super) fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.wake.register(cx);
        loop {
            let now = self.shared.clock.now();
            self.look(now);
            let moved = self.read(now, cx);
            if self.out.closed {
                self.session = None;
                self.lease.set(0);
            }
            if !self.out.is_empty() {
                // An endpoint that stopped for want of room says nothing when there is some again: it is asked.
                if self.out.room_bytes() == 0 {
                    self.wake.ask();
                }
                return Poll::Ready(Some(self.out.take()));
            }
            if self.out.closed {
                return Poll::Ready(None);
            }
            if moved {
                continue;
            }
            let due = self.next_deadline().map(|at| self.timer.poll_at(self.shared.clock.instant(at), cx));
            if due.is_none_or(|due| due.is_pending()) {
                return Poll::Pending;
            }
        }
    }

    /// Calls the endpoint if it asked for it, or its deadline has passed, or the relay drains.
    fn look(&mut self, now: Moment) {
        if !self.drained && self.connection.is_draining() {
            self.drained = true;
            self.call(|endpoint, out| endpoint.on_drain(now, out));
        }
        let due = self.endpoint_deadline().is_some_and(|deadline| now >= deadline);
        if self.wake.take() || due {
            self.call(|endpoint, out| endpoint.poll(now, out));
        }
        if self.input_deadline().is_some_and(|deadline| now >= deadline) {
            self.shared.stats.counters.message_timeouts_total.add(1);
            self.out.fail(ErrorCode::IdleTimeout);
        }
    }

    /// Hands over at most one piece of the body; returns whether there was one.
    fn read(&mut self, now: Moment, cx: &mut Context<'_>) -> bool {
        if self.input_ended || self.out.reading_paused || self.out.room_bytes() == 0 {
            // Time during which we do not read is not the peer's.
            self.waits_since = now;
            self.frame_bytes = 0;
            return false;
        }
        let frame_bytes_max = self.session.as_ref().map_or(0, Session::message_bytes_max);
        let Poll::Ready(next) = self.input.poll_next(frame_bytes_max, cx) else { return false };
        match next {
            Next::Frame(frame) => {
                self.waits_since = now;
                self.frame_bytes = 0;
                self.call(|endpoint, out| endpoint.on_message(frame, now, out));
            }
            Next::Part(bytes) => self.frame_bytes += bytes as u64,
            Next::End => {
                self.input_ended = true;
                self.call(|endpoint, out| endpoint.on_input_end(now, out));
            }
            Next::Broken => self.out.fail(ErrorCode::MalformedFrame),
            Next::TooLarge => self.out.fail(ErrorCode::FrameTooLarge),
        }
        if !self.lease.set(self.input.held_bytes()) {
            self.shared.stats.counters.partial_refused_total.add(1);
            self.out.fail(ErrorCode::Overloaded);
        }
        true
    }

    fn call(&mut self, body: impl FnOnce(&mut dyn Endpoint, &mut dyn Outbox)) {
        let Some(session) = &mut self.session else { return };
        let out = &mut self.out;
        if let Err(Panicked) = session.call(|endpoint| body(endpoint, out)) {
            self.panicked();
        }
    }

    fn panicked(&mut self) {
        self.shared.stats.counters.endpoint_panics_total.add(1);
        self.out.fail(ErrorCode::Internal);
        self.session = None;
    }

    fn next_deadline(&mut self) -> Option<Moment> {
        let endpoint = self.endpoint_deadline();
        [endpoint, self.input_deadline()].into_iter().flatten().min()
    }

    fn endpoint_deadline(&mut self) -> Option<Moment> {
        self.session.as_mut().and_then(|session| session.call(|endpoint| endpoint.next_deadline()).ok().flatten())
    }

    /// When the body has kept us waiting for too long.
    fn input_deadline(&self) -> Option<Moment> {
        if self.input_ended || self.out.reading_paused || self.out.closed {
            return None;
        }
        let limits = &self.shared.limits;
        let allowed_ms = if self.input.is_mid_frame() {
            let earned_ms = self.frame_bytes.saturating_mul(1000) / limits.message_rate_bytes_min.max(1);
            limits.message_grace_ms.saturating_add(earned_ms)
        } else {
            limits.heartbeat_ms.saturating_mul(SILENT_PERIODS_MAX)
        };
        Some(after_ms(self.waits_since, allowed_ms))
    }
}
