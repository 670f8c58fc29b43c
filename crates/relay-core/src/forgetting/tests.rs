use super::*;
use crate::store::SignedAck;
use bytes::Bytes;
use relay_proto::ids::{Hash, SnapshotId, SpaceId};
use relay_proto::roster::{Device, Rights};

const DAY: u64 = 24 * 3_600_000;
const NOW: u64 = 100 * DAY;
const A: DeviceKey = DeviceKey([1; 32]);
const B: DeviceKey = DeviceKey([2; 32]);

fn ack(device: DeviceKey, log_epoch: u64, size: u64) -> SignedAck {
    SignedAck { device, log_epoch, size, head: Hash::ZERO, signature: [0; 64] }
}

fn snapshot(device: DeviceKey, size: u64, opened_by: &[DeviceKey]) -> SnapshotFacts {
    SnapshotFacts { id: SnapshotId([0; 32]), device, size, stored_at_ms: NOW, opened_by: opened_by.to_vec() }
}

/// Ten entries: 1–3 are 31 days old, 4–6 are 16, 7–8 are 8, 9–10 are 1.
fn facts() -> ForgettingFacts {
    let ages = [(3, 31), (6, 16), (8, 8), (10, 1)];
    ForgettingFacts {
        roster: Bytes::new(),
        size: 10,
        floor: 1,
        acks: vec![ack(A, 1, 10), ack(B, 1, 9)],
        contacts: vec![(A, NOW), (B, NOW - DAY)],
        snapshots: Vec::new(),
        ages: ages.map(|(seq, days)| (seq, NOW - days * DAY)).to_vec(),
    }
}

fn roster(queue_mode: bool) -> StatementFields {
    let device = |key| Device { key, hpke: [0; 32], rights: Rights::Write, not_after_ms: 0 };
    StatementFields {
        queue_mode,
        space: SpaceId([9; 32]),
        version: 1,
        previous: Hash::ZERO,
        key_epoch: 1,
        keyring_hash: Hash::ZERO,
        root_hpke: [0; 32],
        devices: vec![device(A), device(B)],
        former: Vec::new(),
        signer: DeviceKey([9; 32]),
    }
}

fn decision(facts: &ForgettingFacts, queue_mode: bool) -> ForgettingDecision {
    let roster = roster(queue_mode);
    decide(&Subject { facts, roster: &roster, log_epoch: 1 }, &ForgettingPolicy::default(), NOW)
}

fn floor_of(facts: &ForgettingFacts, queue_mode: bool) -> u64 {
    decision(facts, queue_mode).floor
}

#[test]
fn what_each_rule_lets_go() {
    type Change = fn(&mut ForgettingFacts);
    let cases: &[(&str, Change, bool, u64)] = &[
        ("acked by all, grace over for 8", |_| {}, false, 9),
        (
            "a snapshot opened by its author alone does not count",
            |f| f.snapshots = vec![snapshot(A, 10, &[A])],
            false,
            9,
        ),
        (
            "a snapshot opened by a second device covers what all acked",
            |f| f.snapshots = vec![snapshot(A, 10, &[A, B])],
            false,
            10,
        ),
        ("a snapshot covers no more than its size", |f| f.snapshots = vec![snapshot(A, 9, &[B])], false, 10),
        (
            "a snapshot of a device that left does not count",
            |f| f.snapshots = vec![snapshot(DeviceKey([7; 32]), 10, &[B])],
            false,
            9,
        ),
        ("one live device is behind", |f| f.acks[1].size = 5, false, 6),
        ("one live device never acked: retention alone", |f| f.acks.truncate(1), false, 4),
        (
            "a member never heard of is live",
            |f| {
                f.acks.truncate(1);
                f.contacts.truncate(1);
            },
            false,
            4,
        ),
        (
            "a device beyond its lease does not hold things up",
            |f| {
                f.acks.truncate(1);
                f.contacts[1].1 = NOW - 31 * DAY;
            },
            false,
            9,
        ),
        ("an ack of an earlier log epoch covers nothing", |f| f.acks[1].log_epoch = 0, false, 4),
        ("queue mode: gone when all acked", |_| {}, true, 10),
        ("nobody is live: retention alone", |f| f.contacts = vec![(A, 0), (B, 0)], true, 4),
        (
            "the floor never falls",
            |f| {
                f.floor = 7;
                f.acks.clear();
            },
            false,
            7,
        ),
        (
            "never above the log",
            |f| {
                f.acks[0].size = 99;
                f.acks[1].size = 99;
            },
            true,
            11,
        ),
    ];
    for (name, change, queue_mode, expected) in cases {
        let mut facts = facts();
        change(&mut facts);
        assert_eq!(floor_of(&facts, *queue_mode), *expected, "{name}");
    }
}

