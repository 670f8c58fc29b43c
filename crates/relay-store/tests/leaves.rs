//! Leaves of what is forgotten: whose they are, and when they go.

mod support;

use relay_core::environment::WallClock;
use relay_core::store::Store;
use relay_proto::erasure::ErasureReason;
use relay_proto::hash::entry_id;
use relay_proto::ids::Hash;
use relay_proto::merkle::entry_leaf;
use relay_store::EmbeddedStore;
use relay_store::moving::{Export, import};
use relay_store::vfs::sim::SimVfs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::{Clock, Writer, environment, open, options, sealed, wait};

const SEGMENT: u64 = 16 * 1024;
const DAY_MS: u64 = 24 * 3_600_000;

fn leaf(writer: &Writer, n: u64, bytes: usize) -> Hash {
    entry_leaf(&writer.key(), n, 1, &entry_id(&sealed(n, bytes)))
}

fn forget(store: &EmbeddedStore, writer: &Writer, floor: u64) {
    wait(|done| store.trim(writer.space(), floor, done)).unwrap();
    store.reclaim();
}

/// Ends before its last bytes, the second time it is read.
struct Cut<'a>(&'a [u8]);

impl io::Read for Cut<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.len() < 100 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        io::Read::read(&mut self.0, buffer)
    }
}

#[test]
fn leaves_of_an_import_that_was_undone_are_not_those_of_the_space_that_is_founded_here_later() {
    let (writer, options) = (Writer::new(1), options("/d", SEGMENT));
    let old = Arc::new(open(Arc::new(SimVfs::new()), &options).unwrap());
    writer.found(&*old).unwrap();
    writer.push_range(&*old, 1, 100, 300);
    forget(&old, &writer, 81);
    let mut export = Export::begin(&old, writer.space(), 5).unwrap();
    let file: Vec<u8> = std::iter::from_fn(|| export.next_piece().unwrap()).flatten().collect();
    let vfs = SimVfs::new();
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    let mut passes = 0;
    let imported = import(&store, || {
        passes += 1;
        let whole: Box<dyn io::Read> = if passes == 1 { Box::new(&file[..]) } else { Box::new(Cut(&file)) };
        Ok::<_, io::Error>(whole)
    });
    imported.unwrap_err();
    drop(store);
    let store = open(Arc::new(vfs), &options).unwrap();
    assert!(wait(|done| store.space(writer.space(), done)).unwrap().is_none(), "it was undone");
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 100, 400);
    forget(&store, &writer, 41);
    let leaves = wait(|done| store.leaves(writer.space(), 1, 1000, done)).unwrap();
    assert_eq!(leaves, (1..=100).map(|n| leaf(&writer, n, 400)).collect::<Vec<_>>());
}

#[test]
fn a_clock_that_jumps_ahead_takes_neither_leaves_nor_tombstones_with_it() {
    let (writer, gone, options) = (Writer::new(1), Writer::new(2), options("/d", SEGMENT));
    let (vfs, clock) = (SimVfs::new(), Arc::new(Clock(AtomicU64::new(1_700_000_000_000))));
    let mut environment = environment(Arc::new(vfs.clone()));
    environment.wall_clock = Arc::clone(&clock) as Arc<dyn WallClock>;
    let store = EmbeddedStore::open(&options, environment).unwrap();
    for writer in [&writer, &gone] {
        writer.found(&store).unwrap();
        writer.push_range(&store, 1, 100, 300);
    }
    wait(|done| store.erase(gone.space(), ErasureReason::Operator, done)).unwrap();
    forget(&store, &writer, 81);
    clock.0.fetch_add(181 * DAY_MS, Ordering::Relaxed);
    // The store looks once a second.
    std::thread::sleep(Duration::from_millis(2500));
    clock.0.fetch_sub(181 * DAY_MS, Ordering::Relaxed);
    assert!(wait(|done| store.erasure(gone.space(), done)).unwrap().is_some());
    assert!(vfs.paths().contains(Path::new(&format!("/d/erased/{}.gone", hex::encode(gone.space().0)))));
    let leaves = wait(|done| store.leaves(writer.space(), 1, 1000, done)).unwrap();
    assert_eq!(leaves, (1..=100).map(|n| leaf(&writer, n, 300)).collect::<Vec<_>>());
}
