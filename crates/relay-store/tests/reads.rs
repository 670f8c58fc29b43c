//! Pages of the log: what they hold, what they cost, and what they do about bytes that cannot be read.

mod support;

use relay_core::store::{Page, ReadOutcome, Store, StoreError};
use relay_store::EmbeddedStore;
use relay_store::segment::file_name;
use relay_store::vfs::sim::SimVfs;
use std::path::Path;
use std::sync::Arc;
use support::bad_sector::BadSectorVfs;
use support::{Writer, ids, open, options, sealed, wait};

const SEGMENT: u64 = 1 << 20;
const BYTES: usize = 300;

fn read(store: &EmbeddedStore, writer: &Writer, after: u64, entries_max: u32, bytes_max: u32) -> Page {
    match wait(|done| store.read(writer.space(), after, entries_max, bytes_max, done)).unwrap() {
        ReadOutcome::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_page_ends_at_either_limit_and_holds_at_least_one_entry() {
    let store = open(Arc::new(SimVfs::new()), &options("/d", 64 * 1024)).unwrap();
    let writer = Writer::new(1);
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 1000, BYTES);
    let lengths = |entries_max, bytes_max| {
        let page = read(&store, &writer, 10, entries_max, bytes_max);
        assert_eq!(page.entries[0].id, ids(11, BYTES)[10]);
        (page.entries.len(), page.more)
    };
    let bytes = |entries: usize| u32::try_from(entries * BYTES).unwrap();
    assert_eq!(lengths(4096, u32::MAX), (990, false));
    assert_eq!(lengths(700, u32::MAX), (700, true));
    assert_eq!(lengths(4096, bytes(600)), (600, true));
    assert_eq!(lengths(4096, bytes(600) - 1), (599, true));
    assert_eq!(lengths(4096, 1), (1, true));
    assert_eq!(lengths(1, 0), (1, true));
}

/// Two spaces whose entries alternate in one segment, a group each, on a store that was opened anew.
fn alternating() -> (BadSectorVfs, EmbeddedStore, Writer, Writer) {
    let vfs = BadSectorVfs::new(SimVfs::new());
    let options = options("/d", SEGMENT);
    let (one, two) = (Writer::new(1), Writer::new(2));
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    one.found(&store).unwrap();
    two.found(&store).unwrap();
    for n in 1..=20 {
        one.push(&store, n, vec![sealed(n, BYTES)]).unwrap();
        two.push(&store, n, vec![sealed(n, BYTES)]).unwrap();
    }
    (vfs, store, one, two)
}

#[test]
fn entries_with_little_between_them_are_read_at_once() {
    let (vfs, store, one, _) = alternating();
    let before = vfs.reads();
    assert_eq!(one.page(&store, 0).unwrap().entries.len(), 20);
    assert_eq!(vfs.reads() - before, 1);
}

#[test]
fn bytes_of_another_space_that_cannot_be_read_stop_nobody_else() {
    let (vfs, store, one, two) = alternating();
    let segment = Path::new("/d/log").join(file_name(1));
    let contents = vfs.contents(&segment);
    let tenth = sealed(10, BYTES);
    let places: Vec<usize> =
        contents.windows(BYTES).enumerate().filter(|(_, bytes)| *bytes == &tenth[..]).map(|(at, _)| at).collect();
    assert_eq!(places.len(), 2, "an entry of each space");
    vfs.break_at(segment, places[1] as u64);
    assert_eq!(one.read_all(&store), ids(20, BYTES));
    let before = two.page(&store, 0).unwrap();
    assert_eq!((before.entries.len(), before.more), (9, true));
    assert!(matches!(two.page(&store, 9), Err(StoreError::Damaged { .. })));
    assert_eq!(two.page(&store, 10).unwrap().entries.len(), 10);
}
