//! Failing writes and syncs, full disks, power cuts.

mod support;

use relay_core::store::{Store, StoreError, Verdict};
use relay_store::vfs::sim::{Fault, SimVfs};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{Writer, ids, open, options, sealed};

const SEGMENT: u64 = 64 * 1024;
/// Sealed bytes of an entry that a power cut may lose.
const ENTRY_BYTES: usize = 900;

fn poisoned_by(fault: Fault) {
    let vfs = SimVfs::new();
    let options = options("/d", SEGMENT);
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 5, 100);
    vfs.inject("1.seg", fault);
    assert_eq!(writer.push(&store, 6, vec![sealed(6, 100)]).unwrap_err(), StoreError::Poisoned);
    vfs.heal();
    // The disk is well again, the store does not believe it.
    assert_eq!(writer.push(&store, 6, vec![sealed(6, 100)]).unwrap_err(), StoreError::Poisoned);
    assert_eq!(store.stats().poisoned, 1);
    assert_eq!(writer.read_all(&store), ids(5, 100), "what was not acknowledged is not shown");
    drop(store);
    let store = open(Arc::new(vfs), &options).unwrap();
    let held = writer.read_all(&store);
    assert_eq!(held[..5], ids(5, 100));
    // Whether the refused push made it to the disk or not: the client's retry ends with it held once.
    let retried = writer.push(&store, 6, vec![sealed(6, 100)]).unwrap();
    assert!(matches!(retried.runs[0].verdict, Verdict::Stored { .. } | Verdict::Duplicate { .. }));
    assert_eq!(writer.read_all(&store), ids(6, 100));
}

#[test]
fn a_failed_write_refuses_and_poisons() {
    poisoned_by(Fault::Write { after: 0, error: ErrorKind::Other });
}

#[test]
fn a_failed_sync_refuses_and_poisons() {
    poisoned_by(Fault::Sync { after: 0, error: ErrorKind::Other });
}

#[test]
fn a_disk_that_fills_in_the_middle_of_a_write_poisons() {
    poisoned_by(Fault::Write { after: 0, error: ErrorKind::StorageFull });
}

#[test]
fn a_full_disk_refuses_what_needs_a_new_segment_and_recovers() {
    let vfs = SimVfs::new();
    let options = options("/d", SEGMENT);
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    vfs.inject(".seg", Fault::Full);
    let mut next = 1;
    let refusal = loop {
        match writer.push(&store, next, vec![sealed(next, 4000)]) {
            Ok(_) => next += 1,
            Err(error) => break error,
        }
        assert!(next < 100, "the disk is never full");
    };
    assert_eq!(refusal, StoreError::DiskFull);
    assert_eq!(store.stats().poisoned, 0);
    assert_eq!(writer.read_all(&store), ids(next - 1, 4000), "reads go on");
    support::wait(|done| store.attest(writer.space(), done)).unwrap();
    vfs.heal();
    writer.push_range(&store, next, next + 20, 4000);
    assert_eq!(writer.read_all(&store), ids(next + 20, 4000));
}

#[test]
fn metadata_that_met_a_full_disk_is_written_when_there_is_room() {
    let vfs = SimVfs::new();
    let clock = Arc::new(support::Clock(1_700_000_000_000.into()));
    let mut environment = support::environment(Arc::new(vfs.clone()));
    environment.wall_clock = Arc::clone(&clock) as Arc<_>;
    let store = relay_store::EmbeddedStore::open(&options("/d", SEGMENT), environment).unwrap();
    let writer = Writer::new(1);
    writer.found(&store).unwrap();
    // It is tried once more with the room that the reserve gave up.
    for _ in 0..8 {
        vfs.inject("meta.redb", Fault::Write { after: 0, error: ErrorKind::StorageFull });
    }
    clock.0.fetch_add(600_000, std::sync::atomic::Ordering::Relaxed);
    // The time lease is over and cannot be renewed: refused for now, not for good.
    assert_eq!(writer.push(&store, 1, vec![sealed(1, 100)]).unwrap_err(), StoreError::DiskFull);
    vfs.heal();
    writer.push_range(&store, 1, 3, 100);
    assert_eq!(store.stats().poisoned, 0);
}

