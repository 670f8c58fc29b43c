//! What all spaces on one account may take together.

mod support;

use bytes::Bytes;
use relay_core::documents::{
    Change, Credential, DocumentError, DocumentStore, Keyspace, MemoryDocuments, Tenant, write,
};
use relay_core::endpoint::{EndpointFactory, Moment};
use relay_core::foreign::{ForeignTenants, TenantParts, TenantRules};
use relay_core::founding::{FoundingAnswer, FoundingRequest, FoundingVerdict, Gatekeeper};
use relay_core::relay::Guards;
use relay_core::store::{Completion, Store, StoreError};
use relay_core::tenants::{TenantId, TenantLimits, TenantPlan, TenantRecords};
use relay_core::testing::SpaceFixture;
use relay_proto::erasure::ErasureReason;
use relay_proto::frame::{ErrorFrame, FoundingProof, RelayFrame};
use relay_proto::handshake::{sign_founding_proof, sign_proof};
use relay_proto::ids::{Signature, SpaceId};
use relay_proto::quota::{Quota, QuotaDetail};
use relay_proto::roster::Rights;
use relay_proto::{ErrorCode, KeyPair};
use std::collections::HashMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::World;

const ACME: TenantId = TenantId([7; 16]);
const OTHER: TenantId = TenantId([8; 16]);

/// The token is the first byte of the tenant's id; without one there is no tenant.
struct ByToken;

impl Gatekeeper for ByToken {
    fn judge(&self, request: FoundingRequest, answer: FoundingAnswer) {
        let tenant = request.admission.first().filter(|byte| **byte != 0).map(|byte| TenantId([*byte; 16]));
        answer(FoundingVerdict::Admitted(tenant));
    }
}

/// Whose space is whose, and what every further one is answered.
type Kept = (HashMap<SpaceId, TenantId>, Option<StoreError>);

/// Records in memory that can fail, and outlive a relay.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Kept>>);

impl TenantRecords for Records {
    fn load(&self) -> Vec<(SpaceId, TenantId)> {
        self.0.lock().unwrap().0.iter().map(|(space, tenant)| (*space, *tenant)).collect()
    }

    fn put(&self, space: SpaceId, tenant: TenantId, done: Completion<()>) {
        let result = {
            let mut held = self.0.lock().unwrap();
            match held.1.clone() {
                Some(error) => Err(error),
                None => {
                    held.0.insert(space, tenant);
                    Ok(())
                }
            }
        };
        done(result);
    }

    fn forget(&self, space: SpaceId) {
        self.0.lock().unwrap().0.remove(&space);
    }
}

struct Scene {
    world: World,
    records: Records,
    limits: TenantLimits,
}

fn guards(records: &Records, limits: TenantLimits) -> Guards {
    let plan = TenantPlan { general: limits, own: HashMap::from([(OTHER, TenantLimits::default())]) };
    let tenants: (TenantPlan, Arc<dyn TenantRecords>) = (plan, Arc::new(records.clone()));
    Guards { gatekeeper: Some(Arc::new(ByToken)), tenants: Some(tenants), ..Guards::default() }
}

/// A space with one device.
struct Home {
    fixture: SpaceFixture,
    device: KeyPair,
}

impl Home {
    fn new(seed: u8) -> Self {
        let device = KeyPair::from_seed(&[seed; 32]);
        let fixture = SpaceFixture::new(seed + 100, &[(&device, Rights::Admin)]);
        Self { fixture, device }
    }
}

impl Scene {
    fn new(limits: TenantLimits) -> Self {
        let records = Records::default();
        Self { world: World::of_tenants(guards(&records, limits)), records, limits }
    }

    /// Founds a space on a tenant's account; 0 is none.
    fn found(&mut self, home: &Home, token: u8) -> usize {
        let world = &mut self.world;
        let id = world.connect();
        let (hello, challenge) = world.greet(id, &world.hello(&home.fixture, &home.device));
        let (chain, keyring) = (home.fixture.chain.clone(), home.fixture.keyring.clone());
        let admission = Bytes::copy_from_slice(&[token]);
        let proof = FoundingProof { chain, keyring, admission, signature: Signature::ZERO };
        world.send(id, &sign_founding_proof(&home.device, &hello, &challenge, proof));
        id
    }

