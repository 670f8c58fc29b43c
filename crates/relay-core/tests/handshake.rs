//! The handshake, and everything that must not get through it.

mod support;

use bytes::Bytes;
use relay_core::endpoint::Moment;
use relay_core::limits::RelayLimits;
use relay_core::testing::SpaceFixture;
use relay_proto::frame::{ErrorFrame, Frame, Hello, Ping, Proof, RelayFrame};
use relay_proto::handshake::sign_proof;
use relay_proto::ids::Signature;
use relay_proto::roster::Rights;
use relay_proto::{ErrorCode, KeyPair};
use support::{Cast, World};

#[test]
fn a_member_is_welcomed_and_told_what_it_needs() {
    let (mut world, cast) = (World::new(), Cast::new());
    let (id, welcome) = world.open_with(&cast.space, &cast.a, cast.space.chain.clone());
    assert_eq!((welcome.body.roster_version, welcome.body.roster_hash), cast.space.newest());
    assert_eq!((welcome.body.push_seq_high, welcome.body.push_seq_bound), (0, false));
    assert!(
        welcome.body.attestation.verify(&cast.space.id(), &relay_core::environment::LogSigner::log_id(&*world.signer))
    );
    assert!(world.recv_all(id).is_empty(), "nothing newer to tell");
    let again = world.open(&cast.space, &cast.b);
    assert_eq!(world.closed(again), None);
    let root = cast.space.root.clone();
    let (_, welcome) = world.open_with(&cast.space, &root, Vec::new());
    assert_eq!(welcome.body.push_seq_high, 0);
    assert_eq!(world.relay.stats().handshakes_ok_total, 3);
    assert_eq!(world.relay.stats().sessions, 3);
}