/// Pushes until the power is cut; returns how many pushes were acknowledged.
fn push_until_power_cut(vfs: &SimVfs, writer: &Writer, seed: u64, syncs_lie: bool) -> u64 {
    let store = Arc::new(open(Arc::new(vfs.clone()), &options("/d", SEGMENT)).unwrap());
    writer.found(&*store).unwrap();
    if syncs_lie {
        vfs.lie_about_syncs();
    }
    let acknowledged = Arc::new(AtomicU64::new(0));
    let pusher = {
        let (store, writer, acknowledged) = (Arc::clone(&store), writer.clone(), Arc::clone(&acknowledged));
        std::thread::spawn(move || {
            let is_stored = |n: &u64| writer.push(&*store, *n, vec![sealed(*n, ENTRY_BYTES)]).is_ok();
            (1..=5000).take_while(is_stored).inspect(|n| acknowledged.store(*n, Ordering::Release)).count()
        })
    };
    std::thread::sleep(std::time::Duration::from_micros(500 + seed * 700));
    // However busy the machine is, a control has something to lose.
    while syncs_lie && acknowledged.load(Ordering::Acquire) < seed && !pusher.is_finished() {
        std::thread::yield_now();
    }
    vfs.power_cut(seed);
    pusher.join().unwrap() as u64
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_that_was_acknowledged() {
    for seed in 0..60 {
        let (vfs, writer) = (SimVfs::new(), Writer::new(1));
        let acknowledged = push_until_power_cut(&vfs, &writer, seed, false);
        let store = open(Arc::new(vfs), &options("/d", SEGMENT)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let held = writer.read_all(&store);
        assert!(held.len() as u64 >= acknowledged, "seed {seed}: {} of {acknowledged}", held.len());
        assert_eq!(held, ids(held.len() as u64, ENTRY_BYTES), "seed {seed}");
        writer.push_range(&store, held.len() as u64 + 1, held.len() as u64 + 3, ENTRY_BYTES);
    }
}

/// Which of the entries up to `last` have no whole copy in any segment: what a cut lost, found without the store.
fn lost_from_disk(vfs: &SimVfs, last: u64) -> Vec<u64> {
    let whole = sealed(0, ENTRY_BYTES);
    let mut left = BTreeSet::new();
    for (_, bytes) in vfs.contents().iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "seg")) {
        for (number, rest) in bytes.windows(ENTRY_BYTES).filter_map(|window| window.split_first_chunk()) {
            if *rest == whole[8..] {
                left.insert(u64::from_be_bytes(*number));
            }
        }
    }
    (1..=last).filter(|n| !left.contains(n)).collect()
}

/// Whether every entry up to `last` can be read.
fn holds(writer: &Writer, store: &dyn Store, last: u64) -> bool {
    let mut after = 0;
    while after < last {
        match writer.page(store, after) {
            Ok(page) if !page.entries.is_empty() => after += page.entries.len() as u64,
            _ => return false,
        }
    }
    true
}

#[test]
fn the_control_whose_syncs_do_nothing_is_caught() {
    // Some cuts lose nothing: they keep every write, or only lose one whose bytes the next group's first block holds again.
    let mut lossy = 0;
    for seed in 10..40 {
        let (vfs, writer) = (SimVfs::new(), Writer::new(1));
        let acknowledged = push_until_power_cut(&vfs, &writer, seed, true);
        let lost = lost_from_disk(&vfs, acknowledged);
        let reopened = open(Arc::new(vfs), &options("/d", SEGMENT));
        let is_caught = reopened.map_or(true, |store| !holds(&writer, &store, acknowledged));
        assert!(is_caught || lost.is_empty(), "seed {seed}: {} of {acknowledged} lost, and not caught", lost.len());
        lossy += u64::from(!lost.is_empty());
    }
    assert!(lossy >= 20, "only {lossy} of 30 cuts lost what was acknowledged");
}

#[test]
fn a_segment_that_cannot_be_looked_at_is_not_made_ahead_over_one_with_groups() {
    let vfs = SimVfs::new();
    let options = relay_store::StoreOptions { by_hand: true, ..options("/d", 16 * 1024) };
    let writer = Writer::new(1);
    let store = Arc::new(open(Arc::new(vfs.clone()), &options).unwrap());
    // The committer needs the first segment before the background made it ahead.
    let founding = {
        let (store, writer) = (Arc::clone(&store), writer.clone());
        std::thread::spawn(move || writer.found(&*store).is_ok())
    };
    while !founding.is_finished() {
        store.settle();
    }
    assert!(founding.join().unwrap());
    let before = vfs.contents();
    vfs.inject(".seg", Fault::Call { after: 0, error: ErrorKind::Other });
    while store.turn(relay_store::embedded::by_hand::Part::Background) {}
    let first = std::path::Path::new("/d/log/00000000000000000001.seg");
    assert_eq!(before[first], vfs.contents()[first]);
}
