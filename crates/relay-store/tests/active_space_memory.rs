//! What a space costs beside its sessions, counted at the allocator: just opened, and once its state was let go.

mod support;

use bytes::Bytes;
use relay_core::endpoint::{
    Close, Endpoint, EndpointFactory, Feed, FeedKind, FeedWaker, Moment, Opened, Outbound, Outbox,
};
use relay_core::environment::LogSigner;
use relay_core::limits::RelayLimits;
use relay_core::relay::{Relay, RelayParts};
use relay_core::store::Store;
use relay_core::testing::{SeededEntropy, SetClock, SpaceFixture};
use relay_proto::KeyPair;
use relay_proto::frame::{Frame, Hello, RelayFrame, Subscribe, Welcome};
use relay_proto::handshake::sign_proof;
use relay_proto::limits::FEATURES;
use relay_proto::roster::Rights;
use relay_store::embedded::by_hand::Part;
use relay_store::vfs::RealVfs;
use relay_store::{EmbeddedStore, StoreOptions};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes per space whose state was let go, beside its sessions.
const RESTED_BYTES_MAX: usize = 512;
/// The same while its state is in memory.
const FRESH_BYTES_MAX: usize = 2560;
/// A usual allocator's header and granularity.
const HEADER_BYTES: usize = 8;
const GRAIN_BYTES: usize = 16;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a count of what is held, as a usual allocator rounds it up.
struct Counting;

fn rounded(layout: Layout) -> usize {
    (layout.size() + HEADER_BYTES).next_multiple_of(GRAIN_BYTES).max(2 * GRAIN_BYTES)
}

// SAFETY: every call goes to the system's allocator as it came; counting touches no memory that was handed out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(rounded(layout), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(rounded(layout), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The newest message, and nothing else.
#[derive(Default)]
struct Line(Option<Bytes>);

struct Unwoken;

impl FeedWaker for Unwoken {
    fn wake(self: Arc<Self>) {}
}

impl Outbox for Line {
    fn room_bytes(&self) -> usize {
        1 << 20
    }

    fn push(&mut self, message: Outbound) {
        let Outbound::Own(frame) = message else { panic!("nothing is shared here") };
        self.0 = Some(frame);
    }

    fn offer_feed(&mut self, _: FeedKind, _: Arc<dyn Feed>) -> Option<Arc<dyn FeedWaker>> {
        Some(Arc::new(Unwoken))
    }

    fn close(&mut self, close: Close) {
        panic!("closed with {}", close.code);
    }

    fn pause_reading(&mut self, _: bool) {}
}

struct World {
    relay: Arc<Relay>,
    store: Arc<EmbeddedStore>,
    sessions: Vec<Box<dyn Endpoint>>,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions { by_hand: true, ..support::options(dir.path().join("d"), 1 << 20) };
        let store = Arc::new(support::open(Arc::new(RealVfs), &options).unwrap());
        let relay = Relay::new(RelayParts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            signer: store.signer() as Arc<dyn LogSigner>,
            entropy: Arc::new(SeededEntropy::new(1)),
            wall_clock: Arc::new(SetClock::default()),
            limits: RelayLimits::default(),
        });
        Self { relay, store, sessions: Vec::new(), _dir: dir }
    }

    /// Sends a message and lets the store answer; what came back last.
    fn say(&self, session: &mut dyn Endpoint, line: &mut Line, message: Bytes) -> Option<Bytes> {
        line.0 = None;
        session.on_message(message, Moment::default(), line);
        session.on_read_end(Moment::default(), line);
        self.store.settle();
        session.poll(Moment::default(), line);
        self.store.settle();
        session.poll(Moment::default(), line);
        line.0.take()
    }

    fn open(&mut self, space: &SpaceFixture, device: &KeyPair, introduces: bool) {
        let opened = Opened { connection_id: self.sessions.len() as u64, waker: Arc::new(|| {}) };
        let (mut session, mut line) = (self.relay.open(opened, Moment::default()), Line::default());
        let (roster_version, roster_hash) = space.newest();
        let hello = Hello {
            versions: vec![1],
            features: FEATURES,
            space: space.id(),
            device: device.device(),
            client_nonce: [7; 32],
            roster_version,
            roster_hash,
        };
        let hello = hello.encode();
        let challenge = self.say(&mut *session, &mut line, hello.clone()).expect("a challenge");
        let (chain, keyring) =
            if introduces { (space.chain.clone(), space.keyring.clone()) } else { Default::default() };
        let proof = sign_proof(device, &hello, &challenge, chain, keyring).encode();
        // As it comes from a socket: a piece of memory of its own, which is no part of the fixture's.
        let welcome = self.say(&mut *session, &mut line, Bytes::copy_from_slice(&proof)).expect("a welcome");
        let claim = Welcome::decode(&welcome).expect("a welcome").body.attestation.claim;
        let subscribe = Subscribe { log_epoch: claim.log_epoch, after: claim.size, omit_own: false };
        let answer = self.say(&mut *session, &mut line, subscribe.encode());
        assert!(answer.is_none_or(|answer| matches!(RelayFrame::decode(&answer), Ok(RelayFrame::Entries(_)))));
        self.sessions.push(session);
    }
}

/// Bytes held for so many spaces with so many sessions each: just opened, and once nothing of the spaces is in memory.
fn held(spaces: usize, sessions: usize) -> (usize, usize) {
    let devices: Vec<KeyPair> = (1..=sessions).map(|n| KeyPair::from_seed(&[u8::try_from(n).unwrap(); 32])).collect();
    let listed: Vec<(&KeyPair, Rights)> = devices.iter().map(|device| (device, Rights::Admin)).collect();
    let mut world = World::new();
    // What is made once does not count.
    let found = |world: &mut World, n: usize| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&n.to_be_bytes());
        let space = SpaceFixture::of_root(KeyPair::from_seed(&seed), &listed);
        for (at, device) in devices.iter().enumerate() {
            world.open(&space, device, at == 0);
        }
    };
    (0..2).for_each(|n| found(&mut world, n));
    let before = LIVE_BYTES.load(Ordering::Relaxed);
    (2..2 + spaces).for_each(|n| found(&mut world, n));
    let fresh = LIVE_BYTES.load(Ordering::Relaxed) - before;
    assert_eq!(world.store.stats().spaces_resident as usize, spaces + 2);
    while world.store.stats().spaces_resident > 0 {
        world.store.turn(Part::Keeper);
    }
    let rested = LIVE_BYTES.load(Ordering::Relaxed) - before;
    assert_eq!(world.relay.stats().active_spaces as usize, spaces + 2, "its sessions are still there");
    (fresh, rested)
}

#[test]
fn a_space_with_sessions_takes_little_beside_them() {
    const MANY: (usize, usize) = (500, 2);
    const FEW: (usize, usize) = (50, 20);
    let (many, few) = (held(MANY.0, MANY.1), held(FEW.0, FEW.1));
    let each = |many: usize, few: usize| many.saturating_sub(few) / (MANY.0 - FEW.0);
    let (fresh, rested) = (each(many.0, few.0), each(many.1, few.1));
    assert!(rested > 0 && rested <= RESTED_BYTES_MAX, "{rested} bytes per space whose state was let go");
    // The control: state in memory is seen, and is more than is allowed without it.
    assert!(fresh > RESTED_BYTES_MAX && fresh <= FRESH_BYTES_MAX, "{fresh} bytes per space just opened");
}
