//! Properties in the document store: the key is soul and property name, the value is state and JSON text.

use bytes::{BufMut, Bytes, BytesMut};
use std::ops::Deref;

/// Ends a soul; a zero byte within one is followed by [`ESCAPED`], so that souls keep their order.
const END: [u8; 2] = [0, 1];
const ESCAPED: u8 = 0xff;

/// The beginning of keys of all souls that begin so.
pub(super) fn soul_start(soul: &str) -> Vec<u8> {
    let mut start = Vec::with_capacity(soul.len() + END.len());
    for byte in soul.bytes() {
        start.push(byte);
        if byte == 0 {
            start.push(ESCAPED);
        }
    }
    start
}

/// The beginning of keys of all properties of a soul.
pub(super) fn soul_prefix(soul: &str) -> Vec<u8> {
    let mut prefix = soul_start(soul);
    prefix.extend_from_slice(&END);
    prefix
}

pub(super) fn property_key(soul: &str, name: &str) -> Bytes {
    let mut key = soul_prefix(soul);
    key.extend_from_slice(name.as_bytes());
    key.into()
}

/// Soul and property name of a key; `None` for keys that we do not write.
pub(super) fn names_of(key: &[u8]) -> Option<(String, &str)> {
    let mut soul = Vec::new();
    let mut rest = key;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        if *byte == 0 {
            let (next, after) = rest.split_first()?;
            rest = after;
            if *next != ESCAPED {
                break;
            }
        }
        soul.push(*byte);
    }
    Some((String::from_utf8(soul).ok()?, std::str::from_utf8(rest).ok()?))
}

pub(super) fn property_value(state: f64, value: &str) -> Bytes {
    let mut bytes = BytesMut::with_capacity(8 + value.len());
    bytes.put_f64(state);
    bytes.put_slice(value.as_bytes());
    bytes.freeze()
}

/// State and JSON text of a value.
pub(super) fn value_of<B: Deref<Target = [u8]>>(bytes: &B) -> Option<(f64, &str)> {
    let (state, value) = bytes.split_first_chunk::<8>()?;
    Some((f64::from_be_bytes(*state), std::str::from_utf8(value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{names_of, property_key, property_value, soul_start, value_of};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_and_values_come_back_and_souls_keep_their_order(
            a in "[\0\u{1}a\u{ff}]{0,4}", b in "[\0\u{1}a\u{ff}]{0,4}", name in "[\0a]{0,3}", state in 0.0..1e15, value in ".{0,9}",
        ) {
            let (key, stored) = (property_key(&a, &name), property_value(state, &value));
            prop_assert_eq!(names_of(&key), Some((a.clone(), name.as_str())));
            prop_assert_eq!(a.cmp(&b), property_key(&a, "").cmp(&property_key(&b, "")));
            let longer = [a.as_str(), b.as_str()].concat();
            prop_assert!(property_key(&longer, &name).starts_with(&soul_start(&a)));
            prop_assert_eq!(value_of(&stored), Some((state, value.as_str())));
        }
    }

    #[test]
    fn keys_that_are_not_ours_have_no_names() {
        for key in [&b""[..], b"soul", b"soul\0", b"\xff\0\x01a", b"a\0\x01\xff"] {
            assert_eq!(names_of(key), None, "{key:?}");
        }
    }
}
