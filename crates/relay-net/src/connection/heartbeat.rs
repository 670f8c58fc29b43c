//! Whether a peer is still there: a ping every period, and the end after two periods of silence.

use crate::clock::{Stamp, after_ms};
use relay_core::endpoint::Moment;

/// Periods of silence after which the peer counts as gone.
const SILENT_PERIODS_MAX: u64 = 2;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    Nothing,
    Ping,
    Dead,
}

/// The heartbeat of one connection.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    period_ms: u64,
    next_ping: Stamp,
    last_received: Stamp,
}

impl Heartbeat {
    pub(crate) fn new(period_ms: u64, now: Moment) -> Self {
        Self { period_ms, next_ping: after_ms(now, period_ms).into(), last_received: now.into() }
    }

    /// Something arrived, or nothing could because we do not read.
    pub(crate) fn received(&mut self, now: Moment) {
        self.last_received = now.into();
    }

    pub(crate) fn next_deadline(&self) -> Moment {
        self.next_ping.moment().min(self.dead_at())
    }

    /// What is due at `now`; a ping is due once per period.
    pub(crate) fn check(&mut self, now: Moment) -> Beat {
        if now >= self.dead_at() {
            return Beat::Dead;
        }
        if now < self.next_ping.moment() {
            return Beat::Nothing;
        }
        self.next_ping = after_ms(now, self.period_ms).into();
        Beat::Ping
    }

    fn dead_at(&self) -> Moment {
        after_ms(self.last_received.moment(), self.period_ms.saturating_mul(SILENT_PERIODS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::{Beat, Heartbeat};
    use relay_core::endpoint::Moment;
    use std::time::Duration;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    #[test]
    fn pings_each_period_and_ends_after_two_silent_ones() {
        let mut beat = Heartbeat::new(30_000, at(0));
        assert_eq!(beat.check(at(29)), Beat::Nothing);
        assert_eq!(beat.check(at(30)), Beat::Ping);
        assert_eq!(beat.check(at(31)), Beat::Nothing);
        beat.received(at(40));
        assert_eq!(beat.check(at(60)), Beat::Ping);
        assert_eq!(beat.next_deadline(), at(90));
        assert_eq!(beat.check(at(90)), Beat::Ping);
        assert_eq!(beat.next_deadline(), at(100));
        assert_eq!(beat.check(at(100)), Beat::Dead);
    }
}
