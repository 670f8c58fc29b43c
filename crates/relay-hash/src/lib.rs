//! SHA-256 of many texts at once, each its own hash.
//!
//! One text cannot be hashed faster than its blocks follow each other. Sixteen texts can be hashed side by side where the processor
//! has registers of sixteen words (AVX-512); elsewhere, and for few texts, the library hashes them one by one. What is hashed
//! here is no secret: times may depend on lengths.
//!
//! This is the one crate below the addon with an `unsafe` block: the call into code that needs those registers, after asking for them.
#![deny(unsafe_code)]
#![deny(missing_docs, unreachable_pub, rustdoc::broken_intra_doc_links)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[cfg(target_arch = "x86_64")]
mod side_by_side;
mod text;

use sha2::{Digest, Sha256};
#[cfg(target_arch = "x86_64")]
use text::Text;

/// A SHA-256 hash.
pub type Sha256Hash = [u8; 32];

/// Texts hashed side by side: as many as a register has words.
pub const LANES: usize = 16;
/// Fewest texts worth it where the processor has instructions for SHA-256: a lane takes half as long as those, if all have work.
#[cfg(target_arch = "x86_64")]
const TEXTS_MIN: usize = 9;
/// Fewest texts worth it where it has none.
#[cfg(target_arch = "x86_64")]
const TEXTS_MIN_WITHOUT_INSTRUCTIONS: usize = 3;

/// Fewest texts that this processor hashes faster together than one by one; `None` where it never does.
#[must_use]
pub fn texts_enough() -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if side_by_side::is_available() {
        return Some(texts_min());
    }
    None
}

/// The hashes of the texts, in their order.
#[must_use]
pub fn sha256_each(texts: &[&[u8]]) -> Vec<Sha256Hash> {
    #[cfg(target_arch = "x86_64")]
    if texts.len() >= texts_min() && side_by_side::is_available() {
        return in_lanes(texts);
    }
    texts.iter().map(|text| Sha256::digest(text).into()).collect()
}

#[cfg(target_arch = "x86_64")]
fn texts_min() -> usize {
    if is_x86_feature_detected!("sha") { TEXTS_MIN } else { TEXTS_MIN_WITHOUT_INSTRUCTIONS }
}

/// Sixteen at a time, neighbours in length together, so that lanes end about when their neighbours do.
#[cfg(target_arch = "x86_64")]
fn in_lanes(texts: &[&[u8]]) -> Vec<Sha256Hash> {
    let mut waiting: Vec<Text<'_>> = texts.iter().enumerate().map(|(place, text)| Text::new(place, text)).collect();
    waiting.sort_unstable_by_key(Text::blocks);
    let mut hashes = vec![Sha256Hash::default(); texts.len()];
    for lanes in waiting.chunks(LANES) {
        let mut keep = |place: usize, hash| hashes.get_mut(place).map_or((), |kept| *kept = hash);
        if lanes.len() < texts_min() {
            lanes.iter().for_each(|text| keep(text.place(), text.hash()));
        } else {
            lanes.iter().zip(side_by_side::hash(lanes)).for_each(|(text, hash)| keep(text.place(), hash));
        }
    }
    hashes
}
