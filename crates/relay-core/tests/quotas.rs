//! Quotas of a space: what is refused, what it is told, and that forgetting makes room.

mod support;

use relay_core::limits::RelayLimits;
use relay_core::quota::SpaceQuota;
use relay_core::store::Store;
use relay_proto::ErrorCode;
use relay_proto::frame::{ErrorFrame, RelayFrame};
use relay_proto::quota::{Quota, QuotaDetail};
use support::{Cast, World};

fn world(cast: &Cast, entries_max: u64, bytes_max: u64) -> World {
    let space_quota = SpaceQuota { entries_max, bytes_max };
    let world = World::with_limits(RelayLimits { space_quota, ..RelayLimits::default() });
    world.found(&cast.space);
    world
}

fn exceeded(error: &ErrorFrame, context: u64) -> QuotaDetail {
    assert_eq!((error.code, error.context, error.retry_after_ms), (ErrorCode::QuotaExceeded.number(), context, 10_000));
    QuotaDetail::decode(&error.detail).unwrap()
}

#[test]
fn what_does_not_fit_is_refused_with_the_figures_and_the_rest_goes_on() {
    let cast = Cast::new();
    let mut world = world(&cast, 3, 0);
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 1, &["1", "2"]);
    assert_eq!(world.receipt(a).count, 2);
    world.push(a, 3, &["3", "4"]);
    let detail = exceeded(&world.error(a), 3);
    assert_eq!(detail, QuotaDetail { quota: Quota::SpaceEntries, used: 2, allowed: 3, needed: 2 });
    assert_eq!(world.closed(a), None, "the session goes on");
    world.push(a, 4, &["4"]);
    assert_eq!(world.error(a).code, ErrorCode::PushSeqGap.number(), "nothing is stored out of order");
    world.push(a, 3, &["3"]);
    assert_eq!(world.receipt(a).push_seq_first, 3);
    assert_eq!(world.relay.stats().quota_refused_total, 1);
}

#[test]
fn pushes_that_came_together_are_judged_one_by_one() {
    let cast = Cast::new();
    let mut world = world(&cast, 0, 5);
    let a = world.open(&cast.space, &cast.a);
    let push = |n: u64, text: &str| {
        let entries = vec![relay_proto::ids::SealedBytes(bytes::Bytes::copy_from_slice(text.as_bytes()))];
        relay_proto::frame::Frame::encode(&relay_proto::frame::Push { push_seq_first: n, key_epoch: 1, entries })
    };
    world.send_all(a, [push(1, "aa"), push(2, "bb"), push(3, "cc"), push(4, "d")]);
    let frames = world.recv_all(a);
    let receipts = frames.iter().filter(|frame| matches!(frame, RelayFrame::Receipt(_))).count();
    let errors: Vec<_> = frames
        .iter()
        .filter_map(|frame| match frame {
            RelayFrame::ErrorFrame(error) => Some((error.code, error.context)),
            _ => None,
        })
        .collect();
    assert_eq!(receipts, 2, "{frames:?}");
    assert_eq!(errors, [(ErrorCode::QuotaExceeded.number(), 3), (ErrorCode::PushSeqGap.number(), 4)]);
}

#[test]
fn a_retry_of_what_is_stored_needs_no_room() {
    let cast = Cast::new();
    let mut world = world(&cast, 1, 0);
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 1, &["1"]);
    world.receipt(a);
    world.push(a, 1, &["1"]);
    assert_eq!(world.receipt(a).push_seq_first, 1);
    world.hang_up(a);
    let again = world.open(&cast.space, &cast.a);
    world.push(again, 1, &["1"]);
    assert_eq!(world.receipt(again).push_seq_first, 1);
}

#[test]
fn a_restart_forgives_nothing() {
    let cast = Cast::new();
    let mut world = world(&cast, 2, 0);
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 1, &["1", "2"]);
    world.receipt(a);
    world.restart();
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 3, &["3"]);
    assert_eq!(exceeded(&world.error(a), 3).used, 2);
}

#[test]
fn all_sessions_of_a_space_share_its_quota() {
    let cast = Cast::new();
    let mut world = world(&cast, 0, 10);
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    world.push(a, 1, &["123456"]);
    world.receipt(a);
    world.push(b, 1, &["12345"]);
    let detail = exceeded(&world.error(b), 1);
    assert_eq!(detail, QuotaDetail { quota: Quota::SpaceBytes, used: 6, allowed: 10, needed: 5 });
}

#[test]
fn forgetting_makes_room_for_the_next_try() {
    let cast = Cast::new();
    let mut world = world(&cast, 2, 0);
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 1, &["1", "2"]);
    world.receipt(a);
    world.store.trim(cast.space.id(), 2, Box::new(|trimmed| trimmed.unwrap()));
    world.push(a, 3, &["3"]);
    exceeded(&world.error(a), 3);
    world.push(a, 3, &["3"]);
    assert_eq!(world.receipt(a).push_seq_first, 3);
}

#[test]
fn the_last_session_that_fits_is_the_last() {
    let cast = Cast::new();
    let mut world = World::with_limits(RelayLimits { space_sessions_max: 1, ..RelayLimits::default() });
    world.found(&cast.space);
    let a = world.open(&cast.space, &cast.a);
    let id = world.connect();
    let (hello, challenge) = world.greet(id, &world.hello(&cast.space, &cast.b));
    let proof = relay_proto::handshake::sign_proof(&cast.b, &hello, &challenge, Vec::new(), bytes::Bytes::new());
    world.send(id, &proof);
    let error = world.error(id);
    assert_eq!(error.code, ErrorCode::TooManyConnections.number());
    let detail = QuotaDetail::decode(&error.detail).unwrap();
    assert_eq!(detail, QuotaDetail { quota: Quota::SpaceConnections, used: 1, allowed: 1, needed: 1 });
    world.hang_up(a);
    world.open(&cast.space, &cast.b);
}

#[test]
fn a_session_and_its_space_have_rates_of_pushes() {
    let cast = Cast::new();
    let rates =
        RelayLimits { session_pushes_per_second_max: 2, space_pushes_per_second_max: 3, ..RelayLimits::default() };
    let mut world = World::with_limits(rates);
    world.found(&cast.space);
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    for n in 1..=2 {
        world.push(a, n, &["a"]);
        assert_eq!(world.receipt(a).push_seq_first, n);
    }
    world.push(a, 3, &["a"]);
    let error = world.error(a);
    assert_eq!((error.code, error.context, error.retry_after_ms), (ErrorCode::RateLimited.number(), 3, 500));
    world.push(b, 1, &["b"]);
    assert_eq!(world.receipt(b).push_seq_first, 1, "another session has its own rate");
    world.push(b, 2, &["b"]);
    let error = world.error(b);
    assert_eq!((error.code, error.context), (ErrorCode::RateLimited.number(), 2), "the space has one for all");
    world.advance(500);
    world.push(a, 3, &["a"]);
    assert_eq!(world.receipt(a).push_seq_first, 3);
    assert_eq!(world.relay.stats().pushes_limited_total, 2);
}
