//! Ephemeral frames: who gets them, what a slow listener is told, and what the relay keeps.

mod support;

use bytes::Bytes;
use relay_core::limits::{EPHEMERAL_SPACE_BYTES_MAX, EPHEMERAL_SPACE_FRAMES_MAX, RelayLimits};
use relay_proto::frame::{Ephemeral, EphemeralListen, EphemeralSend, Frame, RelayFrame, RosterUpdate};
use relay_proto::ids::{DeviceKey, SealedBytes};
use relay_proto::{ErrorCode, KeyPair};
use support::{Cast, World};

fn ready(limits: RelayLimits) -> (World, Cast) {
    let (world, cast) = (World::with_limits(limits), Cast::new());
    world.found(&cast.space);
    (world, cast)
}

fn unlimited() -> RelayLimits {
    RelayLimits { ephemeral_frames_per_second_max: u32::MAX, ..RelayLimits::default() }
}

fn open(world: &mut World, cast: &Cast, device: &KeyPair) -> usize {
    let id = world.open(&cast.space, device);
    world.send(id, &EphemeralListen { listen: true });
    id
}

fn send(world: &mut World, id: usize, sealed: &[u8]) {
    world.send(id, &EphemeralSend { key_epoch: 1, sealed: SealedBytes(Bytes::copy_from_slice(sealed)) });
}

/// What a session got: frames by sender and text, and the numbers of missed ones.
fn got(world: &mut World, id: usize) -> (Vec<(DeviceKey, String)>, Vec<u64>) {
    let (mut frames, mut missed) = (Vec::new(), Vec::new());
    for frame in world.recv_all(id) {
        match frame {
            RelayFrame::Ephemeral(frame) => {
                frames.push((frame.device, String::from_utf8_lossy(&frame.sealed.0).into_owned()));
            }
            RelayFrame::EphemeralMissed(frame) => missed.push(frame.count),
            other => panic!("{other:?}"),
        }
    }
    (frames, missed)
}

