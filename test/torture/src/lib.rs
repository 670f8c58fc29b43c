//! What `npm run torture` runs in Rust: crash states of a simulated disk, syncs taken away one by one, damaged bytes,
//! and relay and clients in one simulated world. Each harness has a control that it must catch.

pub mod args;
pub mod disk;
pub mod kills;
pub mod report;
pub mod simulation;
