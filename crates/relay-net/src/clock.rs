//! The one place where the transport's time becomes the relay's time.

use relay_core::endpoint::Moment;
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

/// `moment` plus `milliseconds`, without overflow.
pub(crate) fn after_ms(moment: Moment, milliseconds: u64) -> Moment {
    Moment(moment.0.saturating_add(Duration::from_millis(milliseconds)))
}
