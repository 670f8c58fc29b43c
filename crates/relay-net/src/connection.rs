//! One WebSocket connection: an actor that moves bytes between its socket, its endpoint and its write queue.
//!
//! Phases: `Open` → `Closing` (our close frame is queued; no call reaches the endpoint any more) → `Lingering` (it was
//! sent; what still arrives is thrown away so that the peer gets to read it) → gone. Each turn of [`Connection::poll`]
//! looks at requests and deadlines, reads once, asks the endpoint for output, writes once, and goes on while either moved.
//! Invariants:
//! 1. The endpoint is polled only while the write queue is below its low-water mark, and nothing is read while it is full.
//! 2. No buffer is held while nothing is under way: reads and writes borrow the worker's scratch.

mod closing;
mod deadlines;
mod heartbeat;
mod inbound;
mod outbox;
mod reading;
mod session;
pub(crate) mod signal;
mod timer;

use crate::clock::{Clock, after_ms};
use crate::connections::ConnectionGuard;
use crate::limits::NetLimits;
use crate::partial::PartialLease;
use crate::scratch;
use crate::stats::{Stats, Tally, WebSocketGuard};
use crate::websocket::frame::OpCode;
use crate::write_queue::WriteQueue;
use bytes::Bytes;
use heartbeat::Heartbeat;
use inbound::Inbound;
use outbox::{QueueOutbox, Wishes};
use relay_core::endpoint::{Endpoint, EndpointFactory, Moment, Opened, Outbox};
use session::{Panicked, Session};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use timer::Timer;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

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
        until: Moment,
    },
    Lingering {
        until: Moment,
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
    socket: TcpStream,
    session: Option<Session>,
    factory: Arc<dyn EndpointFactory>,
    shared: Arc<Shared>,
    guard: ConnectionGuard,
    inbound: Inbound,
    queue: WriteQueue,
    wishes: Wishes,
    phase: Phase,
    /// The endpoint asked to be polled.
    wants_poll: bool,
    /// The write queue was too full to poll the endpoint.
    blocked: bool,
    /// Counted as a slow consumer since the queue was last below its mark.
    lagging: bool,
    /// The latest ping that came while there was no room for its pong.
    pong: Option<Bytes>,
    ping_due: bool,
    heartbeat: Heartbeat,
    /// Last write progress, while there is something to write.
    write_waits_since: Option<Moment>,
    last_message: Moment,
    first_message_by: Option<Moment>,
    drain_close_at: Option<Moment>,
    endpoint_deadline: Option<Moment>,
    last_poll: Moment,
    timer: Timer,
    tally: Tally,
    // Last, so that the gauges fall after everything else is released.
    _open: WebSocketGuard,
}

impl Connection {
    /// Takes over an upgraded socket; `first_bytes` came right behind the handshake.
    pub(crate) fn new(
        socket: TcpStream,
        first_bytes: &[u8],
        factory: Arc<dyn EndpointFactory>,
        shared: Arc<Shared>,
        guard: ConnectionGuard,
    ) -> Self {
        let now = shared.clock.now();
        let limits = &shared.limits;
        let signal = Arc::clone(&guard.signal);
        let opened = Opened { connection_id: guard.id, waker: Arc::new(move || signal.poll()) };
        let session = Session::open(factory.as_ref(), opened, now);
        let heartbeat = Heartbeat::new(limits.heartbeat_ms, now);
        let mut connection = Self {
            socket,
            session: None,
            inbound: Inbound::new(first_bytes, PartialLease::new(Arc::clone(&shared.stats.partial))),
            queue: WriteQueue::new(limits.write_queue_bytes_max, limits.write_queue_low_water_bytes),
            wishes: Wishes::default(),
            phase: Phase::Open,
            wants_poll: true,
            blocked: false,
            lagging: false,
            pong: None,
            ping_due: false,
            timer: Timer::new(shared.clock.instant(heartbeat.next_deadline())),
            heartbeat,
            write_waits_since: None,
            last_message: now,
            first_message_by: Some(after_ms(now, limits.handshake_timeout_ms)),
            drain_close_at: None,
            endpoint_deadline: None,
            last_poll: now,
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
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.guard.signal.register(cx.waker());
        let result = self.turns(cx);
        self.tally.report(&self.shared.stats.counters);
        result
    }

    fn turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = self.shared.clock.now();
            if self.take_requests(now) == Turn::Gone || self.expire(now) == Turn::Gone {
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
            ready!(self.timer.poll_at(deadline, cx));
        }
    }

