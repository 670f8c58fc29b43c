//! The one place where the transport's time becomes the relay's time.

use relay_core::endpoint::Moment;
use std::num::NonZeroU64;
use std::time::Duration;
use tokio::time::Instant;

/// The relay's monotonic clock: moments count from the instant it was started.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment(self.start.elapsed())
    }

    /// The instant of a moment, for tokio's timers; moments too far away to express are a year away.
    #[must_use]
    pub fn instant(&self, moment: Moment) -> Instant {
        const FAR: Duration = Duration::from_secs(365 * 24 * 3600);
        self.start.checked_add(moment.0).unwrap_or_else(|| Instant::now() + FAR)
    }
}

/// A moment in half of the memory, for what keeps many of them; it reaches 584 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(NonZeroU64);

impl Stamp {
    pub(crate) fn moment(self) -> Moment {
        Moment(Duration::from_nanos(self.0.get() - 1))
    }
}

impl From<Moment> for Stamp {
    fn from(moment: Moment) -> Self {
        let nanos = u64::try_from(moment.0.as_nanos()).unwrap_or(u64::MAX);
        Self(NonZeroU64::MIN.saturating_add(nanos))
    }
}

/// `moment` plus `milliseconds`, without overflow.
pub(crate) fn after_ms(moment: Moment, milliseconds: u64) -> Moment {
    Moment(moment.0.saturating_add(Duration::from_millis(milliseconds)))
}

#[cfg(test)]
mod tests {
    use super::{Moment, Stamp};
    use std::time::Duration;

    #[test]
    fn a_stamp_is_the_moment_it_was_made_of_and_far_ones_stay_far() {
        for nanos in [0, 1, 999_999_999, 1_000_000_001, u64::MAX - 1] {
            let moment = Moment(Duration::from_nanos(nanos));
            assert_eq!(Stamp::from(moment).moment(), moment);
        }
        assert!(Stamp::from(Moment(Duration::MAX)).moment() > Moment(Duration::from_secs(500 * 365 * 24 * 3600)));
        assert_eq!(size_of::<Option<Stamp>>(), 8);
    }
}
