//! Eidetica over a store in memory: all dialects, whatever order entries come in, proofs, limits, failures.

mod eidetica_scene;
mod support;

use eidetica_scene::{ALICE, Device, Relay, START_MS, c_child, c_root, child, ids, root, text_root};
use http::StatusCode;
use relay_compat::eidetica::{ANSWER_BYTES_MAX, EideticaOptions, ORPHAN_MS, ORPHANS_MAX};
use relay_core::store::StoreError;
use serde_json::{Value, json};

#[test]
fn a_tree_that_nobody_brought_is_asked_for_whole_and_then_given_to_others() {
    for dialect in ["b", "c"] {
        let relay = Relay::open();
        let (tree, entries) = eidetica_scene::history(dialect, 3);
        let nothing = json!({"Incremental": {"tree_id": tree, "their_tips": [], "missing_entries": []}});
        assert_eq!(relay.sync(&tree, &["tip of it"]), nothing);
        assert_eq!(relay.sync(&tree, &[]), json!({"Error": format!("Tree not found: {tree}")}));
        assert_eq!(relay.send(&entries), json!({"Count": 3}));
        let whole = relay.sync(&tree, &[]);
        let bootstrap = &whole["Bootstrap"];
        assert_eq!(bootstrap["root_entry"], entries[0]);
        assert_eq!(bootstrap["all_entries"], json!(entries[1..]));
        assert_eq!((&bootstrap["key_approved"], &bootstrap["granted_permission"]), (&json!(false), &Value::Null));
        let ids = ids(dialect, &entries);
        let incremental = &relay.sync(&tree, &[&ids[1]])["Incremental"];
        assert_eq!(incremental["their_tips"], json!([ids[2]]));
        assert_eq!(incremental["missing_entries"], json!([entries[2]]));
        let nothing = &relay.sync(&tree, &[&ids[2]])["Incremental"];
        assert_eq!((&nothing["their_tips"], &nothing["missing_entries"]), (&json!([ids[2]]), &json!([])));
    }
}

#[test]
fn an_acknowledgement_is_a_bare_text_for_one_and_a_count_for_more() {
    let relay = Relay::open();
    let (_, entries) = eidetica_scene::history("b", 3);
    assert_eq!(relay.send(&[]), json!("Ack"));
    assert_eq!(relay.send(&entries[..1]), json!("Ack"));
    assert_eq!(relay.send(&entries), json!({"Count": 3}));
    // Again, as after an answer that was lost.
    assert_eq!(relay.send(&entries), json!({"Count": 3}));
    assert_eq!(relay.service.stats().placed, 4, "the lone root is kept for A and for B");
}

#[test]
fn children_before_their_parents_wait_unseen_until_those_come() {
    for dialect in ["a", "b", "c"] {
        let relay = Relay::open();
        let (tree, entries) = eidetica_scene::history(dialect, 5);
        let ids = ids(dialect, &entries);
        // One by one from the last to the first, so that each waits for the next.
        for entry in entries[1..].iter().rev() {
            assert_eq!(relay.send(std::slice::from_ref(entry)), json!("Ack"));
        }
        assert_eq!(relay.tips(&tree), Vec::<String>::new(), "{dialect}");
        // The first one has to say which dialect it is of.
        assert_eq!(relay.send(&[entries[1].clone(), entries[0].clone()]), json!({"Count": 2}));
        assert_eq!(relay.tips(&tree), [ids[4].clone()], "{dialect}");
        if dialect != "a" {
            let whole = relay.sync(&tree, &[]);
            assert_eq!(whole["Bootstrap"]["all_entries"], json!(entries[1..]), "parents first");
        }
        assert_eq!(relay.service.stats().waited, 4);
    }
}

