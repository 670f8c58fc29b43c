//! Caps, admission and places of WebSockets over all systems: each says no in its own words, and stores nothing.

mod support;

use bytes::Bytes;
use http::{Method, Request, Response};
use relay_compat::eidetica::{EideticaOptions, EideticaParts, EideticaService, RelayKey};
use relay_compat::graceful::{GracefulOptions, GracefulParts, GracefulService};
use relay_compat::gun::{GunOptions, GunParts, GunService};
use relay_compat::plures::{PluresOptions, PluresService};
use relay_core::documents::{DocumentStore, Keyspace, MemoryDocuments};
use relay_core::endpoint::Moment;
use relay_core::foreign::{
    AddressRates, ForeignRequest, ForeignService, ForeignTenants, SeatLimits, Seats, TenantParts, TenantRules,
};
use relay_core::founding::{FoundingAnswer, FoundingRequest, FoundingVerdict, Gatekeeper};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::channel;
use std::time::Duration;
use support::{Counting, Socket, StillClock, at};

const NOW_MS: u64 = 1_700_000_000_000;

/// Lets in who brings this.
const INVITE: &str = "invited";

struct Doorkeeper;

impl Gatekeeper for Doorkeeper {
    fn judge(&self, request: FoundingRequest, answer: FoundingAnswer) {
        let is_in = request.admission == INVITE.as_bytes();
        answer(if is_in { FoundingVerdict::Admitted(None) } else { FoundingVerdict::Refused });
    }
}

struct Scene {
    documents: Arc<MemoryDocuments>,
    graceful: GracefulService,
    gun: GunService,
    eidetica: EideticaService,
}

fn scene(rules: TenantRules, gatekeeper: Option<Arc<dyn Gatekeeper>>) -> Scene {
    scene_at(rules, gatekeeper, &Arc::default())
}

fn scene_at(rules: TenantRules, gatekeeper: Option<Arc<dyn Gatekeeper>>, rates: &Arc<AddressRates>) -> Scene {
    let (documents, clock) = (Arc::new(MemoryDocuments::new()), Arc::new(StillClock(AtomicU64::new(NOW_MS))));
    let tenants = ForeignTenants::open(TenantParts {
        documents: Arc::clone(&documents) as Arc<_>,
        clock: Arc::clone(&clock) as Arc<_>,
        moments: Arc::new(|| Moment(Duration::ZERO)),
        gatekeeper,
        by_owner: false,
        accounts: None,
        rules,
    });
    let store: Arc<dyn DocumentStore> = Arc::new(tenants.unwrap());
    let entropy = Arc::new(Counting(AtomicU64::new(7)));
    let graceful = GracefulService::new(GracefulParts {
        documents: Arc::clone(&store),
        clock: Arc::clone(&clock) as Arc<_>,
        seats: Arc::default(),
        rates: Arc::clone(rates),
        options: GracefulOptions { requests_per_minute_max: 1000, ..GracefulOptions::default() },
    });
    let gun = GunService::new(GunParts {
        documents: Arc::clone(&store),
        clock: Arc::clone(&clock) as Arc<_>,
        entropy: Arc::clone(&entropy) as Arc<_>,
        seats: Arc::default(),
        rates: Arc::clone(rates),
        offload: Arc::new(|job| job()),
        jobs_max: 1,
        options: GunOptions::default(),
    });
    let eidetica = EideticaService::new(EideticaParts {
        documents: store,
        clock,
        entropy,
        rates: Arc::clone(rates),
        key: RelayKey::new(&[1; 32]).unwrap(),
        offload: Arc::new(|job| job()),
        options: EideticaOptions::default(),
    });
    Scene { documents, graceful, gun, eidetica }
}

fn post(service: &dyn ForeignService, path: &str, token: &str, body: &Value) -> Response<Bytes> {
    let request = Request::builder().method(Method::POST).uri(path).header("content-type", "application/json");
    let request = request.header("authorization", format!("Bearer {token}"));
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let (send, receive) = channel();
    let request = ForeignRequest { request, client: [127, 0, 0, 1].into() };
    service.answer(request, at(0), Box::new(move |answer| send.send(answer).unwrap()));
    receive.try_recv().expect("a store in memory answers at once")
}

