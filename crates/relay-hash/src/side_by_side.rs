//! Many texts at once, on a processor that can.

mod lanes;
mod text;

use crate::{LANES, Sha256Hash};
use text::Text;

/// Fewest texts worth it where the processor has instructions for SHA-256: a lane takes half as long as those, if all have work.
const TEXTS_MIN: usize = 9;
/// Fewest texts worth it where it has none.
const TEXTS_MIN_WITHOUT_INSTRUCTIONS: usize = 3;

/// Fewest texts that are hashed faster together than one by one; `None` on a processor that cannot.
pub(crate) fn texts_enough() -> Option<usize> {
    let enough = if is_x86_feature_detected!("sha") { TEXTS_MIN } else { TEXTS_MIN_WITHOUT_INSTRUCTIONS };
    lanes::is_available().then_some(enough)
}

/// Sixteen at a time, neighbours in length together, so that lanes end about when their neighbours do; fewer than `enough` that
/// are left over by the library.
pub(crate) fn hash_each(texts: &[&[u8]], enough: usize) -> Vec<Sha256Hash> {
    let mut waiting: Vec<Text<'_>> = texts.iter().enumerate().map(|(place, text)| Text::new(place, text)).collect();
    waiting.sort_unstable_by_key(Text::blocks);
    let mut hashes = vec![Sha256Hash::default(); texts.len()];
    for together in waiting.chunks(LANES) {
        let mut keep = |text: &Text<'_>, hash| {
            if let Some(kept) = hashes.get_mut(text.place()) {
                *kept = hash;
            }
        };
        if together.len() < enough {
            together.iter().for_each(|text| keep(text, text.hash()));
        } else {
            together.iter().zip(lanes::hash(together)).for_each(|(text, hash)| keep(text, hash));
        }
    }
    hashes
}