#[test]
fn a_fork_has_two_tips_until_somebody_merges_it() {
    let relay = Relay::open();
    let (tree, entries) = eidetica_scene::history("b", 2);
    let base = ids("b", &entries).remove(1);
    let (left, right) = (child(&tree, &[&base], "left"), child(&tree, &[&base], "right"));
    relay.send(&entries);
    relay.send(&[left.clone(), right.clone()]);
    let forked = ids("b", &[left.clone(), right.clone()]);
    let mut tips = relay.tips(&tree);
    tips.sort();
    let mut expected = forked.clone();
    expected.sort();
    assert_eq!(tips, expected);
    // Whoever has one of them lacks the other, and nothing else.
    assert_eq!(relay.sync(&tree, &[&forked[0]])["Incremental"]["missing_entries"], json!([right]));
    let merge = child(&tree, &[&forked[0], &forked[1]], "merge");
    relay.send(std::slice::from_ref(&merge));
    assert_eq!(relay.tips(&tree), ids("b", std::slice::from_ref(&merge)));
    // A tip that is unknown here is no reason to send less, or nothing.
    let unknown = format!("sha256:{}", "e".repeat(64));
    assert_eq!(relay.sync(&tree, &[&forked[0], &unknown])["Incremental"]["missing_entries"], json!([right, merge]));
}

#[test]
fn who_pulls_in_dialect_a_gets_the_ancestors_first() {
    let relay = Relay::open();
    let (tree, entries) = eidetica_scene::history("a", 4);
    let ids = ids("a", &entries);
    assert_eq!(relay.ask(&json!({"GetTips": {"tree_id": tree}})), json!({"Tips": {"tree_id": tree, "tips": []}}));
    relay.send(&entries);
    assert_eq!(relay.tips(&tree), [ids[3].clone()]);
    let got = relay.ask(&json!({"GetEntries": {"entry_ids": [ids[3]]}}));
    assert_eq!(got, json!({"Entries": {"entries": entries}}));
    let error = relay.ask(&json!({"GetEntries": {"entry_ids": [ids[3], "nowhere"]}}));
    assert_eq!(error, json!({"Error": "Entry not found: nowhere"}));
    // Ids of this dialect may be any text.
    let opaque = child("test_tree", &[], "first");
    relay.send(std::slice::from_ref(&opaque));
    let id = eidetica_scene::ids("a", &[opaque]).remove(0);
    assert_eq!(relay.tips("test_tree"), [id]);
}

#[test]
fn a_root_alone_is_kept_for_both_dialects_that_write_it_so() {
    let relay = Relay::open();
    let root = text_root(1);
    relay.send(std::slice::from_ref(&root));
    let [a, b] = ["a", "b"].map(|dialect| ids(dialect, std::slice::from_ref(&root)).remove(0));
    assert_eq!((relay.tips(&a), relay.tips(&b)), (vec![a.clone()], vec![b.clone()]));
    assert_eq!(relay.sync(&b, &[])["Bootstrap"]["root_entry"], root);
}

#[test]
fn an_entry_of_another_tree_or_with_a_forged_signature_is_refused_by_name_and_the_rest_is_stored() {
    let relay = Relay::open();
    let device = Device::new(&ALICE);
    let (tree, entries) = eidetica_scene::history("c", 2);
    relay.send(&entries);
    let base = ids("c", &entries).remove(1);
    let good = c_child(&tree, &[&base], 2, b"good", Some(&device));
    let mut forged = c_child(&tree, &[&base], 2, b"forged", Some(&device));
    forged["subtrees"][0]["data"] = json!([1, 2, 3]);
    let words = relay.send(&[forged, good.clone()]);
    let error = words["Error"].as_str().unwrap();
    assert!(
        error.starts_with("1 of 2 entries refused, the others are stored; entry 0 of the request: its signature"),
        "{error}"
    );
    assert_eq!(relay.tips(&tree), ids("c", &[good]));
    // The id of the tree is part of what is hashed: an entry moved to another tree has parents elsewhere.
    let other = ids("c", &[c_root(7, None)]).remove(0);
    let moved = c_child(&other, &[&base], 2, b"moved", None);
    let error = relay.send(&[moved])["Error"].as_str().unwrap().to_owned();
    assert!(error.ends_with("a parent of it is in another tree"), "{error}");
    // The same when it waited for that parent.
    let later = c_child(&tree, &[&base], 2, b"later", None);
    let moved = c_child(
        &other,
        &ids("c", std::slice::from_ref(&later)).iter().map(String::as_str).collect::<Vec<_>>(),
        3,
        b"moved",
        None,
    );
    assert_eq!(relay.send(&[moved]), json!("Ack"));
    relay.send(&[later]);
    assert_eq!(relay.tips(&other), Vec::<String>::new());
}

