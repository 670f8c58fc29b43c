//! The recorded vectors of Eidetica: what others compute is what the relay computes.

mod eidetica_scene;
mod support;

use eidetica_scene::{Relay, has_signed};
use relay_compat::eidetica::EideticaOptions;
use serde_json::{Value, json};

fn vectors() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors/eidetica.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn entries_have_the_recorded_ids_and_signatures() {
    let vectors = vectors();
    for dialect in ["A", "B", "C"] {
        let vector = &vectors[dialect];
        let entry = |name: &str| -> Value { serde_json::from_str(vector[name].as_str().unwrap()).unwrap() };
        let id = |name: &str| vector[name].as_str().unwrap().to_owned();
        let relay = Relay::open();
        assert_eq!(relay.send(&[entry("child"), entry("root")]), json!({"Count": 2}), "{dialect}");
        assert_eq!(relay.tips(&id("root_id")), [id("child_id")], "{dialect}");
        // What was signed by a key that the entry names is not taken with another signature.
        let mut forged = entry("child");
        forged["tree"]["metadata"] = json!("{}");
        if dialect != "A" {
            assert!(relay.send(&[forged])["Error"].as_str().unwrap().contains("signature"), "{dialect}");
        }
    }
}

#[test]
fn the_recorded_proof_and_handshake_hold() {
    let vectors = vectors();
    let seed = bytes(&vectors["key"]["seed_hex"]).try_into().unwrap();
    let proof = &vectors["proof"];
    let options = EideticaOptions { tokenless: true, ..EideticaOptions::default() };
    let relay = Relay::of_key(options, &seed, proof["timestamp_ms"].as_u64().unwrap());
    assert_eq!(relay.service.public_key(), vectors["key"]["public_key"].as_str().unwrap());
    let challenge = bytes(&vectors["handshake"]["challenge_hex"]);
    let answer = relay.handshake(0, &challenge);
    assert_eq!(
        answer["Handshake"]["challenge_response"],
        json!(bytes(&vectors["handshake"]["challenge_response_hex"]))
    );
    let message = eidetica_scene::proof_bytes(
        proof["server_pubkey"].as_str().unwrap(),
        proof["tree_id"].as_str().unwrap(),
        &[proof["tips"][0].as_str().unwrap()],
        proof["timestamp_ms"].as_u64().unwrap(),
        &bytes(&proof["nonce_hex"]),
    );
    assert_eq!(message, bytes(&proof["signing_bytes_hex"]));
    assert!(has_signed(relay.service.public_key(), &message, &bytes(&proof["signature_hex"])));
    let root: Value = serde_json::from_str(vectors["C"]["root"].as_str().unwrap()).unwrap();
    let child: Value = serde_json::from_str(vectors["C"]["child"].as_str().unwrap()).unwrap();
    relay.send(&[root, child.clone()]);
    let request = |auth: &Value| {
        relay.ask(&json!({"SyncTree": {"tree_id": proof["tree_id"], "our_tips": proof["tips"], "peer_pubkey": null,
            "requesting_key": null, "requesting_key_name": null, "requested_permission": null, "metadata": null, "auth": auth}}))
    };
    let auth = json!({"key": vectors["key"]["public_key"], "timestamp_ms": proof["timestamp_ms"],
        "nonce": bytes(&proof["nonce_hex"]), "signature": bytes(&proof["signature_hex"])});
    assert_eq!(request(&auth)["Incremental"]["missing_entries"], json!([child]));
    // Nobody signed its root, so it is open; but a proof that is shown has to hold.
    assert_eq!(request(&Value::Null)["Incremental"]["missing_entries"], json!([child]));
    let mut other = auth;
    other["nonce"][0] = json!(other["nonce"][0].as_u64().unwrap() ^ 1);
    assert_eq!(request(&other)["Error"], "Authentication failed: invalid request signature");
}
