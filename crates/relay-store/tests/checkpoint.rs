//! A start from a checkpoint says what a replay of the whole log says, and what is wrong with a checkpoint never reaches a
//! client: then the whole log is replayed.

mod support;

use relay_core::store::{Store, Verdict};
use relay_store::vfs::Vfs;
use relay_store::vfs::sim::SimVfs;
use relay_store::{EmbeddedStore, StoreOptions};
use std::path::Path;
use std::sync::Arc;
use support::cut::CutVfs;
use support::{Writer, ids, open, options, sealed, wait};

const SEGMENT: u64 = 16 * 1024;
const BYTES: usize = 300;
const ENTRIES: u64 = 100;
const CHECKPOINT: &str = "/d/checkpoint";

fn writers() -> Vec<Writer> {
    (1..=3).map(Writer::new).collect()
}

/// Pushes `from..=to` to every space.
fn push(store: &EmbeddedStore, from: u64, to: u64) {
    for n in from..=to {
        writers().iter().for_each(|writer| writer.push_range(store, n, n, BYTES));
    }
}

fn check(store: &EmbeddedStore, size: u64) {
    for writer in writers() {
        assert_eq!(writer.read_all(store), ids(size, BYTES));
        let leaves = wait(|done| store.leaves(writer.space(), 1, 1000, done)).unwrap();
        assert_eq!(leaves.len() as u64, size);
        for n in [1, size / 2, size] {
            let again = writer.push(store, n, vec![sealed(n, BYTES)]).unwrap();
            assert!(matches!(again.runs[0].verdict, Verdict::Duplicate { seq_first } if seq_first == n), "{n}");
        }
    }
}

/// A disk with a log, closed in order.
fn closed(options: &StoreOptions) -> SimVfs {
    let vfs = SimVfs::new();
    let store = open(Arc::new(vfs.clone()), options).unwrap();
    writers().iter().for_each(|writer| drop(writer.found(&store).unwrap()));
    push(&store, 1, ENTRIES);
    store.close();
    vfs
}

#[test]
fn a_start_from_a_checkpoint_reads_no_old_footer_and_knows_everything() {
    let options = options("/d", SEGMENT);
    let vfs = closed(&options);
    let first = Path::new("/d/log").join(relay_store::segment::file_name(1));
    // A broken row in a footer: a start from a checkpoint does not see it and answers with damage, a replay scans the groups.
    let broken = vfs.fork();
    broken.edit(&first, |bytes| *bytes.iter_mut().rev().nth(400).unwrap() ^= 1).unwrap();
    let is_damaged = |disk: &SimVfs| {
        let store = open(Arc::new(disk.clone()), &options).unwrap();
        let leaves = |writer: &Writer| wait(|done| store.leaves(writer.space(), 1, 1000, done));
        writers().iter().any(|writer| leaves(writer).is_err())
    };
    assert!(is_damaged(&broken.fork()));
    broken.remove(Path::new(CHECKPOINT)).unwrap();
    assert!(!is_damaged(&broken));
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    check(&store, ENTRIES);
    push(&store, ENTRIES + 1, ENTRIES + 30);
    let killed = vfs.fork();
    store.close();
    for disk in [vfs, killed] {
        assert!(disk.contents().contains_key(Path::new(CHECKPOINT)));
        let store = open(Arc::new(disk.clone()), &options).unwrap();
        check(&store, ENTRIES + 30);
        push(&store, ENTRIES + 31, ENTRIES + 33);
        drop(store);
        disk.remove(Path::new(CHECKPOINT)).unwrap();
        check(&open(Arc::new(disk.clone()), &options).unwrap(), ENTRIES + 33);
        assert!(disk.contents().contains_key(&first));
    }
}

#[test]
fn a_flipped_bit_or_a_cut_anywhere_in_a_checkpoint_changes_no_answer() {
    let options = options("/d", SEGMENT);
    let vfs = closed(&options);
    let len = vfs.contents()[Path::new(CHECKPOINT)].len();
    for at in (0..len).step_by(97) {
        for is_cut in [false, true] {
            let broken = vfs.fork();
            let change = |bytes: &mut Vec<u8>| if is_cut { bytes.truncate(at) } else { bytes[at] ^= 1 };
            broken.edit(Path::new(CHECKPOINT), change).unwrap();
            check(&open(Arc::new(broken), &options).unwrap(), ENTRIES);
        }
    }
}

#[test]
fn a_checkpoint_of_segments_that_changed_since_is_not_used() {
    let options = options("/d", SEGMENT);
    let vfs = closed(&options);
    let old = vfs.contents()[Path::new(CHECKPOINT)].clone();
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    let gone = Writer::new(2);
    wait(|done| store.trim(gone.space(), ENTRIES + 1, done)).unwrap();
    assert!(store.reclaim().compactions > 0);
    store.close();
    vfs.put(Path::new(CHECKPOINT), old);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    assert!(gone.page(&store, ENTRIES).unwrap().entries.is_empty());
    let leaves = wait(|done| store.leaves(gone.space(), 1, 1000, done)).unwrap();
    assert_eq!(leaves.len() as u64, ENTRIES);
    assert_eq!(Writer::new(1).read_all(&store), ids(ENTRIES, BYTES));
}

#[test]
fn a_checkpoint_newer_than_its_log_is_not_used() {
    let options = options("/d", SEGMENT);
    let vfs = closed(&options);
    let older = vfs.fork();
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    push(&store, ENTRIES + 1, ENTRIES + 5);
    store.close();
    older.put(Path::new(CHECKPOINT), vfs.contents()[Path::new(CHECKPOINT)].clone());
    check(&open(Arc::new(older), &options).unwrap(), ENTRIES);
}

#[test]
fn a_power_cut_while_a_checkpoint_is_written_loses_nothing() {
    let options = options("/d", SEGMENT);
    let disk = closed(&options);
    let all = {
        let vfs = CutVfs::new(disk.fork(), 0);
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        let before = vfs.calls();
        store.close();
        vfs.calls() - before
    };
    for call in 0..all {
        let sim = disk.fork();
        let vfs = CutVfs::new(sim.clone(), call);
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        vfs.cut_after(call);
        drop(store);
        check(&open(Arc::new(sim.clone()), &options).unwrap(), ENTRIES);
    }
}
