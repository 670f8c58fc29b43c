//! Topics: who is told of whom, what reaches whom, and what happens to those who do not read.

mod support;

use bytes::Bytes;
use relay_core::limits::RelayLimits;
use relay_proto::frame::{RelayFrame, TopicCredit, TopicJoin, TopicJoined, TopicLeave, TopicSend};
use relay_proto::ids::{SealedBytes, TopicKey};
use relay_proto::limits::{TOPIC_WINDOW_BYTES, TOPICS_PER_SESSION_MAX, topic_charge_bytes};
use relay_proto::{ErrorCode, KeyPair};
use support::{Cast, World};

const KEY: TopicKey = TopicKey([9; 32]);

fn ready() -> (World, Cast) {
    let (world, cast) = (World::with_limits(RelayLimits::default()), Cast::new());
    world.found(&cast.space);
    (world, cast)
}

/// A session in the topic, and its peer number.
fn join(world: &mut World, cast: &Cast, device: &KeyPair) -> (usize, u32) {
    let id = world.open(&cast.space, device);
    world.send(id, &TopicJoin { topic: KEY });
    let RelayFrame::TopicJoined(TopicJoined { topic, number, peer }) = world.recv(id) else { panic!("joined") };
    assert_eq!((topic, number), (KEY, 1));
    (id, peer)
}

fn send(world: &mut World, id: usize, to_all: bool, peer: u32, sealed: &[u8]) {
    let sealed = SealedBytes(Bytes::copy_from_slice(sealed));
    world.send(id, &TopicSend { number: 1, to_all, peer, key_epoch: 1, sealed });
}

/// One line for each frame a session got.
fn told(world: &mut World, id: usize) -> Vec<String> {
    let line = |frame| match frame {
        RelayFrame::TopicPeer(f) => format!("{}{}", if f.present { '+' } else { '-' }, f.peer),
        RelayFrame::TopicData(f) => {
            let text = String::from_utf8_lossy(&f.sealed.0).chars().take(8).collect::<String>();
            format!("{}{}: {text}", f.peer, if f.to_all { " to all" } else { "" })
        }
        RelayFrame::TopicCredit(f) => format!("{} took {}", f.peer, f.bytes),
        RelayFrame::ErrorFrame(f) => ErrorCode::from_number(f.code).unwrap().name().to_owned(),
        other => panic!("{other:?}"),
    };
    world.recv_all(id).into_iter().map(line).collect()
}

#[test]
fn peers_are_told_of_each_other_and_messages_reach_one_or_all() {
    let (mut world, cast) = ready();
    let (a, one) = join(&mut world, &cast, &cast.a);
    let (b, two) = join(&mut world, &cast, &cast.b);
    let (r, three) = join(&mut world, &cast, &cast.r);
    assert_eq!((one, two, three), (1, 2, 3));
    assert_eq!(told(&mut world, a), ["+2", "+3"]);
    assert_eq!(told(&mut world, b), ["+1", "+3"]);
    assert_eq!(told(&mut world, r), ["+1", "+2"]);
    send(&mut world, a, true, 3, b"all");
    send(&mut world, a, true, 2, b"before 3");
    send(&mut world, a, false, 3, b"one");
    send(&mut world, r, false, 1, b"back");
    assert_eq!(told(&mut world, b), ["1 to all: all", "1 to all: before 3"]);
    assert_eq!(told(&mut world, r), ["1 to all: all", "1: one"]);
    assert_eq!(told(&mut world, a), ["3: back"]);
    world.send(b, &TopicLeave { number: 1 });
    world.hang_up(r);
    assert_eq!(told(&mut world, a), ["-2", "-3"]);
    send(&mut world, a, false, 2, b"nobody");
    assert!(told(&mut world, b).is_empty());
    world.hang_up(a);
    let stats = world.relay.stats();
    assert_eq!((stats.topics, stats.topic_bytes, stats.topic_messages_total), (0, 0, 5));
}

