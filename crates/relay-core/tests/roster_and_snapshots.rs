//! Rosters, snapshots, forgetting, drain.

mod support;

use bytes::Bytes;
use relay_core::endpoint::Moment;
use relay_core::environment::WallClock;
use relay_core::store::Store;
use relay_proto::frame::{
    Goaway, RelayFrame, RosterPut, SnapshotAck, SnapshotBegin, SnapshotChunk, SnapshotGet, SnapshotState,
};
use relay_proto::ids::SnapshotId;
use relay_proto::merkle::{Genesis, LogFold};
use relay_proto::snapshot::{ChunksHasher, Manifest, ManifestFields, sign_snapshot_ack};
use relay_proto::{ErrorCode, KeyPair};
use support::{Cast, World, texts};

fn ready() -> (World, Cast) {
    let (world, cast) = (World::new(), Cast::new());
    world.found(&cast.space);
    (world, cast)
}

fn roster_put(cast: &Cast) -> RosterPut {
    RosterPut { chain: cast.space.newest_only(), keyring: cast.space.keyring.clone() }
}

#[test]
fn a_change_of_roster_reaches_everyone_before_later_entries_and_cuts_who_left() {
    let (mut world, mut cast) = ready();
    let (a, b, r) =
        (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b), world.open(&cast.space, &cast.r));
    for id in [a, b, r] {
        world.subscribe(id, 0, false);
    }
    let old = cast.space.clone();
    cast.space.remove(&cast.a, cast.b.device(), 0);
    world.send(a, &roster_put(&cast));
    world.send(
        a,
        &relay_proto::frame::Push {
            push_seq_first: 1,
            key_epoch: 2,
            entries: vec![relay_proto::SealedBytes(Bytes::from_static(b"under the new epoch"))],
        },
    );
    for id in [a, r] {
        let frames = world.recv_all(id);
        let update = frames.iter().position(|frame| {
            matches!(frame, RelayFrame::RosterUpdate(update)
            if update.chain == cast.space.newest_only() && update.keyring == cast.space.keyring)
        });
        let entry = frames.iter().position(|frame| matches!(frame, RelayFrame::Entries(_)));
        assert!(update.unwrap() < entry.unwrap(), "{frames:?}");
    }
    assert_eq!(world.error(b).code, ErrorCode::DeviceRevoked.number());
    assert_eq!(world.closed(b), Some(4403));
    assert!(world.recv_all(b).is_empty(), "no keyring for a device that left");
    assert_eq!(world.relay.stats().sessions_revoked_total, 1);
    let id = world.connect();
    let (hello, challenge) = world.greet(id, &world.hello(&old, &cast.b));
    world.send(id, &relay_proto::handshake::sign_proof(&cast.b, &hello, &challenge, Vec::new(), Bytes::new()));
    world.advance(30);
    assert_eq!(world.closed(id), Some(4401));
}

#[test]
fn a_page_that_was_read_after_the_change_waits_for_the_roster_update() {
    let (mut world, mut cast) = ready();
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    cast.space.follow(&cast.a, |fields| fields.queue_mode = true);
    world.store.pause();
    world.send(a, &roster_put(&cast));
    world.push(a, 1, &["after the change"]);
    world.send(b, &relay_proto::frame::Pull { request: 1, log_epoch: 1, after: 0, entries_max: 9, bytes_max: 1000 });
    world.store.resume();
    world.settle();
    assert!(matches!(world.recv(b), RelayFrame::RosterUpdate(_)));
    assert_eq!(texts(&world.entries(b)), ["after the change"]);
}

