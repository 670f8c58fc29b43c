//! What the rules need from outside: a wall clock, randomness, the log's signing key. All three are parameters, so that
//! tests and the simulator decide them.

/// The relay's wall clock. Not monotonic: whoever signs times makes them so.
pub trait WallClock: Send + Sync {
    /// Unix time in milliseconds.
    fn now_ms(&self) -> u64;
}

/// A source of cryptographically strong random bytes.
pub trait Entropy: Send + Sync {
    /// Fills the buffer. Never fails: an operating system without randomness ends the process at start.
    fn fill(&self, buffer: &mut [u8]);
}

/// The ordering authority's key. It signs heads, welcomes and log resets, and opens nothing.
pub trait LogSigner: Send + Sync {
    /// The public half: the log id.
    fn log_id(&self) -> relay_proto::ids::LogId;
    /// Ed25519 signature over the message.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}
