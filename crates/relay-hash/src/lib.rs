//! SHA-256 of short texts, and of many texts at once, each its own hash.
//!
//! One text cannot be hashed faster than its blocks follow each other. Sixteen texts can be hashed side by side where the processor
//! has registers of sixteen words (AVX-512); elsewhere, and for few texts, the library hashes them one by one. What is hashed
//! here is no secret: times may depend on lengths.
//!
//! This is the one crate below the addon with an `unsafe` block: the call into code that needs those registers, after asking for them.
#![deny(unsafe_code)]
#![deny(missing_docs, unreachable_pub, rustdoc::broken_intra_doc_links)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod block;
mod parts;
#[cfg(target_arch = "x86_64")]
mod side_by_side;

pub use parts::sha256_of;

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Sha256Hash = [u8; 32];

/// Texts hashed side by side: as many as a register has words.
pub const LANES: usize = 16;

/// Fewest texts that this processor hashes faster together than one by one; `None` where it never does.
#[must_use]
pub fn texts_enough() -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    return side_by_side::texts_enough();
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// The hashes of the texts, in their order.
#[must_use]
pub fn sha256_each(texts: &[&[u8]]) -> Vec<Sha256Hash> {
    #[cfg(target_arch = "x86_64")]
    if let Some(enough) = texts_enough().filter(|enough| texts.len() >= *enough) {
        return side_by_side::hash_each(texts, enough);
    }
    texts.iter().map(|text| Sha256::digest(text).into()).collect()
}
