//! Relay and devices in one simulated world: one virtual clock, one seeded generator, a network that loses connections, a disk
//! that loses what was not synced. The relay is the product (sessions, rules, embedded store); the devices are a model of an
//! honest client. A seed gives one history, byte by byte.
//!
//! `world` moves everything, `faults` does things to it, `truth` and `invariants` say what must hold, `run` is the harness.

mod cast;
mod device;
mod faults;
mod host;
mod invariants;
mod network;
mod plan;
pub mod run;
mod scheduler;
mod tally;
mod trace;
mod truth;
mod watched;
mod world;
