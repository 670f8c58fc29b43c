//! The embedded store: a segmented append log as the source of truth, one commit group per fdatasync, small metadata in
//! redb. `docs/storage.md` is the norm of everything on disk; `relay_core::store::Store` is the contract it keeps.
//!
//! Invariants:
//! 1. Nothing is answered as durable, shown to a listener or returned by a read before the fdatasync that covers it.
//! 2. After a failed write or sync nothing more is accepted; the call is never repeated and then believed.
//! 3. Recovery changes nothing but a torn tail; everything else it does not understand is reported as damage.
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, rustdoc::broken_intra_doc_links)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod blobs;
mod checkpoint;
mod cold;
mod committer;
pub mod damage;
pub mod damaged_read;
pub mod data_dir;
pub mod documents;
pub mod embedded;
mod erase;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod index;
mod leaves;
pub mod limits;
pub mod log_reset;
mod meta;
pub mod moving;
pub mod open;
mod queue;
mod reads;
mod reclaim;
mod recovery;
pub mod relay_key;
mod reserve;
mod sealed;
pub mod segment;
mod segments;
mod shared;
mod snapshots;
mod space;
mod space_book;
pub mod sponsored_book;
pub mod tenant_book;
mod usage;
pub mod vfs;
mod workers;

pub use embedded::{EmbeddedStore, StoreOptions, real_environment};
pub use limits::StoreLimits;
pub use log_reset::{LogResetReport, log_reset};
pub use open::{OpenError, StoreEnvironment};
pub use reclaim::Reclaimed;
pub use relay_key::RelayKey;
