//! Spaces that are founded for a short while on the word of a device of another one.

mod support;

use bytes::Bytes;
use relay_core::endpoint::Moment;
use relay_core::founding::{FoundingAnswer, FoundingRequest, FoundingVerdict, Gatekeeper};
use relay_core::http::{ExchangeOptions, HttpSessions};
use relay_core::limits::{SPONSORED_COUNTED_MS, SPONSORED_LIFE_MS, SPONSORED_QUOTA, SPONSORED_SESSIONS_MAX};
use relay_core::relay::Guards;
use relay_core::sponsored::{SponsoredRecord, SponsoredRecords};
use relay_core::store::{Completion, Store, StoreError};
use relay_core::tenants::{TenantId, TenantLimits, TenantPlan, TenantRecords};
use relay_core::testing::SpaceFixture;
use relay_proto::frame::{
    Challenge, EphemeralListen, ErrorFrame, FoundingProof, Frame, Hello, Purge, RelayFrame, RosterPut, SessionToken,
    SnapshotBegin,
};
use relay_proto::handshake::{sign_founding_proof, sign_proof};
use relay_proto::ids::{Hash, Signature, SpaceId};
use relay_proto::limits::{FEATURE_SPONSORS, FEATURES};
use relay_proto::quota::{Quota, QuotaDetail};
use relay_proto::roster::Rights;
use relay_proto::sponsorship::{OfferTranscript, Sponsorship};
use relay_proto::{ErrorCode, KeyPair};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use support::{Cast, World};

const HOURLY_MAX: u32 = 2;
const ACME: TenantId = TenantId([7; 16]);

/// Lets nobody in.
struct Closed;

impl Gatekeeper for Closed {
    fn judge(&self, _: FoundingRequest, answer: FoundingAnswer) {
        answer(FoundingVerdict::Refused);
    }
}

/// What was kept, and what every further word is answered.
type Kept = (HashMap<SpaceId, SponsoredRecord>, Option<StoreError>);

/// Records in memory that can fail, and outlive a relay.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Kept>>);

impl SponsoredRecords for Records {
    fn load(&self) -> Vec<SponsoredRecord> {
        self.0.lock().unwrap().0.values().copied().collect()
    }

    fn put(&self, record: SponsoredRecord, done: Completion<()>) {
        let error = self.0.lock().unwrap().1.clone();
        done(error.map_or_else(
            || {
                self.0.lock().unwrap().0.insert(record.space, record);
                Ok(())
            },
            Err,
        ));
    }

    fn forget(&self, space: SpaceId) {
        self.0.lock().unwrap().0.remove(&space);
    }
}

/// The cast's space is on a tenant's account.
struct Accounts(SpaceId);

impl TenantRecords for Accounts {
    fn load(&self) -> Vec<(SpaceId, TenantId)> {
        vec![(self.0, ACME)]
    }

    fn put(&self, _: SpaceId, _: TenantId, done: Completion<()>) {
        done(Ok(()));
    }

    fn forget(&self, _: SpaceId) {}
}

struct Scene {
    world: World,
    cast: Cast,
    records: Records,
    limits: TenantLimits,
}

/// A space in which two devices meet: everybody who knows its name is its root.
struct Meeting {
    fixture: SpaceFixture,
    device: KeyPair,
}

impl Meeting {
    fn new(seed: u8) -> Self {
        let device = KeyPair::from_seed(&[seed; 32]);
        Self { fixture: SpaceFixture::new(seed + 50, &[(&device, Rights::Admin)]), device }
    }
}

impl Scene {
    fn new() -> Self {
        Self::of(TenantLimits::default())
    }

    fn of(limits: TenantLimits) -> Self {
        let (records, cast) = (Records::default(), Cast::new());
        let world = World::of_tenants(guards(&records, &cast, limits));
        world.found(&cast.space);
        Self { world, cast, records, limits }
    }

    fn restart(&mut self) {
        self.world.restart_as(guards(&self.records, &self.cast, self.limits));
    }

    /// Founds a meeting as its root, on the word of a key that says that it is of a space.
    fn found(&mut self, meeting: &Meeting, sponsor: &KeyPair, of: SpaceId) -> usize {
        self.found_with(meeting, |offer| Sponsorship::sign(sponsor, of, offer).encode())
    }

