//! When to ask again: pure functions of times and of randomness.

use std::time::{Duration, SystemTime};

/// Renewals happen within this part of a certificate's life after two thirds of it, so that relays which started together
/// do not ask together.
const RENEWAL_SPREAD_PART: u32 = 20;
/// Pause after the first failure.
const RETRY_FIRST: Duration = Duration::from_secs(60);
/// Longest pause between two tries; authorities count failures per hour.
const RETRY_MAX: Duration = Duration::from_secs(6 * 3600);

/// How long from `now` until a certificate of this life is renewed: at two thirds of it, and a little later by `chance`,
/// which is anything from 0 to 1.
#[must_use]
pub fn renewal_delay((not_before, not_after): (SystemTime, SystemTime), now: SystemTime, chance: f64) -> Duration {
    let life = not_after.duration_since(not_before).unwrap_or_default();
    let due = not_before + life * 2 / 3 + (life / RENEWAL_SPREAD_PART).mul_f64(chance.clamp(0.0, 1.0));
    due.duration_since(now).unwrap_or_default()
}

/// The pauses between tries: each twice as long as the one before, up to a limit, and each shortened by chance.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    next: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { next: RETRY_FIRST }
    }
}

impl Retry {
    /// The pause after one more failure; between half of its time and the whole of it, by `chance` from 0 to 1.
    pub fn pause(&mut self, chance: f64) -> Duration {
        let pause = self.next.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
        self.next = (self.next * 2).min(RETRY_MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::{RETRY_FIRST, RETRY_MAX, Retry, renewal_delay};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    const DAY: Duration = Duration::from_secs(86_400);

    fn day(number: u32) -> SystemTime {
        UNIX_EPOCH + DAY * number
    }

    #[test]
    fn a_certificate_is_renewed_after_two_thirds_of_its_life_and_before_its_end() {
        let life = (day(0), day(90));
        assert_eq!(renewal_delay(life, day(0), 0.0), DAY * 60);
        assert_eq!(renewal_delay(life, day(50), 0.0), DAY * 10);
        assert_eq!(renewal_delay(life, day(0), 1.0), DAY * 129 / 2);
        assert_eq!(renewal_delay(life, day(70), 1.0), Duration::ZERO, "long due");
        assert_eq!(renewal_delay((day(5), day(0)), day(9), 7.0), Duration::ZERO, "a life that makes no sense");
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_differ_by_chance() {
        let mut retry = Retry::default();
        assert_eq!(retry.pause(1.0), RETRY_FIRST);
        assert_eq!(retry.pause(0.0), RETRY_FIRST);
        assert_eq!(retry.pause(1.0), RETRY_FIRST * 4);
        let pauses: Vec<_> = (0..30).map(|_| retry.pause(1.0)).collect();
        assert_eq!(pauses.last(), Some(&RETRY_MAX));
    }
}
