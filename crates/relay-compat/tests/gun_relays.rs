//! Relays of GUN that are linked: a change is at each of them once, whatever the links look like, and nothing is said twice.

mod gun_scene;
mod support;

use gun_scene::*;
use relay_compat::gun::{ASK_MS, GREETING_MS, GunOptions, GunParts, GunService, RELAYS_MAX};
use relay_core::foreign::AddressRates;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{Counting, Socket, StillClock, at};

/// A relay of its own: with other ids than the rest.
fn relay(number: u8) -> Scene {
    let (clock, documents) = (Arc::new(StillClock(AtomicU64::new(NOW_MS))), Arc::default());
    let options = GunOptions { tokenless: true, ..GunOptions::default() };
    let service = numbered_service_over(Arc::clone(&documents) as Arc<_>, &clock, options, number);
    Scene { service, clock, documents }
}

/// The two ends of a link, and how many messages of data crossed it.
struct Link {
    ends: [Socket; 2],
    puts: usize,
}

impl Link {
    /// The first relay dials the second.
    fn between(a: &Scene, b: &Scene) -> Self {
        let dialed = a.service.link(&"http://b/gun".parse().unwrap()).unwrap();
        let ends = [Socket::of(&*dialed), Socket::open(&b.service, "/gun", &[]).unwrap()];
        let mut link = Self { ends, puts: 0 };
        settle_links(&mut [&mut link]);
        link
    }

    /// Carries what waits; whether there was something.
    fn carry(&mut self) -> bool {
        let mut has_moved = false;
        for (from, to) in [(0, 1), (1, 0)] {
            has_moved |= self.ends[from].turn(at(1));
            for text in self.ends[from].texts() {
                has_moved = true;
                self.puts += usize::from(serde_json::from_str::<Value>(&text).unwrap().get("put").is_some());
                self.ends[to].text(&text, at(1));
            }
        }
        has_moved
    }
}

fn settle_links(links: &mut [&mut Link]) {
    for turn in 0.. {
        assert!(turn < 1000, "a storm");
        // All of them, not the first that moves.
        if links.iter_mut().filter_map(|link| link.carry().then_some(())).count() == 0 {
            return;
        }
    }
}

fn value_at(scene: &Scene, soul: &str) -> Value {
    say(&mut scene.peer(), &get("look", soul))[0]["put"][soul]["k"].clone()
}

#[test]
fn in_a_ring_of_three_a_change_is_everywhere_and_crosses_each_link_once_at_most_each_way() {
    let relays = [1, 2, 3].map(relay);
    let [a, b, c] = &relays;
    let mut links = [Link::between(a, b), Link::between(b, c), Link::between(c, a)];
    for (n, from) in relays.iter().enumerate() {
        let before = links.iter().map(|link| link.puts).sum::<usize>();
        let mut writer = from.peer();
        assert_eq!(say(&mut writer, &put("p", "s", "k", json!(n), 5 + n as u64))[0]["ok"], true);
        settle_links(&mut links.each_mut());
        for each in &relays {
            assert_eq!(value_at(each, "s"), json!(n));
        }
        let crossed = links.iter().map(|link| link.puts).sum::<usize>() - before;
        assert!((2..=4).contains(&crossed), "{crossed} messages for one change");
        assert_eq!(say(&mut writer, &put("q", "s", "k", json!(n), 5 + n as u64))[0]["ok"], true);
        settle_links(&mut links.each_mut());
        assert_eq!(
            links.iter().map(|link| link.puts).sum::<usize>() - before,
            crossed,
            "what is no change goes nowhere"
        );
    }
    assert_eq!(a.service.stats().links, 2);
    drop(links);
    assert_eq!(a.service.stats().links, 0);
}

#[test]
fn clients_that_call_themselves_relays_leave_the_places_of_those_that_are_dialed() {
    let [a, b] = [1, 2].map(relay);
    let addresses = ["http://b/gun", "http://c/gun"];
    let dialed = addresses.map(|address| a.service.link(&address.parse().unwrap()).unwrap());
    let mut claimants: Vec<Socket> = (0..RELAYS_MAX).map(|_| a.peer()).collect();
    let is_linked = |claimant: &mut Socket, n: usize| {
        let answers = say(claimant, &json!({"#": format!("r{n}"), "dam": "relay", "pid": format!("claims{n}")}));
        !answers.iter().any(|answer| answer["err"] == "Too many relays!")
    };
    let linked = claimants.iter_mut().enumerate().filter_map(|(n, each)| is_linked(each, n).then_some(())).count();
    assert_eq!(linked, RELAYS_MAX - addresses.len());
    // The first one, saying it again, has its place and takes no other.
    assert!(is_linked(&mut claimants[0], 0));
    let ends = [Socket::of(&*dialed[0]), Socket::open(&b.service, "/gun", &[]).unwrap()];
    let mut link = Link { ends, puts: 0 };
    settle_links(&mut [&mut link]);
    assert_eq!(a.service.stats().links as usize, RELAYS_MAX - 1, "one of the two that are dialed is there");
    say(&mut b.peer(), &put("p", "s", "k", json!(1), 5));
    settle_links(&mut [&mut link]);
    assert_eq!(value_at(&a, "s"), json!(1));
}

