//! GUN endpoints without sockets: the frames of stock peers, durability, subscriptions, back-pressure, wide nodes.

mod gun_scene;
mod support;

use gun_scene::*;
use relay_compat::gun::{FUTURE_GRACE_MS, FUTURE_MS_MAX, GREETING_MS, GunOptions, NEWS_BYTES_MAX, PUT_BYTES_MAX};
use relay_core::store::StoreError;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{Socket, StillClock, at};

#[test]
fn a_put_is_acknowledged_and_a_get_answered() {
    let scene = scene();
    let mut peer = scene.peer();
    assert_eq!(without_ids(say(&mut peer, &put("a", "s", "k", json!("v"), 5))), [json!({"@": "a", "ok": true})]);
    let answer = without_ids(say(&mut peer, &get("b", "s")));
    let node = json!({"s": {"_": {"#": "s", ">": {"k": 5}}, "k": "v"}});
    assert_eq!((answer.len(), &answer[0]["@"], &answer[0]["put"]), (1, &json!("b"), &node));
    assert!(answer[0]["##"].is_i64());
    assert_eq!(without_ids(say(&mut peer, &get("c", "none"))), [json!({"@": "c"})], "nothing there is said at once");
    let key = json!({"#": "d", "get": {"#": "s", ".": "other"}});
    assert_eq!(without_ids(say(&mut peer, &key)), [json!({"@": "d"})]);
}

#[test]
fn stale_and_repeated_puts_are_acknowledged_and_change_nothing() {
    let scene = scene();
    let (mut writer, mut reader) = (scene.peer(), scene.peer());
    say(&mut reader, &get("r", "s"));
    say(&mut writer, &put("a", "s", "k", json!("new"), 9));
    assert_eq!(heard(&mut reader).len(), 1);
    for (id, value, state) in [("b", "old", 5), ("c", "new", 9)] {
        assert_eq!(
            without_ids(say(&mut writer, &put(id, "s", "k", json!(value), state))),
            [json!({"@": id, "ok": true})]
        );
    }
    assert!(heard(&mut reader).is_empty());
    assert_eq!(say(&mut reader, &get("r2", "s"))[0]["put"]["s"]["k"], "new");
}

#[test]
fn a_message_id_counts_once_and_ids_that_begin_alike_are_others() {
    let scene = scene();
    let mut peer = scene.peer();
    let mut acknowledged = 0;
    for n in 0..3000 {
        acknowledged += say(&mut peer, &put(&format!("q{n}"), "s", &format!("k{n}"), json!(n), 5)).len();
    }
    assert_eq!(acknowledged, 3000);
    assert!(say(&mut peer, &put("q2999", "s", "again", json!(1), 5)).is_empty());
    let mut other = scene.peer();
    assert_eq!(
        say(&mut other, &put("q2999", "s", "again", json!(1), 5)).len(),
        1,
        "another connection has its own ids"
    );
}

#[test]
fn wrong_puts_are_refused_whole_and_the_rest_of_a_batch_is_not() {
    let scene = scene();
    let mut peer = scene.peer();
    let good = put("good", "s", "k", json!(1), 5);
    let half = json!({"#": "half", "put": {
        "t": {"_": {"#": "t", ">": {"k": 5}}, "k": 1},
        "u": {"_": {"#": "other", ">": {"k": 5}}, "k": 1},
    }});
    let answers = without_ids(say(&mut peer, &json!([half, good])));
    assert!(
        answers.contains(&json!({"@": "good", "ok": true}))
            && answers.contains(&json!({"@": "half", "err": "Soul not same!"})),
        "{answers:?}"
    );
    assert_eq!(without_ids(say(&mut peer, &get("g", "t"))), [json!({"@": "g"})]);
    assert_eq!(scene.service.stats().refused, 1);
}

