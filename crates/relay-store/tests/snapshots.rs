//! What becomes of snapshot files that are damaged or were never finished.

mod support;

use relay_core::store::{Store, StoreError};
use relay_proto::ids::SnapshotId;
use relay_store::EmbeddedStore;
use relay_store::damaged_read::{DamagedKind, DamagedRead};
use relay_store::vfs::sim::SimVfs;
use std::path::PathBuf;
use std::sync::Arc;
use support::fixture::fixture;
use support::{Writer, open, options, wait};

/// The fixture's first space has one whole snapshot and one upload that stopped after its first chunk.
fn path_of(vfs: &SimVfs, suffix: &str) -> PathBuf {
    let contents = vfs.contents();
    let found = contents.into_keys().find(|path| path.to_string_lossy().ends_with(suffix));
    found.expect("the fixture has one")
}

fn start(vfs: &SimVfs) -> EmbeddedStore {
    open(Arc::new(vfs.clone()), &options("/d", 16 * 1024)).unwrap()
}

fn newest(store: &EmbeddedStore, writer: &Writer) -> SnapshotId {
    wait(|done| store.forgetting_facts(writer.space(), done)).unwrap().snapshots[0].id
}

#[test]
fn a_chunk_that_changed_on_disk_is_never_served_and_its_place_names_no_id() {
    let writer = Writer::new(1);
    for chunk_from_end in [1, 101] {
        let vfs = fixture(1);
        let path = path_of(&vfs, ".snap");
        vfs.edit(&path, |bytes| {
            let len = bytes.len();
            bytes[len - chunk_from_end] ^= 1;
        })
        .unwrap();
        let store = start(&vfs);
        let id = newest(&store, &writer);
        for index in [0, 1] {
            let answer = wait(|done| store.snapshot_read(writer.space(), id, index, done));
            let place = "a snapshot file".to_owned();
            assert_eq!(answer, Err(StoreError::Damaged { place }), "the chunks are checked together");
        }
        assert_eq!(store.take_damage(), Some(DamagedRead { kind: DamagedKind::Snapshot, at: None, group: None }));
        assert_eq!(store.stats().damaged_reads, 2);
    }
}

#[test]
fn an_upload_without_a_whole_manifest_is_removed_at_the_next_start_and_one_with_it_stays() {
    let vfs = fixture(1);
    let (part, snap) = (path_of(&vfs, ".part"), path_of(&vfs, ".snap"));
    drop(start(&vfs));
    assert!(vfs.contents().contains_key(&part), "its manifest is whole");
    for kept in [0, 3, 100] {
        let vfs = vfs.fork();
        for path in [&part, &snap] {
            vfs.edit(path, |bytes| bytes.truncate(kept)).unwrap();
        }
        drop(start(&vfs));
        let contents = vfs.contents();
        assert!(!contents.contains_key(&part), "nothing can go on with it");
        assert!(contents.contains_key(&snap), "what was acknowledged once is left for the operator");
    }
}
