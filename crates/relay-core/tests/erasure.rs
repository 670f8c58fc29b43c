//! Purge, erase and expiry as sessions see them.

mod support;

use relay_core::environment::LogSigner;
use relay_core::store::Store;
use relay_core::testing::SpaceFixture;
use relay_proto::erasure::{ErasureNotice, ErasureReason};
use relay_proto::frame::{Erase, ErrorFrame, Pull, Purge, RelayFrame};
use relay_proto::handshake::sign_proof;
use relay_proto::ids::Hash;
use relay_proto::roster::Rights;
use relay_proto::{ErrorCode, KeyPair};
use support::{Cast, World};

const DAY_MS: u64 = 24 * 3_600_000;

/// Three devices are in a space with three entries, and the admin knows the head.
fn filled(cast: &Cast) -> (World, [usize; 3], Hash) {
    let mut world = World::new();
    world.found(&cast.space);
    let ids = [&cast.a, &cast.b, &cast.r].map(|device| world.open(&cast.space, device));
    world.push(ids[0], 1, &["one", "two", "three"]);
    let head = world.receipt(ids[0]).attestation.claim.head;
    (world, ids, head)
}

fn purge(world: &World, cast: &Cast, signer: &KeyPair, head: Hash) -> Purge {
    let log = world.store.log();
    Purge::sign(signer, &cast.space.id(), &log.log_id, log.log_epoch, 3, head)
}

fn erase(world: &World, cast: &Cast, signer: &KeyPair) -> Erase {
    let log = world.store.log();
    Erase::sign(signer, &cast.space.id(), &log.log_id, log.log_epoch, cast.space.newest())
}

fn is(error: &ErrorFrame, code: ErrorCode) {
    assert_eq!(ErrorCode::from_number(error.code), Some(code));
}

/// Tries to connect, with its chain as a device does that missed everything; returns the relay's word.
fn try_to_connect(world: &mut World, space: &SpaceFixture, device: &KeyPair, with_chain: bool) -> ErrorFrame {
    let id = world.connect();
    let (hello, challenge) = world.greet(id, &world.hello(space, device));
    let chain = if with_chain { space.chain.clone() } else { Vec::new() };
    let keyring = if with_chain { space.keyring.clone() } else { bytes::Bytes::new() };
    world.send(id, &sign_proof(device, &hello, &challenge, chain, keyring));
    world.advance(30);
    world.error(id)
}

#[test]
fn a_purge_by_an_admin_is_answered_with_the_floor_and_a_cursor_below_it_expires() {
    let cast = Cast::new();
    let (mut world, [admin, writer, _], head) = filled(&cast);
    world.subscribe(writer, 0, false);
    world.send(admin, &purge(&world, &cast, &cast.a, head));
    let RelayFrame::Purged(purged) = world.recv(admin) else { panic!("the answer to a purge") };
    assert_eq!((purged.size, purged.attestation.claim.floor), (3, 4));
    assert!(purged.attestation.verify(&cast.space.id(), &world.signer.log_id()));
    world.send(admin, &Pull { request: 7, log_epoch: 1, after: 0, entries_max: 9, bytes_max: 999 });
    assert!(matches!(world.recv(admin), RelayFrame::CursorExpired(_)));
    world.push(admin, 4, &["four"]);
    world.receipt(admin);
    assert_eq!(world.relay.stats().purges_total, 1);
}

#[test]
fn what_a_live_device_has_not_acked_is_not_purged() {
    let cast = Cast::new();
    let (mut world, [admin, writer, _], head) = filled(&cast);
    let ack = world.ack(&cast.space, &cast.b, 3, head);
    world.push(admin, 4, &["four"]);
    let newer = world.receipt(admin).attestation.claim.head;
    world.send(writer, &ack);
    world.recv_all(admin);
    let log_id = world.signer.log_id();
    world.send(admin, &Purge::sign(&cast.a, &cast.space.id(), &log_id, 1, 4, newer));
    is(&world.error(admin), ErrorCode::PurgeTooEarly);
    world.send(admin, &purge(&world, &cast, &cast.a, head));
    assert!(matches!(world.recv(admin), RelayFrame::Purged(_)));
}

