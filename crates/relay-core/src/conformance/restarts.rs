//! What survives: reopening, failing disks, restored backups.

use super::Cases;
use super::calls::Calls;
use super::reads::signed_ack;
use crate::store::{Refusal, StoreError, Verdict};
use relay_proto::frame::Frame;
use relay_proto::hash::entry_id;
use relay_proto::log_reset::LogReset;
use relay_proto::merkle::{Genesis, LogFold};

pub(super) const CASES: Cases = &[
    ("after a restart everything that was durable is there, and the log goes on", reopened),
    ("after a restart times go on from where they were", times_after_restart),
    ("after a failed write nothing is stored and nothing is accepted", poisoned),
    ("after a failed write no old head is shown as a new one", no_stale_head),
    ("a full disk stores nothing, and goes on when there is room", disk_full),
    ("after a restored backup a new log epoch begins at the restored head", restored),
    ("a space founded in a later log epoch begins with a log reset, from the first epoch on", founded_later),
    ("a closed store refuses", closed),
];

fn reopened(c: &Calls) {
    let mut space = c.space();
    c.push(space.push(&c.a, 1, &["1", "2"])).unwrap();
    c.push(space.push(&c.b, 1, &["3"])).unwrap();
    space.follow(&c.a, |fields| fields.queue_mode = true);
    c.put_roster(&space, space.newest_only()).unwrap();
    c.trim(space.id(), 2).unwrap();
    let (log, before) = (c.store().log(), c.attest(space.id()).claim);
    if !c.continue_with(c.harness().reopen()) {
        return;
    }
    assert_eq!(c.store().log(), log);
    let facts = c.facts(space.id()).unwrap();
    assert_eq!((facts.roster_version, facts.roster_hash), space.newest());
    assert_eq!((facts.size, facts.floor, facts.keyring), (3, 2, space.keyring.clone()));
    let after = c.attest(space.id()).claim;
    assert_eq!((after.size, after.head, after.floor), (before.size, before.head, before.floor));
    assert_eq!(c.page(space.id(), 1).entries.len(), 2);
    assert_eq!(c.leaves(space.id(), 1, 10).len(), 3);
    let mark = c.mark(space.id(), &c.a);
    assert_eq!((mark.push_seq_high, mark.bound, mark.last_entry), (2, true, Some(entry_id(b"2"))));
    let again = c.push(space.push(&c.a, 2, &["2", "4"])).unwrap();
    assert!(matches!(again.runs[0].verdict, Verdict::Duplicate { seq_first: 2 }));
    assert!(matches!(again.runs[1].verdict, Verdict::Stored { seq_first: 4, .. }));
    assert_eq!(c.refused(space.push(&c.b, 1, &["other"])), Refusal::PushSeqConflict);
}

fn times_after_restart(c: &Calls) {
    let space = c.space();
    c.push(space.push(&c.a, 1, &["1"])).unwrap();
    c.clock().advance(10_000);
    let before = c.attest(space.id()).claim.time_ms;
    c.clock().set(before - 5000);
    if c.continue_with(c.harness().reopen()) {
        assert!(c.attest(space.id()).claim.time_ms >= before);
    }
}

fn poisoned(c: &Calls) {
    let space = c.space();
    c.push(space.push(&c.a, 1, &["1"])).unwrap();
    if !c.harness().break_disk() {
        return;
    }
    assert_eq!(c.push(space.push(&c.a, 2, &["2"])).unwrap_err(), StoreError::Poisoned);
    assert_eq!(c.push(space.push(&c.a, 2, &["2"])).unwrap_err(), StoreError::Poisoned, "for good");
    assert_eq!(c.trim(space.id(), 2).unwrap_err(), StoreError::Poisoned);
    c.expect_when_poisoned(space.id(), 1);
    assert_eq!(c.store().stats().poisoned, 1);
}

fn no_stale_head(c: &Calls) {
    let space = c.space();
    c.push(space.push(&c.a, 1, &["1"])).unwrap();
    let before = c.attest(space.id()).claim.time_ms;
    if !c.harness().break_disk() {
        return;
    }
    c.push(space.push(&c.a, 2, &["2"])).unwrap_err();
    c.clock().advance(60_000);
    // A client takes a time that stands still for a lie.
    assert!(c.try_attest(space.id()).map_or(true, |attestation| attestation.claim.time_ms > before));
}

