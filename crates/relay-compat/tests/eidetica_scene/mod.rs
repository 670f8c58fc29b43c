//! A relay over a store in memory, and devices that make entries: ids and signatures are computed here a second time.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part of this module")]

use crate::support::{Counting, StillClock, at};
use base64ct::{Base64, Encoding};
use bytes::Bytes;
use http::{Request, StatusCode};
use relay_compat::eidetica::{EideticaOptions, EideticaParts, EideticaService, RelayKey};
use relay_core::documents::{DocumentRange, DocumentStore, Keyspace, MemoryDocuments, Tenant, Usage, turn};
use relay_core::foreign::{ForeignRequest, ForeignService};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

pub const START_MS: u64 = 1_770_000_000_000;
pub const ALICE: [u8; 32] = [7; 32];

pub struct Relay {
    pub service: EideticaService,
    pub documents: Arc<MemoryDocuments>,
    clock: Arc<StillClock>,
}

impl Relay {
    /// One that takes everybody, as on loopback.
    pub fn open() -> Self {
        Self::with(EideticaOptions { tokenless: true, proof: false, ..EideticaOptions::default() })
    }

    pub fn with(options: EideticaOptions) -> Self {
        Self::of_key(options, &[1; 32], START_MS)
    }

    pub fn of_key(options: EideticaOptions, seed: &[u8; 32], now_ms: u64) -> Self {
        let (documents, clock) = (Arc::new(MemoryDocuments::new()), Arc::new(StillClock::default()));
        clock.0.store(now_ms, Ordering::Relaxed);
        let parts = EideticaParts {
            documents: Arc::clone(&documents) as Arc<dyn DocumentStore>,
            clock: Arc::clone(&clock) as Arc<_>,
            entropy: Arc::new(Counting(0.into())),
            rates: Arc::default(),
            key: RelayKey::new(seed).unwrap(),
            offload: Arc::new(|job| job()),
            options,
        };
        Self { service: EideticaService::new(parts), documents, clock }
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.0.load(Ordering::Relaxed)
    }