#[test]
fn only_admins_put_rosters_and_conflicts_are_shown() {
    let (mut world, mut cast) = ready();
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    let mut other = cast.space.clone();
    cast.space.follow(&cast.a, |fields| fields.queue_mode = true);
    world.send(b, &roster_put(&cast));
    assert_eq!(world.error(b).code, ErrorCode::NotAdmin.number());
    world.send(a, &roster_put(&cast));
    assert!(matches!(world.recv(a), RelayFrame::RosterUpdate(_)));
    assert!(matches!(world.recv(b), RelayFrame::RosterUpdate(_)));
    other.add(&cast.a, &KeyPair::from_seed(&[55; 32]), relay_proto::roster::Rights::Read);
    world.send(a, &RosterPut { chain: other.newest_only(), keyring: other.keyring.clone() });
    assert_eq!(world.error(a).code, ErrorCode::RosterConflict.number());
    let RelayFrame::RosterUpdate(update) = world.recv(a) else { panic!("what the relay holds") };
    assert_eq!(update.chain, cast.space.chain);
    world.send(a, &roster_put(&cast));
    assert!(matches!(world.recv(a), RelayFrame::RosterUpdate(_)), "nothing new is confirmed");
    world.send(a, &RosterPut { chain: vec![Bytes::from_static(b"nonsense")], keyring: Bytes::new() });
    assert_eq!(world.error(a).code, ErrorCode::RosterInvalid.number());
    let root = cast.space.root.clone();
    let by_root = world.open(&cast.space, &root);
    cast.space.follow(&root, |fields| fields.queue_mode = false);
    world.send(by_root, &roster_put(&cast));
    assert!(
        matches!(world.recv(by_root), RelayFrame::RosterUpdate(update) if update.chain == cast.space.newest_only())
    );
}

const CHUNK: usize = 64 * 1024;

struct Upload {
    manifest: Manifest,
    chunks: Vec<Bytes>,
}

/// A snapshot of a log of one entry of `a`.
fn upload_of(world: &World, cast: &Cast, author: &KeyPair, chunks: usize) -> Upload {
    upload_at(world, cast, author, chunks, &["1"])
}

fn upload_at(world: &World, cast: &Cast, author: &KeyPair, chunks: usize, texts: &[&str]) -> Upload {
    let log = world.store.log();
    let mut fold = LogFold::new(&Genesis::first(cast.space.id(), log.log_id));
    fold.extend((1..).zip(texts).map(|(n, text)| {
        let entry = relay_proto::hash::entry_id(text.as_bytes());
        relay_proto::merkle::entry_leaf(&cast.a.device(), n, 1, &entry)
    }));
    let chunks: Vec<Bytes> = (0..chunks).map(|n| Bytes::from(vec![n as u8; CHUNK])).collect();
    let mut hasher = ChunksHasher::default();
    chunks.iter().for_each(|chunk| hasher.push(chunk));
    let fields = ManifestFields {
        suite: 1,
        space: cast.space.id(),
        device: author.device(),
        key_epoch: 1,
        log_id: log.log_id,
        log_epoch: log.log_epoch,
        size: fold.size(),
        head: fold.head(),
        range: fold.hashes().to_vec(),
        total_bytes: (chunks.len() * CHUNK) as u64,
        chunk_bytes: CHUNK as u32,
        chunks_hash: hasher.finish(),
        salt: [1; 32],
        commitment: [2; 32],
        time_ms: 3,
    };
    Upload { manifest: fields.sign(author), chunks }
}

fn with_entry(world: &mut World, cast: &Cast) -> (usize, usize) {
    let (a, b) = (world.open(&cast.space, &cast.a), world.open(&cast.space, &cast.b));
    world.push(a, 1, &["1"]);
    let head = world.receipt(a).attestation.claim.head;
    let ack = world.ack(&cast.space, &cast.a, 1, head);
    world.send(a, &ack);
    world.recv_all(b);
    (a, b)
}

#[test]
fn a_snapshot_is_taken_that_only_an_ack_held_back_covers() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    for (n, text) in [(1, "1"), (2, "2")] {
        world.push(a, n, &[text]);
        let head = world.receipt(a).attestation.claim.head;
        let ack = world.ack(&cast.space, &cast.a, n, head);
        // Twice the first, so that the second comes too early.
        for _ in n..=2 {
            world.send(a, &ack);
        }
    }
    assert_eq!(world.relay.stats().acks_total, 2);
    let upload = upload_at(&world, &cast, &cast.a, 1, &["1", "2"]);
    world.send(a, &SnapshotBegin { manifest: upload.manifest.bytes().clone() });
    let answer = world.recv(a);
    assert!(
        matches!(&answer, RelayFrame::SnapshotStatus(status) if status.state == SnapshotState::Wanted),
        "{answer:?}"
    );
    assert_eq!(world.relay.stats().acks_total, 3);
}

