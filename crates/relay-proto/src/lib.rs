//! The wire of sealrelay, sans-IO: frames, handshake, roster, heads, attestations, error codes and limits.
//!
//! `docs/protocol.md` is the norm; the vectors in `test/vectors` bind this crate and its TypeScript twin together.
//! Nothing here reads a clock, draws randomness, opens a socket or knows how to open what a client sealed.
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, rustdoc::broken_intra_doc_links)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod ack;
pub mod attestation;
pub mod blob;
pub mod erasure;
pub mod error_registry;
pub mod frame;
pub mod handshake;
pub mod hash;
pub mod ids;
pub mod limits;
pub mod log_reset;
pub mod merkle;
pub mod quota;
pub mod roster;
pub mod signing;
pub mod snapshot;
pub mod sponsorship;
pub mod wire;

pub use error_registry::ErrorCode;
pub use ids::{
    BlobId, DeviceKey, EntryId, Hash, LogId, PushSeq, SealedBytes, Seq, Signature, SnapshotId, SpaceId, TopicKey,
};
pub use signing::KeyPair;
pub use wire::DecodeError;
