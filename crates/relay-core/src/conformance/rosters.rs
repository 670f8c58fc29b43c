//! Rosters.

use super::Cases;
use super::calls::{Calls, Heard};
use crate::store::{Refusal, StoreError};
use crate::testing::SpaceFixture;
use bytes::Bytes;
use relay_proto::KeyPair;
use relay_proto::roster::Rights;

pub(super) const CASES: Cases = &[
    ("a chain signed by the root founds a space", founds),
    ("statements held already are skipped", skips),
    ("a following statement by an admin is added and announced", follows),
    ("two statements of one version: the second is a conflict", conflict),
    ("a bad signature, signer, keyring or shape is invalid and changes nothing", invalid),
    ("a statement that cuts off entries of a device is a conflict, and the device waits", cuts_off),
    ("a device that left may not push", left),
    ("known spaces are paged by id", pages_spaces),
    ("roster changes are announced before later commits", announced_in_order),
];

fn refused(outcome: Result<crate::store::SpaceFacts, StoreError>) -> Refusal {
    match outcome {
        Err(StoreError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn founds(c: &Calls) {
    let space = SpaceFixture::new(1, &[(&c.a, Rights::Admin)]);
    assert!(c.facts(space.id()).is_none());
    let facts = c.put_roster(&space, space.chain.clone()).unwrap();
    assert_eq!((facts.roster_version, facts.roster_hash), space.newest());
    assert_eq!((facts.size, facts.floor), (0, 1));
    let held = c.facts(space.id()).unwrap();
    assert_eq!((held.chain, held.keyring), (space.chain.clone(), space.keyring.clone()));
    assert_eq!(c.attest(space.id()).claim.size, 0);
}

fn skips(c: &Calls) {
    let space = c.space();
    let again = c.put_roster(&space, space.chain.clone()).unwrap();
    assert_eq!(again.roster_version, 1);
    assert_eq!(c.heard(space.id(), 1).len(), 1, "nothing new is not announced");
}

fn follows(c: &Calls) {
    let mut space = c.space();
    let fresh = KeyPair::from_seed(&[55; 32]);
    let statement = space.add(&c.a, &fresh, Rights::Write);
    let facts = c.put_roster(&space, space.chain.clone()).unwrap();
    assert_eq!((facts.roster_version, facts.roster_hash), space.newest());
    let heard = c.heard(space.id(), 2);
    let Heard::Roster(commit) = &heard[1] else { panic!("a roster") };
    assert_eq!((commit.added.clone(), commit.roster_version), (vec![statement.bytes().clone()], 2));
    assert_eq!(commit.keyring, space.keyring);
    c.push(space.push(&fresh, 1, &["1"])).unwrap();
}

fn conflict(c: &Calls) {
    let mut mine = c.space();
    let mut theirs = mine.clone();
    mine.follow(&c.a, |fields| fields.queue_mode = true);
    theirs.add(&c.a, &KeyPair::from_seed(&[55; 32]), Rights::Read);
    c.put_roster(&mine, mine.newest_only()).unwrap();
    assert_eq!(refused(c.put_roster(&theirs, theirs.newest_only())), Refusal::RosterConflict);
    assert_eq!(c.facts(mine.id()).unwrap().roster_hash, mine.newest().1);
}

fn invalid(c: &Calls) {
    let space = c.space();
    type Break = fn(&Calls, &mut SpaceFixture);
    let breaks: &[(&str, Break)] = &[
        ("signed by a writer", |c, space| drop(space.follow(&c.b, |_| {}))),
        ("a device left without a new key epoch", |c, space| {
            let gone = c.b.device();
            space.follow(&c.a, |fields| fields.devices.retain(|listed| listed.key != gone));
        }),
        ("another keyring", |c, space| {
            space.follow(&c.a, |_| {});
            space.keyring = Bytes::from_static(b"other");
        }),
        ("a broken signature", |c, space| {
            let statement = space.follow(&c.a, |_| {});
            let mut bytes = statement.bytes().to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            *space.chain.last_mut().unwrap() = bytes.into();
        }),
        ("no statement at all", |_, space| space.chain.push(Bytes::from_static(b"nonsense"))),
    ];
    for (name, break_it) in breaks {
        let mut broken = space.clone();
        break_it(c, &mut broken);
        assert_eq!(refused(c.put_roster(&broken, broken.newest_only())), Refusal::RosterInvalid, "{name}");
    }
    assert_eq!(c.facts(space.id()).unwrap().roster_version, 1);
}

fn cuts_off(c: &Calls) {
    let mut space = c.space();
    c.push(space.push(&c.b, 1, &["1", "2"])).unwrap();
    let before = space.clone();
    space.remove(&c.a, c.b.device(), 1);
    assert_eq!(refused(c.put_roster(&space, space.newest_only())), Refusal::RosterConflict);
    assert!(matches!(c.refused(before.push(&c.b, 3, &["3"])), Refusal::PushesHeld { retry_after_ms: 1..=30_000 }));
    c.push(before.push(&c.a, 1, &["of another device"])).unwrap();
    c.push(before.push(&c.b, 1, &["1"])).expect("a retry is still answered");
    let mut again = before;
    again.remove(&c.a, c.b.device(), 2);
    c.put_roster(&again, again.newest_only()).unwrap();
}

fn left(c: &Calls) {
    let mut space = c.space();
    c.push(space.push(&c.b, 1, &["1"])).unwrap();
    space.remove(&c.a, c.b.device(), 1);
    c.put_roster(&space, space.newest_only()).unwrap();
    assert_eq!(c.refused(space.push(&c.b, 2, &["2"])), Refusal::NotMember);
    assert_eq!(c.refused(space.push(&c.b, 1, &["1"])), Refusal::NotMember);
    assert_eq!(c.page(space.id(), 0).entries.len(), 1, "what it wrote before stays");
}

fn pages_spaces(c: &Calls) {
    let mut ids: Vec<_> = (1..=5).map(|seed| c.space_with_seed(seed).id()).collect();
    ids.sort_unstable();
    assert_eq!(c.spaces(None, 3), ids[..3]);
    assert_eq!(c.spaces(Some(ids[2]), 3), ids[3..]);
    assert!(c.spaces(Some(ids[4]), 3).is_empty());
}

fn announced_in_order(c: &Calls) {
    let mut space = c.space();
    c.push(space.push(&c.a, 1, &["1"])).unwrap();
    space.follow(&c.a, |fields| fields.key_epoch = 2);
    c.put_roster(&space, space.newest_only()).unwrap();
    c.push(space.push(&c.a, 2, &["2"])).unwrap();
    let kinds: Vec<bool> = c.heard(space.id(), 4).iter().map(|heard| matches!(heard, Heard::Roster(_))).collect();
    assert_eq!(kinds, [true, false, true, false]);
}
