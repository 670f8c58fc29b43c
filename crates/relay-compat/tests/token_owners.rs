//! Where tokens name somebody, all tokens of one open the same in every system, and those of others do not.

mod support;

use bytes::Bytes;
use http::{Method, Request, Response};
use relay_compat::eidetica::{EideticaOptions, EideticaParts, EideticaService, RelayKey};
use relay_compat::graceful::{GracefulOptions, GracefulParts, GracefulService};
use relay_compat::gun::{GunOptions, GunParts, GunService};
use relay_core::documents::{DocumentStore, MemoryDocuments};
use relay_core::endpoint::Moment;
use relay_core::foreign::{ForeignRequest, ForeignService, ForeignTenants, TenantParts, TenantRules};
use relay_core::founding::{
    FoundingAnswer, FoundingRequest, FoundingVerdict, Gatekeeper, Owner, Recognition, RecognitionAnswer,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Counting, Socket, StillClock, at};

const NOW_MS: u64 = 1_700_000_000_000;

/// Tokens are `owner.number`; the owner `nobody` is let in nowhere.
#[derive(Default)]
struct Issuer {
    is_away: AtomicBool,
    asked: AtomicU64,
    /// What waits for its word, where it thinks first.
    thinking: Mutex<Option<Vec<(Bytes, RecognitionAnswer)>>>,
}

fn said_of(token: &[u8]) -> Recognition {
    match token {
        [b'n', b'o', ..] => Recognition::Refused,
        [owner, ..] => Recognition::Known(Owner([*owner; 16])),
        [] => Recognition::Refused,
    }
}

impl Gatekeeper for Issuer {
    fn judge(&self, request: FoundingRequest, answer: FoundingAnswer) {
        let is_in = matches!(said_of(&request.admission), Recognition::Known(_));
        answer(if is_in { FoundingVerdict::Admitted(None) } else { FoundingVerdict::Refused });
    }

    fn recognise(&self, token: &[u8], answer: RecognitionAnswer) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(thinking) = &mut *self.thinking.lock().unwrap() {
            return thinking.push((Bytes::copy_from_slice(token), answer));
        }
        let is_away = self.is_away.load(Ordering::Relaxed);
        answer(if is_away { Recognition::Unavailable } else { said_of(token) });
    }
}

struct Scene {
    issuer: Arc<Issuer>,
    seconds: Arc<AtomicU64>,
    tenants: ForeignTenants,
    graceful: GracefulService,
    gun: GunService,
    eidetica: EideticaService,
}

fn scene() -> Scene {
    let (documents, clock) = (Arc::new(MemoryDocuments::new()), Arc::new(StillClock(AtomicU64::new(NOW_MS))));
    let (issuer, seconds) = (Arc::new(Issuer::default()), Arc::new(AtomicU64::new(0)));
    let passed = Arc::clone(&seconds);
    let tenants = ForeignTenants::open(TenantParts {
        documents: documents as Arc<_>,
        clock: Arc::clone(&clock) as Arc<_>,
        moments: Arc::new(move || Moment(Duration::from_secs(passed.load(Ordering::Relaxed)))),
        gatekeeper: Some(Arc::clone(&issuer) as Arc<_>),
        by_owner: true,
        accounts: None,
        rules: TenantRules::default(),
    })
    .unwrap();
    let store: Arc<dyn DocumentStore> = Arc::new(tenants.clone());
    let entropy = Arc::new(Counting(AtomicU64::new(7)));
    let graceful = GracefulService::new(GracefulParts {
        documents: Arc::clone(&store),
        clock: Arc::clone(&clock) as Arc<_>,
        seats: Arc::default(),
        rates: Arc::default(),
        options: GracefulOptions::default(),
    });
    let gun = GunService::new(GunParts {
        documents: Arc::clone(&store),
        clock: Arc::clone(&clock) as Arc<_>,
        entropy: Arc::clone(&entropy) as Arc<_>,
        seats: Arc::default(),
        rates: Arc::default(),
        offload: Arc::new(|job| job()),
        jobs_max: 1,
        options: GunOptions::default(),
    });
    let eidetica = EideticaService::new(EideticaParts {
        documents: store,
        clock,
        entropy,
        rates: Arc::default(),
        key: RelayKey::new(&[1; 32]).unwrap(),
        offload: Arc::new(|job| job()),
        options: EideticaOptions::default(),
    });
    Scene { issuer, seconds, tenants, graceful, gun, eidetica }
}

/// As the transport does it: first it is learned whose request it is.
fn post(service: &dyn ForeignService, path: &str, token: &str, body: &Value) -> Response<Bytes> {
    let head = || Request::builder().method(Method::POST).uri(path).header("authorization", format!("Bearer {token}"));
    service.recognise(&head().body(()).unwrap(), Box::new(|| {}));
    let request = head().header("content-type", "application/json").body(Bytes::from(body.to_string())).unwrap();
    let (send, receive) = channel();
    let request = ForeignRequest { request, client: [127, 0, 0, 1].into() };
    service.answer(request, at(0), Box::new(move |answer| send.send(answer).unwrap()));
    receive.try_recv().expect("a store in memory answers at once")
}

fn open(service: &dyn ForeignService, target: &str) -> Result<Socket, u16> {
    service.recognise(&Request::get(target).body(()).unwrap(), Box::new(|| {}));
    Socket::open(service, target, &[]).map_err(|answer| answer.status().as_u16())
}

