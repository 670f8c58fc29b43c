//! The contract of [`crate::documents::DocumentStore`] as a suite. Cases that reopen a store, or make it fail, are skipped for
//! harnesses that cannot.

mod calls;
mod model;

use crate::documents::{Change, DocumentError, DocumentRange, DocumentStore, Documents, Keyspace, Tenant, Usage};
use crate::store::StoreError;
use bytes::Bytes;
use calls::{Calls, Work, bytes, key};
use std::sync::Arc;

/// One document store under test.
pub trait DocumentHarness: Send + Sync {
    /// The store.
    fn store(&self) -> Arc<dyn DocumentStore>;
    /// Runs after every call, before its completion is waited for.
    fn after_call(&self) {}
    /// Closes the store in order and opens it again; `false` when nothing survives.
    fn reopen(&self) -> bool {
        false
    }
    /// Moves what waits from the journal to where it stays, if there is such a thing.
    fn settle(&self) {}
    /// Makes the next durable write fail as a broken disk does; `false` when that cannot be done.
    fn break_disk(&self) -> bool {
        false
    }
}

type Check = fn(&Calls);

const CASES: &[(&str, Check)] = &[
    ("what was put is read", what_was_put_is_read),
    ("a work reads what the work before it wrote", works_follow_each_other),
    ("a work that gives up changes nothing", a_work_that_gives_up_changes_nothing),
    ("a work that panics ends alone", a_work_that_panics_ends_alone),
    ("limits are errors and change nothing", limits_are_errors),
    ("keyspaces know nothing of each other", keyspaces_are_apart),
    ("usage counts keys and bytes as they are", usage_is_exact),
    ("scans are ordered, limited and continued", scans_are_ordered_and_continued),
    ("a scan sees changes over older ones in both directions", scans_merge_layers),
    ("ranges are deleted in pieces", ranges_are_deleted_in_pieces),
    ("keyspaces are listed while they hold something", keyspaces_are_listed),
    ("everything is there after a restart", everything_is_there_after_a_restart),
    ("a broken disk poisons, and reads go on", a_broken_disk_poisons),
    ("it does what a map does", model::it_does_what_a_map_does),
];

/// Runs every case, each on a store of its own; a failure names its case.
///
/// # Panics
/// When a case does not hold.
pub fn run_documents(make: &dyn Fn() -> Box<dyn DocumentHarness>) {
    let mut broken = Vec::new();
    for (name, check) in CASES {
        let calls = Calls::new(make());
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&calls))).is_err() {
            broken.push(*name);
        }
    }
    assert!(broken.is_empty(), "the store breaks its contract: {broken:#?}");
}

fn space(system: u8, tenant: u8) -> Keyspace {
    Keyspace { system, tenant: Tenant([tenant; 16]) }
}

fn what_was_put_is_read(calls: &Calls) {
    let at = space(1, 1);
    let put = |n: u8| Change::Put(key(n), bytes(n, usize::from(n) * 100));
    let usage = calls.write(at, (0..20).map(put).collect()).unwrap();
    assert_eq!(usage.keys, 20);
    calls.write(at, vec![Change::Put(key(3), bytes(99, 5)), Change::Delete(key(4))]).unwrap();
    for _ in 0..2 {
        let found = calls.get(at, vec![key(3), key(4), key(5), key(200)]);
        assert_eq!(found, vec![Some(bytes(99, 5)), None, Some(bytes(5, 500)), None]);
        calls.harness.settle();
    }
}

fn works_follow_each_other(calls: &Calls) {
    let at = space(1, 1);
    let count = |documents: &mut dyn Documents| {
        let now = documents.get(b"count")?.map_or(0, |value| u64::from(value[0]));
        documents.put(Bytes::from_static(b"count"), Bytes::from(vec![u8::try_from(now + 1).unwrap()]))
    };
    let waiting: Vec<_> = (0..100).map(|_| calls.begin(at, Work::new(count))).collect();
    waiting.into_iter().for_each(|work| calls.end(work).map(|_| ()).unwrap());
    assert_eq!(calls.get(at, vec![Bytes::from_static(b"count")]), vec![Some(Bytes::from_static(&[100]))]);
}