    fn found_with(&mut self, meeting: &Meeting, admission: impl FnOnce(&OfferTranscript) -> Bytes) -> usize {
        let world = &mut self.world;
        let (id, root) = (world.connect(), &meeting.fixture.root);
        let (hello, challenge) = world.greet(id, &world.hello(&meeting.fixture, root));
        let admission = admission(&OfferTranscript::new(&hello, &challenge));
        let (chain, keyring) = (meeting.fixture.chain.clone(), meeting.fixture.keyring.clone());
        let proof = FoundingProof { chain, keyring, admission, signature: Signature::ZERO };
        world.send(id, &sign_founding_proof(root, &hello, &challenge, proof));
        id
    }

    /// The cast's admin vouches, and the relay founds.
    fn founded(&mut self, meeting: &Meeting) {
        let (admin, space) = (self.cast.a.clone(), self.cast.space.id());
        let id = self.found(meeting, &admin, space);
        assert!(matches!(self.world.recv(id), RelayFrame::Welcome(_)));
        self.world.hang_up(id);
    }

    fn is_known(&self, space: SpaceId) -> bool {
        let found = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&found);
        self.world.store.space(space, Box::new(move |facts| *slot.lock().unwrap() = Some(facts.unwrap().is_some())));
        let known = found.lock().unwrap().take();
        known.expect("the memory store answers at once")
    }
}

fn guards(records: &Records, cast: &Cast, limits: TenantLimits) -> Guards {
    let plan = TenantPlan { general: limits, own: HashMap::new() };
    let accounts: Arc<dyn TenantRecords> = Arc::new(Accounts(cast.space.id()));
    let records: Arc<dyn SponsoredRecords> = Arc::new(records.clone());
    Guards {
        gatekeeper: Some(Arc::new(Closed)),
        tenants: Some((plan, accounts)),
        sponsors: Some((HOURLY_MAX, records)),
    }
}

/// Every byte that comes, when it comes, and how it ends.
fn outcome(world: &mut World, id: usize) -> (Vec<(Moment, Bytes)>, Option<u16>) {
    let start = world.now;
    world.advance(40);
    let messages = &world.connections[id].queue.messages;
    let seen = messages.iter().map(|(at, message)| (Moment(at.0 - start.0), message.clone())).collect();
    (seen, world.closed(id))
}

fn detail(error: &ErrorFrame) -> QuotaDetail {
    assert_eq!(error.code, ErrorCode::QuotaExceeded.number());
    QuotaDetail::decode(&error.detail).unwrap()
}

#[test]
fn an_admin_or_the_root_of_a_space_vouches_for_one_and_whoever_knows_its_name_meets_there() {
    let mut scene = Scene::new();
    let (first, second) = (Meeting::new(1), Meeting::new(2));
    scene.founded(&first);
    let (root, space) = (scene.cast.space.root.clone(), scene.cast.space.id());
    let id = scene.found(&second, &root, space);
    assert!(matches!(scene.world.recv(id), RelayFrame::Welcome(_)));
    // Who comes brings nothing.
    let guest = scene.world.open(&first.fixture, &first.fixture.root);
    assert_eq!(scene.world.closed(guest), None);
    let device = scene.world.open(&first.fixture, &first.device);
    scene.world.push(device, 1, &["hello"]);
    assert_eq!(scene.world.receipt(device).push_seq_first, 1);
    let stats = scene.world.relay.stats();
    assert_eq!((stats.sponsored_founded_total, stats.sponsored_spaces, stats.sponsored_refused_total), (2, 2, 0));
    assert_eq!(scene.world.relay.take_sponsored().sponsors, [space, space]);
    assert!(scene.world.relay.take_sponsored().sponsors.is_empty());
}