#[test]
fn a_snapshot_goes_up_and_comes_down_and_is_acked() {
    let (mut world, cast) = ready();
    let (a, b) = with_entry(&mut world, &cast);
    let upload = upload_of(&world, &cast, &cast.a, 18);
    let id = upload.manifest.id();
    world.send(a, &SnapshotBegin { manifest: upload.manifest.bytes().clone() });
    let status = |world: &mut World, id| match world.recv(id) {
        RelayFrame::SnapshotStatus(status) => (status.next_chunk, status.state),
        other => panic!("expected a status, got {other:?}"),
    };
    assert_eq!(status(&mut world, a), (0, SnapshotState::Wanted));
    for (index, chunk) in (0..).zip(&upload.chunks) {
        world.send(a, &SnapshotChunk { snapshot: id, index, chunk: chunk.clone() });
    }
    assert_eq!(status(&mut world, a), (16, SnapshotState::Wanted));
    assert_eq!(status(&mut world, a), (18, SnapshotState::Stored));
    world.send(b, &SnapshotGet { snapshot: SnapshotId::ZERO, first_chunk: 3, chunks_max: 10 });
    assert!(
        matches!(world.recv(b), RelayFrame::SnapshotManifest(manifest) if manifest.manifest == *upload.manifest.bytes())
    );
    for index in 3..13 {
        let RelayFrame::SnapshotChunk(chunk) = world.recv(b) else { panic!("a chunk") };
        assert_eq!((chunk.index, &chunk.chunk), (index, &upload.chunks[index as usize]));
    }
    assert!(world.take(b).is_none());
    let signature = sign_snapshot_ack(&cast.b, &cast.space.id(), &id);
    world.send(b, &SnapshotAck { snapshot: id, signature });
    assert!(world.take(b).is_none());
    let own = sign_snapshot_ack(&cast.a, &cast.space.id(), &id);
    world.send(a, &SnapshotAck { snapshot: id, signature: own });
    assert_eq!(world.error(a).code, ErrorCode::AckInvalid.number(), "its own");
    world.send(b, &SnapshotAck { snapshot: SnapshotId([5; 32]), signature });
    assert_eq!(world.error(b).code, ErrorCode::AckInvalid.number());
}

#[test]
fn manifests_that_claim_too_much_are_refused() {
    let (mut world, cast) = ready();
    let (a, b) = with_entry(&mut world, &cast);
    let r = world.open(&cast.space, &cast.r);
    let begin = |upload: &Upload| SnapshotBegin { manifest: upload.manifest.bytes().clone() };
    let of_a = upload_of(&world, &cast, &cast.a, 1);
    let of_b = upload_of(&world, &cast, &cast.b, 1);
    let of_r = upload_of(&world, &cast, &cast.r, 1);
    world.send(r, &begin(&of_r));
    assert_eq!(world.error(r).code, ErrorCode::ReadOnly.number());
    world.send(b, &begin(&of_a));
    assert_eq!(world.error(b).code, ErrorCode::SnapshotInvalid.number(), "another device's");
    world.send(b, &begin(&of_b));
    assert_eq!(world.error(b).code, ErrorCode::SnapshotInvalid.number(), "not acked");
    world.send(a, &SnapshotChunk { snapshot: of_a.manifest.id(), index: 0, chunk: of_a.chunks[0].clone() });
    assert_eq!(world.error(a).code, ErrorCode::SnapshotUnknown.number());
    world.send(a, &SnapshotGet { snapshot: SnapshotId::ZERO, first_chunk: 0, chunks_max: 1 });
    assert!(matches!(world.recv(a), RelayFrame::SnapshotManifest(manifest) if manifest.manifest.is_empty()));
    world.send(a, &SnapshotGet { snapshot: SnapshotId([5; 32]), first_chunk: 0, chunks_max: 1 });
    assert_eq!(world.error(a).code, ErrorCode::SnapshotUnknown.number());
}

