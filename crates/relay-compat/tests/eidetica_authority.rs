//! Who may write to a tree of dialect C, and who may read it: what its own settings say, or else the key that signed its root.

mod eidetica_scene;
mod support;

use eidetica_scene::*;
use relay_compat::eidetica::EideticaOptions;
use serde_json::{Value, json};

const MALLORY: [u8; 32] = [8; 32];
const BOB: [u8; 32] = [9; 32];

fn closed() -> Relay {
    Relay::with(EideticaOptions { tokenless: true, proof: true, ..EideticaOptions::default() })
}

fn id(entry: &Value) -> String {
    ids("c", std::slice::from_ref(entry)).remove(0)
}

/// What somebody gets who proves a key and has nothing: an error, or how many entries.
fn read(relay: &Relay, device: &Device, tree: &str) -> Result<usize, String> {
    static NONCE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);
    let nonce = NONCE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let request = device.request(relay.service.public_key(), tree, &[], relay.now_ms(), &[nonce; 32]);
    let answer = relay.ask(&request);
    match answer["Error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(1 + answer["Bootstrap"]["all_entries"].as_array().unwrap().len()),
    }
}

fn denied(device: &Device, tree: &str) -> Result<usize, String> {
    Err(format!("Permission denied: key {} is not authorized to read {tree}", device.public))
}

fn refusal(answer: &Value) -> &str {
    answer["Error"].as_str().unwrap_or_default()
}

/// A tree whose settings grant these.
fn ruled_root(owner: &Device, grants: &[(&str, &str, &str)]) -> Value {
    with_settings(c_root(1, Some(owner)), &settings(grants), 0, Some(owner))
}

#[test]
fn a_stranger_who_knows_a_tree_neither_writes_to_it_nor_reads_it_by_having_tried() {
    let (alice, mallory) = (Device::new(&ALICE), Device::new(&MALLORY));
    for root in [c_root(1, Some(&alice)), ruled_root(&alice, &[(&alice.public, "Admin", "Active")])] {
        let (relay, tree) = (closed(), id(&root));
        assert_eq!(relay.send(&[root]), json!("Ack"));
        assert_eq!(read(&relay, &mallory, &tree), denied(&mallory, &tree));
        let own = c_child(&tree, &[&tree], 1, b"me too", Some(&mallory));
        let grant = settings(&[(&mallory.public, "Admin", "Active")]);
        let grants_itself = with_settings(own.clone(), &grant, 1, Some(&mallory));
        let mut as_everybody = own.clone();
        as_everybody["sig"]["key"]["Direct"]["hint"]["is_global"] = json!(true);
        let as_everybody = c_resigned(as_everybody, Some(&mallory));
        for entry in [own, grants_itself, as_everybody] {
            let answer = relay.send(&[entry]);
            assert!(refusal(&answer).contains("its key may not write this to its tree"), "{answer}");
        }
        let answer = relay.send(&[c_child(&tree, &[&tree], 1, b"unsigned", None)]);
        assert!(refusal(&answer).contains("not signed by a key that it names"), "{answer}");
        assert_eq!(read(&relay, &mallory, &tree), denied(&mallory, &tree));
        assert_eq!(relay.send(&[c_child(&tree, &[&tree], 1, b"mine", Some(&alice))]), json!("Ack"));
        assert_eq!((read(&relay, &alice, &tree), relay.service.stats().placed), (Ok(2), 2));
    }
}

#[test]
fn an_entry_that_waited_is_judged_when_it_gets_its_place() {
    let (alice, mallory, relay) = (Device::new(&ALICE), Device::new(&MALLORY), closed());
    let root = c_root(1, Some(&alice));
    let tree = id(&root);
    let stolen = c_child(&tree, &[&tree], 1, b"before its root", Some(&mallory));
    let mine = c_child(&tree, &[&tree], 1, b"mine", Some(&alice));
    relay.send(&[stolen.clone(), mine]);
    relay.send(&[c_child(&tree, &[&id(&stolen)], 2, b"behind it", Some(&alice))]);
    relay.send(&[root]);
    assert_eq!((read(&relay, &alice, &tree), read(&relay, &mallory, &tree)), (Ok(2), denied(&mallory, &tree)));
    let stats = relay.service.stats();
    assert_eq!((stats.placed, stats.refused_entries), (2, 1));
}

