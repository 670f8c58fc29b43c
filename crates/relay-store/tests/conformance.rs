//! The contract's suite on the embedded store: on real files, and on the simulated disk with every group in a segment of
//! its own, so that each call meets rolling, sealing and full disks.

mod support;

use relay_core::conformance::{self, Harness};
use relay_core::store::Store;
use relay_core::testing::{SeededEntropy, SetClock};
use relay_store::segment::header::{HEADER_BYTES, SegmentHeader};
use relay_store::segment::reader::{GroupAt, group_at};
use relay_store::segment::record::Record;
use relay_store::segment::{file_name, parse_file_name};
use relay_store::vfs::sim::{Fault, SimVfs};
use relay_store::vfs::{OpenMode, RealVfs, Vfs};
use relay_store::{EmbeddedStore, StoreEnvironment, StoreLimits, StoreOptions, log_reset};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

struct Embedded {
    options: StoreOptions,
    environment: StoreEnvironment,
    clock: Arc<SetClock>,
    sim: Option<SimVfs>,
    store: Mutex<Arc<EmbeddedStore>>,
    _dir: Option<tempfile::TempDir>,
}

impl Embedded {
    fn new(vfs: Arc<dyn Vfs>, options: StoreOptions, sim: Option<SimVfs>, dir: Option<tempfile::TempDir>) -> Self {
        let clock = Arc::new(SetClock::default());
        let environment = StoreEnvironment {
            vfs,
            entropy: Arc::new(SeededEntropy::new(7)),
            wall_clock: Arc::clone(&clock) as Arc<_>,
        };
        let store = Mutex::new(Arc::new(EmbeddedStore::open(&options, environment.clone()).unwrap()));
        Self { options, environment, clock, sim, store, _dir: dir }
    }

    fn open_again(&self) -> Arc<dyn Store> {
        let store = Arc::new(EmbeddedStore::open(&self.options, self.environment.clone()).unwrap());
        *self.store.lock().unwrap() = Arc::clone(&store);
        store
    }

    /// Removes the first group with an entry above `size`, and everything behind it.
    fn cut_above(&self, size: u64) {
        let vfs = &*self.environment.vfs;
        let log = self.options.dir.join("log");
        let names = vfs.read_dir(&log).unwrap();
        let mut cut = false;
        for segment in names.iter().filter_map(|entry| parse_file_name(&entry.name)) {
            let path: PathBuf = log.join(file_name(segment));
            let file = vfs.open(&path, OpenMode::ReadWrite).unwrap();
            let mut head = vec![0; HEADER_BYTES];
            file.read_exact_at(&mut head, 0).unwrap();
            let store_id = SegmentHeader::decode(&head).unwrap().store_id;
            let (mut at, len) = (HEADER_BYTES as u64, file.len().unwrap());
            while let GroupAt::Valid(group) = group_at(&*file, at, len, &store_id).unwrap() {
                cut |= group
                    .records
                    .iter()
                    .any(|placed| matches!(&placed.record, Record::Entry(fields, _) if fields.seq > size));
                if cut {
                    break;
                }
                at += group.header.group_bytes();
            }
            if cut {
                file.write_all_at(&vec![0; (len - at) as usize], at).unwrap();
            }
        }
    }
}

/// Images of spaces that were read in all stores that were dropped.
static LOADS: AtomicU64 = AtomicU64::new(0);

impl Drop for Embedded {
    fn drop(&mut self) {
        LOADS.fetch_add(self.store.lock().unwrap().stats().space_loads, Ordering::Relaxed);
    }
}

/// No space stays in memory when nothing is under way in it.
fn nothing_stays(options: StoreOptions) -> StoreOptions {
    let limits = StoreLimits { spaces_resident_max: 0, space_idle_ms: 0, ..options.limits };
    StoreOptions { limits, ..options }
}

impl Harness for Embedded {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&*self.store.lock().unwrap()) as Arc<_>
    }

    /// With no room in memory, nothing stays there between two calls.
    fn before_call(&self) {
        if self.options.limits.spaces_resident_max == 0 {
            self.store.lock().unwrap().let_go();
        }
    }

    fn keeps_in_memory(&self) -> bool {
        self.options.limits.spaces_resident_max > 0
    }

    fn clock(&self) -> &SetClock {
        &self.clock
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        self.store().close();
        Some(self.open_again())
    }

    fn break_disk(&self) -> bool {
        let Some(sim) = &self.sim else { return false };
        // Several, because the background makes and seals segments at the same time.
        for _ in 0..16 {
            sim.inject(".seg", Fault::Sync { after: 0, error: std::io::ErrorKind::Other });
        }
        true
    }

    fn fill_disk(&self, full: bool) -> bool {
        let Some(sim) = &self.sim else { return false };
        if full {
            sim.inject(".seg", Fault::Full)
        } else {
            sim.heal()
        }
        true
    }

    fn restore_backup(&self, size: u64) -> Option<Arc<dyn Store>> {
        self.store().close();
        self.cut_above(size);
        log_reset(&self.options.dir, &self.environment).unwrap();
        Some(self.open_again())
    }
}

#[test]
fn the_contract_holds_on_real_files() {
    conformance::run(&|| {
        let dir = tempfile::tempdir().unwrap();
        let options = support::options(dir.path().join("data"), 1 << 20);
        Box::new(Embedded::new(Arc::new(RealVfs), options, None, Some(dir)))
    });
}

#[test]
fn the_contract_holds_when_every_group_has_its_own_segment() {
    conformance::run(&|| {
        let sim = SimVfs::new();
        let options = support::options(Path::new("/d"), HEADER_BYTES as u64);
        Box::new(Embedded::new(Arc::new(sim.clone()), options, Some(sim), None))
    });
}

#[test]
fn the_contract_holds_when_no_space_stays_in_memory() {
    conformance::run(&|| {
        let dir = tempfile::tempdir().unwrap();
        let options = nothing_stays(support::options(dir.path().join("data"), 1 << 20));
        Box::new(Embedded::new(Arc::new(RealVfs), options, None, Some(dir)))
    });
    let after_first = LOADS.load(Ordering::Relaxed);
    conformance::run(&|| {
        let sim = SimVfs::new();
        let options = nothing_stays(support::options(Path::new("/d"), HEADER_BYTES as u64));
        Box::new(Embedded::new(Arc::new(sim.clone()), options, Some(sim), None))
    });
    let loads = [after_first, LOADS.load(Ordering::Relaxed) - after_first];
    assert!(loads.iter().all(|loads| *loads > 100), "spaces were let go and loaded: {loads:?}");
}
