//! Pushes: verdicts, order, receipts.

use super::Cases;
use super::calls::{Calls, Heard};
use crate::store::{Push, Pushed, Refusal, StoreError, Verdict};
use crate::testing::{SpaceFixture, sealed};
use relay_proto::attestation::{PushLeaf, ReceiptProof, verify_receipt};
use relay_proto::hash::entry_id;
use relay_proto::ids::EntryId;
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_proto::roster::Rights;

pub(super) const CASES: Cases = &[
    ("a push is stored with consecutive seqs from 1", consecutive_seqs),
    ("a receipt's proof leads to the attested pushes", receipts_verify),
    ("the head folds from the genesis leaf over every entry", head_folds),
    ("the same bytes again are a duplicate at their seq", whole_duplicates),
    ("a push may mix retries and new entries", partial_duplicates),
    ("other bytes under a used push_seq are a conflict and store nothing", conflicts),
    ("a gap is refused with the push_seq expected", gaps),
    ("the first push of a device may start anywhere", first_push_anywhere),
    ("a device's mark follows its pushes", marks),
    ("an older or unknown key epoch is refused", key_epochs),
    ("a retry from before a rotation is still a duplicate", duplicates_after_rotation),
    ("readers and strangers may not push", rights),
    ("a push to an unknown space is refused", unknown_space),
    ("pushes of one caller take effect in call order", call_order),
    ("the listener hears commits in seq order, without gaps, with an attestation of that size", listener_order),
    ("pushes of several threads are all stored, each device in order", many_threads),
];

fn stored_from(pushed: &Pushed) -> Vec<(u64, u16, Option<u64>)> {
    let seq = |verdict: &Verdict| match verdict {
        Verdict::Stored { seq_first, .. } | Verdict::Duplicate { seq_first } => Some(*seq_first),
        Verdict::DuplicateForgotten => None,
    };
    pushed.runs.iter().map(|run| (run.push_seq_first, run.count, seq(&run.verdict))).collect()
}

fn is_duplicate(pushed: &Pushed) -> Vec<bool> {
    pushed.runs.iter().map(|run| !matches!(run.verdict, Verdict::Stored { .. })).collect()
}

fn consecutive_seqs(c: &Calls) {
    let space = c.space();
    assert_eq!(stored_from(&c.push(space.push(&c.a, 1, &["1", "2"])).unwrap()), [(1, 2, Some(1))]);
    assert_eq!(stored_from(&c.push(space.push(&c.b, 1, &["3"])).unwrap()), [(1, 1, Some(3))]);
    assert_eq!(c.facts(space.id()).unwrap().size, 3);
}

fn receipts_verify(c: &Calls) {
    let space = c.space();
    let push = space.push(&c.a, 1, &["1", "2", "3"]);
    let ids: Vec<EntryId> = push.entries.iter().map(|sealed| entry_id(sealed)).collect();
    let pushed = c.push(push).unwrap();
    let attestation = c.verified(space.id(), &pushed.attestation);
    assert!(attestation.claim.size >= 3);
    let Verdict::Stored { seq_first, index, leaves, path } = pushed.runs[0].verdict.clone() else { panic!("stored") };
    let leaf = PushLeaf::of(c.a.device(), 1, seq_first, &ids);
    assert!(verify_receipt(&leaf, &ReceiptProof { index, leaves, path }, &attestation.claim.pushes));
}

fn head_folds(c: &Calls) {
    let space = c.space();
    let log = c.store().log();
    let mut fold = LogFold::new(&Genesis { log_epoch: log.log_epoch, ..Genesis::first(space.id(), log.log_id) });
    assert_eq!(c.attest(space.id()).claim.head, fold.head(), "the empty log's head is the genesis leaf");
    for push_seq in 1..=9 {
        let text = format!("entry {push_seq}");
        let pushed = c.push(space.push(&c.a, push_seq, &[&text])).unwrap();
        fold.extend([entry_leaf(&c.a.device(), push_seq, 1, &entry_id(text.as_bytes()))]);
        let claim = c.verified(space.id(), &pushed.attestation).claim;
        assert_eq!((claim.size, claim.head, claim.floor, claim.log_epoch), (push_seq, fold.head(), 1, log.log_epoch));
    }
}

fn whole_duplicates(c: &Calls) {
    let space = c.space();
    c.push(space.push(&c.a, 1, &["1", "2"])).unwrap();
    c.push(space.push(&c.b, 1, &["between"])).unwrap();
    c.push(space.push(&c.a, 3, &["3"])).unwrap();
    let again = c.push(space.push(&c.a, 1, &["1", "2", "3"])).unwrap();
    assert_eq!(stored_from(&again), [(1, 2, Some(1)), (3, 1, Some(4))], "a run has consecutive seqs");
    assert_eq!(is_duplicate(&again), [true, true]);
    assert!(c.verified(space.id(), &again.attestation).claim.size >= 4);
    assert_eq!(c.facts(space.id()).unwrap().size, 4);
}

fn partial_duplicates(c: &Calls) {
    let space = c.space();
    c.push(space.push(&c.a, 1, &["1", "2"])).unwrap();
    let mixed = c.push(space.push(&c.a, 2, &["2", "3"])).unwrap();
    assert_eq!(stored_from(&mixed), [(2, 1, Some(2)), (3, 1, Some(3))]);
    assert_eq!(is_duplicate(&mixed), [true, false]);
    assert_eq!(c.mark(space.id(), &c.a).push_seq_high, 3);
}

