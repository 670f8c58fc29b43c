//! Strict Ed25519: which keys may be named, which signatures hold.

use super::fixtures::{device, hex};
use relay_proto::hash::Domain;
use relay_proto::signing::{is_sound_key, signing_text, verify};
use relay_proto::{KeyPair, Signature};
use serde_json::{Value, json};

/// The order of the base point, little-endian.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// `keys.json`.
pub(crate) fn vector() -> Value {
    json!({
        "description": "Strict Ed25519. keys: whether the 32 bytes may be named as a key (canonical, a point, not of \
                        small order). signatures: whether the signature over message by key holds.",
        "keys": keys().into_iter().map(|(description, key)| json!({
            "description": description, "key": hex(key), "sound": is_sound_key(&key),
        })).collect::<Vec<_>>(),
        "signatures": signatures(),
    })
}

fn starting(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut key = [middle; 32];
    key[0] = first;
    key[31] = last;
    key
}

fn keys() -> Vec<(&'static str, [u8; 32])> {
    vec![
        ("a device's key", device(1).public()),
        ("the base point", starting(0x58, 0x66, 0x66)),
        ("y = 3", starting(3, 0, 0)),
        ("y = 2 is no point", starting(2, 0, 0)),
        ("the neutral element, y = 1", starting(1, 0, 0)),
        ("the neutral element with a sign", starting(1, 0, 0x80)),
        ("y = 0, order 4", [0; 32]),
        ("y = 0 with a sign, order 4", starting(0, 0, 0x80)),
        ("y = -1, order 2", starting(0xec, 0xff, 0x7f)),
        ("an element of order 8", order_eight()),
        ("y = p, not canonical", starting(0xed, 0xff, 0x7f)),
        ("y = p + 1, not canonical", starting(0xee, 0xff, 0x7f)),
        ("y = p + 3, not canonical, of large order", starting(0xf0, 0xff, 0x7f)),
        ("all ones", [0xff; 32]),
    ]
}

fn order_eight() -> [u8; 32] {
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ]
}

fn signatures() -> Vec<Value> {
    let pair = KeyPair::from_seed(&[0x42; 32]);
    let good = pair.sign(Domain::Ack, &[b"vector"]);
    let mut cases = vec![("holds", pair.public(), good)];
    cases.push(("another key", device(1).public(), good));
    let mut wrong = good;
    wrong.0[0] ^= 1;
    cases.push(("a bit of R flipped", pair.public(), wrong));
    cases.push(("S + L", pair.public(), plus_order(good)));
    let mut neutral_r = Signature([0; 64]);
    neutral_r.0[0] = 1;
    cases.push(("R neutral, S = 0, under a key of small order", starting(1, 0, 0), neutral_r));
    cases.push(("R neutral, S = 0", pair.public(), neutral_r));
    let row = |(description, key, signature): (&str, [u8; 32], Signature)| {
        json!({
            "description": description, "key": hex(key), "message": hex(signing_text(Domain::Ack, &[b"vector"])),
            "signature": hex(signature), "holds": verify(&key, Domain::Ack, &[b"vector"], &signature),
        })
    };
    cases.into_iter().map(row).collect()
}

/// The same signature with S + L in place of S: equal in the group, refused by strict verification.
fn plus_order(mut signature: Signature) -> Signature {
    let mut carry = 0_u16;
    for (byte, order) in signature.0[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_be_bytes()[1];
        carry = sum >> 8;
    }
    signature
}