#[test]
fn whoever_may_not_vouch_gets_one_answer_at_one_moment_whether_or_not_the_space_is_there() {
    let mut scene = Scene::new();
    let space = scene.cast.space.id();
    let elsewhere = SpaceFixture::new(77, &[(&scene.cast.a, Rights::Admin)]);
    let (admin, writer, reader) = (scene.cast.a.clone(), scene.cast.b.clone(), scene.cast.r.clone());
    let stranger = KeyPair::from_seed(&[66; 32]);
    let meeting = Meeting::new(1);
    scene.founded(&meeting);
    let cases: Vec<(&str, KeyPair, SpaceId)> = vec![
        ("a device that may only write", writer, space),
        ("a device that may only read", reader, space),
        ("a stranger", stranger.clone(), space),
        ("a stranger, for a space that is not there", stranger, elsewhere.id()),
        ("an admin of a space that is not there", admin.clone(), elsewhere.id()),
        ("the root of a space that is not there", elsewhere.root.clone(), elsewhere.id()),
        ("the root of a sponsored space", meeting.fixture.root.clone(), meeting.fixture.id()),
        ("a device of a sponsored space", meeting.device.clone(), meeting.fixture.id()),
    ];
    let other = Meeting::new(3);
    let seen: Vec<_> = cases
        .into_iter()
        .map(|(name, key, of)| {
            let id = scene.found(&other, &key, of);
            (name, outcome(&mut scene.world, id))
        })
        .collect();
    let replayed = {
        let used = Arc::new(Mutex::new(Bytes::new()));
        let slot = Arc::clone(&used);
        let again = Meeting::new(4);
        let id = scene.found_with(&again, |offer| {
            *slot.lock().unwrap() = Sponsorship::sign(&admin, space, offer).encode();
            slot.lock().unwrap().clone()
        });
        assert!(matches!(scene.world.recv(id), RelayFrame::Welcome(_)), "control: it is good where it was made for");
        let id = scene.found_with(&other, |_| used.lock().unwrap().clone());
        ("one that was made for another handshake", outcome(&mut scene.world, id))
    };
    let expected = (
        vec![(Moment(std::time::Duration::from_millis(25)), ErrorFrame::of(ErrorCode::SponsorRefused).encode())],
        Some(ErrorCode::SponsorRefused.close()),
    );
    for (name, seen) in seen.into_iter().chain([replayed]) {
        assert_eq!(seen, expected, "{name}");
    }
    assert!(!scene.is_known(other.fixture.id()));
}

#[test]
fn a_stranger_without_a_sponsor_is_answered_as_before() {
    let mut scene = Scene::new();
    let meeting = Meeting::new(1);
    let id = scene.world.connect();
    let root = meeting.fixture.root.clone();
    let (hello, challenge) = scene.world.greet(id, &scene.world.hello(&meeting.fixture, &root));
    let (chain, keyring) = (meeting.fixture.chain.clone(), meeting.fixture.keyring.clone());
    scene.world.send(id, &sign_proof(&root, &hello, &challenge, chain, keyring));
    assert_eq!(scene.world.error(id), ErrorFrame::of(ErrorCode::AdmissionRequired));
    let id = scene.found_with(&meeting, |_| Bytes::from_static(b"a token"));
    assert_eq!(scene.world.error(id), ErrorFrame::of(ErrorCode::AdmissionRefused));
    // A client that did not agree on sponsors brings a token, and none that is good.
    let id = scene.world.connect();
    let older = Hello { features: FEATURES & !FEATURE_SPONSORS, ..scene.world.hello(&meeting.fixture, &root) };
    let (hello, challenge) = scene.world.greet(id, &older);
    let (admin, space) = (scene.cast.a.clone(), scene.cast.space.id());
    let sponsorship = Sponsorship::sign(&admin, space, &OfferTranscript::new(&hello, &challenge));
    let (chain, keyring) = (meeting.fixture.chain.clone(), meeting.fixture.keyring.clone());
    let proof = FoundingProof { chain, keyring, admission: sponsorship.encode(), signature: Signature::ZERO };
    scene.world.send(id, &sign_founding_proof(&root, &hello, &challenge, proof));
    assert_eq!(scene.world.error(id), ErrorFrame::of(ErrorCode::AdmissionRefused));
    // More than a first statement is no meeting.
    let mut grown = Meeting::new(2);
    let (founder, guest) = (grown.fixture.root.clone(), KeyPair::from_seed(&[9; 32]));
    grown.fixture.add(&founder, &guest, Rights::Read);
    let id = scene.found(&grown, &admin, space);
    scene.world.advance(25);
    assert_eq!(scene.world.error(id), ErrorFrame::of(ErrorCode::SponsorRefused));
}

