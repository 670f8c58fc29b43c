//! Overload: pushes that would wait too long are refused at once, in order, and with a time to come back.

mod support;

use relay_core::limits::{PUSHES_WAITING_ADMITTED, RelayLimits};
use relay_proto::ErrorCode;
use relay_proto::KeyPair;
use relay_proto::frame::RelayFrame;
use relay_proto::roster::Rights;
use support::{Cast, World};

const BUSY: u16 = ErrorCode::Busy.number();
const GAP: u16 = ErrorCode::PushSeqGap.number();

/// What a session got: the first push_seq of its receipts, and its errors.
#[derive(Debug, Default, PartialEq, Eq)]
struct Got {
    receipts: Vec<u64>,
    errors: Vec<(u16, u64)>,
    retry_after_ms: Vec<u32>,
}

fn got(world: &mut World, id: usize) -> Got {
    let mut got = Got::default();
    for frame in world.recv_all(id) {
        match frame {
            RelayFrame::Receipt(receipt) => got.receipts.push(receipt.push_seq_first),
            RelayFrame::ErrorFrame(error) => {
                got.errors.push((error.code, error.context));
                got.retry_after_ms.push(error.retry_after_ms);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    got
}

fn ready(cast: &Cast) -> (World, usize, usize) {
    let mut world = World::with_limits(RelayLimits { push_wait_ms_max: 500, ..RelayLimits::default() });
    world.found(&cast.space);
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    for id in [a, b] {
        world.push(id, 1, &["1"]);
        assert_eq!(world.receipt(id).push_seq_first, 1);
    }
    (world, a, b)
}

/// The disk stands still under more pushes than one group takes.
fn overload(world: &mut World, a: usize, b: usize) {
    world.store.pause();
    for _ in 0..=PUSHES_WAITING_ADMITTED {
        // The same again is only looked up, but it waits like everything else.
        world.push(a, 1, &["1"]);
    }
    // How fast the disk is is not known yet.
    world.push(b, 2, &["2"]);
    world.jump(1100);
}

fn overloaded(cast: &Cast) -> (World, usize, usize) {
    let (mut world, a, b) = ready(cast);
    overload(&mut world, a, b);
    (world, a, b)
}

#[test]
fn what_follows_a_refused_push_is_a_gap_and_nothing_is_stored_out_of_order() {
    let cast = Cast::new();
    let (mut world, _, b) = overloaded(&cast);
    world.push(b, 3, &["3"]);
    let refused = got(&mut world, b);
    assert_eq!(refused.errors, [(BUSY, 3)]);
    world.store.resume();
    world.settle();
    world.push(b, 4, &["4"]);
    world.push(b, 5, &["5"]);
    let after = got(&mut world, b);
    assert_eq!(after.receipts, [2]);
    assert_eq!(after.errors, [(GAP, 4), (GAP, 5)]);
    assert_eq!(world.closed(b), None, "the connection stays");
    for n in 3..=5 {
        world.push(b, n, &["again"]);
    }
    assert_eq!(got(&mut world, b).receipts, [3, 4, 5], "the push_seq of a refused push is free");
}

#[test]
fn a_refusal_says_when_to_come_back_and_is_counted() {
    let cast = Cast::new();
    let (mut world, _, b) = overloaded(&cast);
    let before = world.relay.stats();
    assert!(before.pushes_waiting >= PUSHES_WAITING_ADMITTED && before.pushes_refused_total == 0, "{before:?}");
    for n in 3..=5 {
        world.push(b, n, &["x"]);
    }
    let refused = got(&mut world, b);
    // Only the first is refused for the load; the others could not be stored whatever the load.
    assert_eq!(refused.errors, [(BUSY, 3), (GAP, 4), (GAP, 5)]);
    assert!((500..=30_000).contains(&refused.retry_after_ms[0]), "{refused:?}");
    let stats = world.relay.stats();
    assert_eq!((stats.pushes_refused_total, stats.pushes_total), (1, before.pushes_total));
    world.store.resume();
    world.settle();
    assert_eq!((world.relay.stats().pushes_waiting, world.relay.stats().push_bytes_waiting), (0, 0));
}

#[test]
fn sessions_that_go_while_their_pushes_wait_leave_nothing_counted() {
    let cast = Cast::new();
    let (mut world, a, b) = overloaded(&cast);
    world.hang_up(a);
    world.hang_up(b);
    world.store.resume();
    world.settle();
    assert_eq!(world.relay.stats().pushes_waiting, 0);
}

#[test]
fn a_new_device_starts_where_it_was_refused() {
    let mut cast = Cast::new();
    let c = KeyPair::from_seed(&[104; 32]);
    cast.space.add(&cast.a, &c, Rights::Write);
    let (mut world, a, b) = ready(&cast);
    let id = world.open(&cast.space, &c);
    overload(&mut world, a, b);
    world.push(id, 1, &["1"]);
    assert_eq!(got(&mut world, id).errors, [(BUSY, 1)]);
    world.store.resume();
    world.settle();
    // Its first push may have any number, so that the store would take this one.
    world.push(id, 2, &["2"]);
    assert_eq!(got(&mut world, id).errors, [(GAP, 2)]);
    world.push(id, 1, &["1"]);
    world.push(id, 2, &["2"]);
    assert_eq!(got(&mut world, id).receipts, [1, 2]);
}
