//! Reads, leaves, attestations, acks.

use super::Cases;
use super::calls::Calls;
use crate::store::{ReadOutcome, Refusal, SignedAck, SpaceUsage, StoreError};
use crate::testing::SpaceFixture;
use relay_proto::KeyPair;
use relay_proto::frame::Ack;
use relay_proto::hash::entry_id;
use relay_proto::ids::Hash;
use relay_proto::merkle::entry_leaf;

pub(super) const CASES: Cases = &[
    ("a read gives what was pushed, from after the cursor", reads_back),
    ("a read stops at its limits and says that there is more", read_limits),
    ("at least one entry is read, however large", one_huge_entry),
    ("a cursor above the size is ahead", ahead),
    ("a read at the head is an empty page", at_the_head),
    ("reads of an unknown space are refused", unknown_space),
    ("leaves are those of the entries", leaves),
    ("usage is what is held, also after forgetting", usage),
    ("an attestation is signed now, and its time never decreases", attestations),
    ("acks are kept, the newest of each device, and only go forward", acks),
    ("an ack that cannot be true is refused", false_acks),
];

fn filled(c: &Calls, count: u64) -> SpaceFixture {
    let space = c.space();
    for n in 1..=count {
        c.push(space.push(&c.a, n, &[&format!("entry {n}")])).unwrap();
    }
    space
}

fn reads_back(c: &Calls) {
    let space = filled(c, 5);
    let page = c.page(space.id(), 2);
    assert_eq!((page.first_seq, page.entries.len(), page.more), (3, 3, false));
    for (n, entry) in (3..).zip(&page.entries) {
        let text = format!("entry {n}");
        assert_eq!(entry.sealed, text.as_bytes());
        assert_eq!((entry.device, entry.push_seq, entry.key_epoch), (c.a.device(), n, 1));
        assert_eq!(entry.id, entry_id(text.as_bytes()));
    }
    assert_eq!(c.verified(space.id(), &page.attestation).claim.size, 5);
}

fn usage(c: &Calls) {
    assert_eq!(c.usage(c.space().id()), Ok(SpaceUsage::default()));
    let space = filled(c, 12);
    let bytes = |seqs: std::ops::RangeInclusive<u64>| seqs.map(|n| format!("entry {n}").len() as u64).sum::<u64>();
    let usage = |size, floor| SpaceUsage { size, entries: size + 1 - floor, bytes: bytes(floor..=size) };
    assert_eq!(c.usage(space.id()), Ok(usage(12, 1)));
    c.trim(space.id(), 6).unwrap();
    assert_eq!(c.usage(space.id()), Ok(usage(12, 6)));
    c.push(space.push(&c.a, 13, &["entry 13"])).unwrap();
    assert_eq!(c.usage(space.id()), Ok(usage(13, 6)), "only what changed is counted again, and rightly");
    c.trim(space.id(), 14).unwrap();
    assert_eq!(c.usage(space.id()), Ok(SpaceUsage { size: 13, entries: 0, bytes: 0 }));
    assert_eq!(c.usage(KeyPair::from_seed(&[77; 32]).space()), Err(StoreError::UnknownSpace));
}

fn limited(c: &Calls, space: &SpaceFixture, entries_max: u32, bytes_max: u32) -> (usize, bool) {
    match c.read(space.id(), 0, entries_max, bytes_max).unwrap() {
        ReadOutcome::Page(page) => (page.entries.len(), page.more),
        other => panic!("expected a page, got {other:?}"),
    }
}

fn read_limits(c: &Calls) {
    let space = filled(c, 5);
    assert_eq!(limited(c, &space, 2, u32::MAX), (2, true));
    let (count, more) = limited(c, &space, u32::MAX, 15);
    assert!((1..5).contains(&count) && more, "{count} entries of 7 bytes in 15");
    assert_eq!(limited(c, &space, 5, u32::MAX), (5, false));
}

fn one_huge_entry(c: &Calls) {
    let space = c.space();
    let huge = "x".repeat(3 * 1024 * 1024);
    c.push(space.push(&c.a, 1, &[&huge, "small"])).unwrap();
    assert_eq!(limited(c, &space, 10, 1), (1, true));
    assert_eq!(c.page(space.id(), 0).entries[0].sealed.len(), huge.len());
}

