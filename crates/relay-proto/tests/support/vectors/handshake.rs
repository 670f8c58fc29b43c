//! A full handshake with keys, every frame, both transcripts and both signatures; and proofs that must fail.

use super::fixtures::*;
use super::frames::{challenge, hello, welcome_body};
use bytes::Bytes;
use relay_proto::frame::{Challenge, Frame, Hello};
use relay_proto::handshake::{ClientTranscript, sign_proof};
use relay_proto::sponsorship::{OfferTranscript, Sponsorship};
use relay_proto::{Hash, KeyPair};
use serde_json::{Value, json};

/// `handshake.json`.
pub(crate) fn vector() -> Value {
    let joining = Hello { roster_version: 0, roster_hash: Hash::ZERO, ..hello() };
    let as_root = Hello { device: space().as_device(), ..joining.clone() };
    json!({
        "description": "Handshakes: keys, frames in order, T1 and T2, and the signatures over them.",
        "space_seed": hex(seed(0x01)), "log_seed": hex(seed(0x20)), "log_id": hex(log_id()),
        "handshakes": [
            exchange("a device with nothing new", 0x11, &hello(), Vec::new(), Bytes::new()),
            exchange("a new space: the chain stands on its own", 0x11, &joining, vec![first().bytes().clone()], keyring()),
            exchange("the root", 0x01, &as_root, vec![first().bytes().clone()], keyring()),
        ],
        "refused": refused(),
        "sponsorships": [sponsorship("a device", 0x11, 1), sponsorship("the root", 0x01, 1), sponsorship("of another space", 0x12, 9)],
    })
}

/// What a member of a space signs so that another one may be founded for a short while.
fn sponsorship(description: &str, key_seed: u8, space_seed: u8) -> Value {
    let sponsor = KeyPair::from_seed(&seed(key_seed));
    let space = KeyPair::from_seed(&seed(space_seed)).space();
    let (hello_frame, challenge_frame) = (hello().encode(), challenge().encode());
    let offer = OfferTranscript::new(&hello_frame, &challenge_frame);
    let signed = Sponsorship::sign(&sponsor, space, &offer);
    assert!(signed.verify(&offer));
    json!({
        "description": description, "device_seed": hex(seed(key_seed)), "space": hex(space),
        "hello": hex(&hello_frame), "challenge": hex(&challenge_frame), "admission": hex(signed.encode()),
    })
}

fn exchange(description: &str, key_seed: u8, hello: &Hello, chain: Vec<Bytes>, keyring: Bytes) -> Value {
    let key = KeyPair::from_seed(&seed(key_seed));
    let (hello_frame, challenge_frame) = (hello.encode(), challenge().encode());
    let proof = sign_proof(&key, &hello_frame, &challenge_frame, chain, keyring);
    let proof_frame = proof.encode();
    let transcript = ClientTranscript::new(&hello_frame, &challenge_frame, &proof_frame);
    assert!(transcript.verify_proof(&hello.device, &proof.signature));
    let welcome = transcript.sign_welcome(&log_key(), &proof.signature, welcome_body());
    let welcome_frame = welcome.encode();
    assert!(transcript.verify_welcome(&log_id(), &proof.signature, &welcome_frame));
    json!({
        "description": description, "device_seed": hex(seed(key_seed)), "device": hex(hello.device),
        "hello": hex(&hello_frame), "challenge": hex(&challenge_frame), "proof": hex(&proof_frame),
        "welcome": hex(&welcome_frame), "t1": hex(transcript.value()),
        "t2": hex(transcript.relay_value(&proof.signature, &welcome.body.encode_unsigned())),
        "proof_signature": hex(proof.signature), "welcome_signature": hex(welcome.signature),
    })
}

/// Proofs that are sound for one exchange, shown in another.
fn refused() -> Vec<Value> {
    let good = sign_proof(&device(1), &hello().encode(), &challenge().encode(), Vec::new(), Bytes::new());
    let other_nonce = Challenge { relay_nonce: seed(0xd2), ..challenge() };
    let other_log = Challenge { log_id: device(9).log_id(), ..challenge() };
    let other_space = Hello { space: device(9).space(), ..hello() };
    let other_device = Hello { device: device(2).device(), ..hello() };
    let more_versions = Hello { versions: vec![2, 1], ..hello() };
    let cases = [
        ("replayed under another relay nonce", hello(), other_nonce),
        ("shown to another log", hello(), other_log),
        ("shown for another space", other_space, challenge()),
        ("shown for another device", other_device, challenge()),
        ("the offer was changed on the way", more_versions, challenge()),
    ];
    cases
        .into_iter()
        .map(|(description, hello, challenge)| {
            let (hello_frame, challenge_frame, proof) = (hello.encode(), challenge.encode(), good.encode());
            let transcript = ClientTranscript::new(&hello_frame, &challenge_frame, &proof);
            assert!(!transcript.verify_proof(&hello.device, &good.signature), "{description}");
            json!({
                "description": description, "hello": hex(&hello_frame), "challenge": hex(&challenge_frame),
                "proof": hex(&proof),
            })
        })
        .collect()
}