    fn take_requests(&mut self, now: Moment) -> Turn {
        let requests = self.guard.signal.take();
        if requests.abort() {
            self.shared.stats.counters.aborted_total.add(1);
            self.reset_on_drop();
            return Turn::Gone;
        }
        if requests.drain() {
            self.begin_drain(now);
        }
        if requests.poll() {
            self.wants_poll = true;
            if !self.queue.wants_more() && !self.lagging && self.phase == Phase::Open {
                self.lagging = true;
                self.shared.stats.counters.slow_consumers_total.add(1);
            }
        }
        Turn::Idle
    }

    /// Calls the endpoint with an outbox and does what it asked for.
    fn call(&mut self, now: Moment, body: impl FnOnce(&mut dyn Endpoint, &mut dyn Outbox)) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut out = QueueOutbox { queue: &mut self.queue, wishes: &mut self.wishes, pushed: false };
        let result = session.call(|endpoint| body(endpoint, &mut out));
        if out.pushed {
            self.last_message = now;
        }
        self.blocked |= !self.queue.wants_more();
        if let Err(Panicked) = result {
            self.endpoint_panicked(now);
        } else if let Some(close) = self.wishes.close.take() {
            self.shared.stats.counters.endpoint_closes_total.add(1);
            self.begin_close(now, Some(close.code), close.reason, true);
        }
    }

    /// Queues the control frames that are due, and asks the endpoint for output if there is room for it.
    fn ask_endpoint(&mut self, now: Moment) {
        if self.phase != Phase::Open || !self.queue.wants_more() {
            return;
        }
        self.lagging = false;
        if let Some(payload) = self.pong.take() {
            self.queue.push_control(OpCode::Pong, payload);
        }
        if std::mem::take(&mut self.ping_due) {
            self.shared.stats.counters.pings_total.add(1);
            self.queue.push_control(OpCode::Ping, Bytes::new());
        }
        if self.wants_poll || self.blocked {
            self.wants_poll = false;
            self.blocked = false;
            self.last_poll = now;
            self.call(now, |endpoint, out| endpoint.poll(now, out));
        }
    }

    /// One send of what is queued.
    fn write(&mut self, now: Moment, cx: &mut Context<'_>) -> Turn {
        if self.queue.is_empty() {
            self.write_waits_since = None;
            return Turn::Idle;
        }
        let socket = Pin::new(&mut self.socket);
        let sent = scratch::with_write(|scratch| socket.poll_write(cx, self.queue.gather(scratch)));
        match sent {
            Poll::Pending => {
                self.write_waits_since.get_or_insert(now);
                Turn::Idle
            }
            Poll::Ready(Ok(count)) => {
                self.write_waits_since = Some(now);
                self.tally.writes += 1;
                self.tally.bytes_out += count as u64;
                self.tally.messages_out += self.queue.advance(count);
                let waited_for_room = self.blocked || self.ping_due || self.pong.is_some();
                if self.queue.is_empty() && !waited_for_room {
                    // Whatever makes more to send wakes the task: another turn would find nothing.
                    self.write_waits_since = None;
                    return Turn::Idle;
                }
                Turn::Moved
            }
            Poll::Ready(Err(_)) => self.lost(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Connection;

    /// What an idle connection costs besides its socket, its endpoint and one timer.
    const CONNECTION_BYTES_MAX: usize = 768;

    #[test]
    fn the_actor_stays_small() {
        let size = std::mem::size_of::<Connection>();
        assert!(size <= CONNECTION_BYTES_MAX, "{size} bytes");
    }
}
