//! Pushes, receipts, pulls, subscriptions, acks.

mod support;

use bytes::Bytes;
use relay_core::environment::LogSigner;
use relay_core::limits::RelayLimits;
use relay_core::store::Store;
use relay_core::testing::SpaceFixture;
use relay_proto::attestation::{PushLeaf, verify_receipt};
use relay_proto::frame::{Frame, Ping, Pull, PullLeaves, Push, ReceiptStatus, RelayFrame, Subscribe};
use relay_proto::hash::entry_id;
use relay_proto::ids::{Hash, SealedBytes};
use relay_proto::log_reset::LogReset;
use relay_proto::{ErrorCode, KeyPair};
use support::{Cast, World, texts};

fn ready() -> (World, Cast) {
    let (world, cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    (world, cast)
}

#[test]
fn two_devices_stay_in_sync_live() {
    let (mut world, cast) = ready();
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    world.subscribe(a, 0, false);
    world.subscribe(b, 0, false);
    world.push(a, 1, &["1", "2"]);
    world.push(b, 1, &["3"]);
    let receipt = world.receipt(a);
    assert!(receipt.attestation.verify(&cast.space.id(), &world.signer.log_id()));
    let ReceiptStatus::Stored(proof) = &receipt.status else { panic!("stored") };
    let leaf = PushLeaf::of(cast.a.device(), 1, receipt.seq_first, &[entry_id(b"1"), entry_id(b"2")]);
    assert!(verify_receipt(&leaf, proof, &receipt.attestation.claim.pushes));
    for id in [a, b] {
        let frames = world.recv_all(id);
        let entries: Vec<_> = frames
            .iter()
            .filter_map(|frame| match frame {
                RelayFrame::Entries(e) => Some(e),
                _ => None,
            })
            .collect();
        assert_eq!(
            entries.iter().map(|e| (e.request, e.first_seq, texts(e), e.more)).collect::<Vec<_>>(),
            [(0, 1, vec!["1".to_owned(), "2".to_owned()], false), (0, 3, vec!["3".to_owned()], false),]
        );
        assert!(entries.iter().all(|e| e.attestation.verify(&cast.space.id(), &world.signer.log_id())));
    }
    assert_eq!(world.relay.stats().entries_live_total, 6);
}

#[test]
fn an_author_may_leave_out_its_own_bodies() {
    let (mut world, cast) = ready();
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    world.subscribe(a, 0, true);
    world.subscribe(b, 0, true);
    world.push(a, 1, &["1"]);
    world.receipt(a);
    assert_eq!(texts(&world.entries(a)), ["(own)"]);
    assert_eq!(texts(&world.entries(b)), ["1"]);
    world.subscribe(a, 0, true);
    assert_eq!(texts(&world.entries(a)), ["(own)"], "from the log as well");
}

#[test]
fn a_subscription_starts_at_its_cursor_and_a_pull_pages() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    for n in 1..=5 {
        world.push(a, n, &[&n.to_string()]);
        world.receipt(a);
    }
    let b = world.open(&cast.space, &cast.b);
    world.subscribe(b, 3, false);
    let entries = world.entries(b);
    assert_eq!((entries.first_seq, texts(&entries)), (4, vec!["4".to_owned(), "5".to_owned()]));
    world.send(b, &Pull { request: 9, log_epoch: 1, after: 1, entries_max: 2, bytes_max: 1000 });
    let page = world.entries(b);
    assert_eq!(
        (page.request, page.first_seq, texts(&page), page.more),
        (9, 2, vec!["2".to_owned(), "3".to_owned()], true)
    );
    world.send(b, &Pull { request: 10, log_epoch: 1, after: 5, entries_max: 2, bytes_max: 1000 });
    let page = world.entries(b);
    assert_eq!((page.first_seq, page.items.len(), page.more), (6, 0, false));
}