#[test]
fn a_tree_larger_than_an_answer_is_given_in_parts_that_can_be_stored_as_they_come() {
    let relay = Relay::open();
    let (tree, entries) = eidetica_scene::large_history(24, ANSWER_BYTES_MAX / 8);
    relay.send(&entries);
    let all = ids("b", &entries);
    let mut had = 0;
    let mut rounds = 0;
    while had < all.len() {
        let tips: Vec<&str> = all[..had].last().map(String::as_str).into_iter().collect();
        let answer = relay.sync(&tree, &tips);
        let got = if had == 0 {
            1 + answer["Bootstrap"]["all_entries"].as_array().unwrap().len()
        } else {
            let incremental = &answer["Incremental"];
            let got = incremental["missing_entries"].as_array().unwrap().len();
            // The peer is told the tips of what it has then, so that it sends nothing back.
            assert_eq!(incremental["their_tips"], json!([all[had + got - 1]]));
            got
        };
        assert!(got > 0 && got <= 9, "{got}");
        had += got;
        rounds += 1;
    }
    assert!(rounds >= 3);
}

#[test]
fn a_handshake_proves_the_key_and_is_answered_in_the_version_it_was_asked_in() {
    let relay = Relay::open();
    for (version, has_trees) in [(0, true), (1, false)] {
        let answer = relay.handshake(version, &[1; 32]);
        let handshake = &answer["Handshake"];
        assert_eq!(handshake["protocol_version"], json!(version));
        assert_eq!(handshake["device_id"], json!(relay.service.public_key()));
        let signature: Vec<u8> = serde_json::from_value(handshake["challenge_response"].clone()).unwrap();
        assert!(eidetica_scene::has_signed(relay.service.public_key(), &[1; 32], &signature));
        assert_eq!(handshake["new_challenge"].as_array().unwrap().len(), 32);
        assert_eq!(handshake.get("available_trees").is_some(), has_trees);
    }
    assert_eq!(relay.handshake(7, &[1; 32]), json!({"Error": "Protocol version mismatch: expected 0, got 7"}));
    // A longer challenge could be something else that this key must not sign.
    for challenge in [&[][..], &[1; 33]] {
        assert!(relay.handshake(0, challenge)["Error"].is_string());
    }
}

#[test]
fn trees_are_listed_to_who_shows_a_token_and_to_nobody_else() {
    let relay = Relay::open();
    let (tree, entries) = eidetica_scene::history("b", 2);
    relay.send(&entries);
    relay.as_tenant("a", &json!({"SendEntries": entries}));
    let listed = |answer: &Value| answer["Handshake"]["available_trees"].clone();
    assert_eq!(listed(&relay.handshake(0, &[1; 32])), json!([]));
    let with_token = relay.as_tenant("a", &eidetica_scene::hello(0, &[1; 32]));
    let expected = json!([{"tree_id": tree, "name": null, "entry_count": 2, "last_modified": START_MS / 1000}]);
    assert_eq!(listed(&with_token), expected);
    // A peer of dialect C, whose device id is its key, could not read that id.
    let mut hello = eidetica_scene::hello(0, &[1; 32]);
    hello["Handshake"]["device_id"] = hello["Handshake"]["public_key"].clone();
    assert_eq!(listed(&relay.as_tenant("a", &hello)), json!([]));
    let (c_tree, c_entries) = eidetica_scene::history("c", 1);
    relay.as_tenant("a", &json!({"SendEntries": c_entries}));
    assert_eq!(listed(&relay.as_tenant("a", &hello))[0]["tree_id"], json!(c_tree));
    assert_eq!(listed(&relay.as_tenant("a", &eidetica_scene::hello(0, &[1; 32]))), expected);
    // Tenants share nothing.
    let other = relay.as_tenant("b", &eidetica_scene::hello(0, &[1; 32]));
    assert_eq!(listed(&other), json!([]));
    let request = json!({"SyncTree": {"tree_id": tree, "our_tips": []}});
    assert!(relay.as_tenant("b", &request)["Error"].is_string());
}

