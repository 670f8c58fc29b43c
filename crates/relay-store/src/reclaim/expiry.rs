//! A clock that is wrong must not make everything expire at once: tombstones and leaves are gone for good.

use relay_core::limits::{SWEEP_CLOCK_STEP_MS, SWEEP_PAUSE_MS};
use std::sync::{Mutex, PoisonError};

#[derive(Clone, Copy, Debug)]
struct Look {
    wall_ms: u64,
    not_before_ms: u64,
}

/// Looked at about once a second: a wall clock that moved on by more than a step between two looks is not believed for a day, nor
/// is one that nobody looked at before.
#[derive(Debug, Default)]
pub(super) struct ExpiryGuard(Mutex<Option<Look>>);

impl ExpiryGuard {
    /// The time by which things may expire now; 0 while the clock is not believed.
    pub(super) fn believed_ms(&self, wall_ms: u64) -> u64 {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let steady = last.filter(|last| wall_ms.saturating_sub(last.wall_ms) <= SWEEP_CLOCK_STEP_MS);
        let not_before_ms = steady.map_or(wall_ms.saturating_add(SWEEP_PAUSE_MS), |last| last.not_before_ms);
        *last = Some(Look { wall_ms, not_before_ms });
        if wall_ms < not_before_ms { 0 } else { wall_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_believed_a_day_after_the_first_look_and_after_a_step() {
        let guard = ExpiryGuard::default();
        let mut wall_ms = 1_000_000;
        for _ in 0..2 {
            let begins_ms = wall_ms;
            assert_eq!(guard.believed_ms(wall_ms), 0);
            while wall_ms < begins_ms + SWEEP_PAUSE_MS {
                assert_eq!(guard.believed_ms(wall_ms), 0);
                wall_ms += SWEEP_CLOCK_STEP_MS / 2;
            }
            assert_eq!(guard.believed_ms(wall_ms), wall_ms);
            assert_eq!(guard.believed_ms(wall_ms - 5), 0, "one that goes back is behind its day");
            assert_eq!(guard.believed_ms(wall_ms + 1), wall_ms + 1);
            wall_ms += 2 * SWEEP_CLOCK_STEP_MS;
        }
    }
}
