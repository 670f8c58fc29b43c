//! The embedded store as a process on a real disk, killed at any moment: of its work, of its start, of an upgrade.

pub mod child;
pub mod store;
pub mod upgrade;
pub mod victim;
pub mod writer;