impl Scene {
    fn push(&self, token: &str, id: &str) -> u16 {
        let change = json!({"id": id, "entity_type": "T", "entity_id": id, "operation": "CREATE",
            "encrypted_payload": "A", "version_vector": {}, "timestamp": 1});
        post(&self.graceful, "/sync/push", token, &json!({"device_id": "d", "changes": [change]})).status().as_u16()
    }

    /// Ids of what another device of the token's owner pulls.
    fn pulled(&self, token: &str) -> Vec<String> {
        let pull = json!({"device_id": "e", "since_timestamp": 0});
        let answer = post(&self.graceful, "/sync/pull", token, &pull);
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        body["changes"].as_array().unwrap().iter().map(|change| change["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_renewed_token_opens_what_the_one_before_kept_and_nobody_elses_does() {
    let scene = scene();
    assert_eq!((scene.push("alice.1", "a1"), scene.push("bob.1", "b1"), scene.push("alice.2", "a2")), (200, 200, 200));
    assert_eq!(
        (scene.pulled("alice.3"), scene.pulled("bob.2")),
        (vec!["a1".to_owned(), "a2".into()], vec!["b1".into()])
    );
    assert_eq!(scene.push("nobody.1", "c1"), 401);

    let entry = json!({"tree": {"root": "", "parents": [], "metadata": null},
        "subtrees": [{"name": "_root", "parents": [], "data": ""}], "sig": {"sig": null, "key": ""}});
    post(&scene.eidetica, "/api/v0", "alice.1", &json!({"SendEntries": [entry]}));
    let tree = "9ae5822d6639856013d0a836101b100620b6e3167e97efc231a8dc0e4a3abe3d";
    let tips = |token| {
        let answer = post(&scene.eidetica, "/api/v0", token, &json!({"GetTips": {"tree_id": tree}}));
        serde_json::from_slice::<Value>(answer.body()).unwrap()["Tips"]["tips"].as_array().map(Vec::len)
    };
    assert_eq!((tips("alice.2"), tips("bob.1")), (tips("alice.1"), Some(0)));
    assert_eq!(post(&scene.eidetica, "/api/v0", "nobody.1", &json!({"GetTips": {"tree_id": tree}})).status(), 401);
    let systems: Vec<_> = scene.tenants.after(None, 10).iter().map(|(keyspace, _)| keyspace.system).collect();
    assert_eq!(systems, [1, 1, 3], "two owners in one, one in the other");
}

#[test]
fn peers_of_one_owner_share_a_graph_whichever_token_each_has() {
    let scene = scene();
    let [mut one, mut other, mut stranger] =
        ["alice.1", "alice.2", "bob.1"].map(|token| open(&scene.gun, &format!("/gun?t={token}")).unwrap());
    for peer in [&mut other, &mut stranger] {
        peer.text(&json!({"#": "g1", "get": {"#": "s"}}).to_string(), at(1));
    }
    one.text(&json!({"#": "m1", "put": {"s": {"_": {"#": "s", ">": {"k": 1}}, "k": "news"}}}).to_string(), at(1));
    let mut heard = |peer: &mut Socket| {
        while one.turn(at(1)) | peer.turn(at(1)) {}
        peer.texts().iter().any(|said| said.contains("news"))
    };
    assert!(heard(&mut other) && !heard(&mut stranger));
    assert_eq!(open(&scene.gun, "/gun?t=nobody.1").err(), Some(401));
    let notified = ["alice.3", "bob.1"].map(|token| {
        let mut socket = open(&scene.graceful, &format!("/ws?device_id=w&token={token}")).unwrap();
        scene.push("alice.1", &format!("change for {token}"));
        while socket.turn(at(1)) {}
        socket.texts().iter().any(|said| said.contains("sync_available"))
    });
    assert_eq!(notified, [true, false]);
}

#[test]
fn each_token_is_asked_about_once_a_minute_and_opens_nothing_while_nobody_answers() {
    let scene = scene();
    let asked = || scene.issuer.asked.load(Ordering::Relaxed);
    assert_eq!((scene.push("alice.1", "a1"), scene.push("alice.1", "a2"), asked()), (200, 200, 1));
    scene.issuer.is_away.store(true, Ordering::Relaxed);
    assert_eq!((scene.push("alice.1", "a3"), scene.push("alice.2", "a4")), (200, 503));
    assert_eq!(open(&scene.gun, "/gun?t=alice.2").err(), Some(503));
    scene.seconds.store(60, Ordering::Relaxed);
    assert_eq!(scene.push("alice.1", "a5"), 503, "it may have ended since");
    scene.issuer.is_away.store(false, Ordering::Relaxed);
    assert_eq!((scene.push("alice.1", "a6"), scene.pulled("alice.1").len()), (200, 4));

    *scene.issuer.thinking.lock().unwrap() = Some(Vec::new());
    let known = Arc::new(AtomicU64::new(0));
    for _ in 0..3 {
        let (head, known) = (Request::get("/gun?t=carol.1").body(()).unwrap(), Arc::clone(&known));
        scene.gun.recognise(
            &head,
            Box::new(move || {
                known.fetch_add(1, Ordering::Relaxed);
            }),
        );
    }
    let thinking = scene.issuer.thinking.lock().unwrap().take().unwrap();
    assert_eq!((thinking.len(), known.load(Ordering::Relaxed)), (1, 0), "all wait for one word");
    thinking.into_iter().for_each(|(token, answer)| answer(said_of(&token)));
    assert_eq!(known.load(Ordering::Relaxed), 3);
}