#[test]
fn relays_that_ask_for_nothing_or_take_no_sponsors_do_not_offer_it() {
    let scene = Scene::new();
    let offers = |mut world: World| {
        let (id, cast) = (world.connect(), Cast::new());
        let (_, challenge) = world.greet(id, &world.hello(&cast.space, &cast.a));
        Challenge::decode(&challenge).unwrap().features & FEATURE_SPONSORS != 0
    };
    let with = |max: Option<u32>, asks: bool| {
        let records = Arc::new(Records::default()) as Arc<dyn SponsoredRecords>;
        let gatekeeper = asks.then(|| Arc::new(Closed) as Arc<dyn Gatekeeper>);
        World::of_tenants(Guards { gatekeeper, sponsors: max.map(|max| (max, records)), ..Guards::default() })
    };
    assert!(offers(scene.world));
    assert!(!offers(World::new()) && !offers(with(Some(2), false)) && !offers(with(None, true)));
    let none = with(Some(0), true);
    let (cast, meeting) = (Cast::new(), Meeting::new(1));
    none.found(&cast.space);
    let mut scene = Scene { world: none, cast, records: Records::default(), limits: TenantLimits::default() };
    let (admin, space) = (scene.cast.a.clone(), scene.cast.space.id());
    let id = scene.found(&meeting, &admin, space);
    assert_eq!(scene.world.error(id).code, ErrorCode::AdmissionRefused.number(), "it is a token that is none");
}

#[test]
fn a_space_vouches_so_often_in_an_hour_also_after_a_restart_and_when_they_end() {
    let mut scene = Scene::new();
    let (admin, space) = (scene.cast.a.clone(), scene.cast.space.id());
    scene.founded(&Meeting::new(1));
    scene.world.jump(1000);
    scene.founded(&Meeting::new(2));
    // The same one again takes no second place.
    let again = Meeting::new(2);
    let id = scene.found(&again, &admin, space);
    assert!(matches!(scene.world.recv(id), RelayFrame::Welcome(_)));
    let full = QuotaDetail { quota: Quota::SponsoredSpaces, used: 2, allowed: 2, needed: 1 };
    let third = Meeting::new(3);
    for _ in 0..2 {
        let id = scene.found(&third, &admin, space);
        let error = scene.world.error(id);
        assert_eq!(detail(&error), full);
        assert!(u64::from(error.retry_after_ms) > SPONSORED_COUNTED_MS - 10_000 && scene.world.closed(id).is_some());
        scene.restart();
    }
    scene.world.jump(SPONSORED_LIFE_MS);
    scene.world.relay.sweep(scene.world.now);
    assert_eq!(scene.world.relay.stats().sponsored_spaces, 0);
    let id = scene.found(&third, &admin, space);
    assert_eq!(detail(&scene.world.error(id)), full, "it ended, and counts on");
    scene.world.jump(SPONSORED_COUNTED_MS - SPONSORED_LIFE_MS - 1000);
    scene.world.relay.sweep(scene.world.now);
    scene.founded(&third);
    assert_eq!(scene.records.0.lock().unwrap().0.len(), 2, "the first one is forgotten");
}

#[test]
fn its_time_is_over_for_those_who_come_at_once_and_for_those_who_are_there_with_the_next_sweep() {
    let mut scene = Scene::new();
    let meeting = Meeting::new(1);
    scene.founded(&meeting);
    let inside = scene.world.open(&meeting.fixture, &meeting.device);
    scene.world.jump(SPONSORED_LIFE_MS - 1);
    scene.world.relay.sweep(scene.world.now);
    let late = scene.world.open(&meeting.fixture, &meeting.fixture.root);
    scene.world.hang_up(late);
    scene.world.jump(1);
    let id = scene.world.connect();
    let (hello, challenge) = scene.world.greet(id, &scene.world.hello(&meeting.fixture, &meeting.device));
    scene.world.send(id, &sign_proof(&meeting.device, &hello, &challenge, Vec::new(), Bytes::new()));
    scene.world.advance(25);
    assert_eq!(scene.world.error(id).code, ErrorCode::HandshakeFailed.number());
    assert_eq!(scene.world.closed(inside), None);
    scene.world.relay.sweep(scene.world.now);
    scene.world.settle();
    assert_eq!(scene.world.error(inside).code, ErrorCode::SpaceErased.number());
    assert!(!scene.is_known(meeting.fixture.id()) && scene.is_known(scene.cast.space.id()));
    let stats = scene.world.relay.stats();
    assert_eq!((stats.spaces_expired_total, stats.sponsored_spaces), (1, 0));
    // Its record is still there; a relay that starts anew finds nothing left to erase and counts nothing twice.
    scene.restart();
    scene.world.relay.sweep(scene.world.now);
    assert_eq!((scene.world.relay.stats().spaces_expired_total, scene.world.relay.stats().sponsored_spaces), (0, 0));
}

