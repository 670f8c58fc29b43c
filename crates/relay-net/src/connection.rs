//! One WebSocket connection: an actor that moves bytes between its socket, its endpoint and its write queue.
//!
//! Two run it, one at a time ([`seat`]): its own task, which reads, keeps the time and waits for a socket that is full, and
//! its worker's pump ([`pump`]), which takes output from the endpoint's feeds, or asks the endpoint, and sends it while the
//! socket takes it.
//!
//! Phases: `Open` → `Closing` (our close frame is queued; no call reaches the endpoint any more) → `Lingering` (it was
//! sent; what still arrives is thrown away so that the peer gets to read it) → gone. Each turn of [`Connection::poll`]
//! looks at requests and deadlines, reads, asks the endpoint for output, writes once, and goes on while either moved.
//! Invariants:
//! 1. The endpoint is polled only while the write queue is below its low-water mark, and nothing is read while it is full.
//! 2. No buffer is held while nothing is under way: reads and writes borrow the worker's scratch.

mod closing;
mod deadlines;
pub(crate) mod heartbeat;
mod inbound;
mod outbox;
pub(crate) mod pump;
mod reading;
pub(crate) mod seat;
mod sending;
pub(crate) mod session;
pub(crate) mod signal;
pub(crate) mod timer;

use crate::clock::{Clock, Stamp, after_ms};
use crate::connections::ConnectionGuard;
use crate::limits::NetLimits;
use crate::partial::PartialLease;
use crate::stats::{Stats, Tally, WebSocketGuard};
use crate::transport::Transport;
use crate::write_queue::WriteQueue;
use bytes::Bytes;
use heartbeat::Heartbeat;
use inbound::Inbound;
use outbox::Feeds;
use relay_core::endpoint::{EndpointFactory, Moment, Opened, Waker};
use seat::Seat;
use session::{Panicked, Session};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use timer::Timer;

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: NetLimits,
    pub(crate) stats: Arc<Stats>,
    pub(crate) clock: Clock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// `until` bounds the flush and the peer's answer together.
    Closing {
        await_peer: bool,
        until: Stamp,
    },
    Lingering {
        until: Stamp,
        discarded: usize,
    },
}

/// How a turn's step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Idle,
    Moved,
    Gone,
}

/// The actor; runs until its socket is gone.
pub(crate) struct Connection {
    socket: Transport,
    session: Option<Session>,
    feeds: Feeds,
    seat: Arc<Seat>,
    factory: Arc<dyn EndpointFactory>,
    shared: Arc<Shared>,
    guard: ConnectionGuard,
    inbound: Inbound,
    queue: WriteQueue,
    reading_paused: bool,
    phase: Phase,
    /// The endpoint asked to be polled.
    wants_poll: bool,
    /// The write queue was too full to poll the endpoint.
    blocked: bool,
    /// Counted as a slow consumer since the queue was last below its mark.
    lagging: bool,
    /// The latest ping that came while there was no room for its pong.
    pong: Option<Box<Bytes>>,
    ping_due: bool,
    heartbeat: Heartbeat,
    /// Last write progress, while there is something to write.
    write_waits_since: Option<Stamp>,
    last_message: Stamp,
    first_message_by: Option<Stamp>,
    drain_close_at: Option<Stamp>,
    endpoint_deadline: Option<Stamp>,
    /// The endpoint ran since it was asked for its deadline.
    deadline_may_differ: bool,
    last_poll: Stamp,
    /// The pump found the socket gone.
    lost: bool,
    timer: Timer,
    tally: Tally,
    // Last, so that the gauges fall after everything else is released.
    _open: WebSocketGuard,
}

impl Connection {
    /// Takes over an upgraded socket; `first_bytes` came right behind the handshake.
    fn new(
        socket: Transport,
        first_bytes: &[u8],
        factory: Arc<dyn EndpointFactory>,
        shared: Arc<Shared>,
        guard: ConnectionGuard,
        waker: Waker,
        seat: Arc<Seat>,
    ) -> Self {
        let now = shared.clock.now();
        let limits = &shared.limits;
        let opened = Opened { connection_id: guard.id, waker };
        let session = Session::open(factory.as_ref(), opened, now);
        let heartbeat = Heartbeat::new(limits.heartbeat_ms, now);
        let mut connection = Self {
            socket,
            session: None,
            feeds: Feeds::default(),
            seat,
            inbound: Inbound::new(first_bytes, PartialLease::new(Arc::clone(&shared.stats.partial))),
            queue: WriteQueue::new(limits.write_queue_bytes_max, limits.write_queue_low_water_bytes),
            reading_paused: false,
            phase: Phase::Open,
            wants_poll: true,
            blocked: false,
            lagging: false,
            pong: None,
            ping_due: false,
            timer: Timer::new(shared.clock.instant(heartbeat.next_deadline())),
            heartbeat,
            write_waits_since: None,
            last_message: now.into(),
            first_message_by: (!factory.may_stay_silent()).then(|| after_ms(now, limits.handshake_timeout_ms).into()),
            drain_close_at: None,
            endpoint_deadline: None,
            deadline_may_differ: true,
            last_poll: now.into(),
            lost: false,
            tally: Tally::default(),
            _open: WebSocketGuard::new(Arc::clone(&shared.stats)),
            factory,
            shared,
            guard,
        };
        match session {
            Ok(session) => connection.session = Some(session),
            Err(Panicked) => connection.endpoint_panicked(now),
        }
        connection
    }

    /// Runs one stretch of the connection; ready when it is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.guard.signal.register(cx.waker());
        let result = self.turns(cx);
        self.tally.report(&self.shared.stats.counters);
        result
    }

    fn turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = self.shared.clock.now();
            if self.lost || self.take_requests(now) == Turn::Gone || self.expire(now) == Turn::Gone {
                return Poll::Ready(());
            }
            let could_read = self.may_read();
            let read = self.read(now, cx);
            self.ask_endpoint(now);
            let written = self.write(now, cx);
            let turns = [read, written, self.go_on_closing(now, cx)];
            if turns.contains(&Turn::Gone) {
                return Poll::Ready(());
            }
            let reading_resumed = !could_read && self.may_read();
            if turns.contains(&Turn::Moved) || reading_resumed || self.look_at_endpoint_deadline(now) == Turn::Moved {
                continue;
            }
            let deadline = self.shared.clock.instant(self.next_deadline());
            if self.timer.is_set(deadline, self.shared.clock.instant(now)) {
                return Poll::Pending;
            }
            ready!(self.timer.poll_at(deadline, cx));
        }
    }

    fn take_requests(&mut self, now: Moment) -> Turn {
        let requests = self.guard.signal.requests();
        if requests.abort() {
            self.shared.stats.counters.aborted_total.add(1);
            self.reset_on_drop();
            return Turn::Gone;
        }
        if requests.drain() {
            self.begin_drain(now);
        }
        Turn::Idle
    }
}

#[cfg(test)]
mod tests {
    use super::Connection;

    /// What an idle connection costs besides its socket, its endpoint and one timer.
    const CONNECTION_BYTES_MAX: usize = 616;

    #[test]
    fn the_actor_stays_small() {
        let size = std::mem::size_of::<Connection>();
        assert!(size <= CONNECTION_BYTES_MAX, "{size} bytes");
    }
}