#[test]
fn two_links_between_the_same_two_carry_a_change_once_each_and_one_that_ends_takes_nothing_along() {
    let [a, b] = [1, 2].map(relay);
    let mut links = vec![Link::between(&a, &b), Link::between(&b, &a)];
    let mut writer = a.peer();
    say(&mut writer, &put("p", "s", "k", json!(1), 5));
    let [one, two] = &mut links[..] else { panic!() };
    settle_links(&mut [one, two]);
    assert_eq!((one.puts, two.puts, value_at(&b, "s")), (1, 1, json!(1)));
    // On its way when the link ends, so it is lost with it.
    say(&mut writer, &put("q", "s", "k", json!(2), 6));
    links.remove(0);
    settle_links(&mut [&mut links[0]]);
    assert_eq!(value_at(&b, "s"), json!(2));
}

#[test]
fn relays_that_meet_bring_each_other_up_to_date_and_what_is_the_same_costs_its_hash() {
    let [a, b] = [1, 2].map(relay);
    let mut wide = json!({"_": {"#": "wide", ">": {}}});
    for n in 0..9000 {
        wide[format!("k{n}")] = json!(n);
        wide["_"][">"][format!("k{n}")] = json!(5);
    }
    say(&mut a.peer(), &json!({"#": "w", "put": {"wide": wide}}));
    say(&mut b.peer(), &put("p", "s", "k", json!("b"), 5));
    let mut link = Link::between(&a, &b);
    settle_links(&mut [&mut link]);
    assert!((4..=6).contains(&link.puts), "{} messages", link.puts);
    assert_eq!(value_at(&a, "s"), json!("b"));
    let parts = say(&mut b.peer(), &get("all", "wide"));
    let keys: usize = parts.iter().map(|part| part["put"]["wide"].as_object().unwrap().len() - 1).sum();
    assert_eq!(keys, 9000);
    drop(link);
    say(&mut a.peer(), &put("q", "s", "k", json!("a"), 6));
    let mut again = Link::between(&a, &b);
    settle_links(&mut [&mut again]);
    assert_eq!(value_at(&b, "s"), json!("a"));
    assert!(again.puts <= 2, "one page differs: {} messages", again.puts);
    let mut third = Link::between(&a, &b);
    settle_links(&mut [&mut again, &mut third]);
    assert_eq!(third.puts, 0, "nothing differs");
}

#[test]
fn a_link_without_room_holds_nobody_up_and_brings_the_last_of_everything() {
    let [a, b] = [1, 2].map(relay);
    let mut link = Link::between(&a, &b);
    link.ends[0].out.room = 0;
    let mut writer = a.peer();
    let large = "x".repeat(100_000);
    for n in 0..50_u64 {
        let soul = format!("s{}", n % 3);
        assert_eq!(say(&mut writer, &put(&format!("p{n}"), &soul, "k", json!(format!("{n}{large}")), 10 + n)).len(), 1);
    }
    assert!(a.service.stats().missed > 10);
    link.ends[0].make_room(usize::MAX);
    settle_links(&mut [&mut link]);
    for (soul, n) in [("s0", 48), ("s1", 49), ("s2", 47)] {
        assert_eq!(value_at(&b, soul), json!(format!("{n}{large}")));
    }
}

#[test]
fn a_relay_that_dials_itself_is_let_go() {
    let a = relay(1);
    let link = Link::between(&a, &a);
    assert!(link.ends.iter().any(|end| end.out.closed.is_some()));
}

#[test]
fn links_of_other_tokens_are_links_of_other_graphs() {
    let [a, b] = [1, 2].map(relay);
    let dialed = a.service.link(&"http://b/gun?t=other".parse().unwrap()).unwrap();
    let mut link =
        Link { ends: [Socket::of(&*dialed), Socket::open(&b.service, "/gun?t=other", &[]).unwrap()], puts: 0 };
    settle_links(&mut [&mut link]);
    say(&mut a.peer(), &put("p", "s", "k", json!(1), 5));
    settle_links(&mut [&mut link]);
    assert_eq!((link.puts, a.service.stats().links), (0, 1));
    assert!(a.service.link(&"http://b/gun?t=%ff%".parse().unwrap()).is_ok(), "a value that cannot be read is no value");
    assert!(a.service.link(&"http://b/gun/%ff".parse().unwrap()).is_err());
}