#[test]
fn it_is_a_log_of_a_few_entries_and_nothing_else() {
    let mut scene = Scene::new();
    let mut meeting = Meeting::new(1);
    scene.founded(&meeting);
    let world = &mut scene.world;
    let device = world.open(&meeting.fixture, &meeting.device);
    world.push(device, 1, &[&"x".repeat(usize::try_from(SPONSORED_QUOTA.bytes_max).unwrap() + 1)]);
    assert_eq!(detail(&world.error(device)).quota, Quota::SpaceBytes);
    let many = vec!["x"; usize::try_from(SPONSORED_QUOTA.entries_max).unwrap()];
    world.push(device, 1, &many);
    world.receipt(device);
    world.push(device, 1 + SPONSORED_QUOTA.entries_max, &["x"]);
    assert_eq!(detail(&world.error(device)).quota, Quota::SpaceEntries);
    let log_id = relay_core::environment::LogSigner::log_id(&*world.signer);
    let purge = Purge::sign(&meeting.device, &meeting.fixture.id(), &log_id, 1, 1, Hash::ZERO);
    world.send(device, &purge);
    assert_eq!(world.error(device).code, ErrorCode::PurgeInvalid.number());
    world.send(device, &SnapshotBegin { manifest: Bytes::from_static(b"none") });
    assert_eq!(world.error(device).code, ErrorCode::SnapshotTooLarge.number());
    world.send(device, &EphemeralListen { listen: true });
    assert_eq!(world.error(device).code, ErrorCode::UnexpectedFrame.number());
    // Statements are in no quota: there are only so many.
    let device = world.open(&meeting.fixture, &meeting.device);
    let (root, mut last) = (meeting.fixture.root.clone(), Vec::new());
    while meeting.fixture.newest().0 < 17 {
        last = vec![meeting.fixture.follow(&root, |fields| fields.queue_mode = !fields.queue_mode).bytes().clone()];
    }
    world.send(device, &RosterPut { chain: last, keyring: meeting.fixture.keyring.clone() });
    assert_eq!(world.error(device).code, ErrorCode::RosterTooLarge.number());
    let id = world.connect();
    let (hello, challenge) = world.greet(id, &world.hello(&meeting.fixture, &root));
    let chain = meeting.fixture.newest_only();
    world.send(id, &sign_proof(&root, &hello, &challenge, chain, meeting.fixture.keyring.clone()));
    world.advance(25);
    assert_eq!(world.error(id).code, ErrorCode::HandshakeFailed.number());
}

