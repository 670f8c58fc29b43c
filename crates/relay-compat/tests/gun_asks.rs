//! What is not here may be on another client: some of them are asked, and the first answer goes to whoever waits for it.

mod gun_scene;
mod support;

use gun_scene::*;
use relay_compat::gun::{ASK_AGAIN_MS, CLIENT_ASK_MS, CLIENTS_ASKED_MAX, UNANSWERED_MAX};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use support::Socket;

impl Scene {
    fn pass_ms(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
        self.service.store_due();
    }
}

/// The ids of what a peer is asked now, and for what.
fn asked(socket: &mut Socket) -> Vec<(String, Value)> {
    let said = heard_all(socket).into_iter();
    said.filter(|said| said.get("get").is_some())
        .map(|said| (said["#"].as_str().unwrap().to_owned(), said["get"].clone()))
        .collect()
}

fn answering(ask: &str, id: &str, soul: &str, key: &str, value: Value) -> Value {
    let mut answer = put(id, soul, key, value, 5);
    answer["@"] = json!(ask);
    answer
}

#[test]
fn what_only_another_client_has_is_asked_of_it_kept_and_given_to_everybody_who_waits_once() {
    let scene = scene();
    let [mut asker, mut second, mut holder] = [0; 3].map(|_| scene.peer());
    assert!(say(&mut asker, &get("g1", "s")).is_empty(), "it waits");
    assert!(say(&mut second, &get("g2", "s")).is_empty());
    let questions = asked(&mut holder);
    assert_eq!((questions.len(), &questions[0].1), (1, &json!({"#": "s"})), "once for both");
    let answer = answering(&questions[0].0, "a1", "s", "k", json!("theirs"));
    assert_eq!(without_ids(say(&mut holder, &answer)), [json!({"@": "a1", "ok": true})]);
    for (socket, get) in [(&mut asker, "g1"), (&mut second, "g2")] {
        let told = heard(socket);
        assert_eq!(
            (told.len(), &told[0]["@"], &told[0]["put"]["s"]["k"]),
            (1, &json!(get), &json!("theirs")),
            "{told:?}"
        );
    }
    let mut late = scene.peer();
    assert_eq!(say(&mut late, &get("g3", "s"))[0]["put"]["s"]["k"], "theirs", "it is kept");
    let again = answering(&questions[0].0, "a2", "s", "k", json!("twice"));
    say(&mut holder, &again);
    assert!(heard(&mut asker).iter().all(|said| said.get("@").is_none()), "later ones are changes like all others");
    assert_eq!(scene.service.stats().asked, 1);
}

#[test]
fn nobody_waits_for_long_nor_for_who_has_nothing_and_the_same_is_not_asked_again_soon() {
    let scene = scene();
    let (mut asker, mut other) = (scene.peer(), scene.peer());
    say(&mut asker, &get("g1", "s"));
    let [(id, _)] = &asked(&mut other)[..] else { panic!("it is asked") };
    say(&mut other, &json!({"#": "n", "@": id}));
    assert_eq!(without_ids(heard(&mut asker)), [json!({"@": "g1"})], "it has nothing either");
    assert!(say(&mut asker, &get("g2", "t")).is_empty());
    scene.pass_ms(CLIENT_ASK_MS);
    assert_eq!(without_ids(heard(&mut asker)), [json!({"@": "g2"})], "it said nothing");
    assert_eq!(without_ids(say(&mut asker, &get("g3", "t"))), [json!({"@": "g3"})]);
    assert_eq!(asked(&mut other).len(), 1);
    scene.pass_ms(ASK_AGAIN_MS);
    assert!(say(&mut asker, &get("g4", "t")).is_empty());
    assert_eq!(asked(&mut other).len(), 1);
}

#[test]
fn a_client_that_never_answers_is_asked_no_more_and_no_query_by_a_range_asks_anybody() {
    let scene = scene();
    let (mut asker, mut other) = (scene.peer(), scene.peer());
    for n in 0..UNANSWERED_MAX {
        say(&mut asker, &get(&format!("g{n}"), &format!("s{n}")));
        scene.pass_ms(CLIENT_ASK_MS);
        assert_eq!((heard(&mut asker).len(), asked(&mut other).len()), (1, 1));
    }
    assert_eq!(without_ids(say(&mut asker, &get("at once", "u"))), [json!({"@": "at once"})]);
    let mut third = scene.peer();
    let range = json!({"#": "r", "get": {"#": "u", ".": {"*": "a"}}});
    assert_eq!(without_ids(say(&mut asker, &range)), [json!({"@": "r"})]);
    assert!(asked(&mut third).is_empty() && asked(&mut other).is_empty());
}

#[test]
fn few_clients_are_asked_and_none_of_another_graph_or_who_was_not_asked_answers() {
    let scene = scene();
    let mut asker = scene.peer();
    let mut others: Vec<Socket> = (0..3 * CLIENTS_ASKED_MAX).map(|_| scene.peer()).collect();
    let mut stranger = Socket::open(&scene.service, "/gun?t=other", &[]).unwrap();
    heard(&mut stranger);
    let mut turns = Vec::new();
    for round in 0..3 {
        say(&mut asker, &get(&format!("g{round}"), &format!("s{round}")));
        let questions: Vec<_> = others.iter_mut().map(|other| asked(other).len()).collect();
        assert_eq!(questions.iter().sum::<usize>(), CLIENTS_ASKED_MAX);
        turns.push(questions);
    }
    let each: Vec<usize> = (0..others.len()).map(|n| turns.iter().map(|turn| turn[n]).sum()).collect();
    assert!(each.iter().all(|asked| *asked == 1), "everybody in turn: {each:?}");
    assert!(asked(&mut stranger).is_empty());
    say(&mut asker, &get("h", "t"));
    let ask = others.iter_mut().find_map(|other| asked(other).pop()).unwrap().0;
    let mut guest = scene.peer();
    say(&mut guest, &json!({"#": "n", "@": ask}));
    assert!(heard(&mut asker).is_empty(), "who was not asked ends no waiting");
}