#[test]
fn retries_get_duplicate_receipts_and_conflicts_their_error() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 1, &["1", "2"]);
    world.receipt(a);
    world.push(a, 2, &["2", "3"]);
    let (first, second) = (world.receipt(a), world.receipt(a));
    assert_eq!((first.status, first.push_seq_first, first.seq_first), (ReceiptStatus::Duplicate, 2, 2));
    assert_eq!((second.push_seq_first, second.seq_first), (3, 3));
    world.push(a, 3, &["other"]);
    let error = world.error(a);
    assert_eq!((error.code, error.context), (ErrorCode::PushSeqConflict.number(), 3));
    world.push(a, 9, &["9"]);
    let error = world.error(a);
    assert_eq!(
        (error.code, error.context, &error.detail[..]),
        (ErrorCode::PushSeqGap.number(), 9, &4_u64.to_be_bytes()[..])
    );
    assert_eq!(world.closed(a), None);
}

#[test]
fn what_follows_a_refused_first_push_is_a_gap() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    world.store.pause();
    let push =
        |n, key_epoch| Push { push_seq_first: n, key_epoch, entries: vec![SealedBytes(Bytes::from_static(b"x"))] };
    for (n, key_epoch) in [(1, 2), (2, 1), (3, 1)] {
        world.send(a, &push(n, key_epoch));
    }
    world.store.resume();
    world.settle();
    let codes: Vec<_> = (0..3).map(|_| world.error(a)).map(|error| (error.code, error.context)).collect();
    let gap = ErrorCode::PushSeqGap.number();
    assert_eq!(codes, [(ErrorCode::KeyEpochUnknown.number(), 1), (gap, 2), (gap, 3)]);
    world.send(a, &push(1, 1));
    world.send(a, &push(2, 1));
    assert_eq!((world.receipt(a).seq_first, world.receipt(a).seq_first), (1, 2));
}

/// Pushes of one entry, as they arrive together.
fn together(pushes: &[(u64, u32, &'static str)]) -> Vec<Bytes> {
    let push = |(n, key_epoch, text): &(u64, u32, &'static str)| {
        let entries = vec![SealedBytes(Bytes::from_static(text.as_bytes()))];
        Push { push_seq_first: *n, key_epoch: *key_epoch, entries }.encode()
    };
    pushes.iter().map(push).collect()
}

#[test]
fn pushes_that_arrive_together_share_a_receipt_that_covers_all_of_them() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    world.send_all(a, together(&[(1, 1, "1"), (2, 1, "2"), (3, 1, "3")]));
    let receipt = world.receipt(a);
    assert_eq!((receipt.push_seq_first, receipt.count, receipt.seq_first), (1, 3, 1));
    let ReceiptStatus::Stored(proof) = &receipt.status else { panic!("stored") };
    let leaf = PushLeaf::of(cast.a.device(), 1, 1, &[entry_id(b"1"), entry_id(b"2"), entry_id(b"3")]);
    assert!(verify_receipt(&leaf, proof, &receipt.attestation.claim.pushes));
    assert!(world.recv_all(a).is_empty(), "one receipt");
    let stats = world.relay.stats();
    assert_eq!((stats.pushes_total, stats.pushes_waiting, stats.push_bytes_waiting), (3, 0, 0));
}

#[test]
fn of_pushes_that_arrive_together_each_gets_the_answer_it_would_have_got_alone() {
    let arrivals: [&[(u64, u32, &str)]; 5] = [
        &[(1, 1, "1"), (2, 1, "2"), (3, 2, "3"), (4, 2, "4")],
        &[(1, 2, "1"), (2, 2, "2"), (3, 2, "3")],
        &[(1, 1, "1"), (3, 1, "3"), (4, 1, "4")],
        &[(1, 1, "1"), (2, 1, "2"), (2, 1, "other"), (3, 1, "3"), (4, 1, "4")],
        &[(1, 1, "1"), (1, 1, "other"), (2, 1, "2"), (2, 1, "2"), (3, 1, "3")],
    ];
    /// The verdict of each push_seq in the order of the answers, and the entries of the log.
    fn answers(world: &mut World, id: usize) -> Vec<(u64, String)> {
        let verdicts = |frame| match frame {
            RelayFrame::Receipt(receipt) => (0..u64::from(receipt.count))
                .map(|n| {
                    let status = match receipt.status {
                        ReceiptStatus::Stored(_) => "stored",
                        _ => "duplicate",
                    };
                    (receipt.push_seq_first + n, format!("{status} at {}", receipt.seq_first + n))
                })
                .collect(),
            RelayFrame::ErrorFrame(error) => vec![(error.context, format!("error {}", error.code))],
            other => panic!("unexpected: {other:?}"),
        };
        let mut answers: Vec<_> = world.recv_all(id).into_iter().flat_map(verdicts).collect();
        answers.sort();
        answers
    }
    for pushes in arrivals {
        for is_bound in [false, true] {
            let cast = Cast::new();
            let outcome = |joined: bool| {
                let mut world = World::new();
                world.found(&cast.space);
                let a = world.open(&cast.space, &cast.a);
                let shift = u64::from(is_bound);
                if is_bound {
                    world.push(a, 1, &["0"]);
                    world.receipt(a);
                }
                let messages = pushes.iter().map(|(n, epoch, text)| (n + shift, *epoch, *text)).collect::<Vec<_>>();
                world.store.pause();
                if joined {
                    world.send_all(a, together(&messages));
                } else {
                    together(&messages).into_iter().for_each(|message| world.send_bytes(a, message));
                }
                world.store.resume();
                world.settle();
                answers(&mut world, a)
            };
            assert_eq!(outcome(true), outcome(false), "{pushes:?}, bound: {is_bound}");
        }
    }
}

#[test]
fn what_waits_between_two_refused_pushes_is_a_gap() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    world.store.pause();
    world.send(a, &Push { push_seq_first: 1, key_epoch: 2, entries: vec![SealedBytes(Bytes::from_static(b"x"))] });
    world.push(a, 2, &["2"]);
    // Refused at once, while the other two are not answered.
    world.push(a, 3, &["3"; 1025]);
    world.store.resume();
    world.settle();
    let codes: Vec<_> = (0..3).map(|_| world.error(a)).map(|error| (error.code, error.context)).collect();
    let of = |code: ErrorCode, push_seq| (code.number(), push_seq);
    let expected = [of(ErrorCode::TooManyEntries, 3), of(ErrorCode::KeyEpochUnknown, 1), of(ErrorCode::PushSeqGap, 2)];
    assert_eq!(codes, expected);
}