#[test]
fn over_http_it_is_founded_and_used_the_same_way_and_holds_no_blobs() {
    let mut scene = Scene::new();
    let (meeting, admin, space) = (Meeting::new(1), scene.cast.a.clone(), scene.cast.space.id());
    let request = |world: &mut World, frames: &[Bytes]| {
        let id = world.attach(|relay, opened, now| relay.open_handshake(opened, now));
        frames.iter().for_each(|frame| world.send_bytes(id, frame.clone()));
        world.end_input(id);
        std::iter::from_fn(|| world.take(id)).collect::<Vec<_>>()
    };
    let world = &mut scene.world;
    let root = &meeting.fixture.root;
    let hello = world.hello(&meeting.fixture, root).encode();
    let [challenge, ticket] = request(world, std::slice::from_ref(&hello)).try_into().unwrap();
    let admission = Sponsorship::sign(&admin, space, &OfferTranscript::new(&hello, &challenge)).encode();
    let (chain, keyring) = (meeting.fixture.chain.clone(), meeting.fixture.keyring.clone());
    let proof = FoundingProof { chain, keyring, admission, signature: Signature::ZERO };
    let proof = sign_founding_proof(root, &hello, &challenge, proof).encode();
    let founded = request(world, &[hello, challenge, ticket, proof]);
    assert!(matches!(RelayFrame::decode(&founded[0]), Ok(RelayFrame::Welcome(_))));
    // The token is good for longer than the space.
    world.jump(1000);
    let hello = world.hello(&meeting.fixture, &meeting.device).encode();
    let [challenge, ticket] = request(world, std::slice::from_ref(&hello)).try_into().unwrap();
    let proof = sign_proof(&meeting.device, &hello, &challenge, Vec::new(), Bytes::new()).encode();
    let [_, token] = request(world, &[hello, challenge, ticket, proof]).try_into().unwrap();
    let token = SessionToken::decode(&token).unwrap().token;
    let access = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&access);
    world.relay.authorise(&token, world.now, Box::new(move |judged| *seen.lock().unwrap() = judged.ok()));
    assert!(access.lock().unwrap().is_some_and(|who| who.access.read && !who.access.write));
    let exchange = |world: &mut World| {
        let id =
            world.attach(|relay, opened, now| relay.open_exchange(&token, ExchangeOptions::default(), opened, now));
        world.poll(id);
        id
    };
    let id = exchange(world);
    world.push(id, 1, &["hello"]);
    assert_eq!(world.receipt(id).push_seq_first, 1);
    world.jump(SPONSORED_LIFE_MS - 2000);
    let id = exchange(world);
    assert_eq!(world.closed(id), None);
    world.jump(1000);
    let id = exchange(world);
    assert_eq!(world.error(id).code, ErrorCode::SessionExpired.number());
}

#[test]
fn only_so_many_sessions_are_open_in_one() {
    let mut scene = Scene::new();
    let meeting = Meeting::new(1);
    scene.founded(&meeting);
    for _ in 0..SPONSORED_SESSIONS_MAX {
        scene.world.open(&meeting.fixture, &meeting.device);
    }
    let id = scene.world.connect();
    let (hello, challenge) = scene.world.greet(id, &scene.world.hello(&meeting.fixture, &meeting.device));
    scene.world.send(id, &sign_proof(&meeting.device, &hello, &challenge, Vec::new(), Bytes::new()));
    assert_eq!(scene.world.error(id).code, ErrorCode::TooManyConnections.number());
}

#[test]
fn what_is_in_it_counts_for_the_sponsors_tenant() {
    let mut scene = Scene::of(TenantLimits { bytes_max: 10, ..TenantLimits::default() });
    let meeting = Meeting::new(1);
    scene.founded(&meeting);
    let device = scene.world.open(&meeting.fixture, &meeting.device);
    scene.world.push(device, 1, &["123456"]);
    scene.world.receipt(device);
    let (admin, space) = (scene.cast.a.clone(), scene.cast.space.clone());
    let sponsor = scene.world.open(&space, &admin);
    scene.world.push(sponsor, 1, &["12345"]);
    let full = QuotaDetail { quota: Quota::TenantBytes, used: 6, allowed: 10, needed: 5 };
    assert_eq!(detail(&scene.world.error(sponsor)), full);
    assert_eq!(scene.world.relay.tenant_count(), (1, 2));
}

#[test]
fn nothing_is_founded_before_it_is_kept_that_it_is_sponsored() {
    let mut scene = Scene::new();
    let (admin, space, meeting) = (scene.cast.a.clone(), scene.cast.space.id(), Meeting::new(1));
    scene.records.0.lock().unwrap().1 = Some(StoreError::DiskFull);
    let id = scene.found(&meeting, &admin, space);
    assert_eq!(scene.world.error(id).code, ErrorCode::DiskFull.number());
    assert!(!scene.is_known(meeting.fixture.id()));
    assert_eq!(scene.world.relay.stats().sponsored_spaces, 0);
    scene.records.0.lock().unwrap().1 = None;
    scene.founded(&meeting);
    scene.founded(&Meeting::new(2));
    scene.restart();
    let device = scene.world.open(&meeting.fixture, &meeting.device);
    scene.world.send(device, &EphemeralListen { listen: true });
    assert_eq!(scene.world.error(device).code, ErrorCode::UnexpectedFrame.number(), "it is one after a restart too");
}