fn json_of(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

impl Scene {
    fn push_graceful(&self, token: &str, bytes: usize) -> Response<Bytes> {
        let change = json!({"id": "1", "entity_type": "T", "entity_id": "e", "operation": "CREATE",
            "encrypted_payload": "A".repeat(bytes), "version_vector": {}, "timestamp": 1});
        post(&self.graceful, "/sync/push", token, &json!({"device_id": "d", "changes": [change]}))
    }

    /// What the peer is told about its put: null when it is stored.
    fn put_gun(&self, token: &str, bytes: usize) -> Value {
        let mut peer = Socket::open(&self.gun, &format!("/gun?t={token}"), &[]).unwrap();
        let put = json!({"#": "m1", "put": {"s": {"_": {"#": "s", ">": {"k": 1}}, "k": "v".repeat(bytes)}}});
        peer.text(&put.to_string(), at(1));
        while peer.turn(at(1)) {}
        let said: Vec<Value> = peer.texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        said.iter().find(|said| said["@"] == "m1").map(|said| said["err"].clone()).expect("an answer")
    }

    fn send_eidetica(&self, token: &str, bytes: usize) -> Response<Bytes> {
        let entry = json!({"tree": {"root": "", "parents": [], "metadata": null},
            "subtrees": [{"name": "_root", "parents": [], "data": "x".repeat(bytes)}], "sig": {"sig": null, "key": ""}});
        post(&self.eidetica, "/api/v0", token, &json!({"SendEntries": [entry]}))
    }

    /// Whether anything is kept of a system.
    fn keeps(&self, system: u8) -> bool {
        let (send, receive) = channel();
        self.documents.document_keyspaces(None, 100, Box::new(move |found| send.send(found).unwrap()));
        receive.try_recv().unwrap().unwrap().iter().any(|keyspace: &Keyspace| keyspace.system == system)
    }
}

#[test]
fn where_somebody_lets_in_strangers_store_nothing_through_any_system() {
    let scene = scene(TenantRules::default(), Some(Arc::new(Doorkeeper)));
    let refused = scene.push_graceful("made-up", 10);
    assert_eq!((refused.status().as_u16(), &json_of(&refused)["error"]["code"]), (401, &json!("UNAUTHORIZED")));
    assert_eq!(scene.put_gun("made-up", 10), "This relay keeps only what invited peers put!");
    let refused = scene.send_eidetica("made-up", 10);
    assert_eq!(refused.status().as_u16(), 401);
    assert!(json_of(&refused)["Error"].as_str().is_some_and(|said| said.contains("invited")));
    assert!((1..=3).all(|system| !scene.keeps(system)), "nothing is kept");
    assert_eq!(scene.push_graceful(INVITE, 10).status().as_u16(), 200);
    assert_eq!(scene.put_gun(INVITE, 10), Value::Null);
    assert_eq!(scene.send_eidetica(INVITE, 10).body().as_ref(), b"\"Ack\"");
    assert!((1..=3).all(|system| scene.keeps(system)), "the control: all three keep what is let in");
}

#[test]
fn each_system_says_in_its_own_words_that_the_relay_is_full() {
    let scene = scene(TenantRules { open_bytes_max: 2000, ..TenantRules::default() }, None);
    assert_eq!(scene.push_graceful("one", 10).status().as_u16(), 200);
    assert_eq!(scene.put_gun("one", 10), Value::Null);
    assert_eq!(scene.send_eidetica("one", 10).status().as_u16(), 200);
    let full = scene.push_graceful("two", 3000);
    assert_eq!((full.status().as_u16(), &json_of(&full)["error"]["code"]), (507, &json!("QUOTA_EXCEEDED")));
    assert_eq!(scene.put_gun("two", 3000), "This relay keeps no more!");
    assert!(
        json_of(&scene.send_eidetica("two", 3000))["Error"]
            .as_str()
            .is_some_and(|said| said.contains("as much as it may"))
    );
}

#[test]
fn each_system_says_in_its_own_words_that_writes_come_too_fast() {
    let scene = scene(TenantRules { writes_per_second_max: 1, ..TenantRules::default() }, None);
    scene.push_graceful("one", 10);
    let change = json!({"id": "2", "entity_type": "T", "entity_id": "e", "operation": "CREATE",
        "encrypted_payload": "A", "version_vector": {}, "timestamp": 1});
    let fast = post(&scene.graceful, "/sync/push", "one", &json!({"device_id": "d", "changes": [change]}));
    assert_eq!((fast.status().as_u16(), fast.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    assert_eq!(scene.put_gun("one", 10), Value::Null);
    let mut peer = Socket::open(&scene.gun, "/gun?t=one", &[]).unwrap();
    let put = json!({"#": "m2", "put": {"s": {"_": {"#": "s", ">": {"k": 2}}, "k": "w"}}});
    peer.text(&put.to_string(), at(1));
    while peer.turn(at(1)) {}
    assert!(peer.texts().iter().any(|said| said.contains("Too many puts, try again later!")));
    scene.send_eidetica("one", 10);
    let fast = scene.send_eidetica("one", 11);
    assert_eq!((fast.status().as_u16(), fast.headers()["retry-after"].to_str().unwrap()), (429, "1"));
}

#[test]
fn one_address_has_one_rate_in_all_systems_and_under_all_tokens() {
    let rates = Arc::new(AddressRates::per_minute(3));
    let scene = scene_at(TenantRules::default(), None, &rates);
    assert_eq!(scene.push_graceful("one", 10).status().as_u16(), 200);
    assert_eq!(scene.put_gun("two", 10), Value::Null);
    assert_eq!(json_of(&scene.send_eidetica("three", 10)), "Ack");
    let pull = json!({"device_id": "e", "since_timestamp": 0});
    let fast = scene.push_graceful("four", 10);
    let code = &json_of(&fast)["error"]["code"];
    assert_eq!((fast.status().as_u16(), code), (429, &json!("RATE_LIMIT_EXCEEDED")));
    assert_eq!(fast.headers()["retry-after"], "20", "a third of a minute");
    assert_eq!(scene.put_gun("five", 10), "Too many puts, try again later!");
    let fast = scene.send_eidetica("six", 10);
    assert_eq!((fast.status().as_u16(), fast.headers()["retry-after"].to_str().unwrap()), (429, "20"));
    assert!(json_of(&fast)["Error"].is_string());
    assert_eq!(post(&scene.graceful, "/sync/pull", "one", &pull).status().as_u16(), 200, "reading is no write");
    assert_eq!((rates.refused(), scene.graceful.stats().refused), (3, 1));
}

#[test]
fn a_peer_of_gun_puts_as_often_as_it_may() {
    let entropy = Arc::new(Counting(AtomicU64::new(7)));
    let gun = GunService::new(GunParts {
        documents: Arc::new(MemoryDocuments::new()),
        clock: Arc::new(StillClock(AtomicU64::new(NOW_MS))),
        entropy,
        seats: Arc::default(),
        rates: Arc::default(),
        offload: Arc::new(|job| job()),
        jobs_max: 1,
        options: GunOptions { tokenless: true, puts_per_second_max: 2, ..GunOptions::default() },
    });
    let mut peer = Socket::open(&gun, "/gun", &[]).unwrap();
    let mut put = |number: u64, at_ms: u64| {
        let put = json!({"#": format!("m{number}"), "put": {"s": {"_": {"#": "s", ">": {"k": number}}, "k": "v"}}});
        peer.text(&put.to_string(), at(at_ms));
        while peer.turn(at(at_ms)) {}
        peer.texts().iter().any(|said| said.contains("Too many puts"))
    };
    assert_eq!([put(1, 1), put(2, 1), put(3, 1), put(4, 1001)], [false, false, true, false]);
    assert_eq!(gun.stats().puts, 3);
}

#[test]
fn places_of_sockets_are_limited_and_free_again() {
    let seats = || Seats::new(SeatLimits { system_max: 1, tenant_max: 0 });
    let clock = || Arc::new(StillClock(AtomicU64::new(NOW_MS)));
    let entropy = || Arc::new(Counting(AtomicU64::new(7)));
    let documents = || Arc::new(MemoryDocuments::new());
    let graceful = GracefulOptions { tokenless: true, ..GracefulOptions::default() };
    let gun = GunOptions { tokenless: true, ..GunOptions::default() };
    let graceful = GracefulParts {
        documents: documents(),
        clock: clock(),
        seats: seats(),
        rates: Arc::default(),
        options: graceful,
    };
    let gun = GunParts {
        documents: documents(),
        clock: clock(),
        entropy: entropy(),
        seats: seats(),
        rates: Arc::default(),
        offload: Arc::new(|job| job()),
        jobs_max: 1,
        options: gun,
    };
    let services: [(Box<dyn ForeignService>, &str); 4] = [
        (Box::new(GracefulService::new(graceful)), "/ws?device_id=d"),
        (Box::new(GunService::new(gun)), "/gun"),
        (Box::new(PluresService::new(PluresOptions::default(), seats(), entropy(), clock())), "/room"),
        (Box::new(PluresService::new(PluresOptions::default(), seats(), entropy(), clock())), "/gun/topic"),
    ];
    for (service, path) in services {
        let held = Socket::open(&*service, path, &[]).unwrap();
        let refused = Socket::open(&*service, path, &[]).err().map(|answer| answer.status().as_u16());
        assert_eq!(refused, Some(503), "{path}");
        drop(held);
        assert!(Socket::open(&*service, path, &[]).is_ok(), "{path}");
    }
}
