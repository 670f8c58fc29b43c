//! Ids of dialect C: CIDs of version 1 in lower-case base32.

/// Digits of base32.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// What stands before the digest of an entry: version 1, DAG-CBOR, BLAKE3 of 32 bytes.
const ENTRY_PREFIX: [u8; 4] = [0x01, 0x71, 0x1e, 32];
/// Longest digest, in bytes.
const DIGEST_BYTES_MAX: u64 = 64;

/// The id of an entry with these canonical bytes.
pub(super) fn of_entry(canonical: &[u8]) -> String {
    let mut bytes = ENTRY_PREFIX.to_vec();
    bytes.extend_from_slice(blake3::hash(canonical).as_bytes());
    text_of(&bytes)
}

/// As text.
pub(super) fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(1 + bytes.len().div_ceil(5) * 8);
    text.push('b');
    let (mut bits, mut count) = (0_u32, 0_u32);
    let mut push = |value: u32| text.push(char::from(ALPHABET.get(value as usize & 31).copied().unwrap_or(b'a')));
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            push(bits >> count);
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        push(bits << (5 - count));
    }
    text
}

/// The bytes of a text that is a CID of version 1, written as [`text_of`] writes it.
pub(super) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix('b')?;
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for digit in digits.bytes() {
        let value = match digit {
            b'a'..=b'z' => digit - b'a',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    (is_version_1(&bytes) && text_of(&bytes) == text).then_some(bytes)
}

/// Version, codec, hash, length of the digest, digest.
fn is_version_1(bytes: &[u8]) -> bool {
    let Some((1, rest)) = number(bytes) else { return false };
    let Some((_codec, rest)) = number(rest) else { return false };
    let Some((_hash, rest)) = number(rest) else { return false };
    number(rest).is_some_and(|(length, digest)| length <= DIGEST_BYTES_MAX && digest.len() as u64 == length)
}

/// A number in groups of seven bits, and what comes after it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cid_is_read_as_it_was_written_and_nothing_else_is_one() {
        let id = of_entry(b"");
        assert!(id.starts_with("bafyr4i") && id.len() == 59);
        assert_eq!(text_of(&bytes_of(&id).unwrap()), id);
        // SHA-256 and raw bytes are other ids, and ids all the same.
        let raw = text_of(&[&[0x01, 0x55, 0x12, 32][..], &[7; 32]].concat());
        assert!(bytes_of(&raw).is_some());
        let upper = id.to_uppercase();
        let cut = id.get(..58).unwrap();
        let loose = format!("{cut}z");
        for wrong in ["", "b", "test_tree", "bafy", &upper, cut, &loose, &format!("{id}a"), &format!("z{id}")] {
            assert_eq!(bytes_of(wrong), None, "{wrong}");
        }
    }
}
