//! Doubles for tests: a clock that is set, randomness from a seed, a log key, and a space with its devices.

mod doubles;
mod fixture;

pub use doubles::{SeededEntropy, SetClock, TestSigner, WALL_START_MS};
pub use fixture::{SpaceFixture, sealed};
