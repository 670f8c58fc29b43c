//! Trimming, and what a forgetting decision is told.

use super::Cases;
use super::calls::Calls;
use super::reads::signed_ack;
use crate::store::{ReadOutcome, Verdict};
use crate::testing::SpaceFixture;
use relay_proto::hash::entry_id;
use relay_proto::merkle::entry_leaf;

pub(super) const CASES: Cases = &[
    ("below the floor nothing is read, and the floor is attested", trimmed),
    ("leaves outlive their entries", leaves_after_trim),
    ("the floor never falls and never passes the size", floor_bounds),
    ("a retry of a forgotten entry is a duplicate", forgotten_duplicates),
    ("after everything was trimmed the log goes on", trimmed_to_the_end),
    ("forgetting is told ages, acks, contacts and snapshots", facts),
];

fn filled(c: &Calls) -> SpaceFixture {
    let space = c.space();
    for n in 1..=6 {
        c.push(space.push(&c.a, n, &[&format!("entry {n}")])).unwrap();
    }
    space
}

fn trimmed(c: &Calls) {
    let space = filled(c);
    c.trim(space.id(), 4).unwrap();
    for after in 0..=2 {
        let ReadOutcome::BelowFloor { attestation } = c.read(space.id(), after, 10, 1000).unwrap() else {
            panic!("below the floor")
        };
        assert_eq!(c.verified(space.id(), &attestation).claim.floor, 4);
    }
    let page = c.page(space.id(), 3);
    assert_eq!((page.first_seq, page.entries.len()), (4, 3));
    assert_eq!(c.verified(space.id(), &page.attestation).claim.floor, 4);
    assert_eq!(c.attest(space.id()).claim.floor, 4);
    assert_eq!(c.facts(space.id()).unwrap().floor, 4);
}

fn leaves_after_trim(c: &Calls) {
    let space = filled(c);
    c.trim(space.id(), 4).unwrap();
    let leaf = |n: u64| entry_leaf(&c.a.device(), n, 1, &entry_id(format!("entry {n}").as_bytes()));
    assert_eq!(c.leaves(space.id(), 1, 6), (1..=6).map(leaf).collect::<Vec<_>>());
}

fn floor_bounds(c: &Calls) {
    let space = filled(c);
    c.trim(space.id(), 4).unwrap();
    c.trim(space.id(), 2).unwrap();
    assert_eq!(c.facts(space.id()).unwrap().floor, 4);
    c.trim(space.id(), 100).unwrap();
    assert_eq!(c.facts(space.id()).unwrap().floor, 7);
}

fn forgotten_duplicates(c: &Calls) {
    let space = filled(c);
    c.trim(space.id(), 4).unwrap();
    let pushed = c.push(space.push(&c.a, 2, &["entry 2", "entry 3", "entry 4"])).unwrap();
    assert_eq!(pushed.runs.len(), 2);
    assert!(matches!(pushed.runs[0].verdict, Verdict::DuplicateForgotten));
    assert!(matches!(pushed.runs[1].verdict, Verdict::Duplicate { seq_first: 4 }));
}

fn trimmed_to_the_end(c: &Calls) {
    let space = filled(c);
    c.trim(space.id(), 7).unwrap();
    let page = c.page(space.id(), 6);
    assert!(page.entries.is_empty() && !page.more);
    c.push(space.push(&c.a, 7, &["entry 7"])).unwrap();
    assert_eq!(c.page(space.id(), 6).entries.len(), 1);
}

fn facts(c: &Calls) {
    const HOUR: u64 = 3_600_000;
    let space = c.space();
    c.push(space.push(&c.a, 1, &["1"])).unwrap();
    let first = c.attest(space.id()).claim;
    c.clock().advance(5 * HOUR);
    c.push(space.push(&c.a, 2, &["2"])).unwrap();
    c.put_ack(space.id(), signed_ack(c, &space, &c.a, 1, first.head)).unwrap();
    c.store().touch(space.id(), c.b.device(), 123);
    let facts = c.forgetting(space.id());
    assert_eq!((facts.size, facts.floor), (2, 1));
    assert_eq!(Some(&facts.roster), space.chain.last());
    assert_eq!(facts.acks.len(), 1);
    assert!(facts.contacts.contains(&(c.b.device(), 123)));
    assert!(facts.contacts.iter().any(|(device, _)| *device == c.a.device()), "an ack is a contact");
    assert!(facts.ages.is_sorted());
    let of_first = facts.ages.iter().find(|(seq, _)| *seq == 1).expect("a mark for the first hour");
    assert!(of_first.1 >= first.time_ms && of_first.1 < first.time_ms + HOUR);
    assert!(facts.snapshots.is_empty());
}