    pub fn pass_ms(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn raw(&self, method: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri("/api/v0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let (send, receive) = channel();
        let request = ForeignRequest { request, client: [127, 0, 0, 1].into() };
        self.service.answer(request, at(0), Box::new(move |answer| send.send(answer).unwrap()));
        let answer = receive.try_recv().expect("a store in memory answers at once");
        (answer.status(), String::from_utf8(answer.body().to_vec()).unwrap())
    }

    fn said(&self, headers: &[(&str, &str)], request: &Value) -> Value {
        let (status, body) = self.raw("POST", headers, &request.to_string());
        assert_eq!(status, StatusCode::OK, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub fn ask(&self, request: &Value) -> Value {
        self.said(&[("content-type", "application/json")], request)
    }

    pub fn as_tenant(&self, token: &str, request: &Value) -> Value {
        let bearer = format!("Bearer {token}");
        self.said(&[("content-type", "application/json"), ("authorization", &bearer)], request)
    }

    pub fn send(&self, entries: &[Value]) -> Value {
        self.ask(&json!({"SendEntries": entries}))
    }

    pub fn sync(&self, tree: &str, tips: &[&str]) -> Value {
        self.ask(&json!({"SyncTree": {"tree_id": tree, "our_tips": tips, "peer_pubkey": null, "requesting_key": null,
            "requesting_key_name": null, "requested_permission": null}}))
    }

    /// The tips of a tree of any dialect.
    pub fn tips(&self, tree: &str) -> Vec<String> {
        let answer = self.ask(&json!({"GetTips": {"tree_id": tree}}));
        serde_json::from_value(answer["Tips"]["tips"].clone()).unwrap()
    }

    pub fn handshake(&self, version: u32, challenge: &[u8]) -> Value {
        self.ask(&hello(version, challenge))
    }

    /// Takes the store back to what it held before trees had rules.
    pub fn forget_rules(&self) {
        let keyspace = Keyspace { system: relay_compat::systems::EIDETICA, tenant: Tenant::ONLY };
        let (send, receive) = channel();
        let run = |documents: &mut dyn relay_core::documents::Documents| {
            documents.delete_range(&DocumentRange::prefix(&b"a"[..]), 1000)
        };
        turn(&*self.documents, keyspace, 0, run, move |done| send.send(done).unwrap());
        receive.try_recv().unwrap().unwrap();
    }

    pub fn usage(&self) -> Usage {
        let (send, receive) = channel();
        let keyspace = Keyspace { system: relay_compat::systems::EIDETICA, tenant: Tenant::ONLY };
        self.documents.document_usage(keyspace, Box::new(move |usage| send.send(usage).unwrap()));
        receive.try_recv().unwrap().unwrap()
    }
}

/// A handshake, with fields that some describe and none needs.
pub fn hello(version: u32, challenge: &[u8]) -> Value {
    json!({"Handshake": {"device_id": "background_sync_device", "public_key": Device::new(&ALICE).public,
        "display_name": "BackgroundSync", "protocol_version": version, "challenge": challenge, "listen_addresses": [],
        "signature": [1, 2, 3]}})
}

pub fn has_signed(public: &str, message: &[u8], signature: &[u8]) -> bool {
    let key = Base64::decode_vec(public.strip_prefix("ed25519:").unwrap()).unwrap();
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

pub struct Device {
    pair: Ed25519KeyPair,
    pub public: String,
}

impl Device {
    pub fn new(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
        let public = format!("ed25519:{}", Base64::encode_string(pair.public_key().as_ref()));
        Self { pair, public }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// `SyncTree` of dialect C with a proof.
    pub fn request(&self, relay: &str, tree: &str, tips: &[&str], at_ms: u64, nonce: &[u8]) -> Value {
        let message = proof_bytes(relay, tree, tips, at_ms, nonce);
        json!({"SyncTree": {"tree_id": tree, "our_tips": tips, "peer_pubkey": null, "requesting_key": null,
            "requesting_key_name": null, "requested_permission": null, "metadata": null,
            "auth": {"key": self.public, "timestamp_ms": at_ms, "nonce": nonce, "signature": self.sign(&message)}}})
    }
}

/// What a proof signs.
pub fn proof_bytes(relay: &str, tree: &str, tips: &[&str], at_ms: u64, nonce: &[u8]) -> Vec<u8> {
    let mut tips: Vec<Vec<u8>> = tips.iter().map(|tip| cid_bytes(tip)).collect();
    tips.sort();
    let mut fields: Vec<Vec<u8>> = vec![
        b"eidetica/sync/tree-request/v1".to_vec(),
        relay.into(),
        tree.into(),
        (tips.len() as u64).to_be_bytes().to_vec(),
    ];
    fields.extend(tips.iter().map(|tip| cid_text(tip).into_bytes()));
    fields.push(at_ms.to_be_bytes().to_vec());
    fields.push(nonce.to_vec());
    behind_lengths(&fields)
}

/// Every field behind its length.
pub fn behind_lengths(fields: &[Vec<u8>]) -> Vec<u8> {
    fields.iter().flat_map(|field| [&(field.len() as u64).to_be_bytes()[..], field].concat()).collect()
}

/// The first entry of a tree of A or B.
pub fn text_root(entropy: u32) -> Value {
    json!({"tree": {"root": "", "parents": [], "metadata": format!("{{\"entropy\":{entropy}}}")},
        "subtrees": [{"name": "_root", "parents": [], "data": ""}], "sig": {"sig": null, "key": ""}})
}

pub fn root(dialect: &str) -> Value {
    if dialect == "c" { c_root(42, None) } else { text_root(42) }
}

/// An entry of A or B.
pub fn child(tree: &str, parents: &[&str], data: &str) -> Value {
    let mut parents = parents.to_vec();
    parents.sort_unstable();
    json!({"tree": {"root": tree, "parents": parents, "metadata": null},
        "subtrees": [{"name": "data", "parents": [], "data": data}], "sig": {"sig": null, "key": "KEY"}})
}

fn c_signed(mut entry: Value, signer: Option<&Device>) -> Value {
    if let Some(device) = signer {
        entry["sig"]["key"]["Direct"]["hint"] = json!({"pubkey": device.public});
    }
    c_resigned(entry, signer)
}

/// The same with its signature made anew, for the key that it names.
pub fn c_resigned(mut entry: Value, signer: Option<&Device>) -> Value {
    entry["sig"].as_object_mut().unwrap().remove("sig");
    if let Some(device) = signer {
        entry["sig"]["sig"] = json!(Base64::encode_string(&device.sign(&dag_cbor(&entry))));
    }
    entry
}

/// The first entry of a tree of C.
pub fn c_root(entropy: u32, signer: Option<&Device>) -> Value {
    let metadata = format!("{{\"entropy\":{entropy}}}").into_bytes();
    let entry = json!({"tree": {"parents": [], "metadata": metadata},
        "subtrees": [{"name": "_root", "parents": [], "data": []}], "sig": {"key": {"Direct": {"hint": {}}}}});
    c_signed(entry, signer)
}

/// An entry of C.
pub fn c_child(tree: &str, parents: &[&str], height: u64, data: &[u8], signer: Option<&Device>) -> Value {
    let entry = json!({"tree": {"root": tree, "parents": parents, "h": height},
        "subtrees": [{"name": "data", "parents": [], "data": data}], "sig": {"key": {"Direct": {"hint": {}}}}});
    c_signed(entry, signer)
}

/// Settings that grant each of these, by the text of a key or `*`, a permission with a status.
pub fn settings(grants: &[(&str, &str, &str)]) -> Value {
    let grant = |permission: &str, status: &str| {
        json!({"Doc": {"_a": true, "children": {
            "permissions": {"Doc": {"children": {"type": {"Text": permission}, "priority": {"Int": 0}}}},
            "status": {"Text": status}}}})
    };
    let mut auth = serde_json::Map::new();
    let mut keys = serde_json::Map::new();
    for (to, permission, status) in grants {
        if *to == "*" {
            auth.insert("global".to_owned(), grant(permission, status));
        } else {
            keys.insert((*to).to_owned(), grant(permission, status));
        }
    }
    auth.insert("keys".to_owned(), json!({"Doc": {"children": keys}}));
    json!({"children": {"auth": {"Doc": {"children": auth}}}})
}

/// The same entry with settings in it.
pub fn with_settings(mut entry: Value, settings: &Value, height: u64, signer: Option<&Device>) -> Value {
    let mut store = json!({"name": "_settings", "parents": [], "data": settings.to_string().into_bytes()});
    if height > 0 {
        store["h"] = json!(height);
    }
    entry["subtrees"].as_array_mut().unwrap().push(store);
    c_resigned(entry, signer)
}

/// A tree of entries one after the other, and its id.
pub fn history(dialect: &str, count: usize) -> (String, Vec<Value>) {
    history_of(dialect, count, &|n| n.to_string())
}

/// The same in dialect B with so many bytes in each entry.
pub fn large_history(count: usize, bytes: usize) -> (String, Vec<Value>) {
    history_of("b", count, &|_| "x".repeat(bytes))
}

fn history_of(dialect: &str, count: usize, data: &dyn Fn(usize) -> String) -> (String, Vec<Value>) {
    let mut entries = vec![root(dialect)];
    let tree = ids(dialect, &entries).remove(0);
    let mut last = tree.clone();
    for n in 1..count {
        entries.push(match dialect {
            "c" => c_child(&tree, &[&last], n as u64, data(n).as_bytes(), None),
            _ => child(&tree, &[&last], &data(n)),
        });
        last = ids(dialect, &entries[n..]).remove(0);
    }
    (tree, entries)
}

/// A tree of dialect B that forks and merges.
pub fn woven_history(count: usize) -> (String, Vec<Value>) {
    let mut entries = vec![root("b")];
    let tree = ids("b", &entries).remove(0);
    let mut all = vec![tree.clone()];
    for n in 1..count {
        let (one, other) = (all[n / 2].clone(), all[n * 2 / 3].clone());
        let parents = if one == other { vec![one] } else { vec![one, other] };
        let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
        entries.push(child(&tree, &parents, &n.to_string()));
        all.push(ids("b", &entries[n..]).remove(0));
    }
    (tree, entries)
}

/// The ids of entries.
pub fn ids(dialect: &str, entries: &[Value]) -> Vec<String> {
    let hex =
        |entry: &Value| Sha256::digest(compact(entry)).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let id = |entry: &Value| match dialect {
        "a" => hex(entry),
        "b" => format!("sha256:{}", hex(entry)),
        _ => cid_text(&[&[0x01, 0x71, 0x1e, 32][..], blake3::hash(&dag_cbor(entry)).as_bytes()].concat()),
    };
    entries.iter().map(id).collect()
}

/// JSON of A and B with the fields in their order.
fn compact(entry: &Value) -> String {
    let (tree, sig) = (&entry["tree"], &entry["sig"]);
    let subtrees: Vec<String> = entry["subtrees"]
        .as_array()
        .unwrap()
        .iter()
        .map(|subtree| {
            format!("{{\"name\":{},\"parents\":{},\"data\":{}}}", subtree["name"], subtree["parents"], subtree["data"])
        })
        .collect();
    format!(
        "{{\"tree\":{{\"root\":{},\"parents\":{},\"metadata\":{}}},\"subtrees\":[{}],\"sig\":{{\"sig\":{},\"key\":{}}}}}",
        tree["root"],
        tree["parents"],
        tree["metadata"],
        subtrees.join(","),
        sig["sig"],
        sig["key"]
    )
}

fn head(major: u8, length: usize) -> Vec<u8> {
    match length {
        0..24 => vec![major << 5 | length as u8],
        24..256 => vec![major << 5 | 24, length as u8],
        256..65_536 => [&[major << 5 | 25][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[major << 5 | 26][..], &(length as u32).to_be_bytes()].concat(),
    }
}

fn cbor_text(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    [head(3, text.len()), text.as_bytes().to_vec()].concat()
}

fn cbor_link(id: &Value) -> Vec<u8> {
    let bytes = cid_bytes(id.as_str().unwrap());
    [vec![0xd8, 42], head(2, bytes.len() + 1), vec![0], bytes].concat()
}

fn cbor_links(ids: &Value) -> Vec<u8> {
    let ids = ids.as_array().unwrap();
    [head(4, ids.len()), ids.iter().flat_map(cbor_link).collect()].concat()
}

fn cbor_bytes(bytes: &Value) -> Vec<u8> {
    let bytes: Vec<u8> = serde_json::from_value(bytes.clone()).unwrap();
    [head(2, bytes.len()), bytes].concat()
}

/// How the value of a field is written.
type Encode<'a> = &'a dyn Fn(&Value) -> Vec<u8>;

/// A map of the fields that are there, in the order of their names here.
fn cbor_map(from: &Value, fields: &[(&str, Encode<'_>)]) -> Vec<u8> {
    let there: Vec<_> = fields.iter().filter(|(name, _)| from.get(name).is_some()).collect();
    let pairs = there.iter().flat_map(|(name, encode)| [cbor_text(&json!(name)), encode(&from[name])].concat());
    [head(5, there.len()), pairs.collect()].concat()
}

/// The canonical bytes of an entry of C as the functions above make them.
pub fn dag_cbor(entry: &Value) -> Vec<u8> {
    let flag = |flag: &Value| vec![0xf4 | u8::from(flag.as_bool().unwrap())];
    let hint = |hint: &Value| cbor_map(hint, &[("name", &cbor_text), ("pubkey", &cbor_text), ("is_global", &flag)]);
    let step = |step: &Value| cbor_map(step, &[("tips", &cbor_links), ("tree", &cbor_link)]);
    let path = |path: &Value| {
        let path = path.as_array().unwrap();
        [head(4, path.len()), path.iter().flat_map(step).collect()].concat()
    };
    let direct = |direct: &Value| cbor_map(direct, &[("hint", &hint), ("path", &path)]);
    let key = |key: &Value| cbor_map(key, &[("Direct", &direct), ("Delegation", &direct)]);
    let sig = |sig: &Value| cbor_map(sig, &[("key", &key), ("sig", &cbor_text)]);
    let number = |number: &Value| head(0, number.as_u64().unwrap() as usize);
    let tree = |tree: &Value| {
        cbor_map(tree, &[("h", &number), ("root", &cbor_link), ("parents", &cbor_links), ("metadata", &cbor_bytes)])
    };
    let subtree = |subtree: &Value| {
        let fields: [(&str, Encode<'_>); 4] =
            [("h", &number), ("data", &cbor_bytes), ("name", &cbor_text), ("parents", &cbor_links)];
        cbor_map(subtree, &fields)
    };
    let subtrees = |all: &Value| {
        let all = all.as_array().unwrap();
        [head(4, all.len()), all.iter().flat_map(subtree).collect()].concat()
    };
    cbor_map(entry, &[("sig", &sig), ("tree", &tree), ("subtrees", &subtrees)])
}

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn cid_text(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit =
        |bits: &[u8]| BASE32[(0..5).fold(0, |value, n| value << 1 | usize::from(bits.get(n).copied().unwrap_or(0)))];
    std::iter::once('b').chain(bits.chunks(5).map(|bits| char::from(digit(bits)))).collect()
}

fn cid_bytes(text: &str) -> Vec<u8> {
    let values = text[1..].bytes().map(|digit| BASE32.iter().position(|other| *other == digit).unwrap());
    let bits: Vec<u8> = values.flat_map(|value| (0..5).rev().map(move |bit| (value >> bit & 1) as u8)).collect();
    bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}