    fn founded(&mut self, home: &Home, token: u8) -> usize {
        let id = self.found(home, token);
        assert!(matches!(self.world.recv(id), RelayFrame::Welcome(_)));
        id
    }

    fn knock(&mut self, home: &Home) -> usize {
        let id = self.world.connect();
        let (hello, challenge) = self.world.greet(id, &self.world.hello(&home.fixture, &home.device));
        self.world.send(id, &sign_proof(&home.device, &hello, &challenge, Vec::new(), Bytes::new()));
        id
    }

    fn restart(&mut self) {
        self.world.restart_as(guards(&self.records, self.limits));
    }

    fn receipt(&mut self, id: usize, push_seq: u64) {
        assert_eq!(self.world.receipt(id).push_seq_first, push_seq);
    }

    fn refused(&mut self, id: usize) -> QuotaDetail {
        detail(&self.world.error(id), ErrorCode::QuotaExceeded)
    }
}

fn detail(error: &ErrorFrame, code: ErrorCode) -> QuotaDetail {
    assert_eq!(error.code, code.number());
    assert!(error.retry_after_ms > 0);
    QuotaDetail::decode(&error.detail).unwrap()
}

fn bytes_max(bytes_max: u64) -> TenantLimits {
    TenantLimits { bytes_max, ..TenantLimits::default() }
}

#[test]
fn the_spaces_of_a_tenant_share_its_bytes_and_others_do_not() {
    let mut scene = Scene::new(bytes_max(10));
    let (a, b) = (scene.founded(&Home::new(1), 7), scene.founded(&Home::new(2), 7));
    let (other, nobodys) = (scene.founded(&Home::new(3), 8), scene.founded(&Home::new(4), 0));
    scene.world.push(a, 1, &["123456"]);
    scene.receipt(a, 1);
    scene.world.push(b, 1, &["12345"]);
    assert_eq!(scene.refused(b), QuotaDetail { quota: Quota::TenantBytes, used: 6, allowed: 10, needed: 5 });
    scene.world.push(b, 1, &["1234"]);
    scene.receipt(b, 1);
    for id in [other, nobodys] {
        scene.world.push(id, 1, &["more than ten bytes"]);
        scene.receipt(id, 1);
    }
    let stats = scene.world.relay.stats();
    assert_eq!((stats.quota_refused_total, stats.tenant_quota_refused_total), (1, 1));
    assert_eq!(scene.world.relay.tenant_count(), (2, 3));
}

/// Foreign tenants on the accounts of a relay.
fn foreign(scene: &Scene, documents: &Arc<MemoryDocuments>) -> ForeignTenants {
    ForeignTenants::open(TenantParts {
        documents: Arc::clone(documents) as Arc<_>,
        clock: Arc::clone(&scene.world.wall) as Arc<_>,
        moments: Arc::new(|| Moment(Duration::ZERO)),
        gatekeeper: Some(Arc::new(ByToken)),
        by_owner: false,
        accounts: scene.world.relay.accounts(),
        rules: TenantRules::default(),
    })
    .unwrap()
}

/// Puts a value of so many bytes, beside one byte of its key, under a token.
fn keep(tenants: &ForeignTenants, token: u8, key: &'static str, bytes: usize) -> Result<(), DocumentError> {
    let of = Keyspace { system: 2, tenant: Tenant([token; 16]) };
    tenants.document_present(of, Credential::Token(&[token]));
    let (send, receive) = channel();
    let change = Change::Put(key.into(), vec![7; bytes].into());
    write(tenants, of, vec![change], Box::new(move |done| send.send(done.map(|_| ())).unwrap()));
    receive.try_recv().unwrap()
}

fn full(used: u64, needed: u64) -> QuotaDetail {
    QuotaDetail { quota: Quota::TenantBytes, used, allowed: 100, needed }
}