#[test]
fn readers_the_root_and_limits() {
    let mut world =
        World::with_limits(RelayLimits { entry_bytes_max: 100, push_entries_max: 2, ..RelayLimits::default() });
    let cast = Cast::new();
    world.found(&cast.space);
    let root = cast.space.root.clone();
    for device in [&cast.r, &root] {
        let id = world.open(&cast.space, device);
        world.push(id, 1, &["1"]);
        let error = world.error(id);
        assert_eq!((error.code, error.context), (ErrorCode::ReadOnly.number(), 1));
        assert_eq!(world.closed(id), None);
    }
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 1, &["1", "2", "3"]);
    assert_eq!(world.error(a).code, ErrorCode::TooManyEntries.number());
    world.push(a, 1, &[&"x".repeat(101)]);
    assert_eq!(world.error(a).code, ErrorCode::EntryTooLarge.number());
    world.push(a, 1, &["1"]);
    world.receipt(a);
    assert_eq!(Store::stats(&*world.store).entries, 1);
}

#[test]
fn a_slow_subscriber_reads_the_log_and_loses_nothing() {
    let limits = RelayLimits { live_space_bytes_max: 64 * 1024, ..RelayLimits::default() };
    let (mut world, cast) = (World::with_limits(limits), Cast::new());
    world.found(&cast.space);
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    world.subscribe(b, 0, false);
    world.connections[b].queue.window_bytes = 32 * 1024;
    let body = "x".repeat(4096);
    for n in 1..=400 {
        world.push(a, n, &[&format!("{n} {body}")]);
        world.receipt(a);
        assert!(world.relay.stats().live_bytes <= 64 * 1024);
    }
    let queued = world.connections[b].queue.queued_bytes_max;
    assert!(queued < 48 * 1024, "a peer that does not read costs its window: {queued}");
    let mut next = 1;
    while let Some(message) = world.take(b) {
        let RelayFrame::Entries(entries) = RelayFrame::decode(&message).unwrap() else { continue };
        assert_eq!(entries.first_seq, next);
        for text in texts(&entries) {
            assert!(text.starts_with(&format!("{next} ")));
            next += 1;
        }
    }
    assert_eq!(next, 401);
    assert!(world.relay.stats().subscribers_lagged_total >= 1);
    world.push(a, 401, &["live again"]);
    assert_eq!(texts(&world.entries(b)), ["live again"]);
}