#[test]
fn who_is_granted_something_reads_and_writes_as_much_until_it_is_revoked() {
    let [alice, bob, reader] = [ALICE, BOB, [10; 32]].map(|seed| Device::new(&seed));
    let relay = closed();
    let root = ruled_root(&alice, &[(&alice.public, "Admin", "Active"), (&reader.public, "Read", "Active")]);
    let tree = id(&root);
    relay.send(&[root]);
    assert_eq!(read(&relay, &reader, &tree), Ok(1), "it signed nothing, and need not");
    let by = |device: &Device, parent: &str, data: &[u8]| c_child(&tree, &[parent], 1, data, Some(device));
    assert!(refusal(&relay.send(&[by(&reader, &tree, b"r")])).contains("may not write"));
    assert!(refusal(&relay.send(&[by(&bob, &tree, b"b")])).contains("may not write"));

    let grant = settings(&[(&bob.public, "Write", "Active")]);
    let granting = with_settings(by(&alice, &tree, b"grant"), &grant, 1, Some(&alice));
    let by_bob = by(&bob, &id(&granting), b"b");
    // Whatever order they come in.
    assert_eq!(relay.send(&[by_bob.clone(), granting.clone()]), json!({"Count": 2}));
    assert_eq!(read(&relay, &bob, &tree), Ok(3));
    let escalation = settings(&[(&bob.public, "Admin", "Active")]);
    let escalating = with_settings(by(&bob, &id(&by_bob), b"up"), &escalation, 2, Some(&bob));
    assert!(refusal(&relay.send(&[escalating])).contains("may not write"), "writing is not ruling");

    let revoked = settings(&[(&bob.public, "Write", "Revoked")]);
    let revoking = with_settings(by(&alice, &id(&by_bob), b"revoke"), &revoked, 2, Some(&alice));
    assert_eq!(relay.send(&[revoking]), json!("Ack"));
    assert_eq!(read(&relay, &bob, &tree), denied(&bob, &tree));
    assert_eq!(relay.send(&[by(&bob, &id(&granting), b"offline")]), json!("Ack"), "it was written before that");
    assert_eq!(read(&relay, &bob, &tree), denied(&bob, &tree));
    // An older grant that comes late grants nothing again.
    let late = with_settings(by(&alice, &tree, b"late"), &grant, 1, Some(&alice));
    assert_eq!((relay.send(&[late]), read(&relay, &bob, &tree)), (json!("Ack"), denied(&bob, &tree)));
}

#[test]
fn a_tree_for_everybody_takes_what_it_says_and_is_read_without_a_proof() {
    let (alice, bob, relay) = (Device::new(&ALICE), Device::new(&BOB), closed());
    let root = ruled_root(&alice, &[(&alice.public, "Admin", "Active"), ("*", "Write", "Active")]);
    let tree = id(&root);
    relay.send(&[root]);
    assert!(relay.sync(&tree, &[])["Bootstrap"].is_object());
    let entry = c_child(&tree, &[&tree], 1, b"b", Some(&bob));
    assert!(
        refusal(&relay.send(std::slice::from_ref(&entry))).contains("may not write"),
        "its own key is granted nothing"
    );
    let mut global = entry;
    global["sig"]["key"]["Direct"]["hint"]["is_global"] = json!(true);
    assert_eq!(relay.send(&[c_resigned(global, Some(&bob))]), json!("Ack"));
    let revoked = settings(&[("*", "Write", "Revoked")]);
    let closing = with_settings(c_child(&tree, &[&tree], 1, b"c", Some(&alice)), &revoked, 1, Some(&alice));
    assert_eq!(relay.send(&[closing]), json!("Ack"));
    assert!(refusal(&relay.sync(&tree, &[])).starts_with("Authentication required"));
    assert_eq!((read(&relay, &alice, &tree), read(&relay, &bob, &tree)), (Ok(3), denied(&bob, &tree)));
}

