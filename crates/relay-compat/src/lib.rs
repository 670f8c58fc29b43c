//! The foreign protocols the relay speaks beside its own, sans-IO: a folder each, in which the words of that system are at home.
//! They are services of `relay_core::foreign`; what they keep is in a `relay_core::documents::DocumentStore`.
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, rustdoc::broken_intra_doc_links)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod account_words;
pub mod detect;
pub mod eidetica;
pub mod graceful;
pub mod gun;
mod offload;
pub mod plures;
mod query;
mod sockets_only;
pub mod systems;
mod tenants;
mod token;

pub use offload::Offload;
pub use token::Token;