#[test]
fn a_client_with_an_older_roster_gets_the_newer_one_at_once() {
    let (mut world, mut cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    let old = cast.space.clone();
    cast.space.follow(&cast.a, |fields| fields.queue_mode = true);
    world.found(&cast.space);
    let id = world.open(&old, &cast.b);
    let RelayFrame::RosterUpdate(update) = world.recv(id) else { panic!("a roster update") };
    assert_eq!(update.chain, cast.space.newest_only());
    assert_eq!(update.keyring, cast.space.keyring);
}

/// What the peer sees of a failed handshake: every byte and when it came.
type Seen = (Vec<(Moment, Bytes)>, Option<(Moment, u16)>);

fn outcome(world: &mut World, id: usize) -> Seen {
    let start = world.now;
    world.advance(40);
    let since = |at: Moment| Moment(at.0 - start.0);
    let queue = &world.connections[id].queue;
    let messages = queue.messages.iter().map(|(at, message)| (since(*at), message.clone())).collect();
    (messages, queue.closed.as_ref().map(|(at, close)| (since(*at), close.code)))
}

type Attempt = fn(&mut World, &Cast, usize);

fn proof_for(world: &mut World, id: usize, hello: &Hello, key: &KeyPair, chain: Vec<Bytes>, keyring: Bytes) -> Proof {
    let (hello, challenge) = world.greet(id, hello);
    sign_proof(key, &hello, &challenge, chain, keyring)
}

const FAILURES: &[(&str, Attempt)] = &[
    ("unknown space", |world, cast, id| {
        let other = SpaceFixture::new(9, &[(&cast.a, Rights::Admin)]);
        let hello = world.hello(&other, &cast.a);
        let proof = proof_for(world, id, &hello, &cast.a, Vec::new(), Bytes::new());
        world.send(id, &proof);
    }),
    ("a device that is in no roster", |world, cast, id| {
        let stranger = KeyPair::from_seed(&[66; 32]);
        let hello = world.hello(&cast.space, &stranger);
        let proof = proof_for(world, id, &hello, &stranger, Vec::new(), Bytes::new());
        world.send(id, &proof);
    }),
    ("a member's name with another key", |world, cast, id| {
        let hello = world.hello(&cast.space, &cast.a);
        let proof = proof_for(world, id, &hello, &KeyPair::from_seed(&[66; 32]), Vec::new(), Bytes::new());
        world.send(id, &proof);
    }),
    ("a key that is none", |world, cast, id| {
        let hello = Hello { device: relay_proto::DeviceKey([0; 32]), ..world.hello(&cast.space, &cast.a) };
        let proof = proof_for(world, id, &hello, &cast.a, Vec::new(), Bytes::new());
        world.send(id, &proof);
    }),
    ("a proof replayed from another connection", |world, cast, id| {
        let other = world.connect();
        let hello = world.hello(&cast.space, &cast.a);
        let proof = proof_for(world, other, &hello, &cast.a, Vec::new(), Bytes::new());
        world.greet(id, &hello);
        world.send(id, &proof);
    }),
    ("the challenge reflected", |world, cast, id| {
        let hello = world.hello(&cast.space, &cast.a);
        let (_, challenge) = world.greet(id, &hello);
        world.send_bytes(id, challenge);
    }),
    ("a truncated proof", |world, cast, id| {
        let hello = world.hello(&cast.space, &cast.a);
        let proof = proof_for(world, id, &hello, &cast.a, Vec::new(), Bytes::new()).encode();
        world.send_bytes(id, proof.slice(..proof.len() - 1));
    }),
    ("a proof for another space", |world, cast, id| {
        let other = SpaceFixture::new(9, &[(&cast.a, Rights::Admin)]);
        world.found(&other);
        let foreign = world.hello(&other, &cast.a).encode();
        let (_, challenge) = world.greet(id, &world.hello(&cast.space, &cast.a));
        world.send(id, &sign_proof(&cast.a, &foreign, &challenge, Vec::new(), Bytes::new()));
    }),
    ("zeros for a signature", |world, cast, id| {
        world.greet(id, &world.hello(&cast.space, &cast.a));
        world.send(id, &Proof { chain: Vec::new(), keyring: Bytes::new(), signature: Signature::ZERO });
    }),
    ("another frame in the proof's place", |world, cast, id| {
        world.greet(id, &world.hello(&cast.space, &cast.a));
        world.send(id, &Ping { nonce: 1 });
    }),
    ("a frame that is too large", |world, cast, id| {
        world.greet(id, &world.hello(&cast.space, &cast.a));
        world.send_bytes(id, Bytes::from(vec![3; 300 * 1024]));
    }),
    ("a chain that does not hold", |world, cast, id| {
        let mut broken = cast.space.clone();
        broken.follow(&cast.b, |_| {});
        let hello = world.hello(&cast.space, &cast.a);
        let proof = proof_for(world, id, &hello, &cast.a, broken.newest_only(), broken.keyring.clone());
        world.send(id, &proof);
    }),
    ("a stranger's chain that does not list it", |world, cast, id| {
        let stranger = KeyPair::from_seed(&[66; 32]);
        let own = SpaceFixture::new(9, &[(&cast.a, Rights::Admin)]);
        let hello = world.hello(&own, &stranger);
        let proof = proof_for(world, id, &hello, &stranger, own.chain.clone(), own.keyring.clone());
        world.send(id, &proof);
    }),
];

#[test]
fn every_failure_gets_the_same_bytes_at_the_same_time() {
    let mut expected: Option<Seen> = None;
    // The first case runs twice: it is the control of the comparison.
    for (name, attempt) in FAILURES.iter().take(1).chain(FAILURES) {
        let (mut world, cast) = (World::new(), Cast::new());
        world.found(&cast.space);
        let id = world.connect();
        attempt(&mut world, &cast, id);
        let seen = outcome(&mut world, id);
        let (messages, closed) = &seen;
        assert_eq!(messages.len(), 1, "{name}");
        assert_eq!(messages[0].1, ErrorFrame::of(ErrorCode::HandshakeFailed).encode(), "{name}");
        assert_eq!(messages[0].0.0.as_millis(), 25, "{name}");
        assert_eq!(closed.map(|(_, code)| code), Some(4401), "{name}");
        assert_eq!(*expected.get_or_insert_with(|| seen.clone()), seen, "{name}");
        assert_eq!(world.relay.stats().handshakes_failed_total, 1, "{name}");
        assert_eq!(world.relay.stats().active_spaces, 0, "{name}: nothing is left registered");
    }
}

#[test]
fn a_chain_of_somebody_else_founds_nothing() {
    let (mut world, cast) = (World::new(), Cast::new());
    let stranger = KeyPair::from_seed(&[66; 32]);
    let id = world.connect();
    let hello = world.hello(&cast.space, &stranger);
    let proof = proof_for(&mut world, id, &hello, &stranger, cast.space.chain.clone(), cast.space.keyring.clone());
    world.send(id, &proof);
    world.advance(30);
    assert_eq!(world.closed(id), Some(4401));
    assert_eq!(relay_core::store::Store::stats(&*world.store).spaces, 0);
}

#[test]
fn unknown_versions_are_told_the_ones_spoken() {
    let (mut world, cast) = (World::new(), Cast::new());
    let id = world.connect();
    let mut hello = Hello { versions: vec![7, 9], ..world.hello(&cast.space, &cast.a) }.encode().to_vec();
    hello.truncate(10);
    hello.extend_from_slice(b"a layout of the future");
    world.send_bytes(id, hello.into());
    let error = world.error(id);
    assert_eq!((error.code, &error.detail[..]), (2, &[1, 0, 1][..]));
    assert_eq!(world.closed(id), Some(4406));
    let id = world.connect();
    let hello = Hello { versions: vec![9, 1], ..world.hello(&cast.space, &cast.a) };
    world.greet(id, &hello);
}

#[test]
fn what_is_no_hello_is_refused() {
    let cases: &[(&str, &[u8], u16)] = &[
        ("empty", &[], 4400),
        ("unknown frame", &[0xff, 1], 4402),
        ("a proof first", &[3, 0], 4402),
        ("a frame of the relay", &[2, 0], 4402),
        ("no versions", &[1, 0], 4400),
        ("cut off", &[1, 1, 0, 1, 0], 4400),
    ];
    for (name, bytes, close) in cases {
        let mut world = World::new();
        let id = world.connect();
        world.send_bytes(id, Bytes::copy_from_slice(bytes));
        world.error(id);
        assert_eq!(world.closed(id), Some(*close), "{name}");
    }
}

#[test]
fn a_handshake_that_is_not_finished_is_ended() {
    let (mut world, cast) = (World::new(), Cast::new());
    let silent = world.connect();
    let half = world.connect();
    world.greet(half, &world.hello(&cast.space, &cast.a));
    world.jump(9_999);
    assert_eq!((world.closed(silent), world.closed(half)), (None, None));
    world.jump(1);
    for id in [silent, half] {
        assert_eq!(world.error(id).code, ErrorCode::HandshakeTimeout.number());
        assert_eq!(world.closed(id), Some(4508));
    }
}

#[test]
fn the_time_for_a_handshake_can_be_set() {
    let mut world = World::with_limits(RelayLimits { handshake_ms: 300, ..RelayLimits::default() });
    let silent = world.connect();
    world.jump(299);
    assert_eq!(world.closed(silent), None);
    world.jump(1);
    assert_eq!(world.closed(silent), Some(4508));
}

#[test]
fn what_may_be_sent_depends_on_how_far_the_session_is() {
    let keys: Vec<KeyPair> =
        (0..=255).map(|n| KeyPair::from_seed(&[n; 32])).filter(|key| key.public() != [0; 32]).collect();
    let devices: Vec<_> = keys.iter().skip(2).map(|key| (key, Rights::Admin)).collect();
    let mut space = SpaceFixture::new(1, &devices);
    while space.chain.iter().map(Bytes::len).sum::<usize>() < 480 * 1024 {
        space.follow(&keys[2], |fields| fields.queue_mode = !fields.queue_mode);
    }
    let mut world = World::new();
    let id = world.connect();
    assert_eq!(world.message_bytes_max(id), 256 * 1024);
    let (hello, challenge) = world.greet(id, &world.hello(&space, &keys[2]));
    let proof = sign_proof(&keys[2], &hello, &challenge, space.chain.clone(), space.keyring.clone()).encode();
    assert!(proof.len() > 256 * 1024 && proof.len() <= world.message_bytes_max(id), "{} bytes", proof.len());
    world.send_bytes(id, proof);
    assert!(matches!(world.recv(id), RelayFrame::Welcome(_)), "a chain near its limit founds a space");
    assert_eq!(world.message_bytes_max(id), world.relay.limits().message_bytes_max());
}

#[test]
fn an_expired_device_is_told_so_also_while_connected() {
    let (mut world, mut cast) = (World::new(), Cast::new());
    let until = relay_core::testing::WALL_START_MS + 5000;
    let b = cast.b.device();
    cast.space.follow(&cast.a, |fields| {
        fields.devices.iter_mut().filter(|device| device.key == b).for_each(|device| device.not_after_ms = until);
    });
    world.found(&cast.space);
    let id = world.open(&cast.space, &cast.b);
    world.jump(6000);
    assert_eq!(world.error(id).code, ErrorCode::DeviceExpired.number());
    assert_eq!(world.closed(id), Some(4403));
    let id = world.connect();
    let hello = world.hello(&cast.space, &cast.b);
    let proof = proof_for(&mut world, id, &hello, &cast.b, Vec::new(), Bytes::new());
    world.send(id, &proof);
    assert_eq!(world.error(id).code, ErrorCode::DeviceExpired.number());
}
