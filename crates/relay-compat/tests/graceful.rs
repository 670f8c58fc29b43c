//! Graceful Books over a store in memory: nothing is lost whatever the clocks say, quota, retention, strictness, failures, sockets.

mod support;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use proptest::prelude::*;
use relay_compat::graceful::{GracefulOptions, GracefulParts, GracefulService, PULL_CHANGES_MAX};
use relay_core::documents::{DocumentStore, Documents, Keyspace, MemoryDocuments, Tenant, Usage, turn};
use relay_core::foreign::{ForeignRequest, ForeignService, RequestRefusal};
use relay_core::store::StoreError;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use support::{Socket, StillClock, at};

const START_MS: u64 = 1_700_000_000_000;

struct Relay {
    service: GracefulService,
    documents: Arc<MemoryDocuments>,
    clock: Arc<StillClock>,
    token: Option<&'static str>,
}

impl Relay {
    fn new(options: GracefulOptions) -> Self {
        let (documents, clock) = (Arc::new(MemoryDocuments::new()), Arc::new(StillClock::default()));
        clock.0.store(START_MS, Ordering::Relaxed);
        let options = GracefulOptions { tokenless: true, requests_per_minute_max: 1_000_000, ..options };
        let parts = GracefulParts {
            documents: Arc::clone(&documents) as Arc<dyn DocumentStore>,
            clock: Arc::clone(&clock) as Arc<_>,
            seats: Arc::default(),
            rates: Arc::default(),
            options,
        };
        Self { service: GracefulService::new(parts), documents, clock, token: None }
    }

    /// Whose devices show a token.
    fn with_token(options: GracefulOptions) -> Self {
        Self { token: Some("token"), ..Self::new(options) }
    }

    fn pass_ms(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    fn ask(&self, path: &str, body: &Value) -> Response<Bytes> {
        let mut request = Request::builder().method(Method::POST).uri(path);
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.answer(request.body(Bytes::from(body.to_string())).unwrap())
    }

    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (send, receive) = channel();
        let request = ForeignRequest { request, client: [127, 0, 0, 1].into() };
        self.service.answer(request, at(0), Box::new(move |answer| send.send(answer).unwrap()));
        receive.try_recv().expect("a store in memory answers at once")
    }

    fn ok(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask(path, body);
        assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.body());
        serde_json::from_slice(answer.body()).unwrap()
    }

    fn push(&self, device: &str, changes: &[Value]) -> Value {
        self.ok("/sync/push", &json!({"device_id": device, "changes": changes}))
    }

    fn pull(&self, device: &str, since: &Value) -> Value {
        let mut body = json!({"device_id": device, "since_timestamp": 0});
        body.as_object_mut().unwrap().extend(since.as_object().unwrap().clone());
        self.ok("/sync/pull", &body)
    }

    /// Of the one tenant that has anything.
    fn usage(&self) -> Usage {
        let (send, receive) = channel();
        self.documents.document_keyspaces(None, 2, Box::new(move |found| send.send(found).unwrap()));
        let found = receive.try_recv().unwrap().unwrap();
        let [keyspace] = found[..] else { panic!("{found:?}") };
        let (send, receive) = channel();
        self.documents.document_usage(keyspace, Box::new(move |usage| send.send(usage).unwrap()));
        receive.try_recv().unwrap().unwrap()
    }
}

fn change(id: &str, timestamp: f64) -> Value {
    json!({"id": id, "entity_type": "T", "entity_id": "e", "operation": "UPDATE", "encrypted_payload": "AA==",
        "version_vector": {"d": 1}, "timestamp": timestamp})
}

fn ids(page: &Value) -> Vec<String> {
    page["changes"].as_array().unwrap().iter().map(|change| change["id"].as_str().unwrap().to_owned()).collect()
}