fn conflicts(c: &Calls) {
    let space = c.space();
    c.push(space.push(&c.a, 1, &["1", "2"])).unwrap();
    assert_eq!(c.refused(space.push(&c.a, 2, &["other", "3"])), Refusal::PushSeqConflict);
    assert_eq!(c.refused(space.push(&c.a, 1, &["other"])), Refusal::PushSeqConflict);
    assert_eq!(c.facts(space.id()).unwrap().size, 2);
    assert_eq!(c.mark(space.id(), &c.a).push_seq_high, 2);
}

fn gaps(c: &Calls) {
    let space = c.space();
    c.push(space.push(&c.a, 1, &["1"])).unwrap();
    assert_eq!(c.refused(space.push(&c.a, 3, &["3"])), Refusal::PushSeqGap { expected: 2 });
    c.push(space.push(&c.a, 2, &["2"])).unwrap();
    c.push(space.push(&c.a, 3, &["3"])).unwrap();
}

fn first_push_anywhere(c: &Calls) {
    let space = c.space();
    assert!(!c.mark(space.id(), &c.a).bound);
    c.push(space.push(&c.a, 41, &["41"])).unwrap();
    assert_eq!(c.refused(space.push(&c.a, 43, &["43"])), Refusal::PushSeqGap { expected: 42 });
    assert_eq!(c.refused(space.push(&c.a, 40, &["40"])), Refusal::PushSeqConflict, "a skipped number stays skipped");
}

fn marks(c: &Calls) {
    let space = c.space();
    let fresh = c.mark(space.id(), &c.a);
    assert_eq!((fresh.push_seq_high, fresh.bound, fresh.last_entry), (0, false, None));
    c.push(space.push(&c.a, 1, &["1", "2"])).unwrap();
    let mark = c.mark(space.id(), &c.a);
    assert_eq!((mark.push_seq_high, mark.bound, mark.last_entry), (2, true, Some(entry_id(b"2"))));
    assert_eq!(c.mark(space.id(), &c.b).push_seq_high, 0);
}

fn key_epochs(c: &Calls) {
    let mut space = c.space();
    let old = Push { key_epoch: 1, ..space.push(&c.a, 1, &["1"]) };
    space.follow(&c.a, |fields| fields.key_epoch = 2);
    c.put_roster(&space, space.chain.clone()).unwrap();
    assert_eq!(c.refused(old), Refusal::KeyEpochOld);
    assert_eq!(c.refused(Push { key_epoch: 3, ..space.push(&c.a, 1, &["1"]) }), Refusal::KeyEpochUnknown);
    assert_eq!(c.facts(space.id()).unwrap().size, 0);
    c.push(space.push(&c.a, 1, &["1"])).unwrap();
}

fn duplicates_after_rotation(c: &Calls) {
    let mut space = c.space();
    let push = space.push(&c.a, 1, &["1"]);
    c.push(push.clone()).unwrap();
    space.follow(&c.a, |fields| fields.key_epoch = 2);
    c.put_roster(&space, space.chain.clone()).unwrap();
    assert_eq!(is_duplicate(&c.push(push).unwrap()), [true]);
}

fn rights(c: &Calls) {
    let space = c.space();
    assert_eq!(c.refused(space.push(&c.r, 1, &["1"])), Refusal::ReadOnly);
    let stranger = relay_proto::KeyPair::from_seed(&[99; 32]);
    assert_eq!(c.refused(space.push(&stranger, 1, &["1"])), Refusal::NotMember);
    assert_eq!(c.refused(space.push(&space.root, 1, &["1"])), Refusal::NotMember);
    assert_eq!(c.facts(space.id()).unwrap().size, 0);
}

fn unknown_space(c: &Calls) {
    let space = SpaceFixture::new(9, &[(&c.a, Rights::Admin)]);
    assert_eq!(c.push(space.push(&c.a, 1, &["1"])).unwrap_err(), StoreError::UnknownSpace);
    assert!(c.facts(space.id()).is_none());
}

fn call_order(c: &Calls) {
    let space = c.space();
    let pending: Vec<_> = (1..=50).map(|n| c.start_push(space.push(&c.a, n, &[&n.to_string()]))).collect();
    let read = c.page(space.id(), 0);
    for (n, pushed) in (1..).zip(pending) {
        assert_eq!(stored_from(&pushed.wait().unwrap()), [(n, 1, Some(n))]);
    }
    assert!(read.entries.len() <= 50);
}

fn listener_order(c: &Calls) {
    let space = c.space();
    let pending: Vec<_> = (1..=20).map(|n| c.start_push(space.push(&c.a, n, &[&n.to_string()]))).collect();
    pending.into_iter().for_each(|pushed| drop(pushed.wait().unwrap()));
    let mut next = 1;
    let mut count = 2;
    while next <= 20 {
        let heard = c.heard(space.id(), count);
        assert!(matches!(heard[0], Heard::Roster(_)), "the founding comes first");
        next = 1;
        for heard in &heard[1..] {
            let Heard::Entries(commit) = heard else { panic!("entries only") };
            assert_eq!(commit.first_seq, next);
            next += commit.entries.len() as u64;
            assert_eq!(c.verified(space.id(), &commit.attestation).claim.size, next - 1);
        }
        count = heard.len() + 1;
    }
}

fn many_threads(c: &Calls) {
    let space = c.space();
    std::thread::scope(|scope| {
        for device in [&c.a, &c.b] {
            let space = &space;
            scope.spawn(move || {
                for n in 1..=40 {
                    c.push(space.push(device, n, &[&format!("{n}")])).unwrap();
                }
            });
        }
    });
    let page = c.page(space.id(), 0);
    for device in [&c.a, &c.b] {
        let of_device = page.entries.iter().filter(|entry| entry.device == device.device());
        assert!(
            of_device
                .map(|entry| (entry.push_seq, entry.sealed.clone()))
                .eq((1..=40).map(|n| (n, sealed(&format!("{n}")))))
        );
    }
}
