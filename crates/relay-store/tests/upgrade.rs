//! Data directories of every format ever written open, with everything that was in them; `examples/format_fixture.rs` wrote them.

mod support;

use relay_core::store::Store;
use relay_store::vfs::Vfs;
use relay_store::vfs::sim::SimVfs;
use std::path::Path;
use std::sync::Arc;
use support::{Writer, open, options, sealed, wait};

const ENTRIES: u64 = 60;
const BYTES: usize = 300;
const FLOOR: u64 = 41;

/// The fixture of a format on a simulated disk.
fn fixture(format: u32) -> SimVfs {
    let vfs = SimVfs::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{format}"));
    put(&vfs, &dir, Path::new("/d"));
    vfs
}

fn put(vfs: &SimVfs, from: &Path, to: &Path) {
    vfs.create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            put(vfs, &entry.path(), &target);
        } else {
            vfs.put(&target, std::fs::read(entry.path()).unwrap());
        }
    }
}

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
