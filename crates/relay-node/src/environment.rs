//! The real clock and the real randomness: here, and only here, the relay's rules meet the operating system's.

use relay_core::environment::{Entropy, WallClock};
use std::time::{SystemTime, UNIX_EPOCH};

/// The system's wall clock.
pub(crate) struct SystemClock;

impl WallClock for SystemClock {
    fn now_ms(&self) -> u64 {
        // A clock before 1970 is as good as none; whoever signs times keeps them from going back.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The system's random generator.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            // Without randomness a nonce could repeat, and nothing this process signs could be trusted any more.
            std::process::abort();
        }
    }
}
