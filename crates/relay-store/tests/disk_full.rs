//! A full disk: a named error at once, nothing of the refused push to be seen, reads and forgetting go on, and pushes are
//! taken again soon after there is room, without a restart.

mod support;

use relay_core::store::{Store, StoreError};
use relay_store::EmbeddedStore;
use relay_store::vfs::sim::{Fault, SimVfs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::capacity::CapacityVfs;
use support::{Writer, ids, open, options, sealed, wait};

const SEGMENT: u64 = 64 * 1024;
const BYTES: usize = 1000;
const REFUSED_WITHIN: Duration = Duration::from_millis(100);
const RECOVERED_WITHIN: Duration = Duration::from_secs(2);

/// Pushes until the disk is full; returns how many entries are stored.
fn fill(store: &EmbeddedStore, writer: &Writer, from: u64) -> u64 {
    for n in from.. {
        let started = Instant::now();
        match writer.push(store, n, vec![sealed(n, BYTES)]) {
            Ok(_) => assert!(n < 10_000, "the disk never fills"),
            Err(error) => {
                assert_eq!(error, StoreError::DiskFull);
                assert!(started.elapsed() < REFUSED_WITHIN, "{:?}", started.elapsed());
                return n - 1;
            }
        }
    }
    unreachable!("pushes end with a refusal")
}

fn until(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A store that holds its reserve, on a disk with room for so much more.
fn store_with_room(vfs: &CapacityVfs, room: u64) -> (EmbeddedStore, Writer) {
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options("/d", SEGMENT)).unwrap();
    writer.found(&store).unwrap();
    until("the reserve is made", RECOVERED_WITHIN, || vfs.inner.contents().contains_key(Path::new("/d/reserve")));
    vfs.leave(room);
    (store, writer)
}

#[test]
fn a_full_disk_refuses_at_once_reads_and_trims_go_on_and_room_is_found_again() {
    let vfs = CapacityVfs::new(SimVfs::new());
    let (store, writer) = store_with_room(&vfs, 4 * SEGMENT);
    let stored = fill(&store, &writer, 1);
    assert!(stored > 50);
    assert_eq!(store.stats().disk_full, 1);
    assert!(!vfs.inner.contents().contains_key(Path::new("/d/reserve")), "the reserve is given up");
    for _ in 0..20 {
        let started = Instant::now();
        let refused = writer.push(&store, stored + 1, vec![sealed(stored + 1, BYTES)]);
        assert_eq!(refused.unwrap_err(), StoreError::DiskFull);
        assert!(started.elapsed() < REFUSED_WITHIN);
    }
    assert_eq!(writer.read_all(&store), ids(stored, BYTES), "nothing of what was refused, everything else");
    assert_eq!(writer.size(&store), stored);
    let back = writer.found(&store).expect("a device that comes back with statements the space has is let in");
    assert_eq!((back.size, back.roster_version), (stored, 1));
    assert_eq!(Writer::new(2).found(&store).unwrap_err(), StoreError::DiskFull, "a new space is not made");
    // Forgetting works out of the reserve, and makes room by itself.
    wait(|done| store.trim(writer.space(), stored + 1, done)).unwrap();
    until("room is found", Duration::from_secs(15), || store.stats().disk_full == 0);
    writer.push_range(&store, stored + 1, stored + 10, BYTES);
}

#[test]
fn pushes_are_taken_again_soon_after_there_is_room() {
    let vfs = CapacityVfs::new(SimVfs::new());
    let (store, writer) = store_with_room(&vfs, 2 * SEGMENT);
    let stored = fill(&store, &writer, 1);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(store.stats().disk_full, 1, "without room it stays full");
    vfs.leave(100 * SEGMENT);
    until("pushes are taken", RECOVERED_WITHIN, || {
        writer.push(&store, stored + 1, vec![sealed(stored + 1, BYTES)]).is_ok()
    });
    writer.push_range(&store, stored + 2, stored + 20, BYTES);
    store.close();
    let store = open(Arc::new(vfs.clone()), &options("/d", SEGMENT)).unwrap();
    assert_eq!(writer.read_all(&store), ids(stored + 20, BYTES));
}

#[test]
fn a_trim_that_finds_no_room_is_refused_on_a_disk_that_does_not_say_how_full_it_is() {
    // It says neither how much room it has, so that it is always tried, nor gives any back with the reserve.
    let vfs = SimVfs::new();
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options("/d", SEGMENT)).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 5, BYTES);
    vfs.inject("", Fault::Full);
    let trim = |floor| wait(|done| store.trim(writer.space(), floor, done));
    let stored = fill(&store, &writer, 6);
    // The first ones find a place behind the last group.
    let refused = (2..stored).find_map(|floor| trim(floor).err());
    assert_eq!(refused, Some(StoreError::DiskFull));
    vfs.heal();
    trim(stored).unwrap();
    writer.push_range(&store, stored + 1, stored + 5, BYTES);
}