#[test]
fn who_may_not_purge_or_erase_is_told_and_nothing_goes() {
    let cast = Cast::new();
    let (mut world, [admin, writer, reader], head) = filled(&cast);
    for (id, device) in [(writer, &cast.b), (reader, &cast.r)] {
        world.send(id, &purge(&world, &cast, device, head));
        is(&world.error(id), ErrorCode::NotAdmin);
        world.send(id, &erase(&world, &cast, device));
        is(&world.error(id), ErrorCode::NotAdmin);
    }
    // Signed by the root, but brought by another session: the words of one are no use to another.
    world.send(admin, &purge(&world, &cast, &cast.space.root, head));
    is(&world.error(admin), ErrorCode::PurgeInvalid);
    world.send(admin, &erase(&world, &cast, &cast.space.root));
    is(&world.error(admin), ErrorCode::EraseInvalid);
    let log_id = world.signer.log_id();
    world.send(admin, &Erase::sign(&cast.a, &cast.space.id(), &log_id, 2, cast.space.newest()));
    is(&world.error(admin), ErrorCode::EraseInvalid);
    world.send(admin, &Purge::sign(&cast.a, &cast.space.id(), &log_id, 1, 4, head));
    is(&world.error(admin), ErrorCode::PurgeInvalid);
    assert_eq!(world.closed(admin), None);
    world.send(admin, &Pull { request: 7, log_epoch: 1, after: 0, entries_max: 9, bytes_max: 999 });
    assert_eq!(world.entries(admin).items.len(), 3);
}

#[test]
fn an_erasure_under_an_older_roster_is_a_conflict_and_shows_the_newest() {
    let mut cast = Cast::new();
    let (mut world, [admin, ..], _) = filled(&cast);
    let old = erase(&world, &cast, &cast.a);
    let next = cast.space.follow(&cast.a.clone(), |_| {});
    let put = relay_proto::frame::RosterPut { chain: vec![next.bytes().clone()], keyring: cast.space.keyring.clone() };
    world.send(admin, &put);
    assert!(matches!(world.recv(admin), RelayFrame::RosterUpdate(_)));
    world.send(admin, &old);
    is(&world.error(admin), ErrorCode::RosterConflict);
    assert!(matches!(world.recv(admin), RelayFrame::RosterUpdate(_)));
    world.send(admin, &erase(&world, &cast, &cast.a));
    is(&world.error(admin), ErrorCode::SpaceErased);
}

#[test]
fn every_session_of_an_erased_space_is_told_by_whom_and_cut() {
    let cast = Cast::new();
    let (mut world, ids, _) = filled(&cast);
    let other = SpaceFixture::new(9, &[(&cast.b, Rights::Write)]);
    world.found(&other);
    let bystander = world.open(&other, &cast.b);
    world.subscribe(ids[1], 0, false);
    world.recv_all(ids[1]);
    let words = erase(&world, &cast, &cast.a);
    world.send(ids[0], &words);
    for id in ids {
        let error = world.error(id);
        is(&error, ErrorCode::SpaceErased);
        let notice = ErasureNotice::decode(&error.detail).unwrap();
        let ErasureReason::Signed { signer, erase } = notice.reason else { panic!("signed") };
        assert_eq!((signer, erase, notice.done), (cast.a.device(), words, id == ids[0] || notice.done));
        assert!(erase.verify(&signer, &cast.space.id(), &world.signer.log_id()));
        assert_eq!(world.closed(id), Some(4410));
    }
    assert_eq!(world.closed(bystander), None);
    world.push(bystander, 1, &["goes on"]);
    world.receipt(bystander);
    assert_eq!(world.relay.stats().spaces_erased_total, 1);
    let erased = world.relay.take_erased();
    assert!(
        matches!(erased.spaces.as_slice(), [(_, relay_proto::erasure::ErasureReason::Signed { .. })]),
        "{erased:?}"
    );
    assert_eq!(world.relay.take_erased(), relay_core::relay::ErasedSpaces::default(), "told once");
}

