//! The rules of the relay: spaces, entries, cursors, devices, acks, forgetting, fan-out. Sans-IO: time, randomness and
//! storage are parameters; no sockets, no threads.
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, rustdoc::broken_intra_doc_links)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod admission;
pub mod blobs;
pub mod commit;
// Suites and doubles fail by panicking, which is what the other modules must not do.
#[cfg(any(test, feature = "conformance"))]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
pub mod conformance;
mod counters;
pub mod documents;
pub mod endpoint;
pub mod environment;
pub mod erasure;
pub mod flat_map;
pub mod foreign;
pub mod forgetting;
pub mod founding;
pub mod gcra;
pub mod http;
mod hub;
pub mod ledger;
pub mod limits;
pub mod measure;
pub mod memory_store;
pub mod moving;
pub mod quota;
pub mod relay;
mod session;
pub mod sponsored;
pub mod store;
pub mod tenants;
#[cfg(any(test, feature = "conformance"))]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
pub mod testing;
pub mod wakes;
