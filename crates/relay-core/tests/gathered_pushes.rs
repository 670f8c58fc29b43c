//! Pushes that are taken where they lie in the read buffer: kept together, and treated as if they had come one by one.

mod support;

use bytes::Bytes;
use relay_core::limits::PUSHES_IN_FLIGHT_MAX;
use relay_proto::ErrorCode;
use relay_proto::frame::{Frame, Ping, Push, RelayFrame};
use relay_proto::ids::SealedBytes;
use support::{Cast, World};

fn push(push_seq_first: u64, text: &str) -> Bytes {
    let entries = vec![SealedBytes(Bytes::copy_from_slice(text.as_bytes()))];
    Push { push_seq_first, key_epoch: 1, entries }.encode()
}

/// What arrives together, offered where it lies first; how much of it was taken there.
fn read(world: &mut World, id: usize, messages: &[Bytes]) -> usize {
    let taken = messages.iter().filter(|message| {
        let taken = world.in_place(id, message);
        if !taken {
            world.hand_over(id, message);
        }
        taken
    });
    let taken = taken.count();
    world.end_read(id);
    taken
}

/// A session whose last read brought two pushes.
fn ready() -> (World, Cast, usize) {
    let (mut world, cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    let id = world.open(&cast.space, &cast.a);
    assert_eq!(read(&mut world, id, &[push(1, "1"), push(2, "2")]), 0, "the first read shows that several come");
    assert_eq!(receipts(&mut world, id), [(1, 2)]);
    (world, cast, id)
}

/// The receipts that came, as first push_seq and number.
fn receipts(world: &mut World, id: usize) -> Vec<(u64, u16)> {
    let receipt = |frame| match frame {
        RelayFrame::Receipt(receipt) => (receipt.push_seq_first, receipt.count),
        other => panic!("{other:?}"),
    };
    world.recv_all(id).into_iter().map(receipt).collect()
}

#[test]
fn pushes_taken_in_place_are_stored_in_order_as_one() {
    let (mut world, cast, id) = ready();
    let other = world.open(&cast.space, &cast.b);
    world.subscribe(other, 2, false);
    assert_eq!(read(&mut world, id, &[push(3, "3"), push(4, "4"), push(5, "5")]), 3);
    assert_eq!(receipts(&mut world, id), [(3, 3)]);
    assert_eq!(support::texts(&world.entries(other)), ["3", "4", "5"]);
    assert_eq!(read(&mut world, id, &[push(6, "6")]), 1);
    assert_eq!(read(&mut world, id, &[push(7, "7")]), 0, "reads bring one again");
    assert_eq!(receipts(&mut world, id), [(6, 1), (7, 1)]);
}

#[test]
fn what_comes_between_them_is_answered_in_its_place() {
    let (mut world, _, id) = ready();
    let ping = Ping { nonce: 9 }.encode();
    assert_eq!(read(&mut world, id, &[push(3, "3"), ping, push(5, "a gap"), push(4, "4")]), 3);
    let frames = world.recv_all(id);
    let [RelayFrame::Receipt(receipt), RelayFrame::Pong(_), RelayFrame::ErrorFrame(gap), RelayFrame::Receipt(last)] =
        &frames[..]
    else {
        panic!("{frames:?}")
    };
    assert_eq!((receipt.push_seq_first, gap.code, gap.context), (3, ErrorCode::PushSeqGap.number(), 5));
    assert_eq!(last.push_seq_first, 4);
}

#[test]
fn a_malformed_one_ends_the_session_and_what_follows_it_is_not_looked_at() {
    let (mut world, _, id) = ready();
    let mut malformed = push(4, "4").to_vec();
    malformed.push(0);
    assert_eq!(read(&mut world, id, &[push(3, "3"), malformed.into(), push(4, "4")]), 3);
    assert_eq!(world.error(id).code, ErrorCode::MalformedFrame.number());
    assert_eq!(world.closed(id), Some(ErrorCode::MalformedFrame.close()));
    assert!(world.recv_all(id).is_empty());
}

#[test]
fn a_session_with_as_much_under_way_as_it_may_is_offered_nothing_in_place() {
    let (mut world, _, id) = ready();
    world.store.pause();
    let first = 3;
    let many: Vec<Bytes> = (first..).take(PUSHES_IN_FLIGHT_MAX + 1).map(|seq| push(seq, "x")).collect();
    assert_eq!(read(&mut world, id, &many), PUSHES_IN_FLIGHT_MAX);
    world.store.resume();
    world.settle();
    let stored: usize = receipts(&mut world, id).iter().map(|(_, count)| usize::from(*count)).sum();
    assert_eq!(stored, PUSHES_IN_FLIGHT_MAX + 1);
}