#[test]
fn pushes_in_flight_stop_the_reading_and_let_it_go_on() {
    let limits = RelayLimits { push_in_flight_bytes_max: 1000, ..RelayLimits::default() };
    let (mut world, cast) = (World::with_limits(limits), Cast::new());
    world.found(&cast.space);
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 1, &["bind the mark"]);
    world.receipt(a);
    world.store.pause();
    for n in 2..=4 {
        world.push(a, n, &[&"x".repeat(400)]);
    }
    assert!(world.connections[a].queue.paused);
    world.store.resume();
    world.settle();
    assert!(!world.connections[a].queue.paused);
    assert_eq!(world.recv_all(a).len(), 3);
}

#[test]
fn nothing_is_shown_before_it_is_durable() {
    let (mut world, cast) = ready();
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    world.subscribe(b, 0, false);
    world.store.pause();
    world.push(a, 1, &["1"]);
    assert!(world.take(a).is_none() && world.take(b).is_none());
    world.store.resume();
    world.settle();
    world.receipt(a);
    assert_eq!(texts(&world.entries(b)), ["1"]);
}

#[test]
fn a_poisoned_store_acknowledges_nothing_and_closes() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    world.store.poison();
    world.push(a, 1, &["1"]);
    assert_eq!(world.error(a).code, ErrorCode::StorePoisoned.number());
    assert_eq!(world.closed(a), Some(1013));
}

#[test]
fn a_poisoned_store_is_read_and_never_answers_a_ping_with_an_old_time() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 1, &["1"]);
    world.receipt(a);
    world.store.poison();
    let (b, welcome) = world.open_with(&cast.space, &cast.b, Vec::new());
    assert_eq!(welcome.body.attestation.claim.size, 1);
    world.subscribe(b, 0, false);
    assert_eq!(texts(&world.entries(b)), ["1"]);
    world.send(b, &Ping { nonce: 1 });
    assert_eq!(world.error(b).code, ErrorCode::StorePoisoned.number());
}

#[test]
fn a_damaged_entry_stops_who_needs_it_and_nobody_else() {
    let (mut world, cast) = ready();
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    for n in 1..=3 {
        world.push(a, n, &[&n.to_string()]);
        world.receipt(a);
    }
    world.subscribe(b, 3, false);
    world.entries_if_any(b);
    world.store.damage(cast.space.id(), 2);
    world.subscribe(a, 0, false);
    let before = world.entries(a);
    assert_eq!((texts(&before), before.more), (vec!["1".to_owned()], true), "what comes before is sent");
    let error = world.error(a);
    assert_eq!((error.code, error.retry_after_ms), (ErrorCode::LogDamaged.number(), 0));
    assert!(world.take(a).is_none() && world.closed(a).is_none(), "told once, not in a loop");
    world.push(a, 4, &["4"]);
    assert_eq!(world.receipt(a).seq_first, 4, "it goes on writing");
    assert_eq!(texts(&world.entries(b)), ["4"], "others go on reading");
    world.send(a, &Pull { request: 1, log_epoch: 1, after: 1, entries_max: 5, bytes_max: 1000 });
    let error = world.error(a);
    assert_eq!((error.code, error.context), (ErrorCode::LogDamaged.number(), 1));
    world.subscribe(a, 2, false);
    assert_eq!(texts(&world.entries(a)), ["3", "4"], "what comes after is readable");
    assert!(world.relay.stats().errors.contains(&(ErrorCode::LogDamaged, 2)));
}

