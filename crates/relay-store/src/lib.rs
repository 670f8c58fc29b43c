//! The embedded store: a segmented append log as the source of truth, one commit group per fdatasync, small metadata in
//! redb. `docs/storage.md` is the norm of everything on disk; `relay_core::store::Store` is the contract it keeps.
//!
//! Invariants:
//! 1. Nothing is answered as durable, shown to a listener or returned by a read before the fdatasync that covers it.
//! 2. After a failed write or sync nothing more is accepted; the call is never repeated and then believed.
//! 3. Recovery changes nothing but a torn tail; everything else it does not understand is reported as damage.
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, rustdoc::broken_intra_doc_links)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod damage;
pub mod data_dir;
pub mod segment;
mod index;
mod meta;
mod space;
mod workers;
pub mod vfs;