#[test]
fn the_keys_of_another_tree_are_let_in_as_far_as_the_settings_say() {
    let [alice, bob, mallory] = [ALICE, BOB, MALLORY].map(|seed| Device::new(&seed));
    let relay = closed();
    let team = ruled_root(&bob, &[(&bob.public, "Admin", "Active")]);
    let mut rules = settings(&[(&alice.public, "Admin", "Active")]);
    let max = json!({"Doc": {"children": {"type": {"Text": "Write"}, "priority": {"Int": 0}}}});
    let bounds = json!({"Doc": {"children": {"permission_bounds": {"Doc": {"children": {"max": max}}}}}});
    rules["children"]["auth"]["Doc"]["children"]["delegations"] = json!({"Doc": {"children": {id(&team): bounds}}});
    let root = with_settings(c_root(2, Some(&alice)), &rules, 0, Some(&alice));
    let tree = id(&root);
    relay.send(&[team.clone(), root]);
    assert_eq!((read(&relay, &bob, &tree), read(&relay, &mallory, &tree)), (Ok(1), denied(&mallory, &tree)));
    let by_way_of_team = |device: &Device, rules: Option<&Value>| {
        let mut entry = c_child(&tree, &[&tree], 1, b"t", Some(device));
        let path = json!([{"tree": id(&team), "tips": [id(&team)]}]);
        entry["sig"]["key"] = json!({"Delegation": {"path": path, "hint": {"pubkey": device.public}}});
        match rules {
            Some(rules) => with_settings(entry, rules, 1, Some(device)),
            None => c_resigned(entry, Some(device)),
        }
    };
    assert_eq!(relay.send(&[by_way_of_team(&bob, None)]), json!("Ack"));
    assert!(refusal(&relay.send(&[by_way_of_team(&mallory, None)])).contains("may not write"));
    assert!(refusal(&relay.send(&[by_way_of_team(&bob, Some(&rules))])).contains("may not write"), "no more than that");
}

#[test]
fn a_tree_that_nobody_signed_stays_open() {
    let (mallory, relay) = (Device::new(&MALLORY), closed());
    let root = c_root(1, None);
    let tree = id(&root);
    relay.send(&[root]);
    let grant = settings(&[(&mallory.public, "Admin", "Active")]);
    let taking = with_settings(c_child(&tree, &[&tree], 1, b"mine now", Some(&mallory)), &grant, 1, Some(&mallory));
    assert_eq!(relay.send(&[taking]), json!("Ack"));
    assert_eq!(relay.send(&[c_child(&tree, &[&tree], 1, b"still ours", None)]), json!("Ack"));
    assert!(relay.sync(&tree, &[])["Bootstrap"].is_object());
}

#[test]
fn a_tree_from_before_there_were_rules_gets_the_one_that_its_entries_make() {
    let [alice, bob, mallory] = [ALICE, BOB, MALLORY].map(|seed| Device::new(&seed));
    let relay = closed();
    let root = ruled_root(&alice, &[(&alice.public, "Admin", "Active")]);
    let tree = id(&root);
    let grant = settings(&[(&bob.public, "Write", "Active")]);
    let granting = with_settings(c_child(&tree, &[&tree], 1, b"g", Some(&alice)), &grant, 1, Some(&alice));
    relay.send(&[root, granting]);
    relay.forget_rules();
    assert!(refusal(&relay.sync(&tree, &[])).starts_with("Authentication required"));
    assert_eq!((read(&relay, &mallory, &tree), read(&relay, &bob, &tree)), (denied(&mallory, &tree), Ok(2)));
    relay.forget_rules();
    let by = |device: &Device| c_child(&tree, &[&tree], 1, b"x", Some(device));
    assert!(refusal(&relay.send(&[by(&mallory)])).contains("may not write"));
    assert_eq!(relay.send(&[by(&bob)]), json!("Ack"));
}