fn a_work_that_gives_up_changes_nothing(calls: &Calls) {
    let at = space(1, 1);
    let withdrawn = calls.work(at, |documents| {
        documents.put(key(1), bytes(1, 10))?;
        Err(DocumentError::Withdrawn)
    });
    assert_eq!(withdrawn, Err(DocumentError::Withdrawn));
    assert_eq!(calls.get(at, vec![key(1)]), vec![None]);
    assert_eq!(calls.usage(at), Usage::default());
}

fn a_work_that_panics_ends_alone(calls: &Calls) {
    let at = space(1, 1);
    let panics = calls.begin(at, Work::new(|_| panic!("told to")));
    let next = calls.begin(at, Work::new(|documents| documents.put(key(2), bytes(2, 1))));
    assert_eq!(calls.end(panics), Err(DocumentError::Panicked));
    assert_eq!(calls.end(next).unwrap().keys, 1);
}

fn limits_are_errors(calls: &Calls) {
    use crate::documents::limits::{KEY_BYTES_MAX, RANGE_DELETES_MAX};
    let at = space(1, 1);
    let long = Change::Put(Bytes::from(vec![1; KEY_BYTES_MAX + 1]), Bytes::new());
    assert_eq!(calls.write(at, vec![Change::Put(key(1), key(1)), long]), Err(DocumentError::TooLarge));
    let most = Change::Put(Bytes::from(vec![1; KEY_BYTES_MAX]), Bytes::new());
    assert_eq!(calls.write(at, vec![most]).unwrap().keys, 1);
    let wide =
        calls.work(at, |documents| documents.delete_range(&DocumentRange::all(), RANGE_DELETES_MAX + 1).map(|_| ()));
    assert_eq!(wide, Err(DocumentError::TooLarge));
    assert_eq!(calls.get(at, vec![key(1)]), vec![None]);
}

fn keyspaces_are_apart(calls: &Calls) {
    let spaces = [space(1, 1), space(1, 2), space(2, 1)];
    for (n, at) in (1..).zip(spaces) {
        calls.write(at, vec![Change::Put(key(1), bytes(n, 3))]).unwrap();
    }
    calls.write(spaces[1], vec![Change::Delete(key(1))]).unwrap();
    let found: Vec<_> = spaces.iter().map(|at| calls.scan(*at, DocumentRange::all()).items).collect();
    assert_eq!(found, vec![vec![(key(1), bytes(1, 3))], vec![], vec![(key(1), bytes(3, 3))]]);
}

fn usage_is_exact(calls: &Calls) {
    let at = space(1, 1);
    for (changes, keys, bytes_held) in [
        (vec![Change::Put(key(1), bytes(1, 100))], 1, 101),
        (vec![Change::Put(key(1), bytes(1, 40)), Change::Put(key(2), bytes(2, 9))], 2, 51),
        (vec![Change::Put(key(1), bytes(1, 50)), Change::Put(key(1), bytes(1, 60))], 2, 71),
        (vec![Change::Delete(key(2)), Change::Delete(key(7))], 1, 61),
        (vec![Change::Delete(key(1))], 0, 0),
    ] {
        let expected = Usage { keys, bytes: bytes_held };
        assert_eq!(calls.write(at, changes), Ok(expected));
        assert_eq!(calls.usage(at), expected);
        calls.harness.settle();
        assert_eq!(calls.usage(at), expected);
    }
}

fn scans_are_ordered_and_continued(calls: &Calls) {
    let at = space(1, 1);
    calls.write(at, (0..50).rev().map(|n| Change::Put(key(n), bytes(n, 10))).collect()).unwrap();
    let between = DocumentRange::between(key(10), Some(key(40)));
    for (range, expected) in [
        (between.clone(), (10..40).collect::<Vec<u8>>()),
        (between.clone().reversed(), (10..40).rev().collect()),
        (DocumentRange::between(key(45), None), (45..50).collect()),
        (DocumentRange::prefix(key(7)), vec![7]),
        (DocumentRange::between(key(9), Some(key(9))), vec![]),
        (DocumentRange::between(key(9), Some(key(3))), vec![]),
    ] {
        for items_max in [1, 7, 30, usize::MAX] {
            assert_eq!(calls.keys_of(at, range.clone().limited(items_max, usize::MAX)), expected, "{range:?}");
        }
    }
    let page = calls.scan(at, between.limited(usize::MAX, 35));
    assert_eq!((page.items.len(), page.more), (4, true), "one item may overshoot the bytes");
}

