//! Data directories of every format ever written open, with everything that was in them; `examples/format_fixture.rs` wrote them.

mod support;

use relay_core::store::Store;
use relay_store::vfs::sim::SimVfs;
use std::path::Path;
use std::sync::Arc;
use support::cut::CutVfs;
use support::fixture::fixture;
use support::{Writer, open, options, sealed, wait};

const ENTRIES: u64 = 60;
const BYTES: usize = 300;
const FLOOR: u64 = 41;

/// Everything the fixture holds is answered.
fn check(store: &dyn Store) {
    for writer in (1..=3).map(Writer::new) {
        let facts = wait(|done| store.space(writer.space(), done)).unwrap().expect("a known space");
        let floor = if writer.key() == Writer::new(1).key() { FLOOR } else { 1 };
        assert_eq!((facts.size, facts.floor, facts.roster_version), (ENTRIES, floor, 1));
        let page = writer.page(store, floor - 1).unwrap();
        let held: Vec<_> = page.entries.iter().map(|entry| entry.sealed.clone()).collect();
        assert_eq!(held, (floor..=ENTRIES).map(|n| sealed(n, BYTES)).collect::<Vec<_>>());
        let leaves = wait(|done| store.leaves(writer.space(), 1, 1000, done)).unwrap();
        assert_eq!(leaves.len() as u64, ENTRIES);
    }
    let first = Writer::new(1);
    let facts = wait(|done| store.forgetting_facts(first.space(), done)).unwrap();
    assert_eq!((facts.acks.len(), facts.acks[0].size), (1, ENTRIES));
    assert_eq!(facts.snapshots.len(), 1);
    let chunk = wait(|done| store.snapshot_read(first.space(), facts.snapshots[0].id, 1, done)).unwrap();
    assert_eq!(chunk[..], [2; 100]);
}

#[test]
fn a_directory_of_format_1_opens_with_everything_in_it() {
    let vfs = fixture(1);
    let options = options("/d", 16 * 1024);
    for _ in 0..2 {
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        check(&store);
        store.close();
    }
}

fn format_of(vfs: &SimVfs) -> String {
    String::from_utf8(vfs.contents()[Path::new("/d/FORMAT")].clone()).unwrap()
}

#[test]
fn opening_brings_a_directory_to_the_newest_format_and_what_was_forgotten_goes() {
    let vfs = fixture(1);
    let options = options("/d", 16 * 1024);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    assert_eq!(format_of(&vfs), "sealrelay store format 2\n", "a program of format 1 refuses it by name");
    let space = Writer::new(2).space();
    wait(|done| store.trim(space, ENTRIES + 1, done)).unwrap();
    assert!(store.reclaim().compactions > 0);
    let leaves = wait(|done| store.leaves(space, 1, 1000, done)).unwrap();
    assert_eq!(leaves.len() as u64, ENTRIES);
}

#[test]
fn an_upgrade_cut_off_at_any_call_is_finished_by_the_next_start() {
    let options = options("/d", 16 * 1024);
    let all = {
        let vfs = CutVfs::new(fixture(1), 0);
        drop(open(Arc::new(vfs.clone()), &options).unwrap());
        vfs.calls()
    };
    for call in 0..all {
        let sim = fixture(1);
        let vfs = CutVfs::new(sim.clone(), 7);
        vfs.cut_after(call);
        let opened = open(Arc::new(vfs.clone()), &options);
        drop(opened);
        assert!(vfs.is_cut(), "call {call} of {all}");
        let store = open(Arc::new(sim.clone()), &options).unwrap_or_else(|error| panic!("call {call}: {error}"));
        check(&store);
        assert_eq!(format_of(&sim), "sealrelay store format 2\n");
    }
}

#[test]
fn a_damaged_directory_of_format_1_stays_one() {
    let vfs = fixture(1);
    let first = Path::new("/d/log").join(relay_store::segment::file_name(1));
    vfs.edit(&first, |bytes| bytes[20] ^= 1).unwrap();
    assert!(open(Arc::new(vfs.clone()), &options("/d", 16 * 1024)).is_err());
    assert_eq!(format_of(&vfs), "sealrelay store format 1\n");
}