#[test]
fn snapshot_is_due_when_half_of_retention_is_over_for_something_uncovered() {
    let due = |facts: &ForgettingFacts| decision(facts, false).snapshot_due;
    let mut facts = facts();
    facts.acks.clear();
    assert!(due(&facts));
    facts.snapshots = vec![snapshot(A, 6, &[])];
    assert!(!due(&facts));
    facts.snapshots = vec![snapshot(A, 5, &[])];
    assert!(due(&facts));
    facts.snapshots.clear();
    facts.floor = 7;
    assert!(!due(&facts));
    facts.snapshots = vec![snapshot(DeviceKey([7; 32]), 10, &[B])];
    assert!(due(&facts), "the author of the newest snapshot left");
}

#[test]
fn the_next_change_is_when_an_entry_or_a_lease_gets_old_enough() {
    let policy = ForgettingPolicy::default();
    let mut facts = facts();
    // Half of retention for what is 8 days old; its grace was over a day ago, and that of what is a day old is 6 days away.
    let ages = |facts: &ForgettingFacts, days: u64| {
        let committed = facts.ages.iter().find(|(_, at)| *at == NOW - days * DAY).map(|(_, at)| *at).unwrap();
        [policy.grace_ms, policy.retention_ms / 2, policy.retention_ms].map(|age| committed + age)
    };
    let all = [31, 16, 8, 1].iter().flat_map(|days| ages(&facts, *days));
    let expected = all.filter(|at| *at > NOW).min().unwrap();
    assert_eq!(decision(&facts, false).next_ms, expected);
    facts.ages.clear();
    assert_eq!(decision(&facts, false).next_ms, NOW - DAY + policy.device_lease_ms + 1);
    facts.contacts.clear();
    assert_eq!(decision(&facts, false).next_ms, u64::MAX);
}

#[test]
fn nothing_changes_before_the_next_change_by_passing_time() {
    let policy = ForgettingPolicy::default();
    for queue_mode in [false, true] {
        for snapshots in [Vec::new(), vec![snapshot(A, 4, &[B])], vec![snapshot(A, 9, &[])]] {
            let (facts, roster) = (ForgettingFacts { snapshots, ..facts() }, roster(queue_mode));
            let subject = Subject { facts: &facts, roster: &roster, log_epoch: 1 };
            let mut now = NOW;
            let mut steps = 0;
            loop {
                let held = decide(&subject, &policy, now);
                if held.next_ms == u64::MAX {
                    break;
                }
                let before = decide(&subject, &policy, held.next_ms - 1);
                assert_eq!((before.floor, before.snapshot_due), (held.floor, held.snapshot_due));
                (now, steps) = (held.next_ms, steps + 1);
            }
            assert!(steps > 5);
        }
    }
}

#[test]
fn a_purge_waits_for_live_devices_that_acked_less_and_for_no_others() {
    let roster = roster(false);
    let upto = |facts: &ForgettingFacts, by| {
        purgeable(&Subject { facts, roster: &roster, log_epoch: 1 }, by, &ForgettingPolicy::default(), NOW)
    };
    let mut facts = facts();
    assert_eq!(upto(&facts, A), 9, "B acked 9");
    assert_eq!(upto(&facts, B), 10);
    facts.contacts = vec![(A, NOW), (B, NOW - 31 * DAY)];
    assert_eq!(upto(&facts, A), u64::MAX, "the lease of B is over");
    facts.contacts.clear();
    facts.acks = vec![ack(A, 1, 10), ack(B, 2, 9)];
    assert_eq!(upto(&facts, A), u64::MAX, "B acked nothing of this log epoch");
}

#[test]
fn a_space_expires_a_lease_after_the_last_sign_of_life() {
    let mut facts = facts();
    facts.ages.clear();
    let expired = |facts: &ForgettingFacts| decision(facts, false).expired;
    assert!(!expired(&facts));
    facts.contacts = vec![(A, NOW - 40 * DAY), (B, NOW - 31 * DAY)];
    assert!(expired(&facts));
    facts.snapshots = vec![snapshot(A, 9, &[])];
    assert!(!expired(&facts), "a snapshot was stored since");
    facts.snapshots.clear();
    facts.ages = vec![(10, NOW - 30 * DAY)];
    assert!(!expired(&facts), "something was pushed since");
    facts.ages.clear();
    facts.contacts.clear();
    assert!(!expired(&facts), "nobody knows");
}
