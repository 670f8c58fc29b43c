//! A text as SHA-256 sees it: blocks, the last one or two of them padded (FIPS 180-4, 5.1.1).

use crate::Sha256Hash;
use crate::block::{BLOCK_BYTES, INITIAL_STATE, NO_BLOCK, PADDING_BYTES_MIN, hash_of};
use sha2::block_api::compress256;

/// One of the texts to be hashed.
pub(super) struct Text<'a> {
    place: usize,
    whole: &'a [[u8; BLOCK_BYTES]],
    padded: [[u8; BLOCK_BYTES]; 2],
    padded_blocks: usize,
}

impl<'a> Text<'a> {
    /// `place` is where its hash belongs.
    pub(super) fn new(place: usize, text: &'a [u8]) -> Self {
        let (whole, rest) = text.as_chunks();
        let mut padded = [[0; BLOCK_BYTES]; 2];
        let padded_blocks = (rest.len() + PADDING_BYTES_MIN).div_ceil(BLOCK_BYTES);
        let bits = u64::try_from(text.len()).unwrap_or(u64::MAX).wrapping_mul(8);
        let (kept, after) = padded.as_flattened_mut().split_at_mut(rest.len());
        kept.copy_from_slice(rest);
        if let Some(mark) = after.first_mut() {
            *mark = 0x80;
        }
        if let Some(length) = padded.get_mut(padded_blocks - 1).and_then(|last| last.last_chunk_mut()) {
            *length = bits.to_be_bytes();
        }
        Self { place, whole, padded, padded_blocks }
    }

    pub(super) const fn place(&self) -> usize {
        self.place
    }

    /// Number of blocks, at least 1.
    pub(super) const fn blocks(&self) -> usize {
        self.whole.len() + self.padded_blocks
    }

    /// The block at `index`; one of zeros where there is none.
    #[inline]
    pub(super) fn block(&self, index: usize) -> &[u8; BLOCK_BYTES] {
        let padded = || self.padded.get(index.wrapping_sub(self.whole.len())).unwrap_or(&NO_BLOCK);
        self.whole.get(index).unwrap_or_else(padded)
    }

    /// Its hash, by the library.
    pub(super) fn hash(&self) -> Sha256Hash {
        self.hash_from(0, INITIAL_STATE)
    }

    /// Its hash, `done` blocks of it being in `state` already.
    pub(super) fn hash_from(&self, done: usize, mut state: [u32; 8]) -> Sha256Hash {
        if done < self.blocks() {
            let padded = done.saturating_sub(self.whole.len())..self.padded_blocks;
            compress256(&mut state, self.whole.get(done..).unwrap_or_default());
            compress256(&mut state, self.padded.get(padded).unwrap_or_default());
        }
        hash_of(state)
    }
}
