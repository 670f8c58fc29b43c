//! How long to wait before the next attempt: twice as long each time, and never exactly as long as others do.

use std::time::Duration;

/// First wait, in milliseconds.
pub(super) const FIRST_MS: u64 = 500;
/// Longest wait, in milliseconds.
pub(super) const LONGEST_MS: u64 = 30_000;

/// See the module.
pub(super) struct Backoff {
    ms: u64,
    /// What differs between relays that lost the same one at the same time.
    random: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        let random = std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 0);
        Self { ms: FIRST_MS, random }
    }
}

impl Backoff {
    /// The next wait: between half of what it is and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let half = self.ms / 2;
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = half + (self.random >> 33) % (half + 1);
        self.ms = (self.ms * 2).min(LONGEST_MS);
        Duration::from_millis(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, FIRST_MS, LONGEST_MS};

    #[test]
    fn waits_double_up_to_the_longest_and_differ() {
        let (mut one, mut two) = (Backoff::default(), Backoff::default());
        let mut expected = FIRST_MS;
        let mut differ = false;
        for _ in 0..20 {
            let [a, b] = [&mut one, &mut two].map(|backoff| u64::try_from(backoff.next().as_millis()).unwrap());
            assert!((expected / 2..=expected).contains(&a) && (expected / 2..=expected).contains(&b));
            differ |= a != b;
            expected = (expected * 2).min(LONGEST_MS);
        }
        assert!(differ);
        assert_eq!(expected, LONGEST_MS);
    }
}
