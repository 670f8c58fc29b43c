//! How requests of one kind ended, and how long the good ones took: a refusal is quick and must not make the mean better.

use super::histogram::{Histogram, HistogramFigures};
use relay_proto::ErrorCode;
use relay_proto::error_registry::Fault;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should.
    Ok,
    /// The peer asked for something wrong.
    ClientError,
    /// The relay, or what it stands on, could not do it.
    RelayError,
}

impl Outcome {
    /// The outcome behind an HTTP status.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            0..400 => Self::Ok,
            400..500 => Self::ClientError,
            _ => Self::RelayError,
        }
    }

    /// The outcome behind an error of the registry.
    #[must_use]
    pub const fn of_error(code: ErrorCode) -> Self {
        match code.info().fault {
            Fault::Peer => Self::ClientError,
            Fault::Relay | Fault::Environment => Self::RelayError,
        }
    }
}

/// Counts requests of one kind.
#[derive(Debug, Default)]
pub struct RequestMeter {
    ok: Histogram,
    client_errors: AtomicU64,
    relay_errors: AtomicU64,
}

/// One moment of a [`RequestMeter`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFigures {
    /// Durations of the requests that ended well; their counts together are how many.
    pub ok: HistogramFigures,
    /// Requests that were wrong.
    pub client_errors: u64,
    /// Requests that failed although they were right.
    pub relay_errors: u64,
}

impl RequestMeter {
    /// Counts `times` requests that ended like this after this time each.
    pub fn record(&self, outcome: Outcome, took: Duration, times: u64) {
        match outcome {
            Outcome::Ok => self.ok.record(took, times),
            Outcome::ClientError => drop(self.client_errors.fetch_add(times, Ordering::Relaxed)),
            Outcome::RelayError => drop(self.relay_errors.fetch_add(times, Ordering::Relaxed)),
        }
    }

    /// Reads everything.
    #[must_use]
    pub fn read(&self) -> RequestFigures {
        RequestFigures {
            ok: self.ok.read(),
            client_errors: self.client_errors.load(Ordering::Relaxed),
            relay_errors: self.relay_errors.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_good_requests_have_a_duration() {
        let meter = RequestMeter::default();
        meter.record(Outcome::of_status(204), Duration::from_millis(1), 2);
        meter.record(Outcome::of_status(404), Duration::from_millis(1), 1);
        meter.record(Outcome::of_status(503), Duration::from_millis(1), 3);
        meter.record(Outcome::of_error(ErrorCode::Busy), Duration::ZERO, 1);
        meter.record(Outcome::of_error(ErrorCode::MalformedFrame), Duration::ZERO, 1);
        let figures = meter.read();
        assert_eq!((figures.ok.count(), figures.ok.micros), (2, 2000));
        assert_eq!((figures.client_errors, figures.relay_errors), (2, 4));
    }
}
