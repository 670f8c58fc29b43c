//! Purging a log and erasing a space.

use super::Cases;
use super::calls::{Calls, Heard};
use super::reads::signed_ack;
use crate::erasure::PurgePoint;
use crate::store::{ReadOutcome, Refusal, StoreError, Verdict};
use crate::testing::SpaceFixture;
use relay_proto::erasure::{ErasureNotice, ErasureReason};
use relay_proto::frame::Erase;
use relay_proto::hash::entry_id;
use relay_proto::ids::Hash;
use relay_proto::limits::ERASED_SPACE_MS;
use relay_proto::merkle::entry_leaf;

pub(super) const CASES: Cases = &[
    ("a purge raises the floor at once, and the leaves stay", purged),
    ("a purge that cannot be true of the log is refused", false_purges),
    ("a purge again, and one below the floor, change nothing", purged_again),
    ("after a purge the log goes on, and a retry is a duplicate", goes_on_after_a_purge),
    ("a purge survives a restart", purged_restart),
    ("an erased space is unknown to every call", erased),
    ("an erasure signed under an older roster is refused", erased_under_an_older_roster),
    ("an erased space is not founded anew until it is not remembered any more", not_founded_anew),
    ("an erasure again is the same, and a space that never was cannot be erased", erased_again),
    ("other spaces are not touched by an erasure", others_stay),
    ("an erased space stays erased across a restart", erased_restart),
    ("nothing is erased once the store is poisoned", erase_when_poisoned),
];

fn filled(c: &Calls, seed: u8) -> SpaceFixture {
    let space = c.space_with_seed(seed);
    for n in 1..=6 {
        c.push(space.push(&c.a, n, &[&format!("entry {n}")])).unwrap();
    }
    space
}

fn head_at(c: &Calls, space: &SpaceFixture) -> PurgePoint {
    let claim = c.attest(space.id()).claim;
    PurgePoint { log_epoch: claim.log_epoch, size: claim.size, head: claim.head }
}

/// Purges the first three of six.
fn purge_three(c: &Calls) -> (SpaceFixture, PurgePoint) {
    let space = c.space();
    for n in 1..=3 {
        c.push(space.push(&c.a, n, &[&format!("entry {n}")])).unwrap();
    }
    let point = head_at(c, &space);
    for n in 4..=6 {
        c.push(space.push(&c.a, n, &[&format!("entry {n}")])).unwrap();
    }
    c.purge(space.id(), point).unwrap();
    (space, point)
}

fn check_purged(c: &Calls, space: &SpaceFixture) {
    for after in 0..=2 {
        let ReadOutcome::BelowFloor { attestation } = c.read(space.id(), after, 10, 1000).unwrap() else {
            panic!("what was purged is below the floor")
        };
        assert_eq!(c.verified(space.id(), &attestation).claim.floor, 4);
    }
    assert_eq!(c.page(space.id(), 3).entries.len(), 3);
    let leaf = |n: u64| entry_leaf(&c.a.device(), n, 1, &entry_id(format!("entry {n}").as_bytes()));
    assert_eq!(c.leaves(space.id(), 1, 6), (1..=6).map(leaf).collect::<Vec<_>>());
}

fn purged(c: &Calls) {
    let (space, _) = purge_three(c);
    check_purged(c, &space);
    assert_eq!(c.attest(space.id()).claim.floor, 4);
}

fn false_purges(c: &Calls) {
    let space = filled(c, 1);
    let point = head_at(c, &space);
    let refused = Err(StoreError::Refused(Refusal::PurgeInvalid));
    assert_eq!(c.purge(space.id(), PurgePoint { size: 7, ..point }), refused);
    assert_eq!(c.purge(space.id(), PurgePoint { log_epoch: 2, ..point }), refused);
    assert_eq!(c.purge(space.id(), PurgePoint { head: Hash([9; 32]), ..point }), refused);
    assert_eq!(c.facts(space.id()).unwrap().floor, 1, "nothing went");
}

fn purged_again(c: &Calls) {
    let (space, point) = purge_three(c);
    c.purge(space.id(), point).unwrap();
    check_purged(c, &space);
    c.trim(space.id(), 6).unwrap();
    c.purge(space.id(), point).unwrap();
    assert_eq!(c.facts(space.id()).unwrap().floor, 6);
}

fn goes_on_after_a_purge(c: &Calls) {
    let (space, _) = purge_three(c);
    let pushed = c.push(space.push(&c.a, 2, &["entry 2", "entry 3", "entry 4"])).unwrap();
    assert!(matches!(pushed.runs[0].verdict, Verdict::DuplicateForgotten));
    assert!(matches!(pushed.runs[1].verdict, Verdict::Duplicate { seq_first: 4 }));
    c.push(space.push(&c.a, 7, &["entry 7"])).unwrap();
    let all = head_at(c, &space);
    c.purge(space.id(), all).unwrap();
    assert!(c.page(space.id(), 7).entries.is_empty());
    c.push(space.push(&c.b, 1, &["entry 8"])).unwrap();
    assert_eq!(c.page(space.id(), 7).entries.len(), 1);
}

fn purged_restart(c: &Calls) {
    let (space, _) = purge_three(c);
    if c.continue_with(c.harness().reopen()) {
        check_purged(c, &space);
        c.push(space.push(&c.a, 7, &["entry 7"])).unwrap();
    }
}

