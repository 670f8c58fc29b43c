//! A service of GUN over documents in memory, and peers that talk to it.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part of this module")]

use crate::support::{Counting, Socket, StillClock, at};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use relay_compat::Offload;
use relay_compat::gun::{GunOptions, GunParts, GunService};
use relay_core::documents::{
    DocumentCompletion, DocumentRange, DocumentStats, DocumentStore, DocumentWork, Keyspace, MemoryDocuments, Page,
    Usage,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

pub const NOW_MS: u64 = 1_795_191_200_000;

pub struct Scene {
    pub service: GunService,
    pub clock: Arc<StillClock>,
    pub documents: Arc<MemoryDocuments>,
}

pub fn scene_with(options: GunOptions) -> Scene {
    let (clock, documents) = (Arc::new(StillClock(AtomicU64::new(NOW_MS))), Arc::new(MemoryDocuments::new()));
    let service = service_over(Arc::clone(&documents) as Arc<_>, &clock, options);
    Scene { service, clock, documents }
}

pub fn service_over(documents: Arc<dyn DocumentStore>, clock: &Arc<StillClock>, options: GunOptions) -> GunService {
    numbered_service_over(documents, clock, options, 7)
}

/// A service whose ids are others for every number.
pub fn numbered_service_over(
    documents: Arc<dyn DocumentStore>,
    clock: &Arc<StillClock>,
    options: GunOptions,
    number: u8,
) -> GunService {
    offloading_service_over(documents, clock, options, number, Arc::new(|job| job()))
}

/// A service that gives long jobs away.
pub fn offloading_service_over(
    documents: Arc<dyn DocumentStore>,
    clock: &Arc<StillClock>,
    options: GunOptions,
    number: u8,
    offload: Offload,
) -> GunService {
    let entropy = Arc::new(Counting(AtomicU64::new(number.into())));
    let (clock, seats, rates) = (Arc::clone(clock) as Arc<_>, Arc::default(), Arc::default());
    GunService::new(GunParts { documents, clock, entropy, seats, rates, offload, jobs_max: 1, options })
}

pub fn scene() -> Scene {
    scene_with(GunOptions { tokenless: true, ..GunOptions::default() })
}

pub fn settle(sockets: &mut [&mut Socket]) {
    while sockets.iter_mut().any(|socket| socket.turn(at(1))) {}
}

impl Scene {
    /// A peer that was greeted.
    pub fn peer(&self) -> Socket {
        let mut socket = Socket::open(&self.service, "/gun", &[]).unwrap();
        let greeting = heard(&mut socket);
        assert_eq!((greeting.len(), &greeting[0]["dam"]), (1, &json!("?")), "the relay speaks first");
        socket
    }
}

/// What a peer hears now, but for what it is asked.
pub fn heard(socket: &mut Socket) -> Vec<Value> {
    heard_all(socket).into_iter().filter(|said| said.get("get").is_none()).collect()
}

/// What a peer hears now.
pub fn heard_all(socket: &mut Socket) -> Vec<Value> {
    settle(&mut [socket]);
    socket.texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

pub fn say(socket: &mut Socket, message: &Value) -> Vec<Value> {
    socket.text(&message.to_string(), at(1));
    heard(socket)
}

pub fn put(id: &str, soul: &str, key: &str, value: Value, state: u64) -> Value {
    json!({"#": id, "put": {soul: {"_": {"#": soul, ">": {key: state}}, key: value}}})
}

pub fn get(id: &str, soul: &str) -> Value {
    json!({"#": id, "get": {"#": soul}})
}

/// Without the ids that the relay makes.
pub fn without_ids(mut messages: Vec<Value>) -> Vec<Value> {
    messages.iter_mut().for_each(|message| drop(message.as_object_mut().unwrap().remove("#")));
    messages
}

/// Documents whose works wait until they are let go: a disk that takes its time.
#[derive(Default)]
pub struct Waiting {
    documents: MemoryDocuments,
    works: Mutex<Vec<(Keyspace, Box<dyn DocumentWork>)>>,
}

impl Waiting {
    pub fn let_go(&self) {
        let works = std::mem::take(&mut *self.works.lock().unwrap());
        works.into_iter().for_each(|(keyspace, work)| self.documents.document_commit(keyspace, work));
    }
}

impl DocumentStore for Waiting {
    fn document_commit(&self, keyspace: Keyspace, work: Box<dyn DocumentWork>) {
        self.works.lock().unwrap().push((keyspace, work));
    }
    fn document_get(
        &self,
        keyspace: Keyspace,
        keys: Vec<bytes::Bytes>,
        done: DocumentCompletion<Vec<Option<bytes::Bytes>>>,
    ) {
        self.documents.document_get(keyspace, keys, done);
    }
    fn document_scan(&self, keyspace: Keyspace, range: DocumentRange, done: DocumentCompletion<Page>) {
        self.documents.document_scan(keyspace, range, done);
    }
    fn document_usage(&self, keyspace: Keyspace, done: DocumentCompletion<Usage>) {
        self.documents.document_usage(keyspace, done);
    }
    fn document_keyspaces(&self, after: Option<Keyspace>, max: usize, done: DocumentCompletion<Vec<Keyspace>>) {
        self.documents.document_keyspaces(after, max, done);
    }
    fn document_scrub(&self, done: DocumentCompletion<()>) {
        self.documents.document_scrub(done);
    }
    fn document_stats(&self) -> DocumentStats {
        self.documents.document_stats()
    }
}

/// Somebody who signs as SEA does.
pub struct User(EcdsaKeyPair);

impl Default for User {
    fn default() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }
}

impl User {
    pub fn public(&self) -> String {
        let [x, y] = [1..33, 33..65].map(|part| Base64UrlUnpadded::encode_string(&self.0.public_key().as_ref()[part]));
        format!("{x}.{y}")
    }

    pub fn sign(&self, text: &str) -> String {
        let signature = self.0.sign(&SystemRandom::new(), &Sha256::digest(text)).unwrap();
        Base64::encode_string(signature.as_ref())
    }

    /// A put of a text that this user signed; `more` is what else is in the value.
    pub fn put(&self, id: &str, soul: &str, key: &str, text: &str, more: &str) -> Value {
        let signature = self.sign(&format!(r##"{{"#":"{soul}",".":"{key}",":":"{text}",">":5}}"##));
        put(id, soul, key, json!(format!(r#"{{":":"{text}","~":"{signature}"{more}}}"#)), 5)
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Jobs that wait until they are run.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Mutex<VecDeque<Job>>>);

impl Jobs {
    pub fn offload(&self) -> Offload {
        let jobs = Arc::clone(&self.0);
        Arc::new(move |job| jobs.lock().unwrap().push_back(job))
    }

    /// Runs the oldest; `false` when there is none.
    pub fn run_one(&self) -> bool {
        let job = self.0.lock().unwrap().pop_front();
        job.map(|job| job()).is_some()
    }

    pub fn waiting(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A scene whose long jobs are done when somebody does them.
pub fn scene_with_jobs() -> (Scene, Jobs) {
    let (clock, documents) = (Arc::new(StillClock(AtomicU64::new(NOW_MS))), Arc::new(MemoryDocuments::new()));
    let (jobs, options) = (Jobs::default(), GunOptions { tokenless: true, ..GunOptions::default() });
    let service = offloading_service_over(Arc::clone(&documents) as Arc<_>, &clock, options, 7, jobs.offload());
    (Scene { service, clock, documents }, jobs)
}
