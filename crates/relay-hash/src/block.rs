//! Blocks of SHA-256 (FIPS 180-4): their padding, and the state they go into.

use crate::Sha256Hash;

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 64;
/// A block of zeros, where there is none.
pub(crate) const NO_BLOCK: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];
/// What follows the text in its last block: the mark of its end and its length in bits.
pub(crate) const PADDING_BYTES_MIN: usize = 1 + 8;
/// The state SHA-256 begins with (FIPS 180-4, 5.3.3).
pub(crate) const INITIAL_STATE: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The hash that a state is once every block is in it.
pub(crate) fn hash_of(state: [u32; 8]) -> Sha256Hash {
    let mut hash = Sha256Hash::default();
    hash.as_chunks_mut().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    hash
}
