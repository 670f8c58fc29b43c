//! One WebSocket whose socket the program owns: its messages go to an endpoint, and the endpoint's to the program, as far as
//! the windows allow. Pings, silence and stalled writes are judged here, by the limits of the relay's own connections.
//!
//! Phases: open → closing (a close record left; the endpoint is gone) → gone.

use super::outbox::WindowOutbox;
use super::outlet::Outlet;
use super::stream::{Stream, StreamLease};
use super::wire::{self, Output, RECORD_HEADER_BYTES};
use crate::clock::after_ms;
use crate::connection::heartbeat::{Beat, Heartbeat};
use crate::connection::session::{Panicked, Session};
use crate::connection::{Shared, timer::Timer};
use crate::connections::ConnectionGuard;
use crate::stats::{Tally, WebSocketGuard};
use crate::websocket::close;
use bytes::Bytes;
use relay_core::endpoint::{Endpoint, EndpointFactory, Moment, Opened, Outbox};
use std::sync::Arc;
use std::task::{Context, Poll};

/// Messages handed over before the endpoint is asked for its answers.
const MESSAGES_PER_TURN: usize = 64;
/// Close code of RFC 6455 for a message that is too big.
const TOO_BIG: u16 = 1009;

pub(super) struct EmbeddedSession {
    session: Option<Session>,
    stream: Arc<Stream>,
    outlet: Arc<Outlet>,
    out: WindowOutbox,
    message_bytes_max: usize,
    /// Cost of the messages used in this turn.
    used_bytes: usize,
    heartbeat: Heartbeat,
    /// Since when the socket took nothing of what is outstanding.
    write_waits_since: Option<Moment>,
    drain_close_at: Option<Moment>,
    /// The close record left; the socket has until then.
    gone_by: Option<Moment>,
    blocked: bool,
    timer: Timer,
    tally: Tally,
    guard: ConnectionGuard,
    shared: Arc<Shared>,
    lease: StreamLease,
    // Last, so that the gauges fall after everything else is released.
    _open: WebSocketGuard,
}

impl EmbeddedSession {
    pub(super) fn open(
        factory: &dyn EndpointFactory,
        (stream, lease): (Arc<Stream>, StreamLease),
        outlet: Arc<Outlet>,
        shared: Arc<Shared>,
        guard: ConnectionGuard,
    ) -> Self {
        let now = shared.clock.now();
        let waking = Arc::clone(&stream);
        let opened = Opened { connection_id: guard.id, waker: Arc::new(move || waking.wake_endpoint()) };
        let session = Session::open(factory, opened, now);
        let heartbeat = Heartbeat::new(shared.limits.heartbeat_ms, now);
        stream.wake_endpoint();
        let mut this = Self {
            session: None,
            stream,
            outlet,
            out: WindowOutbox::new(lease.id, shared.limits.write_queue_bytes_max),
            message_bytes_max: factory.message_bytes_max(),
            used_bytes: 0,
            write_waits_since: None,
            drain_close_at: None,
            gone_by: None,
            blocked: false,
            timer: Timer::new(shared.clock.instant(heartbeat.next_deadline())),
            heartbeat,
            tally: Tally::default(),
            _open: WebSocketGuard::new(Arc::clone(&shared.stats)),
            guard,
            shared,
            lease,
        };
        match session {
            Ok(session) => this.session = Some(session),
            Err(Panicked) => this.panicked(now),
        }
        this
    }

