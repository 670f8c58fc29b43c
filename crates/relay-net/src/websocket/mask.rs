//! Unmasking in place, one machine word at a time.

/// Removes the client's mask from `bytes`, which start `phase` bytes into the frame's payload.
pub fn unmask(bytes: &mut [u8], mask: [u8; 4], phase: u64) {
    let [a, b, c, d] = mask;
    let key = match phase % 4 {
        0 => [a, b, c, d, a, b, c, d],
        1 => [b, c, d, a, b, c, d, a],
        2 => [c, d, a, b, c, d, a, b],
        _ => [d, a, b, c, d, a, b, c],
    };
    let word_key = u64::from_ne_bytes(key);
    let (words, tail) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ word_key).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::unmask;

    #[test]
    fn equals_the_bytewise_definition_for_every_phase_and_length() {
        let mask = [0x11, 0x82, 0xf3, 0x44];
        for phase in 0..8_u64 {
            for length in 0..40_usize {
                let clear: Vec<u8> = (0..length).map(|i| u8::try_from(i).unwrap() ^ 0x5a).collect();
                let mut bytes = clear.clone();
                unmask(&mut bytes, mask, phase);
                for (i, byte) in bytes.iter().enumerate() {
                    assert_eq!(*byte, clear[i] ^ mask[(i + usize::try_from(phase).unwrap()) % 4], "phase {phase}");
                }
            }
        }
    }
}
