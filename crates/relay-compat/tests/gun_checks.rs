//! What is dear to check is checked away from the thread that serves connections, in turns, and nothing overtakes it.

mod gun_scene;
mod support;

use gun_scene::*;
use relay_compat::gun::{CHECKED_VALUES_MAX, INBOX_BYTES_MAX};
use serde_json::{Value, json};
use support::{Socket, at};

/// A frame of as many puts, each with a signed value.
fn frame(user: &User, count: usize) -> Value {
    let soul = format!("~{}/notes", user.public());
    let signed = user.put("", &soul, "key", "text", "");
    let with_id = |n| {
        let mut put = signed.clone();
        put["#"] = json!(format!("{n}"));
        put
    };
    Value::Array((0..count).map(with_id).collect())
}

fn acknowledged(socket: &mut Socket) -> Vec<String> {
    heard(socket).iter().filter(|said| said["ok"] == true).map(|said| said["@"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn while_a_frame_of_signed_values_is_checked_others_are_answered() {
    let (scene, jobs) = scene_with_jobs();
    let (mut writer, mut other) = (scene.peer(), scene.peer());
    let count = 10 * CHECKED_VALUES_MAX;
    assert!(say(&mut writer, &frame(&User::default(), count)).is_empty());
    assert!(writer.out.is_paused, "it is not read while so much of it waits");
    let (mut acks, mut rounds) = (Vec::new(), 0);
    while jobs.waiting() > 0 {
        let id = format!("o{rounds}");
        let answers = say(&mut other, &put(&id, "s", &id, json!(1), 5));
        assert_eq!(without_ids(answers), [json!({"@": id, "ok": true})], "before the writer's next acknowledgement");
        assert!(jobs.waiting() == 1 && jobs.run_one());
        let more = acknowledged(&mut writer);
        assert!(more.len() <= CHECKED_VALUES_MAX, "one turn is no longer than that");
        acks.extend(more);
        rounds += 1;
    }
    let expected: Vec<_> = (0..count).map(|n| n.to_string()).collect();
    assert_eq!((acks, rounds >= 10), (expected, true), "all of it, in its order");
    assert!(!writer.out.is_paused);
    let stats = scene.service.stats();
    assert_eq!((stats.verified, stats.waiting_bytes), (count as u64, 0));
}

#[test]
fn two_peers_with_much_to_be_checked_take_turns() {
    let (scene, jobs) = scene_with_jobs();
    let (mut a, mut b) = (scene.peer(), scene.peer());
    let frame = frame(&User::default(), 3 * CHECKED_VALUES_MAX);
    say(&mut a, &frame);
    say(&mut b, &frame);
    let mut turns = String::new();
    while jobs.run_one() {
        let before = turns.len();
        for (name, socket) in [('a', &mut a), ('b', &mut b)] {
            if !acknowledged(socket).is_empty() {
                turns.push(name);
            }
        }
        assert!(turns.len() <= before + 1);
    }
    assert_eq!(turns, "ababab");
}

#[test]
fn nothing_overtakes_what_is_being_checked() {
    let (scene, jobs) = scene_with_jobs();
    let user = User::default();
    let soul = format!("~{}/notes", user.public());
    let mut peer = scene.peer();
    assert!(say(&mut peer, &user.put("signed", &soul, "a", "x", "")).is_empty());
    assert!(say(&mut peer, &put("open", "s", "k", json!(1), 5)).is_empty());
    assert!(say(&mut peer, &get("got", &soul)).is_empty());
    assert!(jobs.run_one());
    let answers = heard(&mut peer);
    assert_eq!(answers.iter().map(|said| said["@"].as_str().unwrap()).collect::<Vec<_>>(), ["signed", "open", "got"]);
    assert!(answers[2]["put"][&soul]["a"].is_string());
    let thief = User::default();
    say(&mut peer, &thief.put("stolen", &soul, "a", "y", ""));
    assert!(jobs.run_one());
    assert_eq!(without_ids(heard(&mut peer)), [json!({"@": "stolen", "err": "Unverified data."})]);
    assert_eq!((jobs.waiting(), jobs.run_one()), (0, false), "what is cheap is taken in at once");
}

#[test]
fn a_peer_is_not_read_while_much_of_it_waits() {
    let (scene, jobs) = scene_with_jobs();
    let user = User::default();
    let soul = format!("~{}/notes", user.public());
    let mut peer = scene.peer();
    say(&mut peer, &user.put("signed", &soul, "a", "x", ""));
    let (mut bytes, mut said) = (0, 0);
    while !peer.out.is_paused {
        let put = put(&format!("p{said}"), "s", &format!("k{said}"), json!("x".repeat(10_000)), 5);
        bytes += put.to_string().len();
        assert!(say(&mut peer, &put).is_empty() && bytes < INBOX_BYTES_MAX + 20_000, "it is never asked to wait");
        said += 1;
    }
    assert!(bytes >= INBOX_BYTES_MAX - 1000);
    jobs.run_one();
    assert_eq!((acknowledged(&mut peer).len(), peer.out.is_paused), (said + 1, false));
}

#[test]
fn what_a_peer_said_before_it_went_is_stored() {
    let (scene, jobs) = scene_with_jobs();
    let user = User::default();
    let soul = format!("~{}/notes", user.public());
    let mut peer = scene.peer();
    say(&mut peer, &frame(&user, 3 * CHECKED_VALUES_MAX));
    say(&mut peer, &put("open", "s", "k", json!(1), 5));
    say(&mut peer, &user.put("last", &soul, "last", "x", ""));
    jobs.run_one();
    // What was checked has arrived and was not looked at.
    drop(peer);
    while jobs.run_one() {}
    let mut other = scene.peer();
    let node = say(&mut other, &get("g", &soul));
    assert!(node[0]["put"][&soul]["key"].is_string() && node[0]["put"][&soul]["last"].is_string(), "{node:?}");
    assert_eq!(say(&mut other, &get("h", "s"))[0]["put"]["s"]["k"], 1);
    assert_eq!(scene.service.stats().waiting_bytes, 0);
}

#[test]
fn a_large_frame_is_read_elsewhere() {
    let (scene, jobs) = scene_with_jobs();
    let mut peer = scene.peer();
    peer.text(&format!("[{}{{]", " ".repeat(100_000)), at(1));
    assert!(heard(&mut peer).is_empty() && jobs.run_one());
    assert_eq!(heard(&mut peer), [json!({"dam": "!", "err": "DAM JSON parse error."})]);
    say(&mut peer, &put("large", "s", "k", json!("x".repeat(100_000)), 5));
    assert!(jobs.run_one());
    assert_eq!(without_ids(heard(&mut peer)), [json!({"@": "large", "ok": true})]);
}
