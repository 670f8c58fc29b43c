//! The waits of the actor: which deadlines it has, and what happens when one passes.

use super::closing::AfterClose;
use super::heartbeat::Beat;
use super::session::Panicked;
use super::{Connection, Phase, Turn};
use crate::clock::{Stamp, after_ms};
use crate::websocket::close;
use relay_core::endpoint::Moment;

/// An endpoint whose deadline has passed is polled again after this at the earliest, even if it names the past again.
const POLL_AGAIN_MS: u64 = 1;

impl Connection {
    /// Does what is due at `now`.
    pub(super) fn expire(&mut self, now: Moment) -> Turn {
        if self.write_deadline().is_some_and(|deadline| now >= deadline) {
            self.shared.stats.counters.write_stalls_total.add(1);
            self.reset_on_drop();
            return Turn::Gone;
        }
        match self.phase {
            Phase::Open => {
                self.expire_open(now);
                Turn::Idle
            }
            Phase::Closing { until, .. } | Phase::Lingering { until, .. } if now >= until.moment() => Turn::Gone,
            Phase::Closing { .. } | Phase::Lingering { .. } => Turn::Idle,
        }
    }

    fn expire_open(&mut self, now: Moment) {
        if !self.may_read() {
            self.heartbeat.received(now);
            self.inbound.hold(now);
        }
        let past = |deadline: Option<Moment>| deadline.is_some_and(|deadline| now >= deadline);
        let past_stamp = |deadline: Option<Stamp>| past(deadline.map(Stamp::moment));
        let counters = &self.shared.stats.counters;
        if past_stamp(self.drain_close_at) {
            self.begin_close(now, Some(close::RESTART), "drain", AfterClose::AwaitPeer);
        } else if past_stamp(self.first_message_by) {
            counters.handshake_timeouts_total.add(1);
            self.begin_close(now, Some(close::POLICY), "handshake_timeout", AfterClose::Linger);
        } else if past(self.inbound.message_deadline(&self.shared.limits)) {
            counters.message_timeouts_total.add(1);
            self.begin_close(now, Some(close::POLICY), "message_too_slow", AfterClose::Linger);
        } else if past(self.idle_deadline()) {
            counters.idle_timeouts_total.add(1);
            self.begin_close(now, Some(close::GOING_AWAY), "idle", AfterClose::AwaitPeer);
        } else {
            self.wants_poll |= past_stamp(self.endpoint_deadline);
            self.beat(now);
        }
    }

    fn beat(&mut self, now: Moment) {
        match self.heartbeat.check(now) {
            Beat::Nothing => {}
            Beat::Ping => self.ping_due = true,
            Beat::Dead => {
                self.shared.stats.counters.heartbeat_timeouts_total.add(1);
                self.begin_close(now, Some(close::GOING_AWAY), "heartbeat", AfterClose::Linger);
            }
        }
    }

    /// The earliest moment at which something is due.
    pub(super) fn next_deadline(&self) -> Moment {
        let other = match self.phase {
            Phase::Open => self.next_open_deadline(),
            Phase::Closing { until, .. } | Phase::Lingering { until, .. } => until.moment(),
        };
        self.write_deadline().map_or(other, |deadline| deadline.min(other))
    }

    fn next_open_deadline(&self) -> Moment {
        // While the endpoint waits for room its own deadline cannot be served, so it must not wake us.
        let endpoint = if self.wants_poll { None } else { self.endpoint_deadline };
        let reading = if self.may_read() { self.inbound.message_deadline(&self.shared.limits) } else { None };
        let stamps = [endpoint, self.drain_close_at, self.first_message_by].map(|stamp| stamp.map(Stamp::moment));
        [reading, self.idle_deadline()]
            .into_iter()
            .chain(stamps)
            .flatten()
            .fold(self.heartbeat.next_deadline(), Moment::min)
    }

    /// Asks the endpoint for its deadline if it ran; `Moved` if that changed the connection.
    pub(super) fn look_at_endpoint_deadline(&mut self, now: Moment) -> Turn {
        let Some(session) = self.session.as_mut().filter(|_| self.deadline_may_differ) else {
            return Turn::Idle;
        };
        self.deadline_may_differ = false;
        match session.call(|endpoint| endpoint.next_deadline()) {
            Ok(deadline) => {
                let earliest = after_ms(self.last_poll.moment(), POLL_AGAIN_MS);
                self.endpoint_deadline = deadline.map(|deadline| deadline.max(earliest).into());
                Turn::Idle
            }
            Err(Panicked) => {
                self.endpoint_panicked(now);
                Turn::Moved
            }
        }
    }

    fn write_deadline(&self) -> Option<Moment> {
        Some(after_ms(self.write_waits_since?.moment(), self.shared.limits.write_stall_timeout_ms))
    }

    fn idle_deadline(&self) -> Option<Moment> {
        let timeout_ms = self.shared.limits.idle_timeout_ms;
        (timeout_ms > 0).then(|| after_ms(self.last_message.moment(), timeout_ms))
    }
}