#[test]
fn a_start_on_a_full_disk_reads_and_refuses() {
    let vfs = CapacityVfs::new(SimVfs::new());
    let (store, writer) = store_with_room(&vfs, 2 * SEGMENT);
    let stored = fill(&store, &writer, 1);
    drop(store);
    vfs.leave(0);
    let store = open(Arc::new(vfs.clone()), &options("/d", SEGMENT)).unwrap();
    assert_eq!(writer.read_all(&store), ids(stored, BYTES));
    fill(&store, &writer, stored + 1);
    vfs.leave(100 * SEGMENT);
    until("pushes are taken", RECOVERED_WITHIN, || {
        let next = writer.size(&store) + 1;
        writer.push(&store, next, vec![sealed(next, BYTES)]).is_ok()
    });
}

#[test]
fn a_disk_that_is_full_at_any_write_shows_no_part_of_an_entry() {
    for after in 0..24 {
        let vfs = SimVfs::new();
        let writer = Writer::new(1);
        let options = options("/d", 16 * 1024);
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        writer.found(&store).unwrap();
        vfs.inject("", Fault::Write { after, error: std::io::ErrorKind::StorageFull });
        let mut stored = 0;
        for n in 1..=60 {
            match writer.push(&store, n, vec![sealed(n, 300)]) {
                Ok(_) => stored = n,
                Err(error) => {
                    assert!(matches!(error, StoreError::DiskFull | StoreError::Poisoned), "{error}");
                    break;
                }
            }
        }
        assert_eq!(writer.read_all(&store), ids(stored, 300));
        drop(store);
        let store = open(Arc::new(vfs), &options).unwrap();
        let held = writer.size(&store);
        assert!(held == stored || held == stored + 1, "{held} of {stored}");
        assert_eq!(writer.read_all(&store), ids(held, 300));
    }
}

#[test]
fn a_segment_that_is_given_no_more_room_refuses_before_it_writes_and_goes_on_when_there_is_some() {
    const LARGE: usize = 200_000;
    // Of this the first part is given with the file, the rest as it is reached.
    const LENGTH: u64 = 24 * 1024 * 1024;
    let vfs = SimVfs::new();
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options("/d", LENGTH)).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 3, LARGE);
    vfs.inject("", Fault::Full);
    let refused = (4..200).find(|n| writer.push(&store, *n, vec![sealed(*n, LARGE)]).is_err());
    let refused = refused.expect("a full disk has no room for a whole segment");
    assert!(refused > 20 && refused < 60, "{refused}: the room that was given is used up first");
    assert_eq!(writer.read_all(&store), ids(refused - 1, LARGE));
    vfs.heal();
    until("pushes are taken", RECOVERED_WITHIN, || writer.push(&store, refused, vec![sealed(refused, LARGE)]).is_ok());
    writer.push_range(&store, refused + 1, refused + 60, LARGE);
    assert_eq!(writer.read_all(&store), ids(refused + 60, LARGE));
    drop(store);
    let store = open(Arc::new(vfs.clone()), &options("/d", LENGTH)).unwrap();
    writer.push_range(&store, refused + 61, refused + 90, LARGE);
    assert_eq!(writer.read_all(&store), ids(refused + 90, LARGE));
}