fn ahead(c: &Calls) {
    let space = filled(c, 1);
    assert!(matches!(c.read(space.id(), 2, 1, 1).unwrap(), ReadOutcome::Ahead));
}

fn at_the_head(c: &Calls) {
    let space = filled(c, 1);
    let page = c.page(space.id(), 1);
    assert_eq!((page.first_seq, page.entries.len(), page.more), (2, 0, false));
}

fn unknown_space(c: &Calls) {
    let id = KeyPair::from_seed(&[77; 32]).space();
    assert_eq!(c.read(id, 0, 1, 1).unwrap_err(), StoreError::UnknownSpace);
}

fn leaves(c: &Calls) {
    let space = filled(c, 4);
    let leaf = |n: u64| entry_leaf(&c.a.device(), n, 1, &entry_id(format!("entry {n}").as_bytes()));
    assert_eq!(c.leaves(space.id(), 2, 2), [leaf(2), leaf(3)]);
    assert_eq!(c.leaves(space.id(), 3, 100), [leaf(3), leaf(4)]);
    assert!(c.leaves(space.id(), 5, 100).is_empty());
    assert!(c.leaves(space.id(), 0, 1).is_empty(), "there is no seq 0");
}

fn attestations(c: &Calls) {
    let space = filled(c, 1);
    let first = c.attest(space.id());
    c.clock().advance(5000);
    let second = c.attest(space.id());
    assert!(second.claim.time_ms >= first.claim.time_ms + 4000, "fresh after more than a second");
    c.clock().set(1000);
    let pushed = c.push(space.push(&c.a, 2, &["2"])).unwrap();
    let third = c.verified(space.id(), &pushed.attestation);
    assert!(third.claim.time_ms >= second.claim.time_ms, "the wall clock went back");
    assert_eq!((first.claim.size, second.claim.size, third.claim.size), (1, 1, 2));
    assert_eq!(first.claim.head, second.claim.head);
}

pub(super) fn signed_ack(c: &Calls, space: &SpaceFixture, device: &KeyPair, size: u64, head: Hash) -> SignedAck {
    let log = c.store().log();
    let ack = Ack::sign(device, &space.id(), &log.log_id, log.log_epoch, size, head);
    SignedAck { device: device.device(), log_epoch: ack.log_epoch, size, head, signature: ack.signature.0 }
}

fn acks(c: &Calls) {
    let space = filled(c, 1);
    let one = c.attest(space.id()).claim.head;
    c.push(space.push(&c.a, 2, &["2"])).unwrap();
    let two = c.attest(space.id()).claim.head;
    c.put_ack(space.id(), signed_ack(c, &space, &c.a, 2, two)).unwrap();
    c.put_ack(space.id(), signed_ack(c, &space, &c.b, 1, one)).unwrap();
    c.put_ack(space.id(), signed_ack(c, &space, &c.a, 1, one)).unwrap();
    let mut sizes: Vec<_> = c.acks(space.id()).into_iter().map(|ack| (ack.device, ack.size)).collect();
    sizes.sort_unstable();
    let mut expected = [(c.a.device(), 2), (c.b.device(), 1)];
    expected.sort_unstable();
    assert_eq!(sizes, expected);
}

fn false_acks(c: &Calls) {
    let space = filled(c, 2);
    let head = c.attest(space.id()).claim.head;
    let refused = Err(StoreError::Refused(Refusal::AckInvalid));
    assert_eq!(c.put_ack(space.id(), signed_ack(c, &space, &c.a, 3, head)), refused, "above the size");
    assert_eq!(c.put_ack(space.id(), signed_ack(c, &space, &c.a, 2, Hash([1; 32]))), refused, "another head");
    let other_epoch = SignedAck { log_epoch: 99, ..signed_ack(c, &space, &c.a, 2, head) };
    assert_eq!(c.put_ack(space.id(), other_epoch), refused, "another log epoch");
    assert!(c.acks(space.id()).is_empty());
}