#[test]
fn what_a_tenant_keeps_in_foreign_systems_is_on_its_account() {
    let (mut scene, documents) = (Scene::new(bytes_max(100)), Arc::new(MemoryDocuments::new()));
    let tenants = foreign(&scene, &documents);
    assert_eq!(keep(&tenants, 7, "a", 59), Ok(()), "before it has a space");
    let home = Home::new(1);
    let space = scene.founded(&home, 7);
    scene.world.push(space, 1, &["x".repeat(41).as_str()]);
    assert_eq!(scene.refused(space), full(60, 41));
    scene.world.push(space, 1, &["x".repeat(30).as_str()]);
    scene.receipt(space, 1);
    assert_eq!(keep(&tenants, 7, "b", 10), Err(DocumentError::Account(full(90, 11))));
    assert_eq!(keep(&tenants, 7, "a", 69), Ok(()), "10 bytes more of the same");
    assert_eq!((keep(&tenants, 7, "a", 9), keep(&tenants, 8, "a", 500)), (Ok(()), Ok(())), "less, and of no quota");
    assert_eq!(tenants.counts().refused_account, 1);
    let held = |scene: &Scene| scene.world.relay.tenants(None, 1)[0].held;
    assert_eq!(held(&scene), Some((2, 40)));
    // Its turn comes and goes, and the disk fails.
    documents.refuse(Some(StoreError::DiskFull));
    assert!(keep(&tenants, 7, "c", 10).is_err());
    documents.refuse(None);
    assert_eq!(held(&scene), Some((2, 40)));

    scene.restart();
    let tenants = foreign(&scene, &documents);
    assert_eq!(keep(&tenants, 7, "b", 60), Err(DocumentError::Account(full(40, 61))), "a restart forgives nothing");
    let (send, receive) = channel();
    let of = Keyspace { system: 2, tenant: Tenant([7; 16]) };
    tenants.erase(of, Box::new(move |done| send.send(done).unwrap()));
    assert_eq!((receive.try_recv(), held(&scene)), (Ok(Ok(())), Some((1, 30))));
}

#[test]
fn entries_are_counted_too_and_a_retry_needs_no_room() {
    let mut scene = Scene::new(TenantLimits { entries_max: 2, ..TenantLimits::default() });
    let a = scene.founded(&Home::new(1), 7);
    scene.world.push(a, 1, &["1", "2"]);
    scene.receipt(a, 1);
    scene.world.push(a, 1, &["1", "2"]);
    scene.receipt(a, 1);
    scene.world.push(a, 3, &["3"]);
    assert_eq!(scene.refused(a), QuotaDetail { quota: Quota::TenantEntries, used: 2, allowed: 2, needed: 1 });
}

#[test]
fn a_restart_forgives_nothing() {
    let mut scene = Scene::new(bytes_max(10));
    let homes = [Home::new(1), Home::new(2), Home::new(3)];
    for home in &homes {
        let id = scene.founded(home, 7);
        scene.world.push(id, 1, &["123"]);
        scene.receipt(id, 1);
    }
    scene.restart();
    let id = scene.knock(&homes[0]);
    assert!(matches!(scene.world.recv(id), RelayFrame::Welcome(_)));
    scene.world.push(id, 2, &["12"]);
    assert_eq!(scene.refused(id), QuotaDetail { quota: Quota::TenantBytes, used: 9, allowed: 10, needed: 2 });
    scene.world.push(id, 2, &["1"]);
    scene.receipt(id, 2);
    let view = scene.world.relay.tenants(None, 10);
    assert_eq!((view[0].tenant, view[0].spaces, view[0].sessions, view[0].held), (ACME, 3, 1, Some((4, 10))));
}

#[test]
fn an_erased_space_makes_room_and_is_forgotten() {
    let mut scene = Scene::new(bytes_max(10));
    let (first, second) = (Home::new(1), Home::new(2));
    let (a, b) = (scene.founded(&first, 7), scene.founded(&second, 7));
    scene.world.push(a, 1, &["1234567890"]);
    scene.receipt(a, 1);
    scene.world.push(b, 1, &["1"]);
    assert_eq!(scene.refused(b).used, 10);
    scene.world.store.erase(first.fixture.id(), ErasureReason::Operator, Box::new(|erased| erased.unwrap()));
    scene.world.push(b, 1, &["1"]);
    scene.receipt(b, 1);
    assert_eq!(scene.records.load(), [(second.fixture.id(), ACME)]);
}