fn scans_merge_layers(calls: &Calls) {
    let at = space(1, 1);
    calls.write(at, (0..30).map(|n| Change::Put(key(n), bytes(n, 4))).collect()).unwrap();
    calls.harness.settle();
    let later =
        |n: u8| if n.is_multiple_of(3) { Change::Delete(key(n)) } else { Change::Put(key(n + 100), bytes(n, 4)) };
    calls.write(at, (0..30).map(later).collect()).unwrap();
    let expected: Vec<u8> = (0..30_u8).filter(|n| !n.is_multiple_of(3)).flat_map(|n| [n, n + 100]).collect();
    let mut sorted = expected;
    sorted.sort_unstable();
    for items_max in [1, 2, 5, usize::MAX] {
        assert_eq!(calls.keys_of(at, DocumentRange::all().limited(items_max, usize::MAX)), sorted);
        let mut reversed = calls.keys_of(at, DocumentRange::all().reversed().limited(items_max, usize::MAX));
        reversed.reverse();
        assert_eq!(reversed, sorted);
    }
}

fn ranges_are_deleted_in_pieces(calls: &Calls) {
    let at = space(1, 1);
    calls.write(at, (0..100).map(|n| Change::Put(key(n), bytes(n, 1))).collect()).unwrap();
    calls.harness.settle();
    let piece = || {
        calls.work(at, |documents| {
            let range = DocumentRange::between(key(20), Some(key(80)));
            let deleted = documents.delete_range(&range, 40)?;
            documents.put(Bytes::from_static(b"deleted"), Bytes::from(vec![u8::try_from(deleted).unwrap()]))
        })
    };
    for (deleted, keys) in [(40, 61), (20, 41), (0, 41)] {
        assert_eq!(piece().unwrap().keys, keys);
        assert_eq!(calls.get(at, vec![Bytes::from_static(b"deleted")]), vec![Some(Bytes::from(vec![deleted]))]);
    }
}

fn keyspaces_are_listed(calls: &Calls) {
    let all = [space(1, 1), space(1, 5), space(2, 3), space(3, 0)];
    for at in all {
        calls.write(at, vec![Change::Put(key(1), key(1))]).unwrap();
    }
    calls.harness.settle();
    calls.write(all[1], vec![Change::Delete(key(1))]).unwrap();
    assert_eq!(calls.keyspaces(None, 10), [all[0], all[2], all[3]]);
    assert_eq!(calls.keyspaces(Some(all[0]), 1), [all[2]]);
    calls.harness.settle();
    assert_eq!(calls.keyspaces(Some(all[2]), 10), [all[3]]);
}

fn everything_is_there_after_a_restart(calls: &Calls) {
    let at = space(1, 1);
    calls.write(at, (0..40).map(|n| Change::Put(key(n), bytes(n, 300))).collect()).unwrap();
    calls.harness.settle();
    let usage = calls.write(at, vec![Change::Put(key(1), bytes(9, 1)), Change::Delete(key(2))]).unwrap();
    if !calls.harness.reopen() {
        return;
    }
    assert_eq!(calls.usage(at), usage);
    assert_eq!(calls.get(at, vec![key(1), key(2), key(3)]), vec![Some(bytes(9, 1)), None, Some(bytes(3, 300))]);
    assert_eq!(calls.keys_of(at, DocumentRange::all()).len(), 39);
}

fn a_broken_disk_poisons(calls: &Calls) {
    let at = space(1, 1);
    calls.write(at, vec![Change::Put(key(1), key(1))]).unwrap();
    if !calls.harness.break_disk() {
        return;
    }
    let poisoned = Err(DocumentError::Store(StoreError::Poisoned));
    assert_eq!(calls.write(at, vec![Change::Put(key(2), key(2))]), poisoned);
    assert_eq!(calls.write(at, vec![Change::Put(key(3), key(3))]), poisoned, "and it stays so");
    assert_eq!(calls.get(at, vec![key(1), key(2)]), vec![Some(key(1)), None]);
}