#[test]
fn what_is_no_message_is_named_or_ignored() {
    let scene = scene();
    let mut peer = scene.peer();
    peer.text(r##"{"#":"a","put":"##, at(1));
    assert_eq!(heard(&mut peer), [json!({"dam": "!", "err": "DAM JSON parse error."})]);
    peer.text(&" ".repeat(relay_compat::gun::MESSAGE_BYTES_MAX + 1), at(1));
    assert_eq!(heard(&mut peer), [json!({"dam": "!", "err": "Message too big!"})]);
    peer.binary(put("bin", "s", "k", json!(1), 5).to_string().as_bytes(), at(1));
    for nothing in [
        json!([]),
        json!({}),
        json!({"dam": "hi", "#": "h"}),
        json!({"#": "x", "get": {".": "k"}}),
        json!({"#": "y", "FOO": 1}),
    ] {
        peer.text(&nothing.to_string(), at(1));
    }
    assert!(heard(&mut peer).is_empty());
}

#[test]
fn who_asks_who_we_are_is_told_and_who_is_us_is_let_go() {
    let scene = scene();
    let mut peer = Socket::open(&scene.service, "/gun", &[]).unwrap();
    let pid = heard(&mut peer)[0]["pid"].clone();
    assert_eq!(
        without_ids(say(&mut peer, &json!({"dam": "?", "pid": "other", "#": "w"}))),
        [json!({"dam": "?", "pid": pid, "@": "w"})]
    );
    assert!(say(&mut peer, &json!({"dam": "?", "pid": "other", "@": "z", "#": "v"})).is_empty());
    say(&mut peer, &json!({"dam": "?", "pid": pid, "#": "u"}));
    assert!(peer.out.closed.is_some());
}

#[test]
fn changes_go_to_subscribers_of_the_soul_or_the_key_once_and_not_back() {
    let scene = scene();
    let [mut writer, mut whole, mut key, mut both, mut other] = [0; 5].map(|_| scene.peer());
    say(&mut writer, &get("w", "s"));
    say(&mut whole, &get("w", "s"));
    say(&mut key, &json!({"#": "k", "get": {"#": "s", ".": "a"}}));
    say(&mut both, &get("b1", "s"));
    say(&mut both, &json!({"#": "b2", "get": {"#": "s", ".": "a"}}));
    say(&mut other, &get("o", "t"));
    let two = json!({"#": "p", "put": {"s": {"_": {"#": "s", ">": {"a": 5, "b": 5}}, "a": 1, "b": 2}}});
    assert_eq!(say(&mut writer, &two).len(), 1, "its acknowledgement alone");
    let whole_node = json!({"s": {"_": {"#": "s", ">": {"a": 5, "b": 5}}, "a": 1, "b": 2}});
    for socket in [&mut whole, &mut both] {
        assert_eq!(without_ids(heard(socket)), [json!({"put": whole_node})]);
    }
    assert_eq!(without_ids(heard(&mut key)), [json!({"put": {"s": {"_": {"#": "s", ">": {"a": 5}}, "a": 1}}})]);
    assert!(heard(&mut other).is_empty());
    assert_eq!((scene.service.stats().peers, scene.service.stats().subscriptions), (5, 6));
    drop((writer, whole, key, both, other));
    assert_eq!((scene.service.stats().peers, scene.service.stats().subscriptions), (0, 0), "nothing is left of them");
}

#[test]
fn a_wide_node_comes_whole_in_parts() {
    let scene = scene();
    let mut peer = scene.peer();
    let (mut states, mut node) = (serde_json::Map::new(), serde_json::Map::new());
    for n in 0..20_000 {
        states.insert(format!("key{n}"), json!(5));
        node.insert(format!("key{n}"), json!(format!("a value that takes some room {n}")));
    }
    let expected = node.clone();
    node.insert("_".into(), json!({"#": "wide", ">": states}));
    assert_eq!(without_ids(say(&mut peer, &json!({"#": "p", "put": {"wide": node}}))), [json!({"@": "p", "ok": true})]);
    let parts = say(&mut peer, &get("g", "wide"));
    assert!(parts.len() > 2);
    let mut merged = serde_json::Map::new();
    for (part, next) in parts.iter().zip(parts.iter().skip(1).map(Some).chain([None])) {
        assert_eq!(part["@"], "g");
        assert_eq!(part.get("%"), next.map(|next| &next["#"]), "a part names the next one");
        merged.extend(part["put"]["wide"].as_object().unwrap().clone());
    }
    merged.remove("_");
    assert_eq!(merged, expected);
}

#[test]
fn a_subscriber_without_room_holds_nobody_up_and_hears_the_last_of_everything() {
    let scene = scene();
    let (mut writer, mut slow) = (scene.peer(), scene.peer());
    for soul in ["s0", "s1", "s2"] {
        say(&mut slow, &get(soul, soul));
    }
    slow.out.room = 0;
    let large = "x".repeat(100_000);
    for n in 0..200_u64 {
        let soul = format!("s{}", n % 3);
        assert_eq!(
            say(&mut writer, &put(&format!("p{n}"), &soul, "k", json!(format!("{n}{large}")), 1000 + n)).len(),
            1
        );
    }
    assert!(!writer.out.is_paused);
    let stats = scene.service.stats();
    assert!(stats.missed > 100 && stats.news * 100_000 < 2 * NEWS_BYTES_MAX as u64, "{stats:?}");
    let mut last = BTreeMap::new();
    for _ in 0..1000 {
        slow.make_room(50_000);
        for message in heard(&mut slow) {
            for (soul, node) in message["put"].as_object().unwrap() {
                last.insert(soul.clone(), node["_"][">"]["k"].as_u64().unwrap());
            }
        }
    }
    let expected = BTreeMap::from([("s0".into(), 1198), ("s1".into(), 1199), ("s2".into(), 1197)]);
    assert_eq!(last, expected);
}

#[test]
fn a_peer_that_does_not_read_its_answers_is_not_read() {
    let scene = scene();
    let mut peer = scene.peer();
    say(&mut peer, &put("p", "s", "k", json!("x".repeat(1000)), 5));
    peer.out.room = 0;
    let mut said = 0;
    while !peer.out.is_paused {
        peer.text(&get(&format!("g{said}"), "s").to_string(), at(1));
        said += 1;
        assert!(said <= relay_compat::gun::GETS_MAX + 10, "it is never asked to wait");
    }
    let mut answers = 0;
    for _ in 0..said {
        peer.make_room(1000);
        answers += heard(&mut peer).iter().filter(|answer| answer["put"].is_object()).count();
    }
    assert_eq!((answers, peer.out.is_paused), (said, false));
}

#[test]
fn a_state_to_come_waits_unanswered_and_one_too_far_ahead_is_refused() {
    let scene = scene();
    let mut reader = scene.peer();
    say(&mut reader, &get("r", "s"));
    let mut writer = scene.peer();
    assert_eq!(say(&mut writer, &put("near", "s", "n", json!(1), NOW_MS + FUTURE_GRACE_MS)).len(), 1);
    assert_eq!(heard(&mut reader).len(), 1);
    assert!(say(&mut writer, &put("later", "s", "k", json!(1), NOW_MS + 5000)).is_empty());
    scene.clock.0.store(NOW_MS + 4999, Ordering::Relaxed);
    scene.service.store_due();
    assert!(heard(&mut writer).is_empty() && heard(&mut reader).is_empty());
    assert!(say(&mut reader, &get("r2", "s"))[0]["put"]["s"].get("k").is_none());
    scene.clock.0.store(NOW_MS + 5000, Ordering::Relaxed);
    scene.service.store_due();
    assert_eq!(without_ids(heard(&mut writer)), [json!({"@": "later", "ok": true})]);
    assert_eq!(heard(&mut reader).len(), 1);
    let far = say(&mut writer, &put("far", "s", "k", json!(2), NOW_MS + 5001 + FUTURE_MS_MAX));
    assert_eq!(far[0]["err"], "The state is too far in the future!");
}

#[test]
fn tokens_open_graphs_that_know_nothing_of_each_other() {
    let scene = scene_with(GunOptions::default());
    let refused = Socket::open(&scene.service, "/gun", &[]).err().map(|answer| answer.status().as_u16());
    assert_eq!(refused, Some(401));
    let open = |target: &str| {
        let mut socket = Socket::open(&scene.service, target, &[]).unwrap();
        heard(&mut socket);
        socket
    };
    let (mut a, mut same, mut b) = (open("/gun?t=one"), open("/gun/one"), open("/gun?t=two"));
    for socket in [&mut same, &mut b] {
        say(socket, &get("g", "s"));
    }
    say(&mut a, &put("p", "s", "k", json!(1), 5));
    assert_eq!((heard(&mut same).len(), heard(&mut b).len()), (1, 0));
    assert_eq!(without_ids(say(&mut b, &get("h", "s"))), [json!({"@": "h"})]);
}

#[test]
fn what_is_not_stored_is_never_acknowledged_nor_told() {
    let scene = scene();
    let (mut writer, mut reader) = (scene.peer(), scene.peer());
    say(&mut reader, &get("r", "s"));
    scene.documents.refuse(Some(StoreError::Poisoned));
    let answer = without_ids(say(&mut writer, &put("p", "s", "k", json!(1), 5)));
    assert_eq!(answer, [json!({"@": "p", "err": "Not stored, try again later!"})]);
    assert!(heard(&mut reader).is_empty());
    scene.documents.refuse(None);
    assert_eq!(without_ids(say(&mut writer, &put("p2", "s", "k", json!(1), 5))), [json!({"@": "p2", "ok": true})]);
    assert_eq!(heard(&mut reader).len(), 1);
}

#[test]
fn a_graph_beyond_its_quota_is_refused_and_unchanged() {
    let scene = scene_with(GunOptions { tokenless: true, tenant_bytes_max: 1000, ..GunOptions::default() });
    let mut peer = scene.peer();
    assert_eq!(say(&mut peer, &put("a", "s", "k", json!("x".repeat(500)), 5))[0]["ok"], true);
    assert!(
        say(&mut peer, &put("b", "s", "l", json!("x".repeat(500)), 5))[0]["err"]
            .as_str()
            .unwrap()
            .contains("keeps no more")
    );
    assert_eq!(
        say(&mut peer, &put("c", "s", "k", json!("less"), 6))[0]["ok"],
        true,
        "what is there may still become smaller"
    );
    assert_eq!(say(&mut peer, &get("g", "s"))[0]["put"]["s"], json!({"_": {"#": "s", ">": {"k": 6}}, "k": "less"}));
}

#[test]
fn nothing_is_said_before_it_is_durable_and_a_writer_waits_for_the_disk() {
    let (documents, clock) = (Arc::new(Waiting::default()), Arc::new(StillClock(AtomicU64::new(NOW_MS))));
    let options = GunOptions { tokenless: true, ..GunOptions::default() };
    let service = service_over(Arc::clone(&documents) as Arc<_>, &clock, options);
    let [mut writer, mut reader] = [0; 2].map(|_| Socket::open(&service, "/gun", &[]).unwrap());
    heard(&mut writer);
    heard(&mut reader);
    say(&mut reader, &get("r", "s"));
    let large = "x".repeat(1_000_000);
    let mut said = 0;
    while !writer.out.is_paused {
        assert!(say(&mut writer, &put(&format!("p{said}"), "s", &format!("k{said}"), json!(large), 5)).is_empty());
        said += 1;
        assert!(said <= PUT_BYTES_MAX / 1_000_000 + 1, "it is never asked to wait");
    }
    assert!(heard(&mut reader).is_empty());
    documents.let_go();
    assert_eq!(heard(&mut writer).len(), said);
    assert!(!writer.out.is_paused);
    assert!(!heard(&mut reader).is_empty());
}

#[test]
fn the_heartbeat_of_the_stock_relay_is_kept() {
    let scene = scene();
    let mut peer = scene.peer();
    peer.turn(at(19_999));
    assert!(peer.texts().is_empty());
    peer.turn(at(20_000));
    assert_eq!(peer.texts(), ["[]"]);
}

/// A graph of `a.b` → `x`, `x.d` → `y`, and a peer that asks for `a.b` at once.
fn peer_beneath_links(scene: &Scene, greets: bool) -> Socket {
    let mut writer = scene.peer();
    for (id, soul, key, value) in
        [("1", "a", "b", json!({"#": "x"})), ("2", "x", "d", json!({"#": "y"})), ("3", "y", "e", json!(1))]
    {
        say(&mut writer, &put(id, soul, key, value, 5));
    }
    let mut peer = scene.peer();
    assert_eq!(say(&mut peer, &json!({"#": "g", "get": {"#": "a", ".": "b"}})).len(), 1);
    if greets {
        say(&mut peer, &json!({"dam": "hi", "#": "h"}));
    }
    peer.turn(at(GREETING_MS));
    peer
}

#[test]
fn a_peer_that_came_back_hears_of_what_lies_beneath_the_links_it_asks_for() {
    let scene = scene();
    let mut peer = peer_beneath_links(&scene, false);
    let souls: Vec<_> = heard(&mut peer)
        .iter()
        .flat_map(|said| said["put"].as_object().unwrap().keys().cloned().collect::<Vec<_>>())
        .collect();
    assert_eq!(souls, ["x", "y"], "what it may have missed, each once");
    let mut writer = scene.peer();
    say(&mut writer, &put("4", "y", "e", json!(2), 6));
    assert_eq!(heard(&mut peer)[0]["put"]["y"]["e"], 2);
    drop(peer);
    assert_eq!(scene.service.stats().subscriptions, 0);
}

#[test]
fn a_peer_that_greets_is_told_of_what_it_asks_for_alone() {
    let scene = scene();
    let mut peer = peer_beneath_links(&scene, true);
    assert!(heard(&mut peer).is_empty());
    assert_eq!(scene.service.stats().subscriptions, 1);
}
