//! The registry, the shared vector and the reference page say the same.

use relay_proto::ErrorCode;
use relay_proto::error_registry::{ERRORS, render_markdown};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn equals_the_shared_vector() {
    let text = std::fs::read_to_string(project("test/vectors/errors.json")).unwrap();
    let vector: Value = serde_json::from_str(&text).unwrap();
    let registry: Vec<Value> = ERRORS
        .iter()
        .map(|error| {
            json!({
                "code": error.code.number(), "name": error.name, "fault": error.fault.name(),
                "temporary": error.temporary, "http": error.http, "close": error.close, "hint": error.hint,
            })
        })
        .collect();
    assert_eq!(vector["errors"], Value::Array(registry));
}

#[test]
fn numbers_are_unique_ascending_and_found_again() {
    assert!(ERRORS.is_sorted_by(|a, b| a.code.number() < b.code.number()));
    for error in ERRORS {
        assert_eq!(ErrorCode::from_number(error.code.number()), Some(error.code));
        assert_eq!(error.code.info(), *error);
    }
    assert_eq!(ErrorCode::from_number(0), None);
}

#[test]
fn the_reference_page_is_current() {
    let page = std::fs::read_to_string(project("docs/reference/errors.md")).unwrap();
    assert_eq!(page, render_markdown(), "run: cargo run -p relay-proto --example errors_page");
}