#[test]
fn spaces_do_not_meet_in_a_topic() {
    let (mut world, cast) = ready();
    let other = relay_core::testing::SpaceFixture::new(2, &[(&cast.b, relay_proto::roster::Rights::Write)]);
    world.found(&other);
    let (a, _) = join(&mut world, &cast, &cast.a);
    let b = world.open(&other, &cast.b);
    world.send(b, &TopicJoin { topic: KEY });
    world.recv(b);
    send(&mut world, b, true, 9, b"x");
    assert!(told(&mut world, a).is_empty() && told(&mut world, b).is_empty());
}

#[test]
fn a_receiver_that_takes_nothing_holds_its_sender_back_and_loses_nothing() {
    let (mut world, cast) = ready();
    let (a, _) = join(&mut world, &cast, &cast.a);
    let (b, _) = join(&mut world, &cast, &cast.b);
    told(&mut world, a);
    told(&mut world, b);
    let message = [b'm'; 60_000];
    let charge = topic_charge_bytes(message.len());
    let fit = TOPIC_WINDOW_BYTES / charge;
    for _ in 0..fit {
        send(&mut world, a, false, 2, &message);
    }
    send(&mut world, a, true, 2, &message);
    assert_eq!(told(&mut world, a), ["topic_window_full"], "all or none");
    assert_eq!(told(&mut world, b).len(), usize::try_from(fit).unwrap());
    world.send(b, &TopicCredit { number: 1, peer: 1, bytes: charge });
    assert_eq!(told(&mut world, a), [format!("2 took {charge}")]);
    send(&mut world, a, true, 2, &message);
    assert_eq!(told(&mut world, b), ["1 to all: mmmmmmmm"]);
    world.send(b, &TopicCredit { number: 1, peer: 1, bytes: u32::MAX });
    assert_eq!(told(&mut world, a), [format!("2 took {}", fit * charge)], "no more than was sent");
}

#[test]
fn a_session_that_does_not_read_at_all_is_taken_out_with_a_named_error() {
    let (mut world, cast) = ready();
    let (slow, _) = join(&mut world, &cast, &cast.b);
    world.connections[slow].queue.window_bytes = 0;
    let senders: Vec<usize> = (0..17).map(|_| join(&mut world, &cast, &cast.a).0).collect();
    for id in senders {
        for _ in 0..4 {
            send(&mut world, id, false, 1, &[b'm'; 65_000]);
        }
        assert!(world.relay.stats().topic_bytes < 4 * 1024 * 1024 + 200_000);
    }
    assert_eq!(world.relay.stats().topic_overruns_total, 1);
    world.connections[slow].queue.window_bytes = support::WINDOW_BYTES;
    world.send(slow, &TopicLeave { number: 77 });
    assert_eq!(told(&mut world, slow), ["topic_overrun"]);
    assert_eq!(world.closed(slow), None);
    world.send(slow, &TopicJoin { topic: KEY });
    assert!(matches!(world.recv(slow), RelayFrame::TopicJoined(TopicJoined { peer: 19, .. })));
}

#[test]
fn limits_have_their_errors() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    send(&mut world, a, true, 1, b"x");
    assert_eq!(told(&mut world, a), ["topic_unknown"]);
    for n in 0..=TOPICS_PER_SESSION_MAX {
        world.send(a, &TopicJoin { topic: TopicKey([u8::try_from(n).unwrap(); 32]) });
    }
    let frames = world.recv_all(a);
    assert_eq!(frames.len(), TOPICS_PER_SESSION_MAX + 1);
    let Some(RelayFrame::ErrorFrame(error)) = frames.last() else { panic!("refused") };
    assert_eq!((error.code, &error.detail[..]), (ErrorCode::TopicLimit.number(), &[16; 32][..]));
    world.send(a, &TopicJoin { topic: TopicKey([3; 32]) });
    assert!(matches!(world.recv(a), RelayFrame::TopicJoined(TopicJoined { number: 4, peer: 1, .. })), "asked again");
    for _ in 0..63 {
        let id = world.open(&cast.space, &cast.b);
        world.send(id, &TopicJoin { topic: TopicKey([3; 32]) });
    }
    let late = world.open(&cast.space, &cast.b);
    world.send(late, &TopicJoin { topic: TopicKey([3; 32]) });
    assert_eq!(told(&mut world, late), ["topic_limit"]);
    assert_eq!(world.relay.stats().topic_refused_total, 3);
}
