//! What GUN peers ask and what the stock relay was told, without sockets.
#![allow(clippy::print_stdout, reason = "a test that skips says why")]

mod gun_scene;
mod support;

use gun_scene::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use support::Socket;

#[test]
fn lex_queries_find_keys_and_souls() {
    let scene = scene();
    let mut peer = scene.peer();
    for soul in ["chat/a", "chat/b", "other"] {
        for key in ["2024-01", "2024-02", "2025-01"] {
            say(&mut peer, &put(&format!("{soul}{key}"), soul, key, json!(key), 5));
        }
    }
    let mut found = |id: &str, get: Value, budget: Value| -> BTreeMap<String, Vec<String>> {
        let answers = say(&mut peer, &json!({"#": id, "get": get, "%": budget}));
        let puts = answers.iter().filter_map(|answer| answer["put"].as_object());
        puts.flatten()
            .map(|(soul, node)| {
                (soul.clone(), node.as_object().unwrap().keys().filter(|key| *key != "_").cloned().collect())
            })
            .collect()
    };
    let one = |soul: &str, keys: &[&str]| {
        BTreeMap::from([(soul.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>())])
    };
    assert_eq!(
        found("1", json!({"#": "chat/a", ".": {"*": "2024"}}), Value::Null),
        one("chat/a", &["2024-01", "2024-02"])
    );
    assert_eq!(
        found("2", json!({"#": "chat/a", ".": {">": "2024-02", "<": "2025-01"}}), Value::Null),
        one("chat/a", &["2024-02", "2025-01"])
    );
    assert_eq!(found("3", json!({"#": "chat/a", ".": {"*": "", "-": 1}}), json!(7)), one("chat/a", &["2025-01"]));
    assert_eq!(
        found("4", json!({"#": "chat/a", ".": {"*": "2024"}}), json!(8)),
        one("chat/a", &["2024-01", "2024-02"])
    );
    assert_eq!(found("5", json!({"#": {"*": "chat/"}, ".": "2025-01"}), Value::Null).len(), 2);
    assert_eq!(
        found("6", json!({"#": {">": "chat/b", "<": "p"}}), Value::Null).into_keys().collect::<Vec<_>>(),
        ["chat/b", "other"]
    );
    assert!(found("7", json!({"#": "chat/a", ".": {"*": "1999"}}), Value::Null).is_empty());
}

/// Frames of a capture of the stock relay, or `None` with a word about it.
fn capture(name: &str) -> Option<Vec<Value>> {
    let folder = std::env::var_os("SEALRELAY_CAPTURES").map(PathBuf::from);
    let text = folder.and_then(|folder| std::fs::read_to_string(folder.join(name)).ok());
    if text.is_none() {
        println!("skipped: SEALRELAY_CAPTURES does not name a folder with {name}");
    }
    let lines = text?;
    Some(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn what_the_stock_relay_was_told_is_taken_and_its_answers_hash_alike() {
    for name in ["gun-frames-axe.jsonl", "gun-frames-noaxe.jsonl", "gun-frames-restart.jsonl"] {
        let Some(lines) = capture(name) else { return };
        let scene = scene();
        scene.clock.0.store(1_900_000_000_000, Ordering::Relaxed);
        let (mut puts, mut hashes) = (0, 0);
        for line in &lines {
            let Some(frame) = line["frame"]
                .as_str()
                .or(line["data"].as_str())
                .and_then(|frame| serde_json::from_str::<Value>(frame).ok())
            else {
                continue;
            };
            let messages = frame.as_array().cloned().unwrap_or_else(|| vec![frame]);
            for message in messages.iter().filter(|message| message["put"].is_object()) {
                // A graph of its own for each, so that it comes back as it was.
                let mut peer = Socket::open(&scene.service, &format!("/gun/{}{}", name, puts), &[]).unwrap();
                heard(&mut peer);
                let mut put = message.clone();
                put.as_object_mut().unwrap().remove("@");
                put["#"] = json!("put");
                let answer = say(&mut peer, &put);
                puts += 1;
                let soul = message["put"].as_object().unwrap().keys().next().cloned();
                let (Some(soul), Some(true)) = (soul, answer[0]["ok"].as_bool()) else { continue };
                let again = say(&mut peer, &get("get", &soul));
                if let (Some(hash), 1) = (message["##"].as_i64(), message["put"].as_object().unwrap().len()) {
                    assert_eq!(again[0]["##"].as_i64(), Some(hash), "{message}");
                    hashes += 1;
                }
            }
        }
        assert!(puts > 5 && hashes > 0, "{name}: {puts} puts, {hashes} hashes");
    }
}
