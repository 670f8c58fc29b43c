//! Nanoseconds since the start of the run: sender and receiver are one process, so one clock serves both.

use std::time::{Duration, Instant};

/// The run's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

/// Nanoseconds in a millisecond.
pub(crate) const MILLISECOND_NS: u64 = 1_000_000;
/// Nanoseconds in a second.
pub(crate) const SECOND_NS: u64 = 1_000_000_000;

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start.
    pub(crate) fn now_ns(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Seconds as nanoseconds; the caller has checked that they are a sound length of time.
pub(crate) fn seconds_to_ns(seconds: f64) -> u64 {
    Duration::try_from_secs_f64(seconds).map_or(0, |length| u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
}