#[test]
fn a_peer_that_proves_its_key_too_gets_a_proof_for_itself_and_is_told_where_it_signed() {
    let relay = Relay::open();
    let (alice, mallory) = (Device::new(&ALICE), Device::new(&[8; 32]));
    let mine = c_root(1, Some(&alice));
    relay.send(&[mine.clone(), c_root(2, Some(&mallory)), c_root(3, None)]);
    let first = relay.handshake(0, &[1; 32]);
    let challenge: Vec<u8> = serde_json::from_value(first["Handshake"]["new_challenge"].clone()).unwrap();
    let answer = |device: &Device, signed: &Value| {
        let mut hello = eidetica_scene::hello(0, &[2; 32]);
        hello["Handshake"]["public_key"] = json!(device.public);
        hello["Handshake"]["sealrelay"] = signed.clone();
        relay.ask(&hello)
    };
    let bytes = |role: &str| {
        let fields = [
            b"sealrelay/eidetica/handshake/v1".to_vec(),
            role.into(),
            relay.service.public_key().into(),
            alice.public.clone().into(),
            vec![2; 32],
            challenge.clone(),
        ];
        eidetica_scene::behind_lengths(&fields)
    };
    let signed = json!({"relay_challenge": challenge, "signature": alice.sign(&bytes("peer"))});
    let proven = &answer(&alice, &signed)["Handshake"];
    let signature: Vec<u8> = serde_json::from_value(proven["sealrelay"]["signature"].clone()).unwrap();
    assert!(eidetica_scene::has_signed(relay.service.public_key(), &bytes("relay"), &signature));
    let listed: Vec<&Value> =
        proven["available_trees"].as_array().unwrap().iter().map(|tree| &tree["tree_id"]).collect();
    assert_eq!(listed, [&json!(ids("c", &[mine])[0])]);
    // In the relay's role, by another key, over a challenge that is not the relay's, and too late.
    let refused = json!({"Error": "Authentication failed: the peer did not prove its key"});
    let role = json!({"relay_challenge": challenge, "signature": alice.sign(&bytes("relay"))});
    let other = json!({"relay_challenge": challenge, "signature": mallory.sign(&bytes("peer"))});
    let own = json!({"relay_challenge": vec![3; 32], "signature": alice.sign(&bytes("peer"))});
    for wrong in [role, other, own] {
        assert_eq!(answer(&alice, &wrong), refused);
    }
    assert_eq!(answer(&mallory, &signed), refused);
    relay.pass_ms(60_001);
    assert_eq!(answer(&alice, &signed), refused);
}

#[test]
fn only_signed_entries_are_taken_where_that_is_asked_for() {
    let relay = Relay::with(EideticaOptions { tokenless: true, signed_only: true, ..EideticaOptions::default() });
    let signed = c_root(1, Some(&Device::new(&ALICE)));
    let error = relay.send(&[signed.clone(), c_root(2, None)])["Error"].as_str().unwrap().to_owned();
    assert!(
        error.starts_with("1 of 2 entries refused") && error.contains("not signed by a key that it names"),
        "{error}"
    );
    assert_eq!(relay.send(&[signed]), json!("Ack"));
}

