//! The log's clock.

use crate::limits::SWEEP_CLOCK_STEP_MS;

/// A clock that never goes back, restarts and steps of the wall clock included. While the wall clock is behind it goes on
/// from where it was, by the time that passes on the wall clock; a step of the wall clock is no time that passed, so one that
/// jumps to and fro does not drive the log's time ahead.
///
/// Of two attestations of one space the one with the greater size must not have the smaller time. A commit takes its time
/// when it is decided and shows its size when it is durable; in between, whoever signs the old size again must not use a
/// later time than the commit's. So while a commit is in flight the clock stands still.
#[derive(Clone, Debug, Default)]
pub struct LogClock {
    last_ms: u64,
    wall_ms: u64,
    in_flight: bool,
}

impl LogClock {
    /// A clock that continues after `last_ms`: the greatest time (or time lease) the log is known to have used.
    #[must_use]
    pub const fn after(last_ms: u64) -> Self {
        Self { last_ms, wall_ms: u64::MAX, in_flight: false }
    }

    /// Takes the time of a commit group; until [`Self::commit_ended`] the clock stands still.
    pub fn commit_begins(&mut self, wall_ms: u64) -> u64 {
        let time = self.now(wall_ms);
        self.in_flight = true;
        time
    }

    /// The commit group is durable and its size is what is shown from now on (or it failed).
    pub const fn commit_ended(&mut self) {
        self.in_flight = false;
    }

    /// The time for signing what is durable already.
    pub fn now(&mut self, wall_ms: u64) -> u64 {
        if !self.in_flight {
            // A step says nothing of the time that passed. It must not be none: who sees the same time for long believes that the relay
            // shows an old state.
            let moved = wall_ms.checked_sub(self.wall_ms);
            let passed = moved.filter(|moved_ms| *moved_ms <= SWEEP_CLOCK_STEP_MS).unwrap_or(1);
            self.last_ms = if wall_ms >= self.last_ms { wall_ms } else { self.last_ms.saturating_add(passed) };
            self.wall_ms = wall_ms;
        }
        self.last_ms
    }

    /// The greatest time used.
    #[must_use]
    pub const fn last_ms(&self) -> u64 {
        self.last_ms
    }
}

#[cfg(test)]
mod tests {
    use super::LogClock;

    #[test]
    fn never_goes_back_and_stands_still_while_a_commit_is_in_flight() {
        let mut clock = LogClock::after(100);
        assert_eq!(clock.now(50), 101, "how long the relay was away it does not know");
        assert_eq!(clock.now(150), 150);
        assert_eq!(clock.commit_begins(160), 160);
        assert_eq!(clock.now(500), 160);
        clock.commit_ended();
        assert_eq!(clock.now(110), 161);
        assert_eq!(clock.now(120), 171, "goes on at the wall clock's pace while it is behind");
        assert_eq!(clock.now(185), 185);
    }

    #[test]
    fn a_wall_clock_that_jumps_to_and_fro_drives_it_ahead_once() {
        const DAY_MS: u64 = 24 * 3_600_000;
        let (mut clock, start) = (LogClock::after(0), 10 * DAY_MS);
        assert_eq!(clock.now(start + DAY_MS), start + DAY_MS);
        assert_eq!(clock.now(start), start + DAY_MS + 1);
        for round in 0..5 {
            let expected = start + DAY_MS + 1 + 2 * round;
            assert_eq!(clock.now(start), expected, "nothing passed");
            assert_eq!(clock.now(start - DAY_MS), expected + 1, "a step is one millisecond, whatever its length");
            assert_eq!(clock.now(start), expected + 2);
        }
    }

    #[test]
    fn one_that_steps_back_again_and_again_does_not_let_it_stand_still() {
        let mut clock = LogClock::after(0);
        let times: Vec<u64> = (0..5).map(|step| clock.now(1_000_000 - step * 100_000)).collect();
        assert!(times.is_sorted_by(|earlier, later| earlier < later), "{times:?}");
    }
}