fn signed(c: &Calls, space: &SpaceFixture) -> ErasureReason {
    let log = c.store().log();
    let erase = Erase::sign(&c.a, &space.id(), &log.log_id, log.log_epoch, space.newest());
    ErasureReason::Signed { signer: c.a.device(), erase }
}

fn check_erased(c: &Calls, space: &SpaceFixture, reason: ErasureReason) {
    let unknown = |result: Option<StoreError>| assert_eq!(result, Some(StoreError::UnknownSpace));
    assert!(c.facts(space.id()).is_none());
    assert!(!c.spaces(None, 100).contains(&space.id()));
    unknown(c.read(space.id(), 0, 10, 1000).err());
    unknown(c.try_attest(space.id()).err());
    unknown(c.device_mark(space.id(), c.a.device()).err());
    unknown(c.push(space.push(&c.a, 7, &["entry 7"])).err());
    unknown(c.trim(space.id(), 2).err());
    assert_eq!(
        c.put_roster(space, space.chain.clone()).err(),
        Some(StoreError::Refused(Refusal::SpaceErased)),
        "a device that missed it does not found the space anew"
    );
    let tombstone = c.erasure(space.id()).expect("what is left of it");
    assert_eq!(tombstone.notice.reason, reason);
    assert!(tombstone.notice.done);
    for (device, is_known) in [(&c.a, true), (&c.r, true), (&space.root, true), (&space_of(9).root, false)] {
        assert_eq!(tombstone.knows(device.device()), is_known);
    }
}

fn space_of(seed: u8) -> SpaceFixture {
    SpaceFixture::new(seed, &[])
}

fn erased(c: &Calls) {
    let space = filled(c, 1);
    let claim = c.attest(space.id()).claim;
    c.put_ack(space.id(), signed_ack(c, &space, &c.a, claim.size, claim.head)).unwrap();
    let before = c.heard(space.id(), 7).len();
    let reason = signed(c, &space);
    c.erase(space.id(), reason).unwrap();
    check_erased(c, &space, reason);
    let heard = c.heard(space.id(), before + 1);
    let Some(Heard::Erased(_, notice)) = heard.last() else { panic!("the listener hears of it: {heard:?}") };
    assert_eq!(ErasureNotice::decode(notice).unwrap().reason, reason);
    assert_eq!(heard.len(), before + 1, "once");
}

fn erased_under_an_older_roster(c: &Calls) {
    let mut space = filled(c, 1);
    let old = signed(c, &space);
    let next = space.follow(&c.a.clone(), |_| {});
    c.put_roster(&space, vec![next.bytes().clone()]).unwrap();
    assert_eq!(c.erase(space.id(), old), Err(StoreError::Refused(Refusal::RosterConflict)));
    assert_eq!(c.page(space.id(), 0).entries.len(), 6, "nothing went");
    c.erase(space.id(), signed(c, &space)).unwrap();
}

fn not_founded_anew(c: &Calls) {
    let space = filled(c, 1);
    c.erase(space.id(), ErasureReason::Operator).unwrap();
    c.clock().advance(ERASED_SPACE_MS - 1000);
    assert!(c.put_roster(&space, space.chain.clone()).is_err());
    c.clock().advance(2000);
    assert!(c.erasure(space.id()).is_none());
    assert_eq!(c.put_roster(&space, space.chain.clone()).unwrap().size, 0);
    c.push(space.push(&c.a, 1, &["anew"])).unwrap();
    assert_eq!(c.page(space.id(), 0).entries.len(), 1);
    if c.continue_with(c.harness().reopen()) {
        assert_eq!(c.page(space.id(), 0).entries.len(), 1, "nothing of the one before is in the way");
        c.push(space.push(&c.a, 2, &["more"])).unwrap();
    }
}

fn erased_again(c: &Calls) {
    let space = filled(c, 1);
    let first = c.start_erase(space.id(), ErasureReason::Operator);
    let second = c.start_erase(space.id(), ErasureReason::Operator);
    first.wait().unwrap();
    second.wait().unwrap();
    c.erase(space.id(), ErasureReason::Expired).unwrap();
    check_erased(c, &space, ErasureReason::Operator);
    assert_eq!(c.erase(space_of(9).id(), ErasureReason::Operator), Err(StoreError::UnknownSpace));
    assert!(c.erasure(space_of(9).id()).is_none());
}

fn others_stay(c: &Calls) {
    let (gone, stays) = (filled(c, 1), filled(c, 2));
    c.erase(gone.id(), ErasureReason::Operator).unwrap();
    assert_eq!(c.page(stays.id(), 0).entries.len(), 6);
    c.push(stays.push(&c.a, 7, &["entry 7"])).unwrap();
    if c.continue_with(c.harness().reopen()) {
        assert_eq!(c.page(stays.id(), 0).entries.len(), 7);
        check_erased(c, &gone, ErasureReason::Operator);
        c.push(stays.push(&c.a, 8, &["entry 8"])).unwrap();
    }
}

fn erased_restart(c: &Calls) {
    let space = filled(c, 1);
    let reason = signed(c, &space);
    c.erase(space.id(), reason).unwrap();
    if c.continue_with(c.harness().reopen()) {
        check_erased(c, &space, reason);
    }
}

fn erase_when_poisoned(c: &Calls) {
    let space = filled(c, 1);
    if c.harness().break_disk() {
        let _poisons = c.push(space.push(&c.a, 7, &["entry 7"]));
        assert_eq!(c.erase(space.id(), ErasureReason::Operator), Err(StoreError::Poisoned));
        c.expect_when_poisoned(space.id(), 6);
    }
}
