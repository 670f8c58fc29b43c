//! The sending side of the actor: from the endpoint through the write queue to the socket.

use super::closing::AfterClose;
use super::outbox::QueueOutbox;
use super::seat::Pumped;
use super::session::Panicked;
use super::{Connection, Phase, Turn};
use crate::scratch;
use crate::websocket::frame::OpCode;
use bytes::Bytes;
use relay_core::endpoint::{Endpoint, Fed, Moment, Outbox};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;

/// Sends of one connection while its pump has others to look at.
const PUMP_SENDS_MAX: usize = 4;

impl Connection {
    /// Calls the endpoint with an outbox and does what it asked for.
    pub(super) fn call(&mut self, now: Moment, body: impl FnOnce(&mut dyn Endpoint, &mut dyn Outbox)) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut out = QueueOutbox {
            queue: &mut self.queue,
            close: None,
            reading_paused: &mut self.reading_paused,
            feeds: &mut self.feeds,
            seat: &self.seat,
            pushed: false,
        };
        let result = session.call(|endpoint| body(endpoint, &mut out));
        let QueueOutbox { pushed, close, .. } = out;
        self.deadline_may_differ = true;
        if pushed {
            self.last_message = now.into();
        }
        self.blocked |= !self.queue.wants_more();
        if let Err(Panicked) = result {
            self.endpoint_panicked(now);
        } else if let Some(close) = close {
            self.shared.stats.counters.endpoint_closes_total.add(1);
            self.begin_close(now, Some(close.code), close.reason, AfterClose::AwaitPeer);
        }
    }

    /// Queues the control frames that are due, and asks the endpoint for output if there is room for it.
    pub(super) fn ask_endpoint(&mut self, now: Moment) {
        if self.phase != Phase::Open || !self.queue.wants_more() {
            return;
        }
        self.lagging = false;
        if let Some(payload) = self.pong.take() {
            self.queue.push_control(OpCode::Pong, *payload);
        }
        if std::mem::take(&mut self.ping_due) {
            self.shared.stats.counters.pings_total.add(1);
            self.queue.push_control(OpCode::Ping, Bytes::new());
        }
        if self.wants_poll || self.blocked {
            self.wants_poll = false;
            self.blocked = false;
            self.last_poll = now.into();
            self.call(now, |endpoint, out| endpoint.poll(now, out));
        }
    }

    /// One send of what is queued; the task is woken when the socket takes more.
    pub(super) fn write(&mut self, now: Moment, cx: &mut Context<'_>) -> Turn {
        if self.queue.is_empty() {
            self.write_waits_since = None;
            return Turn::Idle;
        }
        let socket = Pin::new(&mut self.socket);
        let sent = scratch::with_write(|scratch| socket.poll_write(cx, self.queue.gather(scratch)));
        match sent {
            Poll::Pending => {
                self.write_waits_since.get_or_insert(now.into());
                Turn::Idle
            }
            Poll::Ready(Ok(count)) => self.sent(count, now),
            Poll::Ready(Err(_)) => self.lost(),
        }
    }

    /// Accounts for what the socket took.
    fn sent(&mut self, count: usize, now: Moment) -> Turn {
        self.write_waits_since = Some(now.into());
        self.tally.writes += 1;
        self.tally.bytes_out += count as u64;
        self.tally.messages_out += self.queue.advance(count);
        let waited_for_room = self.blocked || self.ping_due || self.pong.is_some();
        if self.queue.is_empty() && !waited_for_room {
            // Whatever makes more to send wakes the pump: another turn would find nothing.
            self.write_waits_since = None;
            return Turn::Idle;
        }
        Turn::Moved
    }

    /// Output without task and endpoint: what comes from the feeds, while nothing else is owed to the peer.
    pub(super) fn pump_feeds(&mut self, now: Moment) -> Pumped {
        let owes = self.wants_poll || self.blocked || self.ping_due || self.pong.is_some() || !self.queue.is_empty();
        if owes || self.phase != Phase::Open {
            return self.pump(now);
        }
        match catch_unwind(AssertUnwindSafe(|| self.take_from_feeds())) {
            Ok(ask) => self.wants_poll = ask,
            Err(_) => {
                self.endpoint_panicked(now);
                return Pumped::TaskMustLook;
            }
        }
        if !self.queue.is_empty() {
            self.last_message = now.into();
            self.try_write(now);
            if self.lost || !self.queue.is_empty() {
                // The task waits for the socket, and asks the endpoint if it is to be asked.
                return Pumped::TaskMustLook;
            }
            self.write_waits_since = None;
        }
        if self.wants_poll { self.pump(now) } else { Pumped::Done }
    }

    /// Whether the endpoint is to be asked too.
    fn take_from_feeds(&mut self) -> bool {
        let mut ask = false;
        for feed in self.feeds.iter() {
            match feed.take() {
                Fed::Run { run, more } => {
                    self.queue.push_run(run);
                    ask |= more;
                }
                Fed::Nothing => {}
                Fed::AskEndpoint => ask = true,
            }
        }
        ask
    }

    /// Output without the task: asks the endpoint and sends while the socket takes it.
    pub(super) fn pump(&mut self, now: Moment) -> Pumped {
        if self.phase != Phase::Open {
            return Pumped::Done;
        }
        self.wants_poll = true;
        if !self.queue.wants_more() {
            // The task waits for the socket, and asks the endpoint when there is room.
            self.count_lag();
            return Pumped::Done;
        }
        let could_read = self.may_read();
        let task_waits = !self.queue.is_empty();
        for _ in 0..PUMP_SENDS_MAX {
            self.ask_endpoint(now);
            if task_waits || self.queue.is_empty() || self.try_write(now) != Turn::Moved {
                break;
            }
        }
        if self.queue.is_empty() {
            self.write_waits_since = None;
        }
        let endpoint_looked_at = self.look_at_endpoint_deadline(now);
        let is_urgent = self
            .endpoint_deadline
            .is_some_and(|deadline| self.timer.is_after(self.shared.clock.instant(deadline.moment())));
        let reading_resumed = !could_read && self.may_read();
        let socket_is_full = !task_waits && !self.queue.is_empty();
        let changed = self.phase != Phase::Open || endpoint_looked_at == Turn::Moved || self.lost;
        if changed || is_urgent || reading_resumed || socket_is_full { Pumped::TaskMustLook } else { Pumped::Done }
    }

    /// One send; a socket that takes less than everything is left to the task.
    fn try_write(&mut self, now: Moment) -> Turn {
        let socket = &mut self.socket;
        let queue = &self.queue;
        let sent = scratch::with_write(|scratch| {
            let piece = queue.gather(scratch);
            socket.try_write(piece).map(|count| (count, count == piece.len()))
        });
        match sent {
            Ok((count, true)) => self.sent(count, now),
            Ok((count, false)) => {
                self.sent(count, now);
                Turn::Idle
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.write_waits_since.get_or_insert(now.into());
                Turn::Idle
            }
            Err(_) => {
                self.lost = true;
                self.lost()
            }
        }
    }

    /// Counts the endpoint's having more to say than the peer reads, once until the queue is below its mark.
    fn count_lag(&mut self) {
        if !self.lagging {
            self.lagging = true;
            self.shared.stats.counters.slow_consumers_total.add(1);
        }
    }
}
