//! The committed vectors and corpus are the ones this code makes, and what they say holds both ways.

#[path = "support/vectors/mod.rs"]
mod vectors;

use bytes::Bytes;
use relay_proto::Signature;
use relay_proto::frame::{ClientFrame, Direction, FrameType, RelayFrame};
use relay_proto::signing::verify_text;
use relay_proto::wire::DecodeError;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

const REGENERATE: &str = "run: cargo run -p relay-proto --example vectors";

fn read(name: &str) -> Value {
    let text = fs::read_to_string(vectors::project("test/vectors").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn bytes_of(row: &Value) -> Bytes {
    hex::decode(row["hex"].as_str().unwrap()).unwrap().into()
}

#[test]
fn committed_vectors_are_current() {
    for (name, value) in vectors::vectors() {
        let text = fs::read_to_string(vectors::project("test/vectors").join(name)).unwrap_or_default();
        assert!(text == vectors::render(&value), "{name} differs; {REGENERATE}");
    }
}

#[test]
fn committed_corpus_is_current() {
    for (target, name, bytes) in vectors::corpus() {
        let seed = fs::read(vectors::project("fuzz/corpus").join(target).join(&name)).unwrap_or_default();
        assert!(seed == bytes, "{target}/{name} differs; {REGENERATE}");
    }
}

#[test]
fn frames_decode_to_their_fields_and_back_and_none_is_missing() {
    let mut seen = BTreeSet::new();
    for row in read("frames.json")["frames"].as_array().unwrap() {
        let bytes = bytes_of(row);
        let from_client = row["from"] == "client";
        let (fields, again) = if from_client {
            let frame = ClientFrame::decode(&bytes).unwrap();
            (vectors::describe_client(&frame), frame.encode())
        } else {
            let frame = RelayFrame::decode(&bytes).unwrap();
            (vectors::describe_relay(&frame), frame.encode())
        };
        assert_eq!((&fields, &again), (&row["fields"], &bytes));
        seen.insert((bytes[0], from_client));
    }
    for frame_type in FrameType::ALL {
        let sides: &[bool] = match frame_type.direction() {
            Direction::Client => &[true],
            Direction::Relay => &[false],
            Direction::Both => &[true, false],
            Direction::Reserved => &[],
        };
        for side in sides {
            assert!(seen.contains(&(frame_type.number(), *side)), "no vector of {}", frame_type.name());
        }
    }
}

#[test]
fn every_prefix_is_truncated() {
    for row in read("frames.json")["frames"].as_array().unwrap() {
        let bytes = bytes_of(row);
        for end in 0..bytes.len() {
            let prefix = bytes.slice(..end);
            let error = if row["from"] == "client" {
                ClientFrame::decode(&prefix).err()
            } else {
                RelayFrame::decode(&prefix).err()
            };
            assert_eq!(error, Some(DecodeError::Truncated), "{} cut at {end}", row["name"]);
        }
    }
}

#[test]
fn key_encapsulation_equals_rfc_9180() {
    let secret = hex_array("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736");
    let recipient = hex_array("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d");
    let (enc, shared) = vectors::encap(&secret, &recipient);
    assert_eq!(hex::encode(enc), "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
    assert_eq!(hex::encode(&shared), "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc");
    let info = hex::decode("4f6465206f6e2061204772656369616e2055726e").unwrap();
    let (key, nonce) = vectors::Suite { aead_id: 1, key_bytes: 16 }.key_schedule(&shared, &info);
    assert_eq!(hex::encode(key), "4531685d41d65f03dc48f6b8302c05b0");
    assert_eq!(hex::encode(nonce), "56d890e5accaaf011cff4b7d");
}

#[test]
fn signatures_are_judged_as_wycheproof_judges_them() {
    let file = read("wycheproof-ed25519.json");
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 150, "{}", cases.len());
    let mut held = 0;
    for case in cases {
        let field = |name: &str| hex::decode(case[name].as_str().unwrap()).unwrap();
        let key: [u8; 32] = field("key").try_into().unwrap();
        let verdict = <[u8; 64]>::try_from(field("signature"))
            .is_ok_and(|signature| verify_text(&key, &field("message"), &Signature(signature)));
        assert_eq!(Some(verdict), case["holds"].as_bool(), "case {}: {}", case["id"], case["comment"]);
        held += usize::from(verdict);
    }
    assert!(held > 50 && held < cases.len(), "{held}");
}

fn hex_array(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}
