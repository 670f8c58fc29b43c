//! The Node addon: starts the data plane on threads of its own and lets TypeScript steer it.
//!
//! Invariants:
//! 1. Nothing here is called once per message: configuration in, snapshots and batches of events out.
//! 2. No rules and no defaults live here; every property of a configuration is present, `null` means none.
//! 3. A panic never crosses the boundary as an abort, and every failure has a stable code.
#![deny(rustdoc::broken_intra_doc_links)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod admin;
mod assembly;
mod compat;
mod config;
mod core;
mod datagram;
mod dialing;
mod environment;
mod erased_watch;
mod erasure;
mod events;
mod failure;
mod founding_desk;
mod heap_trim;
mod info;
mod key_file;
mod listening;
mod log_reset;
mod measures;
mod moving;
mod native;
mod program;
mod pseudonym;
mod sponsored;
mod stats;
mod store_watch;
mod take_over;
mod tasks;
mod tenants;
mod tls;
mod tls_reload;
mod tracing;
mod transport;
mod watch;