#[test]
fn what_was_forgotten_makes_room_for_the_next_try() {
    let mut scene = Scene::new(bytes_max(10));
    let home = Home::new(1);
    let a = scene.founded(&home, 7);
    scene.world.push(a, 1, &["1234567890"]);
    scene.receipt(a, 1);
    let point = relay_core::erasure::PurgePoint {
        log_epoch: scene.world.store.log().log_epoch,
        size: 1,
        head: head(&scene, &home),
    };
    scene.world.store.purge(home.fixture.id(), point, Box::new(|purged| purged.unwrap()));
    scene.world.push(a, 2, &["1234567890"]);
    scene.refused(a);
    scene.world.push(a, 2, &["1234567890"]);
    scene.receipt(a, 2);
}

fn head(scene: &Scene, home: &Home) -> relay_proto::ids::Hash {
    let found = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&found);
    let done = move |attested: Result<Bytes, StoreError>| {
        let attested = attested.unwrap();
        let read = relay_proto::attestation::Attestation::read(&mut relay_proto::wire::Reader::new(&attested)).unwrap();
        *slot.lock().unwrap() = Some(read.claim.head);
    };
    scene.world.store.attest(home.fixture.id(), Box::new(done));
    let head = found.lock().unwrap().take();
    head.expect("the memory store answers at once")
}

#[test]
fn the_sessions_of_a_tenant_are_counted_over_its_spaces() {
    let mut scene = Scene::new(TenantLimits { sessions_max: 2, ..TenantLimits::default() });
    let (first, second) = (Home::new(1), Home::new(2));
    let (a, _b) = (scene.founded(&first, 7), scene.founded(&second, 7));
    let third = Home::new(3);
    let id = scene.found(&third, 7);
    let expected = QuotaDetail { quota: Quota::TenantConnections, used: 2, allowed: 2, needed: 1 };
    assert_eq!(detail(&scene.world.error(id), ErrorCode::TooManyConnections), expected);
    let stats = scene.world.relay.stats();
    assert_eq!((stats.tenant_sessions_refused_total, stats.active_spaces), (1, 2), "no empty space is left behind");
    scene.world.hang_up(a);
    let id = scene.knock(&third);
    assert!(matches!(scene.world.recv(id), RelayFrame::Welcome(_)), "a place was given back");
    assert_eq!(scene.world.relay.tenants(None, 10)[0].sessions, 2);
}

#[test]
fn the_pushes_of_a_tenant_have_a_rate() {
    let mut scene = Scene::new(TenantLimits { pushes_per_second_max: 2, ..TenantLimits::default() });
    let (a, b) = (scene.founded(&Home::new(1), 7), scene.founded(&Home::new(2), 7));
    for (id, n) in [(a, 1), (b, 1)] {
        scene.world.push(id, n, &["x"]);
        scene.receipt(id, n);
    }
    scene.world.push(a, 2, &["x"]);
    let error = scene.world.error(a);
    assert_eq!((error.code, error.retry_after_ms), (ErrorCode::RateLimited.number(), 500));
    assert_eq!(scene.world.relay.stats().tenant_pushes_limited_total, 1);
    scene.world.advance(500);
    scene.world.push(a, 2, &["x"]);
    scene.receipt(a, 2);
}

#[test]
fn a_space_is_not_founded_when_it_cannot_be_kept_whose_it_is() {
    let mut scene = Scene::new(TenantLimits::default());
    scene.records.0.lock().unwrap().1 = Some(StoreError::DiskFull);
    let home = Home::new(1);
    let id = scene.found(&home, 7);
    assert_eq!(scene.world.error(id).code, ErrorCode::DiskFull.number());
    assert!(scene.world.closed(id).is_some());
    assert_eq!(scene.world.relay.tenant_count(), (0, 0));
    scene.records.0.lock().unwrap().1 = None;
    scene.founded(&home, 7);
    assert_eq!(scene.records.load(), [(home.fixture.id(), ACME)]);
    assert!(scene.world.relay.message_bytes_max() > 0);
}
