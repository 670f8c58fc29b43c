//! The environment, decided by the test.

use crate::environment::{Entropy, LogSigner, WallClock};
use relay_proto::KeyPair;
use relay_proto::ids::LogId;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a [`SetClock`] starts, in Unix milliseconds.
pub const WALL_START_MS: u64 = 1_700_000_000_000;

/// A wall clock that stands still until it is moved.
#[derive(Debug)]
pub struct SetClock(AtomicU64);

impl Default for SetClock {
    fn default() -> Self {
        Self(AtomicU64::new(WALL_START_MS))
    }
}

impl SetClock {
    /// Moves it forward.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets it, also back.
    pub fn set(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

impl WallClock for SetClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Reproducible randomness (splitmix64); never for anything but tests.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// Randomness of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// A log's key.
#[derive(Debug)]
pub struct TestSigner(ed25519_dalek::SigningKey);

impl TestSigner {
    /// The key of a seed byte.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
    }
}

impl LogSigner for TestSigner {
    fn log_id(&self) -> LogId {
        KeyPair::from_seed(&self.0.to_bytes()).log_id()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer;
        self.0.sign(message).to_bytes()
    }
}