#[test]
fn cursors_that_are_ahead_expired_or_of_another_epoch() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    for n in 1..=4 {
        world.push(a, n, &[&n.to_string()]);
        world.receipt(a);
    }
    for (log_epoch, after) in [(1, 5), (2, 0)] {
        world.send(a, &Pull { request: 3, log_epoch, after, entries_max: 1, bytes_max: 1 });
        let error = world.error(a);
        assert_eq!((error.code, error.context), (ErrorCode::CursorAhead.number(), 3));
        world.send(a, &Subscribe { log_epoch, after, omit_own: false });
        assert_eq!(world.error(a).code, ErrorCode::CursorAhead.number());
    }
    world.store.trim(cast.space.id(), 3, Box::new(|result| result.unwrap()));
    world.send(a, &Pull { request: 4, log_epoch: 1, after: 1, entries_max: 1, bytes_max: 1 });
    let RelayFrame::CursorExpired(expired) = world.recv(a) else { panic!("expired") };
    assert_eq!((expired.request, expired.attestation.claim.floor), (4, 3));
    assert!(expired.attestation.verify(&cast.space.id(), &world.signer.log_id()));
    world.subscribe(a, 0, false);
    assert!(matches!(world.recv(a), RelayFrame::CursorExpired(expired) if expired.request == 0));
    world.send(a, &PullLeaves { request: 5, first_seq: 1, count: 2 });
    let RelayFrame::Leaves(leaves) = world.recv(a) else { panic!("leaves") };
    assert_eq!((leaves.request, leaves.first_seq, leaves.leaves.len()), (5, 1, 2));
}

#[test]
fn after_a_restored_backup_the_way_is_shown() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    for n in 1..=4 {
        world.push(a, n, &[&n.to_string()]);
        world.receipt(a);
    }
    world.store.restore_backup(2);
    world.restart();
    let (a, welcome) = world.open_with(&cast.space, &cast.a, Vec::new());
    assert_eq!((welcome.body.push_seq_high, welcome.body.push_seq_bound), (2, false));
    world.send(a, &Subscribe { log_epoch: 1, after: 4, omit_own: false });
    let reset = LogReset::decode(&world.take(a).unwrap()).unwrap();
    assert!(reset.verify() && reset.base_size == 2 && reset.new_epoch == welcome.body.log_epoch);
    world.subscribe(a, 2, false);
    world.push(a, 3, &["3", "4"]);
    assert_eq!(world.receipt(a).seq_first, 3);
    assert_eq!(texts(&world.entries(a)), ["3", "4"]);
}

#[test]
fn the_newest_of_acks_that_come_too_fast_is_taken_when_it_is_due() {
    let (mut world, cast) = ready();
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    // What the network held back for some seconds comes at once.
    for n in 1..=5 {
        world.push(a, n, &[&n.to_string()]);
        let claim = world.receipt(a).attestation.claim;
        let ack = world.ack(&cast.space, &cast.a, n, claim.head);
        world.send(a, &ack);
    }
    let sizes = |world: &mut World| -> Vec<u64> {
        let sizes = world.recv_all(b).into_iter().map(|frame| match frame {
            RelayFrame::AckNotice(notice) => notice.ack.size,
            other => panic!("expected a notice, got {other:?}"),
        });
        sizes.collect()
    };
    assert_eq!(sizes(&mut world), [1, 2]);
    world.advance(1001);
    assert_eq!(sizes(&mut world), [], "the pair is paid for first");
    world.advance(1000);
    assert_eq!(sizes(&mut world), [5]);
    assert_eq!((world.relay.stats().acks_total, world.relay.stats().acks_dropped_total), (3, 2));
}