/// A device pushes some changes with clocks of their own, time passes, another device pulls once.
#[derive(Clone, Debug)]
enum Step {
    Push { device: u8, clocks_ms: Vec<i64> },
    Pass { ms: u64 },
    Pull { by_cursor: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_u8, prop::collection::vec(-100_000..100_000_i64, 0..130))
            .prop_map(|(device, clocks_ms)| Step::Push { device, clocks_ms }),
        (0..50_u64).prop_map(|ms| Step::Pass { ms }),
        any::<bool>().prop_map(|by_cursor| Step::Pull { by_cursor }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn nothing_is_lost_by_time_or_cursor_whatever_the_clocks_say(steps in prop::collection::vec(step(), 1..25)) {
        let relay = Relay::new(GracefulOptions::default());
        let (mut made, mut of_others) = (0, Vec::new());
        let (mut by_time, mut by_cursor): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let (mut time, mut cursor) = (json!({"since_timestamp": 0}), json!({"since_timestamp": 0}));
        let mut pull = |with_cursor: bool| {
            let (since, seen) = if with_cursor { (&mut cursor, &mut by_cursor) } else { (&mut time, &mut by_time) };
            let page = relay.pull("reader", since);
            let changes = ids(&page);
            prop_assert!(changes.len() <= PULL_CHANGES_MAX);
            seen.extend(changes);
            *since = if with_cursor { json!({"cursor": page["cursor"]}) } else { json!({"since_timestamp": page["timestamp"]}) };
            Ok(page["has_more"].as_bool().unwrap())
        };
        for step in steps {
            match step {
                Step::Push { device, clocks_ms } => {
                    let device = ["a", "b", "reader"][usize::from(device)];
                    let changes: Vec<_> = clocks_ms.iter().map(|clock_ms| {
                        made += 1;
                        let now_ms = relay.clock.0.load(Ordering::Relaxed) as f64;
                        change(&format!("c{made}"), now_ms + *clock_ms as f64)
                    }).collect();
                    if device != "reader" {
                        of_others.extend(changes.iter().map(|change| change["id"].as_str().unwrap().to_owned()));
                    }
                    relay.push(device, &changes);
                }
                Step::Pass { ms } => relay.pass_ms(ms),
                Step::Pull { by_cursor } => drop(pull(by_cursor)?),
            }
        }
        // Reads to the end, with a limit: a page that never ends would be a defect too.
        for with_cursor in [false, true] {
            let mut pages = 0;
            while pull(with_cursor)? {
                pages += 1;
                prop_assert!(pages < 200, "the pages never end");
            }
        }
        prop_assert_eq!(&by_cursor, &of_others, "by cursor: once, in order");
        let mut distinct = by_time.clone();
        distinct.sort_unstable();
        distinct.dedup();
        of_others.sort_unstable();
        prop_assert_eq!(distinct, of_others, "by time: everything, perhaps again");
    }
}

#[test]
fn strict_mode_rejects_as_the_original_does() {
    let relay = Relay::new(GracefulOptions { strict: true, ..GracefulOptions::default() });
    assert_eq!(relay.push("a", &[change("1", 2000.0)])["success"], true);
    for (id, timestamp, is_taken) in
        [("1", 3000.0, false), ("2", 2000.0, false), ("3", 1999.0, false), ("4", 2001.0, true)]
    {
        let pushed = relay.push("b", &[change(id, timestamp)]);
        assert_eq!(pushed["success"], is_taken, "{id}");
        if !is_taken {
            assert_eq!(pushed["rejected"][0]["reason"], "Duplicate or outdated change");
        }
    }
}

#[test]
fn a_full_tenant_rejects_further_changes_and_keeps_what_it_has() {
    let relay = Relay::new(GracefulOptions { tenant_bytes_max: 2000, ..GracefulOptions::default() });
    let changes: Vec<_> = (0..20).map(|n| change(&n.to_string(), 1.0)).collect();
    let pushed = relay.push("a", &changes);
    let taken = pushed["accepted"].as_array().unwrap().len();
    assert!(taken > 2 && taken < 15, "{taken}");
    assert_eq!(pushed["rejected"][0]["reason"], "Storage quota exceeded");
    assert_eq!(ids(&relay.pull("b", &json!({}))).len(), taken);
    assert!(relay.usage().bytes <= 2400);
}

#[test]
fn what_is_kept_for_long_enough_goes_with_everything_that_belongs_to_it() {
    let relay = Relay::with_token(GracefulOptions { retention_ms: 1_000_000, ..GracefulOptions::default() });
    relay.ok("/sync/devices", &json!({"devices": ["a", "b", "c"]}));
    let old: Vec<_> = (0..1000).map(|n| change(&format!("old{n}"), (START_MS * 2) as f64)).collect();
    relay.push("a", &old);
    relay.ok("/sync/ack", &json!({"device_id": "b", "acknowledged_ids": ["old1"]}));
    relay.pass_ms(900_000);
    relay.push("a", &[change("new", 1.0)]);
    relay.service.sweep();
    assert_eq!(relay.pull("c", &json!({}))["has_more"], true, "nothing is old enough yet");
    relay.pass_ms(200_000);
    relay.service.sweep();
    assert_eq!(ids(&relay.pull("c", &json!({}))), ["new"]);
    // The newest receive time, the declared devices, and one change with its id.
    assert_eq!(relay.usage().keys, 4);
    assert_eq!(relay.push("a", &[change("old1", 1.0)])["success"], true, "an id that is forgotten is new");
}

#[test]
fn what_strict_mode_knows_of_entities_goes_with_their_newest_change() {
    let strict = GracefulOptions { strict: true, retention_ms: 1_000_000, ..GracefulOptions::default() };
    let relay = Relay::with_token(strict);
    relay.ok("/sync/devices", &json!({"devices": ["a", "b"]}));
    let of = |entity: &str, id: &str, timestamp: f64| {
        let mut change = change(id, timestamp);
        change["entity_id"] = json!(entity);
        change
    };
    relay.push("a", &[of("old", "1", 1.0), of("acked", "2", 1.0), of("kept", "3", 1.0)]);
    assert_eq!(relay.ok("/sync/ack", &json!({"device_id": "b", "acknowledged_ids": ["2"]}))["deleted"], 1);
    relay.pass_ms(900_000);
    assert_eq!(relay.push("a", &[of("kept", "4", 2.0)])["success"], true);
    relay.pass_ms(200_000);
    relay.service.sweep();
    // The newest receive time, the declared devices, and of one change itself, its id and its entity.
    assert_eq!(relay.usage().keys, 5);
    assert_eq!(relay.push("a", &[of("kept", "5", 2.0)])["success"], false, "what is kept is still known");
    assert_eq!(relay.push("a", &[of("acked", "6", 1.0), of("old", "7", 1.0)])["success"], true);
    relay.pass_ms(2_000_000);
    relay.service.sweep();
    assert_eq!(relay.usage().keys, 2, "nothing of any entity is left");
}

#[test]
fn a_full_tenant_takes_no_acks_but_those_that_make_room() {
    let relay = Relay::with_token(GracefulOptions { tenant_bytes_max: 4000, ..GracefulOptions::default() });
    let devices: Vec<_> = (0..200).map(|n| format!("device{n}")).collect();
    assert_eq!(relay.ask("/sync/devices", &json!({"devices": devices})).status(), StatusCode::OK);
    let names: Vec<_> = (0..200).map(|n| format!("device{n}{}", "x".repeat(100))).collect();
    let refused = relay.ask("/sync/devices", &json!({"devices": names}));
    assert_eq!(refused.status(), StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(serde_json::from_slice::<Value>(refused.body()).unwrap()["error"]["code"], "QUOTA_EXCEEDED");
    relay.ok("/sync/devices", &json!({"devices": ["a", "b", "c"]}));
    let changes: Vec<_> = (0..50).map(|n| change(&n.to_string(), 1.0)).collect();
    let taken = relay.push("a", &changes)["accepted"].clone();
    let ack = |device: &str| relay.ok("/sync/ack", &json!({"device_id": device, "acknowledged_ids": taken}));
    let filled = relay.usage().bytes;
    let acked = ack("b");
    assert_eq!(acked["success"], false, "{acked}");
    assert_eq!(acked["rejected"][0]["reason"], "Storage quota exceeded");
    assert!(relay.usage().bytes <= filled.max(4000), "{} after {filled}", relay.usage().bytes);
    relay.ok("/sync/devices", &json!({"devices": ["a", "b"]}));
    let made_room = ack("b");
    assert_eq!(
        (&made_room["success"], made_room["deleted"].as_u64()),
        (&json!(true), taken.as_array().map(|it| it.len() as u64))
    );
    assert!(relay.usage().bytes < filled);
}

#[test]
fn connected_devices_hear_of_what_an_import_brought_and_no_other() {
    let relay = Relay::with_token(GracefulOptions::default());
    let header = [("authorization", "Bearer token")];
    let mut sockets: Vec<_> = ["a", "b"]
        .iter()
        .map(|device| Socket::open(&relay.service, &format!("/ws?device_id={device}"), &header).unwrap())
        .collect();
    let mut heard = |relay: &Relay, changes: &[Value]| {
        relay.ok("/sync/import", &json!({"version": "1.0.0", "changes": changes}));
        let turned = sockets.iter_mut().map(|socket| {
            socket.turn(at(0));
            kinds(socket)
        });
        turned.map(|kinds| kinds.iter().filter(|kind| *kind == "sync_available").count()).collect::<Vec<_>>()
    };
    let mut of_a = change("1", 1.0);
    of_a["device_id"] = json!("a");
    assert_eq!(heard(&relay, &[of_a.clone()]), [0, 1], "a device has its own changes");
    assert_eq!(heard(&relay, &[of_a]), [0, 0], "nothing is new");
    let of_many = (0..100).map(|n| {
        let mut change = change(&format!("m{n}"), 1.0);
        change["device_id"] = json!(format!("device{n}"));
        change
    });
    assert!(heard(&relay, &of_many.collect::<Vec<_>>()).iter().all(|count| (1..=17).contains(count)));
}

#[test]
fn many_changes_go_by_one_ack_of_the_last_of_many_devices() {
    let relay = Relay::with_token(GracefulOptions::default());
    let devices: Vec<_> = (0..30).map(|n| format!("device{n}")).collect();
    relay.ok("/sync/devices", &json!({"devices": devices}));
    let made: Vec<_> = (0..600).map(|n| change(&n.to_string(), 1.0)).collect();
    relay.push("device0", &made);
    let acknowledged: Vec<_> = (0..600).map(|n| n.to_string()).collect();
    for device in &devices[1..] {
        let acked = relay.ok("/sync/ack", &json!({"device_id": device, "acknowledged_ids": acknowledged}));
        assert_eq!(acked["deleted"], if device == "device29" { 600 } else { 0 }, "{device}");
    }
    assert_eq!(ids(&relay.pull("device1", &json!({}))), Vec::<String>::new());
    // The newest receive time, the declared devices, and of each change its id and that it went.
    assert_eq!(relay.usage().keys, 2 + 2 * 600);
}

#[test]
fn strangers_without_a_token_declare_no_devices_and_their_acks_take_nothing_from_others() {
    let relay = Relay::new(GracefulOptions::default());
    relay.push("laptop", &[change("1", 1.0)]);
    let stranger = json!({"devices": ["stranger"]});
    let ack = json!({"device_id": "stranger", "acknowledged_ids": ["1"]});
    assert_eq!(relay.ask("/sync/devices", &stranger).status(), StatusCode::UNAUTHORIZED);
    assert_eq!(relay.ok("/sync/ack", &ack)["deleted"], 0);
    // A set that was stored in that tenant all the same changes nothing.
    let (send, receive) = channel();
    let keyspace = Keyspace { system: relay_compat::systems::GRACEFUL, tenant: Tenant::ONLY };
    let declare = |documents: &mut dyn Documents| documents.put(Bytes::from_static(b"D"), "[\"stranger\"]".into());
    turn(&*relay.documents, keyspace, 0, declare, move |done| send.send(done).unwrap());
    receive.try_recv().unwrap().unwrap();
    assert_eq!(relay.ok("/sync/ack", &ack)["deleted"], 0);
    assert_eq!(ids(&relay.pull("phone", &json!({}))), ["1"]);
    // With a token the same words are those of the tenant.
    let relay = Relay { token: Some("token"), ..relay };
    relay.push("laptop", &[change("1", 1.0)]);
    relay.ok("/sync/devices", &stranger);
    assert_eq!(relay.ok("/sync/ack", &ack)["deleted"], 1);
}

#[test]
fn a_store_that_refuses_is_an_error_and_nothing_was_accepted() {
    let relay = Relay::new(GracefulOptions::default());
    for (refusal, status) in [(StoreError::DiskFull, 503), (StoreError::Overloaded, 503), (StoreError::Poisoned, 500)] {
        relay.documents.refuse(Some(refusal));
        let answer = relay.ask("/sync/push", &json!({"device_id": "a", "changes": [change("1", 1.0)]}));
        assert_eq!(answer.status().as_u16(), status);
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["error"]["code"], "DATABASE_ERROR");
        assert_eq!(answer.headers().contains_key("retry-after"), status == 503);
    }
    relay.documents.refuse(None);
    assert_eq!(ids(&relay.pull("b", &json!({}))), Vec::<String>::new());
}

#[test]
fn who_shows_no_token_is_refused_where_one_is_needed() {
    let relay = Relay::new(GracefulOptions::default());
    let parts = GracefulParts {
        documents: relay.documents.clone(),
        clock: relay.clock.clone(),
        seats: Arc::default(),
        rates: Arc::default(),
        options: GracefulOptions::default(),
    };
    let relay = Relay { service: GracefulService::new(parts), ..relay };
    let answer = relay.ask("/sync/pull", &json!({"device_id": "a", "since_timestamp": 0}));
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let refused = Socket::open(&relay.service, "/ws?device_id=a", &[]).err().map(|answer| answer.status().as_u16());
    assert_eq!(refused, Some(401));
    assert!(Socket::open(&relay.service, "/ws?device_id=a&token=t", &[]).is_ok());
}

#[test]
fn a_client_over_its_rate_is_told_when_to_come_back() {
    let relay = Relay::new(GracefulOptions::default());
    let parts = GracefulParts {
        documents: relay.documents.clone(),
        clock: relay.clock.clone(),
        seats: Arc::default(),
        rates: Arc::default(),
        options: GracefulOptions { tokenless: true, requests_per_minute_max: 2, ..GracefulOptions::default() },
    };
    let relay = Relay { service: GracefulService::new(parts), ..relay };
    let pull = json!({"device_id": "a", "since_timestamp": 0});
    let answers: Vec<_> = (0..3).map(|_| relay.ask("/sync/pull", &pull)).collect();
    let remaining: Vec<_> =
        answers.iter().map(|answer| answer.headers()["x-ratelimit-remaining"].to_str().unwrap()).collect();
    assert_eq!(remaining, ["1", "0", "0"]);
    let last: Value = serde_json::from_slice(answers[2].body()).unwrap();
    assert_eq!(answers[2].status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(last["error"]["code"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(last["error"]["details"]["limit"], 2);
    assert!(answers[2].headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 60);
    relay.pass_ms(60_000);
    assert_eq!(relay.ask("/sync/pull", &pull).status(), StatusCode::OK);
}

#[test]
fn what_the_transport_ends_is_answered_in_the_words_of_the_protocol() {
    let relay = Relay::new(GracefulOptions::default());
    let head = Request::post("/sync/push").body(()).unwrap();
    let mut left = Vec::new();
    for (refusal, status, code) in [
        (RequestRefusal::BodyTooLarge { bytes: 11, bytes_max: 10 }, 413, "PAYLOAD_TOO_LARGE"),
        (RequestRefusal::BodyTooSlow, 408, "INVALID_REQUEST"),
        (RequestRefusal::BodyBroken, 400, "INVALID_REQUEST"),
        (RequestRefusal::Overloaded, 503, "INTERNAL_ERROR"),
        (RequestRefusal::Failed, 500, "INTERNAL_ERROR"),
    ] {
        let answer = relay.service.refusal(refusal, &head, [127, 0, 0, 1].into());
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!((answer.status().as_u16(), body["error"]["code"].as_str()), (status, Some(code)));
        left.push(answer.headers()["x-ratelimit-remaining"].to_str().unwrap().parse::<u32>().unwrap());
    }
    assert!(left.windows(2).all(|pair| pair[0] == pair[1] + 1), "each uses the client's rate up: {left:?}");
}

fn kinds(socket: &mut Socket) -> Vec<String> {
    let kind = |text: &String| serde_json::from_str::<Value>(text).unwrap()["type"].as_str().unwrap().to_owned();
    socket.texts().iter().map(kind).collect()
}

#[test]
fn a_socket_is_pinged_and_closed_after_silence() {
    let relay = Relay::new(GracefulOptions::default());
    let mut socket = Socket::open(&relay.service, "/ws?device_id=a", &[]).unwrap();
    socket.turn(at(0));
    assert_eq!(kinds(&mut socket), ["subscribe"]);
    assert!(!socket.turn(at(29_999)));
    socket.turn(at(30_000));
    assert_eq!(kinds(&mut socket), ["ping"]);
    socket.text(r#"{"type":"pong"}"#, at(40_000));
    socket.turn(at(60_000));
    socket.turn(at(90_000));
    assert_eq!(kinds(&mut socket), ["ping", "ping"]);
    assert_eq!(socket.out.closed, None);
    socket.turn(at(100_000));
    assert_eq!(socket.out.closed.as_ref().map(|close| close.reason), Some("timeout"));
    drop(socket);
    assert_eq!(relay.service.stats().sockets, 0);
}

#[test]
fn a_rollout_serves_a_share_of_the_tokens_and_none_loses_sync_when_it_grows() {
    let served = |share| {
        let relay = Relay::new(GracefulOptions { rollout_share: share, ..GracefulOptions::default() });
        let pull = |token: u32| {
            let request = Request::builder().method(Method::POST).uri("/sync/pull");
            let request = request.header("authorization", format!("Bearer token-{token}"));
            let body = json!({"device_id": "d", "since_timestamp": 0}).to_string();
            relay.answer(request.body(Bytes::from(body)).unwrap())
        };
        let answers: Vec<_> = (0..200).map(pull).collect();
        let refused = answers.iter().find(|answer| answer.status() != StatusCode::OK);
        if let Some(refused) = refused {
            let retry = refused.headers()["retry-after"].to_str().unwrap();
            assert_eq!((refused.status().as_u16(), retry), (503, "3600"));
            assert_eq!(serde_json::from_slice::<Value>(refused.body()).unwrap()["error"]["code"], "NOT_ENABLED");
        }
        answers.iter().map(|answer| answer.status() == StatusCode::OK).collect::<Vec<_>>()
    };
    let count = |served: &[bool]| served.iter().filter(|is_served| **is_served).count();
    let [none, some, more, all] = [0, 2500, 5000, 10_000].map(served);
    assert_eq!((count(&none), count(&all)), (0, 200));
    assert!((25..75).contains(&count(&some)) && (70..130).contains(&count(&more)), "{} {}", count(&some), count(&more));
    assert!(some.iter().zip(&more).all(|(before, after)| !before || *after));
}