    /// Runs one stretch; ready when it is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.register(cx.waker());
        self.guard.signal.register(cx.waker());
        let result = self.turns(cx);
        self.hand_over();
        self.tally.report(&self.shared.stats.counters);
        result
    }

    fn turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = self.shared.clock.now();
            if self.stream.is_gone() || self.is_over(now) {
                return Poll::Ready(());
            }
            self.take_credit(now);
            let could_read = self.may_read();
            let moved = self.read(now);
            self.ask_endpoint(now);
            let reading_resumed = !could_read && self.may_read();
            if moved || reading_resumed {
                continue;
            }
            // What was said leaves before the next wait.
            self.hand_over();
            let deadline = self.next_deadline();
            let deadline = self.shared.clock.instant(deadline);
            if self.timer.poll_at(deadline, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Ends what has to end: aborted, stalled, or closed for long enough.
    fn is_over(&mut self, now: Moment) -> bool {
        let counters = &self.shared.stats.counters;
        let aborted = self.guard.signal.requests().abort();
        let stalled = self.write_deadline().is_some_and(|deadline| now >= deadline);
        if aborted {
            counters.aborted_total.add(1);
        } else if stalled {
            counters.write_stalls_total.add(1);
        }
        let over = aborted || stalled || self.gone_by.is_some_and(|deadline| now >= deadline);
        if over {
            wire::append(&mut self.out.records, Output::Cut, self.lease.id, &[]);
        }
        over
    }

    fn take_credit(&mut self, now: Moment) {
        let look = self.stream.look();
        if look.taken_bytes > 0 {
            self.out.taken(look.taken_bytes);
            self.write_waits_since = (self.out.outstanding_bytes > 0).then_some(now);
        }
        if look.alive {
            self.heartbeat.received(now);
        }
        if self.gone_by.is_some() {
            return;
        }
        if look.overrun {
            return self.begin_close(now, close::POLICY, "input_window");
        }
        if self.guard.signal.is_draining() && self.drain_close_at.is_none() {
            self.drain_close_at = Some(after_ms(now, self.shared.limits.drain_linger_ms));
            self.shared.stats.counters.drained_total.add(1);
            self.call(now, |endpoint, out| endpoint.on_drain(now, out));
        }
        if self.drain_close_at.is_some_and(|at| now >= at) {
            return self.begin_close(now, close::RESTART, "drain");
        }
        if !self.may_read() {
            // While we do not read, silence is not the peer's.
            self.heartbeat.received(now);
        }
        match self.heartbeat.check(now) {
            Beat::Nothing => {}
            Beat::Ping => {
                self.shared.stats.counters.pings_total.add(1);
                wire::append(&mut self.out.records, Output::Ping, self.lease.id, &[]);
            }
            Beat::Dead => {
                self.shared.stats.counters.heartbeat_timeouts_total.add(1);
                self.begin_close(now, close::GOING_AWAY, "heartbeat");
            }
        }
    }

    fn may_read(&self) -> bool {
        self.gone_by.is_some() || (!self.out.reading_paused && self.out.room_bytes() > 0)
    }

    /// Hands over what came; returns whether there was anything.
    fn read(&mut self, now: Moment) -> bool {
        let mut count = 0;
        while count < MESSAGES_PER_TURN && self.may_read() {
            let Some(message) = self.stream.next() else { break };
            count += 1;
            self.used_bytes += RECORD_HEADER_BYTES + message.len();
            self.tally.bytes_in += message.len() as u64;
            self.message(message, now);
        }
        if count > 0 {
            self.call(now, |endpoint, out| endpoint.on_read_end(now, out));
        }
        count > 0
    }

    fn message(&mut self, message: Bytes, now: Moment) {
        let Some(session) = &mut self.session else { return };
        self.tally.messages_in += 1;
        if message.len() > self.message_bytes_max.min(session.message_bytes_max()) {
            return self.begin_close(now, TOO_BIG, "message_too_large");
        }
        match session.call(|endpoint| endpoint.take_in_place(&message, now)) {
            Ok(true) => {}
            Ok(false) => self.call(now, |endpoint, out| endpoint.on_message(message, now, out)),
            Err(Panicked) => self.panicked(now),
        }
    }

    fn ask_endpoint(&mut self, now: Moment) {
        if self.out.room_bytes() == 0 {
            if !self.blocked && self.session.is_some() {
                self.shared.stats.counters.slow_consumers_total.add(1);
            }
            self.blocked = true;
            return;
        }
        let due = self.endpoint_deadline().is_some_and(|deadline| now >= deadline);
        if self.stream.take_woken() || due || std::mem::take(&mut self.blocked) {
            self.call(now, |endpoint, out| endpoint.poll(now, out));
        }
    }

    fn call(&mut self, now: Moment, body: impl FnOnce(&mut dyn Endpoint, &mut dyn Outbox)) {
        let Some(session) = &mut self.session else { return };
        let out = &mut self.out;
        if let Err(Panicked) = session.call(|endpoint| body(endpoint, out)) {
            return self.panicked(now);
        }
        if let Some(close) = self.out.close.take() {
            self.shared.stats.counters.endpoint_closes_total.add(1);
            self.begin_close(now, close.code, close.reason);
        }
        if self.out.outstanding_bytes > 0 {
            self.write_waits_since.get_or_insert(now);
        }
    }

    fn panicked(&mut self, now: Moment) {
        self.shared.stats.counters.endpoint_panics_total.add(1);
        self.begin_close(now, close::INTERNAL, "internal");
    }

    fn begin_close(&mut self, now: Moment, code: u16, reason: &str) {
        self.session = None;
        if self.gone_by.is_none() {
            self.gone_by = Some(after_ms(now, self.shared.limits.close_timeout_ms));
            let parts: [&[u8]; 2] = [&code.to_be_bytes(), reason.as_bytes()];
            wire::append(&mut self.out.records, Output::Close, self.lease.id, &parts);
        }
    }

    /// Gives the program what the turn made.
    fn hand_over(&mut self) {
        if self.used_bytes > 0 {
            wire::append_count(&mut self.out.records, Output::Taken, self.lease.id, self.used_bytes);
            self.used_bytes = 0;
        }
        if self.out.records.is_empty() {
            return;
        }
        self.tally.writes += 1;
        self.tally.messages_out += std::mem::take(&mut self.out.messages);
        self.tally.bytes_out += self.out.records.len() as u64;
        self.outlet.append(&self.out.records);
        self.out.records = Vec::new();
    }

    fn endpoint_deadline(&mut self) -> Option<Moment> {
        self.session.as_mut().and_then(|session| session.call(|endpoint| endpoint.next_deadline()).ok().flatten())
    }

    fn write_deadline(&self) -> Option<Moment> {
        Some(after_ms(self.write_waits_since?, self.shared.limits.write_stall_timeout_ms))
    }

    fn next_deadline(&mut self) -> Moment {
        // While the endpoint waits for room its own deadline cannot be served, so it must not wake us.
        let endpoint = if self.out.room_bytes() == 0 { None } else { self.endpoint_deadline() };
        let first = self.gone_by.unwrap_or_else(|| self.heartbeat.next_deadline());
        let drain = self.drain_close_at.filter(|_| self.gone_by.is_none());
        [endpoint, self.write_deadline(), drain].into_iter().flatten().fold(first, Moment::min)
    }
}
