//! A text that comes in parts.

use crate::Sha256Hash;
use crate::block::{BLOCK_BYTES, INITIAL_STATE, PADDING_BYTES_MIN, hash_of};
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// Longest text of two blocks, in bytes.
const SHORT_BYTES_MAX: usize = 2 * BLOCK_BYTES - PADDING_BYTES_MIN;

/// SHA-256 of the parts, concatenated.
#[must_use]
pub fn sha256_of(parts: &[&[u8]]) -> Sha256Hash {
    if let Some(hash) = sha256_short(parts) {
        return hash;
    }
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The same for a text of at most two blocks, as leaves and nodes are: put together where it is hashed, without a hasher's
/// buffer between. `None` for a longer one.
fn sha256_short(parts: &[&[u8]]) -> Option<Sha256Hash> {
    let mut blocks = [[0; BLOCK_BYTES]; 2];
    let text = blocks.as_flattened_mut();
    let mut len = 0;
    for part in parts {
        let end = len + part.len();
        if end > SHORT_BYTES_MAX {
            return None;
        }
        text.get_mut(len..end)?.copy_from_slice(part);
        len = end;
    }
    *text.get_mut(len)? = 0x80;
    let count = (len + PADDING_BYTES_MIN).div_ceil(BLOCK_BYTES);
    let bits = u64::try_from(len).ok()? * 8;
    text.get_mut(..count * BLOCK_BYTES)?.last_chunk_mut().map(|length| *length = bits.to_be_bytes())?;
    let mut state = INITIAL_STATE;
    compress256(&mut state, blocks.get(..count)?);
    Some(hash_of(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_hash_as_long_ones_do_at_every_length_and_split() {
        let text: Vec<u8> = (0..=255).collect();
        for len in 0..=2 * BLOCK_BYTES + 4 {
            let text = &text[..len];
            let expected: Sha256Hash = Sha256::digest(text).into();
            assert_eq!(sha256_short(&[text]).is_some(), len <= SHORT_BYTES_MAX, "{len}");
            for at in [0, 1, len / 2, len] {
                let (a, b) = text.split_at(at.min(len));
                assert_eq!(sha256_of(&[a, &[], b]), expected, "{len} at {at}");
            }
        }
    }
}
