//! The golden vectors of `test/vectors`, made from fixed seeds; the example `vectors` writes them, tests compare.

mod attestations;
mod corpus;
mod describe;
mod erasures;
mod fixtures;
mod frames;
mod handshake;
mod hpke;
mod keys;
mod merkle;
mod quotas;
mod refused;
mod rosters;
mod sealing;
mod signed;
mod wycheproof_ed25519;

use serde_json::Value;
use std::path::{Path, PathBuf};

#[allow(unused_imports, reason = "not every user of this module compares descriptions or runs the corpus")]
pub(crate) use {
    corpus::corpus,
    describe::{describe_client, describe_relay},
    hpke::{Suite, encap},
};

/// File name and content of every vector file but the given `errors.json`.
pub(crate) fn vectors() -> Vec<(&'static str, Value)> {
    vec![
        ("frames.json", frames::vector()),
        ("frames-refused.json", refused::vector()),
        ("keys.json", keys::vector()),
        ("merkle.json", merkle::vector()),
        ("attestations.json", attestations::vector()),
        ("quotas.json", quotas::vector()),
        ("rosters.json", rosters::vector()),
        ("handshake.json", handshake::vector()),
        ("erasures.json", erasures::vector()),
        ("acks.json", signed::acks()),
        ("log-resets.json", signed::log_resets()),
        ("manifests.json", signed::manifests()),
        ("padme.json", sealing::padme_table()),
        ("sealing.json", sealing::vector()),
        ("wycheproof-ed25519.json", wycheproof_ed25519::vector()),
    ]
}

/// The text of a vector file.
pub(crate) fn render(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a JSON value always renders");
    text.push('\n');
    text
}

/// A path inside the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