fn texts(world: &mut World, id: usize) -> Vec<String> {
    got(world, id).0.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn those_who_listen_get_the_frames_of_others_in_order_with_their_device() {
    let (mut world, cast) = ready(RelayLimits::default());
    let (a, b, r) =
        (open(&mut world, &cast, &cast.a), open(&mut world, &cast, &cast.b), open(&mut world, &cast, &cast.r));
    let deaf = world.open(&cast.space, &cast.b);
    for text in ["1", "2", "3"] {
        send(&mut world, a, text.as_bytes());
    }
    send(&mut world, r, b"a reader is present too");
    let of_a = |text: &str| (cast.a.device(), text.to_owned());
    let of_r = (cast.r.device(), "a reader is present too".to_owned());
    assert_eq!(got(&mut world, b), (vec![of_a("1"), of_a("2"), of_a("3"), of_r.clone()], vec![]));
    assert_eq!(got(&mut world, a), (vec![of_r], vec![]), "nobody gets its own");
    assert_eq!(texts(&mut world, r), ["1", "2", "3"]);
    assert_eq!(got(&mut world, deaf), (vec![], vec![]));
    let stats = world.relay.stats();
    assert_eq!((stats.ephemeral_frames_total, stats.ephemeral_sent_total, stats.ephemeral_bytes), (4, 8, 0));
}

#[test]
fn listening_starts_now_and_ends_when_asked_or_with_the_session() {
    let (mut world, cast) = ready(RelayLimits::default());
    let a = open(&mut world, &cast, &cast.a);
    send(&mut world, a, b"before");
    let b = open(&mut world, &cast, &cast.b);
    assert!(texts(&mut world, b).is_empty());
    world.connections[b].queue.window_bytes = 0;
    send(&mut world, a, b"waits");
    assert!(world.relay.stats().ephemeral_bytes > 0);
    world.send(b, &EphemeralListen { listen: false });
    assert_eq!(world.relay.stats().ephemeral_bytes, 0, "nobody waits for it");
    world.send(b, &EphemeralListen { listen: true });
    send(&mut world, a, b"waits again");
    world.hang_up(b);
    assert_eq!(world.relay.stats().ephemeral_bytes, 0);
}

#[test]
fn a_slow_listener_is_told_exactly_how_many_frames_of_others_it_missed() {
    let (mut world, cast) = ready(unlimited());
    let (a, b, r) =
        (open(&mut world, &cast, &cast.a), open(&mut world, &cast, &cast.b), open(&mut world, &cast, &cast.r));
    world.connections[b].queue.window_bytes = 0;
    let others = EPHEMERAL_SPACE_FRAMES_MAX + 100;
    for n in 0..others {
        send(&mut world, a, n.to_string().as_bytes());
        if n % 10 == 0 {
            send(&mut world, b, b"own");
        }
        world.recv_all(r);
    }
    world.connections[b].queue.window_bytes = support::WINDOW_BYTES;
    world.poll(b);
    send(&mut world, a, b"last");
    let (frames, missed) = got(&mut world, b);
    assert_eq!(missed.len(), 1);
    assert_eq!(u64::try_from(frames.len()).unwrap() + missed[0], u64::try_from(others).unwrap() + 1);
    assert!(missed[0] > 0);
    assert_eq!(frames.last().unwrap().1, "last");
    let stats = world.relay.stats();
    assert_eq!((stats.ephemeral_dropped_total, stats.ephemeral_bytes), (missed[0], 0));
    texts(&mut world, a);
}

#[test]
fn what_waits_is_bounded_in_bytes() {
    let (mut world, cast) = ready(unlimited());
    let (a, b) = (open(&mut world, &cast, &cast.a), open(&mut world, &cast, &cast.b));
    world.connections[b].queue.window_bytes = 0;
    for _ in 0..200 {
        world.jump(1000);
        send(&mut world, a, &[7; 16 * 1024]);
        assert!(world.relay.stats().ephemeral_bytes <= u64::try_from(EPHEMERAL_SPACE_BYTES_MAX).unwrap());
    }
}

#[test]
fn who_sends_too_fast_is_refused_and_told_once_a_second() {
    let (mut world, cast) = ready(RelayLimits { ephemeral_frames_per_second_max: 10, ..RelayLimits::default() });
    let (a, b) = (open(&mut world, &cast, &cast.a), open(&mut world, &cast, &cast.b));
    for n in 0..30 {
        send(&mut world, a, n.to_string().as_bytes());
    }
    let error = world.error(a);
    assert_eq!((error.code, error.context, error.retry_after_ms), (ErrorCode::RateLimited.number(), 0, 1000));
    assert!(world.recv_all(a).is_empty(), "once a second");
    let through = texts(&mut world, b).len();
    assert!((10..=12).contains(&through), "{through}");
    assert_eq!(world.relay.stats().ephemeral_refused_total, 30 - u64::try_from(through).unwrap());
    world.jump(1000);
    send(&mut world, a, b"again");
    assert_eq!(texts(&mut world, b), ["again"]);
    assert_eq!(world.closed(a), None);
}

#[test]
fn a_device_that_left_gets_nothing_that_was_sent_after_it_left() {
    let (mut world, cast) = ready(RelayLimits::default());
    let mut space = cast.space.clone();
    let (a, b) = (open(&mut world, &cast, &cast.a), open(&mut world, &cast, &cast.b));
    world.connections[b].queue.window_bytes = 0;
    space.remove(&cast.a, cast.b.device(), 0);
    world.found(&space);
    send(&mut world, a, b"after");
    world.connections[b].queue.window_bytes = support::WINDOW_BYTES;
    world.send(b, &relay_proto::frame::Ping { nonce: 1 });
    let frames: Vec<u8> = std::iter::from_fn(|| world.take(b)).map(|message| message[0]).collect();
    assert_eq!(frames, [0x05], "the error, and nothing else");
    assert_eq!(world.closed(b), Some(ErrorCode::DeviceRevoked.close()));
}

#[test]
fn what_was_sent_after_a_change_of_the_roster_waits_for_it_also_on_the_way_past_the_session() {
    let (mut world, cast) = ready(RelayLimits::default());
    let mut space = cast.space.clone();
    let (fed, other) = (open(&mut world, &cast, &cast.b), open(&mut world, &cast, &cast.a));
    assert!(world.connections[fed].queue.takes_from_feed() && !world.connections[other].queue.takes_from_feed());
    send(&mut world, other, b"before");
    assert_eq!(texts(&mut world, fed), ["before"]);
    space.remove(&cast.a, cast.r.device(), 0);
    world.found(&space);
    world.store.pause();
    send(&mut world, other, b"after");
    assert!(world.take(fed).is_none(), "the roster is being looked up");
    world.store.resume();
    world.settle();
    let frames: Vec<u8> = std::iter::from_fn(|| world.take(fed)).map(|message| message[0]).collect();
    assert_eq!(frames, [RosterUpdate::TYPE.number(), Ephemeral::TYPE.number()]);
    send(&mut world, other, b"past it again");
    assert_eq!(texts(&mut world, fed), ["past it again"]);
}

#[test]
fn frames_taken_in_place_go_out_together_at_the_end_of_the_read_and_are_told_from_everything_else() {
    let (mut world, cast) = ready(RelayLimits { ephemeral_frames_per_second_max: 3, ..RelayLimits::default() });
    let (a, b) = (open(&mut world, &cast, &cast.a), open(&mut world, &cast, &cast.b));
    let frame = |text: &'static str| {
        EphemeralSend { key_epoch: 1, sealed: SealedBytes(Bytes::from_static(text.as_bytes())) }.encode()
    };
    let in_place = |world: &mut World, message: &Bytes| world.in_place(a, message);
    assert!(in_place(&mut world, &frame("1")) && in_place(&mut world, &frame("2")));
    world.settle();
    assert!(texts(&mut world, b).is_empty(), "the read goes on");
    assert!(!in_place(&mut world, &relay_proto::frame::Ping { nonce: 1 }.encode()));
    assert!(!in_place(&mut world, &frame("")), "a malformed one is refused like any other message");
    world.end_read(a);
    assert_eq!(texts(&mut world, b), ["1", "2"]);
    assert_eq!(world.relay.stats().ephemeral_frames_total, 2);
    while in_place(&mut world, &frame("more")) {}
    world.send_bytes(a, frame("too fast"));
    assert_eq!(world.error(a).code, ErrorCode::RateLimited.number());
    assert!(!texts(&mut world, b).is_empty(), "what came before another message is sent before it");
    world.jump(10_000);
    assert!(in_place(&mut world, &frame("last words")));
    world.hang_up(a);
    assert_eq!(texts(&mut world, b), ["last words"]);
}

#[test]
fn without_the_feature_and_for_the_root_they_are_refused() {
    let (mut world, cast) = ready(RelayLimits::default());
    let root = world.open(&cast.space, &cast.space.root.clone());
    send(&mut world, root, b"x");
    assert_eq!(world.error(root).code, ErrorCode::ReadOnly.number());
    let old = world.connect();
    let hello = relay_proto::frame::Hello { features: 1 << 1, ..world.hello(&cast.space, &cast.a) };
    let (hello, challenge) = world.greet(old, &hello);
    let proof = relay_proto::handshake::sign_proof(&cast.a, &hello, &challenge, Vec::new(), Bytes::new());
    world.send_bytes(old, proof.encode());
    world.take(old).expect("a welcome");
    send(&mut world, old, b"x");
    assert_eq!(world.error(old).code, ErrorCode::UnexpectedFrame.number());
    assert_eq!(world.closed(old), Some(ErrorCode::UnexpectedFrame.close()));
}