#[test]
fn a_proof_is_good_once_for_this_relay_this_tree_and_one_minute() {
    let relay = Relay::with(EideticaOptions { tokenless: true, proof: true, ..EideticaOptions::default() });
    let (alice, mallory) = (Device::new(&ALICE), Device::new(&[8; 32]));
    let root = c_root(1, Some(&alice));
    let tree = ids("c", std::slice::from_ref(&root)).remove(0);
    relay.send(std::slice::from_ref(&root));
    let request = |device: &Device, nonce: u8, at_ms: u64| {
        relay.ask(&device.request(relay.service.public_key(), &tree, &[], at_ms, &[nonce; 32]))
    };
    let error = |answer: &Value| answer["Error"].as_str().unwrap_or_default().to_owned();
    assert_eq!(error(&relay.sync(&tree, &[])), format!("Authentication required to read database '{tree}'"));
    assert_eq!(request(&alice, 1, START_MS)["Bootstrap"]["root_entry"], root);
    assert_eq!(error(&request(&alice, 1, START_MS)), "Authentication failed: request nonce already spent");
    for at_ms in [START_MS - 60_001, START_MS + 60_001] {
        let stale = error(&request(&alice, 2, at_ms));
        assert_eq!(stale, "Authentication failed: request timestamp outside the freshness window");
    }
    assert!(request(&alice, 2, START_MS - 60_000)["Bootstrap"].is_object());
    let stranger = error(&request(&mallory, 3, START_MS));
    assert_eq!(stranger, format!("Permission denied: key {} is not authorized to read {tree}", mallory.public));
    // Made for another relay, another tree or other tips.
    let elsewhere = alice.request(&mallory.public, &tree, &[], START_MS, &[4; 32]);
    let mut other_tips = alice.request(relay.service.public_key(), &tree, &[&tree], START_MS, &[5; 32]);
    other_tips["SyncTree"]["our_tips"] = json!([]);
    for request in [elsewhere, other_tips] {
        assert_eq!(error(&relay.ask(&request)), "Authentication failed: invalid request signature");
    }
    // With a token everything of the tenant may be read; a proof that is shown has to hold all the same.
    relay.as_tenant("a", &json!({"SendEntries": [root]}));
    assert!(relay.as_tenant("a", &json!({"SyncTree": {"tree_id": tree, "our_tips": []}}))["Bootstrap"].is_object());
    let stale = alice.request(relay.service.public_key(), &tree, &[], START_MS - 60_001, &[6; 32]);
    assert!(error(&relay.as_tenant("a", &stale)).starts_with("Authentication failed"));
}

#[test]
fn what_takes_a_proof_is_not_read_by_the_calls_that_have_no_place_for_one() {
    let relay = Relay::with(EideticaOptions { tokenless: true, proof: true, ..EideticaOptions::default() });
    let alice = Device::new(&ALICE);
    let root = c_root(1, Some(&alice));
    let tree = ids("c", std::slice::from_ref(&root)).remove(0);
    let tip = c_child(&tree, &[&tree], 1, b"secret", Some(&alice));
    let tip_id = ids("c", std::slice::from_ref(&tip)).remove(0);
    // An entry with an id of dialect A that was put behind that tip would bring its ancestors too.
    let behind = child(&tree, &[&tip_id], "behind");
    let behind_id = ids("a", std::slice::from_ref(&behind)).remove(0);
    let (open, open_entries) = eidetica_scene::history("c", 2);
    let open_ids = ids("c", &open_entries);
    let (tips, entries) =
        (|tree: &str| json!({"GetTips": {"tree_id": tree}}), |ids: &[&str]| json!({"GetEntries": {"entry_ids": ids}}));
    let refused = json!({"Error": format!("Authentication required to read database '{tree}'")});
    relay.send(&[root.clone(), tip.clone()]);
    let error = relay.send(std::slice::from_ref(&behind))["Error"].to_string();
    assert!(error.contains("it is of another dialect than its tree"), "{error}");
    relay.send(&open_entries);
    assert_eq!(relay.service.stats().placed, 4, "all of it is there to be read");
    assert_eq!(relay.ask(&entries(&[&behind_id])), json!({"Error": format!("Entry not found: {behind_id}")}));
    for request in [tips(&tree), entries(&[&tree]), entries(&[&tip_id])] {
        assert_eq!(relay.ask(&request), refused, "{request}");
    }
    assert_eq!(relay.ask(&entries(&[&open_ids[1], &tip_id])), refused, "one of two");
    // What no proof is needed for is read as before, and so is everything with a token.
    assert_eq!(relay.tips(&open), [open_ids[1].clone()]);
    assert_eq!(relay.ask(&entries(&[&open_ids[1]])), json!({"Entries": {"entries": open_entries}}));
    relay.as_tenant("a", &json!({"SendEntries": [root, tip]}));
    assert_eq!(relay.as_tenant("a", &tips(&tree))["Tips"]["tips"], json!([tip_id]));
    assert_eq!(relay.as_tenant("a", &entries(&[&tip_id])), json!({"Entries": {"entries": [root, tip]}}));
}

