//! The vectors of this project, computed by the crate. It speaks dialect B; that of A hashes the same bytes.

use crate::{Checked, check};
use ed25519_dalek::SigningKey;
use eidetica::Entry;
use eidetica::auth::crypto::{create_challenge_response, format_public_key, sign_entry, verify_entry_signature};
use serde_json::Value;

fn text<'a>(value: &'a Value, path: &str) -> Checked<&'a str> {
    value.pointer(path).and_then(Value::as_str).ok_or_else(|| format!("the vectors have no {path}").into())
}

fn bytes(hex: &str) -> Checked<Vec<u8>> {
    let pairs = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
    Ok(pairs.collect::<Result<_, _>>()?)
}

pub(crate) fn run(file: &str) -> Checked {
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let seed: [u8; 32] =
        bytes(text(&vectors, "/key/seed_hex")?)?.try_into().map_err(|_| "the seed is not 32 bytes long")?;
    let key = SigningKey::from_bytes(&seed);
    check("the public key", format_public_key(&key.verifying_key()) == text(&vectors, "/key/public_key")?)?;

    let root: Entry = serde_json::from_str(text(&vectors, "/B/root")?)?;
    check("the id of the root", root.id().as_str() == text(&vectors, "/B/root_id")?)?;
    check(
        "the id of the root in dialect A",
        root.id().as_str().strip_prefix("sha256:") == Some(text(&vectors, "/A/root_id")?),
    )?;
    check("the root is one", root.is_root() && root.validate().is_ok())?;

    let child: Entry = serde_json::from_str(text(&vectors, "/B/child")?)?;
    check("the id of the child", child.id().as_str() == text(&vectors, "/B/child_id")?)?;
    check(
        "the signed bytes of the child",
        child.signing_bytes()? == text(&vectors, "/B/child_signing_bytes")?.as_bytes(),
    )?;
    check("the signature of the child", sign_entry(&child, &key)? == child.sig.sig.clone().unwrap_or_default())?;
    check("the child is by the key it names", verify_entry_signature(&child, &key.verifying_key())?)?;
    check("the child as it is sent", serde_json::to_string(&child)? == text(&vectors, "/B/child")?)?;
    // A check that cannot fail says nothing.
    let other = SigningKey::from_bytes(&[8; 32]);
    check("the child is by nobody else", !verify_entry_signature(&child, &other.verifying_key())?)?;

    let challenge = bytes(text(&vectors, "/handshake/challenge_hex")?)?;
    let response = bytes(text(&vectors, "/handshake/challenge_response_hex")?)?;
    check("the answer to a challenge", create_challenge_response(challenge, &key) == response)
}