#[test]
fn acks_are_kept_forwarded_and_limited() {
    let (mut world, cast) = ready();
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    world.push(a, 1, &["1"]);
    let claim = world.receipt(a).attestation.claim;
    let ack = world.ack(&cast.space, &cast.a, 1, claim.head);
    world.send(a, &ack);
    assert!(
        matches!(world.recv(b), RelayFrame::AckNotice(notice) if notice.device == cast.a.device() && notice.ack == ack)
    );
    assert!(world.take(a).is_none(), "the one it came from is not told");
    world.send(a, &ack);
    assert_eq!(world.relay.stats().acks_total, 2, "one may come early");
    world.send(a, &ack);
    world.send(a, &ack);
    assert_eq!((world.relay.stats().acks_total, world.relay.stats().acks_dropped_total), (2, 1), "the newest is held");
    assert!(world.take(b).is_none(), "an ack is forwarded once");
    let r = world.open(&cast.space, &cast.r);
    world.subscribe(r, 1, false);
    assert!(matches!(world.recv(r), RelayFrame::AckNotice(notice) if notice.ack == ack));
    for (bad, name) in [
        (world.ack(&cast.space, &cast.b, 2, claim.head), "above the size"),
        (world.ack(&cast.space, &cast.b, 1, Hash([1; 32])), "another head"),
        (world.ack(&cast.space, &cast.a, 1, claim.head), "another device's signature"),
    ] {
        world.advance(1001);
        world.send(b, &bad);
        assert_eq!(world.error(b).code, ErrorCode::AckInvalid.number(), "{name}");
    }
}

#[test]
fn pongs_are_fresh() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    let mut times = Vec::new();
    for nonce in 1..=3 {
        world.jump(30_000);
        world.send(a, &Ping { nonce });
        let RelayFrame::Pong(pong) = world.recv(a) else { panic!("a pong") };
        assert_eq!(pong.nonce, nonce);
        assert!(pong.attestation.verify(&cast.space.id(), &world.signer.log_id()));
        times.push(pong.attestation.claim.time_ms);
    }
    assert!(times.is_sorted_by(|a, b| a + 30_000 <= *b));
}

#[test]
fn malformed_and_unexpected_frames_end_their_connection_only() {
    let (mut world, cast) = ready();
    let bystander = world.open(&cast.space, &cast.b);
    world.subscribe(bystander, 0, false);
    let hello = world.hello(&cast.space, &cast.a).encode();
    let cases: &[(&str, Bytes, u16)] = &[
        ("empty", Bytes::new(), 4400),
        ("unknown frame", Bytes::from_static(&[0xfe]), 4402),
        ("reserved frame", Bytes::from_static(&[0x3f]), 4402),
        ("a frame of the relay", Bytes::from_static(&[0x14, 0]), 4402),
        ("a second hello", hello, 4402),
        ("cut off", Bytes::from_static(&[0x10, 0, 0]), 4400),
        ("trailing bytes", Bytes::from_static(&[7, 0, 0, 0, 0, 0, 0, 0, 1, 9]), 4400),
        ("a number above 2^53", Bytes::from_static(&[7, 255, 255, 255, 255, 255, 255, 255, 255]), 4400),
        ("too large", Bytes::from(vec![0x10; 11 * 1024 * 1024]), 1009),
    ];
    for (name, message, close) in cases {
        let id = world.open(&cast.space, &cast.a);
        world.send_bytes(id, message.clone());
        world.error(id);
        assert_eq!(world.closed(id), Some(*close), "{name}");
    }
    assert_eq!(world.closed(bystander), None);
    assert_eq!(world.relay.stats().sessions, 1);
}

#[test]
fn a_space_takes_no_more_sessions_than_it_may_and_forgets_itself_when_empty() {
    let limits = RelayLimits { space_sessions_max: 2, ..RelayLimits::default() };
    let (mut world, cast) = (World::with_limits(limits), Cast::new());
    world.found(&cast.space);
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    let id = world.connect();
    let (hello, challenge) = world.greet(id, &world.hello(&cast.space, &cast.r));
    world.send(id, &relay_proto::handshake::sign_proof(&cast.r, &hello, &challenge, Vec::new(), Bytes::new()));
    assert_eq!(world.error(id).code, ErrorCode::TooManyConnections.number());
    let other = SpaceFixture::new(2, &[(&KeyPair::from_seed(&[101; 32]), relay_proto::roster::Rights::Admin)]);
    world.found(&other);
    world.open(&other, &cast.a);
    assert_eq!(world.relay.stats().active_spaces, 2);
    world.hang_up(a);
    world.hang_up(b);
    assert_eq!((world.relay.stats().active_spaces, world.relay.stats().sessions), (1, 1));
}