fn disk_full(c: &Calls) {
    let space = c.space();
    if !c.harness().fill_disk(true) {
        return;
    }
    assert_eq!(c.push(space.push(&c.a, 1, &["1"])).unwrap_err(), StoreError::DiskFull);
    assert_eq!(c.facts(space.id()).unwrap().size, 0);
    assert_eq!(c.mark(space.id(), &c.a).push_seq_high, 0);
    c.harness().fill_disk(false);
    let pushed = c.push(space.push(&c.a, 1, &["1"])).unwrap();
    assert!(matches!(pushed.runs[0].verdict, Verdict::Stored { seq_first: 1, .. }));
}

fn restored(c: &Calls) {
    let space = c.space();
    for n in 1..=4 {
        c.push(space.push(&c.a, n, &[&n.to_string()])).unwrap();
    }
    let old = c.store().log();
    if !c.continue_with(c.harness().restore_backup(2)) {
        return;
    }
    let new = c.store().log();
    assert!(new.log_epoch > old.log_epoch && new.log_id == old.log_id);
    let resets = c.log_resets(space.id(), old.log_epoch);
    assert_eq!(resets.len(), 1);
    let reset = LogReset::decode(&resets[0]).unwrap();
    assert!(reset.verify() && reset.space == space.id() && reset.log_id == new.log_id);
    assert_eq!((reset.old_epoch, reset.new_epoch, reset.base_size), (old.log_epoch, new.log_epoch, 2));
    assert!(c.log_resets(space.id(), new.log_epoch).is_empty());
    let mut fold = LogFold::new(&reset.genesis());
    assert_eq!(c.attest(space.id()).claim.head, fold.head());
    let mark = c.mark(space.id(), &c.a);
    assert_eq!((mark.push_seq_high, mark.bound), (2, false));
    c.push(space.push(&c.a, 3, &["3", "4"])).unwrap();
    fold.extend(c.leaves(space.id(), 3, 2));
    let claim = c.attest(space.id()).claim;
    assert_eq!((claim.size, claim.head, claim.log_epoch), (4, fold.head(), new.log_epoch));
    let of_old_epoch =
        crate::store::SignedAck { log_epoch: old.log_epoch, ..signed_ack(c, &space, &c.a, 4, fold.head()) };
    assert_eq!(c.put_ack(space.id(), of_old_epoch), Err(StoreError::Refused(Refusal::AckInvalid)));
}

fn founded_later(c: &Calls) {
    let first = c.space();
    c.push(first.push(&c.a, 1, &["1"])).unwrap();
    if !c.continue_with(c.harness().restore_backup(1)) {
        return;
    }
    let log = c.store().log();
    let space = c.space_with_seed(77);
    let reset = |c: &Calls| {
        let resets = c.log_resets(space.id(), 1);
        assert_eq!(resets.len(), 1, "a device starts in the first log epoch and must be shown the way");
        LogReset::decode(&resets[0]).unwrap()
    };
    let shown = reset(c);
    assert!(shown.verify() && shown.space == space.id() && shown.log_id == log.log_id);
    assert_eq!((shown.old_epoch, shown.new_epoch, shown.base_size), (1, log.log_epoch, 0));
    assert_eq!(shown.base_head, LogFold::new(&Genesis::first(space.id(), log.log_id)).head());
    let mut fold = LogFold::new(&shown.genesis());
    assert_eq!(c.attest(space.id()).claim.head, fold.head());
    c.push(space.push(&c.a, 1, &["1", "2"])).unwrap();
    fold.extend(c.leaves(space.id(), 1, 2));
    assert_eq!(c.attest(space.id()).claim.head, fold.head());
    if c.continue_with(c.harness().reopen()) {
        assert_eq!(reset(c), shown);
        let claim = c.attest(space.id()).claim;
        assert_eq!((claim.size, claim.head, claim.log_epoch), (2, fold.head(), log.log_epoch));
    }
    if c.continue_with(c.harness().restore_backup(2)) {
        let resets = c.log_resets(space.id(), 1);
        let second = LogReset::decode(&resets[1]).unwrap();
        assert_eq!((resets.len(), second.old_epoch, second.base_head), (2, log.log_epoch, fold.head()));
    }
}

fn closed(c: &Calls) {
    let space = c.space();
    c.store().close();
    assert_eq!(c.push(space.push(&c.a, 1, &["1"])).unwrap_err(), StoreError::Closed);
}