#[test]
fn the_sweep_waits_a_day_then_forgets_and_asks_for_snapshots() {
    const DAY: u64 = 24 * 3_600_000;
    let (mut world, cast) = ready();
    let (a, _) = with_entry(&mut world, &cast);
    let floor = |world: &World| {
        let (sender, receiver) = std::sync::mpsc::channel();
        world.store.space(cast.space.id(), Box::new(move |facts| sender.send(facts.unwrap().unwrap().floor).unwrap()));
        receiver.recv().unwrap()
    };
    world.relay.sweep(world.now);
    world.jump(16 * DAY);
    world.relay.sweep(world.now);
    world.settle();
    assert!(matches!(world.recv(a), RelayFrame::SnapshotDue(due) if due.size == 1));
    assert_eq!(floor(&world), 1);
    world.jump(15 * DAY);
    world.wall.advance(2 * 3_600_000);
    world.relay.sweep(world.now);
    assert_eq!(floor(&world), 1, "the wall clock stepped: nothing goes for a day");
    world.jump(DAY + 1);
    world.relay.sweep(world.now);
    assert_eq!(floor(&world), 2);
    assert_eq!(world.relay.stats().sweep_trims_total, 1);
    assert!(world.wall.now_ms() > 0 && world.now > Moment::default());
}

#[test]
fn who_finds_no_snapshot_above_the_floor_lets_writers_be_asked_for_one() {
    const DAY: u64 = 24 * 3_600_000;
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    world.push(a, 1, &["1"]);
    let head = world.receipt(a).attestation.claim.head;
    for device in [&cast.a, &cast.b, &cast.r] {
        let session = world.open(&cast.space, device);
        let ack = world.ack(&cast.space, device, 1, head);
        world.send(session, &ack);
    }
    world.recv_all(a);
    let r = world.open(&cast.space, &cast.r);
    let ask = |world: &mut World| {
        world.recv_all(r);
        world.send(r, &SnapshotGet { snapshot: SnapshotId::ZERO, first_chunk: 0, chunks_max: 1 });
        assert!(matches!(world.recv(r), RelayFrame::SnapshotManifest(manifest) if manifest.manifest.is_empty()));
    };
    ask(&mut world);
    assert!(world.take(a).is_none(), "nothing is forgotten: the log is enough");
    world.relay.sweep(world.now);
    world.jump(10 * DAY);
    world.relay.sweep(world.now);
    world.settle();
    assert_eq!(world.relay.stats().sweep_trims_total, 1, "all had it");
    world.recv_all(a);
    ask(&mut world);
    assert!(matches!(world.recv(a), RelayFrame::SnapshotDue(due) if due.size == 1));
}

#[test]
fn after_a_start_nothing_is_forgotten_for_a_day() {
    const DAY: u64 = 24 * 3_600_000;
    let (mut world, cast) = ready();
    with_entry(&mut world, &cast);
    // A relay that was off for months, or whose clock is wrong at its start.
    world.jump(100 * DAY);
    world.restart();
    for _ in 0..24 {
        world.relay.sweep(world.now);
        world.jump(DAY / 24 - 1);
    }
    assert_eq!(world.relay.stats().sweep_trims_total, 0);
    world.jump(1000);
    world.relay.sweep(world.now);
    assert_eq!(world.relay.stats().sweep_trims_total, 1);
}

#[test]
fn draining_tells_when_to_return() {
    let (mut world, cast) = ready();
    let a = world.open(&cast.space, &cast.a);
    world.store.pause();
    world.push(a, 1, &["1"]);
    world.drain(a);
    let silent = world.connect();
    world.drain(silent);
    assert_eq!((world.closed(a), world.closed(silent)), (None, Some(1012)), "what is under way is answered first");
    world.store.resume();
    world.settle();
    let RelayFrame::Goaway(Goaway { reason, reconnect_spread_ms, .. }) = world.recv(a) else { panic!("goaway") };
    assert_eq!((reason, reconnect_spread_ms > 0), (ErrorCode::Draining.number(), true));
    world.receipt(a);
    assert_eq!(world.closed(a), Some(1012));
    let a = world.open(&cast.space, &cast.a);
    world.subscribe(a, 0, false);
    assert_eq!(texts(&world.entries(a)), ["1"]);
}