#[test]
fn used_proofs_are_let_go_when_they_are_stale() {
    let relay = Relay::open();
    let alice = Device::new(&ALICE);
    let root = c_root(1, Some(&alice));
    let tree = ids("c", std::slice::from_ref(&root)).remove(0);
    relay.send(&[root]);
    let use_one = |nonce: u8| {
        let now = relay.now_ms();
        relay.ask(&alice.request(relay.service.public_key(), &tree, &[], now, &[nonce; 32]));
    };
    (0..50).for_each(use_one);
    let many = relay.usage().keys;
    relay.pass_ms(60_001);
    (50..60).for_each(use_one);
    assert!(relay.usage().keys <= many - 50 + 10, "{} of {many}", relay.usage().keys);
}

#[test]
fn limits_are_answered_by_name_and_nothing_over_them_is_kept() {
    let relay =
        Relay::with(EideticaOptions { tokenless: true, tenant_bytes_max: 15_000, ..EideticaOptions::default() });
    let (tree, entries) = eidetica_scene::large_history(3, 8_000);
    let error = relay.send(&entries)["Error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("1 of 3 entries refused") && error.ends_with("the storage quota is exceeded"), "{error}");
    assert_eq!(relay.tips(&tree), [ids("b", &entries).remove(1)]);
    let relay = Relay::open();
    let nowhere = format!("sha256:{}", "e".repeat(64));
    let orphans: Vec<Value> = (0..=ORPHANS_MAX).map(|n| child(&tree, &[&nowhere], &n.to_string())).collect();
    let error = relay.send(&orphans)["Error"].as_str().unwrap().to_owned();
    assert!(error.contains("too many entries of its tree wait for a parent"), "{error}");
    let long = json!({"GetTips": {"tree_id": "x".repeat(300)}});
    assert_eq!(relay.ask(&long)["Tips"]["tips"], json!([]));
    let tips: Vec<String> = (0..5001).map(|n| n.to_string()).collect();
    let (status, text) = relay.raw(
        "POST",
        &[("content-type", "application/json")],
        &json!({"SyncTree": {"tree_id": tree, "our_tips": tips}}).to_string(),
    );
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
}

#[test]
fn what_is_no_request_is_refused_as_the_original_does_it() {
    let relay = Relay::open();
    let json_type = [("content-type", "application/json")];
    for (method, headers, body, status) in [
        ("GET", &json_type[..], "", StatusCode::METHOD_NOT_ALLOWED),
        ("OPTIONS", &[], "", StatusCode::NO_CONTENT),
        ("POST", &[], "\"Ack\"", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("POST", &[("content-type", "text/plain")], "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("POST", &json_type, "", StatusCode::BAD_REQUEST),
        ("POST", &json_type, "{\"SendEntries\":[", StatusCode::BAD_REQUEST),
        ("POST", &json_type, "{\"Unknown\":{}}", StatusCode::UNPROCESSABLE_ENTITY),
        ("POST", &json_type, "{\"SendEntries\":[{}]}", StatusCode::UNPROCESSABLE_ENTITY),
        (
            "POST",
            &json_type,
            "{\"Handshake\":{\"public_key\":\"k\",\"protocol_version\":0,\"challenge\":[256]}}",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let (answered, text) = relay.raw(method, headers, body);
        assert_eq!(answered, status, "{method} {body}");
        assert!(text.is_empty() == (method == "OPTIONS") && text.chars().count() <= 512);
    }
    let closed = Relay::with(EideticaOptions::default());
    let (status, text) = closed.raw("POST", &json_type, &eidetica_scene::hello(0, &[1; 32]).to_string());
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(text.starts_with("{\"Error\":\"Authentication required"), "{text}");
}

#[test]
fn a_store_that_fails_is_no_acknowledgement() {
    let relay = Relay::open();
    for (error, status) in [
        (StoreError::Overloaded, StatusCode::SERVICE_UNAVAILABLE),
        (StoreError::DiskFull, StatusCode::SERVICE_UNAVAILABLE),
        (StoreError::Poisoned, StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        relay.documents.refuse(Some(error));
        let body = json!({"SendEntries": [root("b")]}).to_string();
        let (answered, text) = relay.raw("POST", &[("content-type", "application/json")], &body);
        assert_eq!(answered, status);
        assert!(text.starts_with("{\"Error\":"), "{text}");
        relay.documents.refuse(None);
    }
    assert_eq!(relay.service.stats().placed, 0);
}

#[test]
fn the_order_of_entries_never_matters() {
    use proptest::prelude::*;
    let (tree, entries) = eidetica_scene::woven_history(12);
    let expected = {
        let relay = Relay::open();
        relay.send(&entries);
        let mut tips = relay.tips(&tree);
        tips.sort();
        tips
    };
    proptest!(ProptestConfig::with_cases(32), |(keys in prop::collection::vec(any::<u32>(), 12), sizes in prop::collection::vec(1..5_usize, 12))| {
        let mut shuffled: Vec<_> = keys.iter().zip(&entries).collect();
        shuffled.sort_by_key(|(key, _)| **key);
        let shuffled: Vec<Value> = shuffled.into_iter().map(|(_, entry)| entry.clone()).collect();
        let relay = Relay::open();
        let mut rest = &shuffled[..];
        for size in sizes {
            let (now, later) = rest.split_at(size.min(rest.len()));
            relay.send(now);
            rest = later;
        }
        let mut tips = relay.tips(&tree);
        tips.sort();
        prop_assert_eq!(&tips, &expected);
        let whole = relay.sync(&tree, &[]);
        let given: Vec<Value> = whole["Bootstrap"]["all_entries"].as_array().unwrap().clone();
        let given = [vec![whole["Bootstrap"]["root_entry"].clone()], given].concat();
        let mut seen = std::collections::HashSet::new();
        for entry in &given {
            let parents: Vec<String> = serde_json::from_value(entry["tree"]["parents"].clone()).unwrap();
            prop_assert!(parents.iter().all(|parent| seen.contains(parent)), "parents first");
            seen.insert(ids("b", std::slice::from_ref(entry)).remove(0));
        }
        prop_assert_eq!(given.len(), entries.len());
    });
}

#[test]
fn who_waits_for_a_parent_for_too_long_goes_and_makes_room() {
    let relay = Relay::open();
    let (tree, entries) = eidetica_scene::history("b", 3);
    let nowhere = format!("sha256:{}", "e".repeat(64));
    let orphan = child(&tree, &[&nowhere, &tree], "orphan");
    let before = relay.usage();
    relay.send(std::slice::from_ref(&orphan));
    relay.as_tenant("a", &json!({"SendEntries": [orphan]}));
    relay.pass_ms(1000);
    relay.send(&entries[1..]);
    relay.pass_ms(ORPHAN_MS - 1000);
    relay.service.sweep();
    assert_eq!(relay.service.stats().expired, 2, "the same of every tenant, and nothing that came later");
    relay.send(&entries[..1]);
    // A root alone is kept for both dialects that write it so.
    assert_eq!(relay.service.stats().placed, 4, "those got their place");
    let lost = child(&tree, &[&nowhere], "lost");
    relay.send(&[lost]);
    let waiting = relay.usage();
    relay.pass_ms(ORPHAN_MS);
    relay.service.sweep();
    assert_eq!((relay.service.stats().expired, relay.usage().keys), (3, waiting.keys - 2));
    assert_eq!(before.keys, 0);
    relay.service.sweep();
    assert_eq!(relay.service.stats().expired, 3);
}