/// A stock relay that was dialed: the test speaks for it.
fn stock_link(scene: &Scene) -> Socket {
    let mut link = Socket::of(&*scene.service.link(&"http://stock/gun".parse().unwrap()).unwrap());
    heard(&mut link);
    link.turn(at(GREETING_MS));
    link
}

#[test]
fn a_stock_relay_is_asked_for_what_is_not_here_and_its_answer_is_the_answer() {
    let scene = relay(1);
    let mut early = scene.peer();
    assert_eq!(say(&mut early, &get("e", "wanted")).len(), 1);
    let mut link = stock_link(&scene);
    let passed_on = heard_all(&mut link);
    assert_eq!((passed_on.len(), &passed_on[0]["get"]), (1, &json!({"#": "wanted"})), "what is wanted here already");

    let mut reader = scene.peer();
    assert!(say(&mut reader, &get("g", "s")).is_empty(), "the answer is waited for");
    let asked = heard_all(&mut link);
    assert_eq!((asked.len(), &asked[0]["get"]), (1, &json!({"#": "s"})));
    let mut answer = put("x", "s", "k", json!("theirs"), 5);
    answer["@"] = asked[0]["#"].clone();
    assert_eq!(say(&mut link, &answer).len(), 1, "it is acknowledged");
    let answers = heard(&mut reader);
    assert!(answers.iter().any(|said| said["@"] == "g" && said["put"]["s"]["k"] == "theirs"), "{answers:?}");
    say(&mut reader, &get("again", "s"));
    assert!(heard_all(&mut link).is_empty(), "it is asked once");

    assert_eq!(say(&mut scene.peer(), &put("w", "s", "k", json!("ours"), 6)).len(), 1);
    assert_eq!(heard(&mut link)[0]["put"]["s"]["k"], "ours", "it is told of changes");
}

#[test]
fn a_stock_relay_that_has_nothing_or_says_nothing_is_not_waited_for_any_more() {
    let scene = relay(1);
    let mut link = stock_link(&scene);
    let mut reader = scene.peer();
    assert!(say(&mut reader, &get("g", "s")).is_empty());
    let asked = heard_all(&mut link)[0]["#"].clone();
    say(&mut link, &json!({"#": "n", "@": asked}));
    assert_eq!(without_ids(heard(&mut reader)), [json!({"@": "g"})]);

    assert!(say(&mut reader, &get("h", "t")).is_empty());
    scene.clock.0.fetch_add(ASK_MS, Ordering::Relaxed);
    scene.service.store_due();
    assert_eq!(without_ids(heard(&mut reader)), [json!({"@": "h"})]);
}

#[test]
fn who_is_no_relay_gets_no_comparison() {
    let scene = relay(1);
    let mut peer = scene.peer();
    assert!(say(&mut peer, &json!({"dam": "offer", "#": "o", "from": "", "##": "00"})).is_empty());
}

#[test]
fn a_relay_that_puts_more_than_its_address_may_is_heard_later_and_loses_nothing() {
    let rates = Arc::new(AddressRates::per_minute(2));
    let service = GunService::new(GunParts {
        documents: Arc::new(relay_core::documents::MemoryDocuments::new()),
        clock: Arc::new(StillClock(AtomicU64::new(NOW_MS))),
        entropy: Arc::new(Counting(AtomicU64::new(7))),
        seats: Arc::default(),
        rates: Arc::clone(&rates),
        offload: Arc::new(|job| job()),
        jobs_max: 1,
        options: GunOptions { tokenless: true, ..GunOptions::default() },
    });
    let mut relay = Socket::open(&service, "/gun", &[]).unwrap();
    relay.text(&json!({"#": "r1", "dam": "relay", "pid": "another"}).to_string(), at(1));
    let puts: Vec<_> =
        (1..=6).map(|number| put(&format!("m{number}"), "s", &format!("k{number}"), json!(1), 1)).collect();
    relay.text(&Value::from(puts).to_string(), at(1));
    let mut stored_at = |ms: u64| {
        while relay.turn(at(ms)) {}
        (service.stats().puts, relay.out.is_paused)
    };
    assert_eq!(stored_at(1), (3, true), "one more than it may, which it owes");
    assert_eq!(stored_at(30_000), (3, true));
    assert_eq!(stored_at(30_001), (4, true), "that one was paid for, and the next is owed");
    assert_eq!((stored_at(60_001), stored_at(90_001)), ((5, true), (6, true)));
    assert_eq!((stored_at(120_001), service.stats().refused), ((6, false), 0));
}