#[test]
fn the_root_may_erase_too() {
    let cast = Cast::new();
    let (mut world, [admin, ..], _) = filled(&cast);
    let root = world.open(&cast.space, &cast.space.root);
    world.send(root, &erase(&world, &cast, &cast.space.root));
    is(&world.error(root), ErrorCode::SpaceErased);
    is(&world.error(admin), ErrorCode::SpaceErased);
}

#[test]
fn a_device_that_comes_back_is_told_and_a_stranger_gets_the_one_answer() {
    let cast = Cast::new();
    let (mut world, [admin, ..], _) = filled(&cast);
    world.send(admin, &erase(&world, &cast, &cast.a));
    is(&world.error(admin), ErrorCode::SpaceErased);
    let stranger = KeyPair::from_seed(&[77; 32]);
    for with_chain in [false, true] {
        for device in [&cast.a, &cast.b, &cast.r, &cast.space.root] {
            let error = try_to_connect(&mut world, &cast.space, device, with_chain);
            is(&error, ErrorCode::SpaceErased);
            assert!(ErasureNotice::decode(&error.detail).unwrap().done);
        }
        is(&try_to_connect(&mut world, &cast.space, &stranger, with_chain), ErrorCode::HandshakeFailed);
    }
    let never = SpaceFixture::new(8, &[(&cast.b, Rights::Write)]);
    is(&try_to_connect(&mut world, &never, &cast.b, false), ErrorCode::HandshakeFailed);
}

#[test]
fn the_operator_erases_a_space_without_its_owner() {
    let cast = Cast::new();
    let (mut world, ids, _) = filled(&cast);
    world.relay.erase_space(cast.space.id(), Box::new(|erased| erased.unwrap()));
    world.settle();
    for id in ids {
        let error = world.error(id);
        is(&error, ErrorCode::SpaceErased);
        assert_eq!(ErasureNotice::decode(&error.detail).unwrap().reason, ErasureReason::Operator);
    }
}

#[test]
fn a_space_without_a_contact_for_its_lease_expires_and_one_with_a_session_does_not() {
    let cast = Cast::new();
    let (mut world, ids, _) = filled(&cast);
    let busy = SpaceFixture::new(9, &[(&cast.b, Rights::Write)]);
    world.found(&busy);
    let stays = world.open(&busy, &cast.b);
    ids.into_iter().for_each(|id| world.hang_up(id));
    let day = |world: &mut World| {
        world.jump(DAY_MS);
        world.relay.sweep(world.now);
        world.settle();
    };
    world.relay.sweep(world.now);
    for _ in 0..30 {
        day(&mut world);
    }
    assert_eq!(world.relay.stats().spaces_expired_total, 0, "thirty days are not over");
    day(&mut world);
    assert_eq!(world.relay.stats().spaces_expired_total, 1);
    assert_eq!(world.closed(stays), None);
    let error = try_to_connect(&mut world, &cast.space, &cast.b, true);
    is(&error, ErrorCode::SpaceErased);
    assert_eq!(ErasureNotice::decode(&error.detail).unwrap().reason, ErasureReason::Expired);
}

#[test]
fn a_space_of_which_no_contact_is_known_expires_a_lease_after_the_first_look() {
    let cast = Cast::new();
    let mut world = World::new();
    world.found(&cast.space);
    for day in 0..33_u64 {
        world.relay.sweep(world.now);
        world.settle();
        let expired = world.relay.stats().spaces_expired_total;
        assert_eq!(expired, u64::from(day > 30), "day {day}");
        world.jump(DAY_MS);
    }
}
