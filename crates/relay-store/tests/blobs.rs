//! Blobs on disk: the contract's suite, crashes at every call, damage.

mod support;

use bytes::Bytes;
use relay_core::blobs::{
    Appended, Begun, BlobCompletion, BlobError, BlobPlace, BlobRefusal, BlobStore, Found, UploadRequest,
};
use relay_core::conformance::{BlobHarness, run_blobs};
use relay_core::limits::BlobLimits;
use relay_core::store::{Store, StoreError};
use relay_core::testing::SetClock;
use relay_proto::blob::blob_id;
use relay_proto::ids::{BlobId, SpaceId};
use relay_store::vfs::sim::{Fault, SimVfs};
use relay_store::vfs::{RealVfs, Vfs};
use relay_store::{EmbeddedStore, StoreEnvironment, StoreOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use support::Writer;

const SEGMENT: u64 = 64 * 1024;
const BLOCK: usize = 64 * 1024;

struct OnDisk {
    store: Arc<EmbeddedStore>,
    options: StoreOptions,
    environment: StoreEnvironment,
    clock: Arc<SetClock>,
    sim: Option<SimVfs>,
    _dir: Option<tempfile::TempDir>,
}

impl OnDisk {
    fn new(vfs: Arc<dyn Vfs>, path: PathBuf, limits: BlobLimits) -> Self {
        let clock = Arc::new(SetClock::default());
        let mut options = support::options(path, SEGMENT);
        options.limits.blobs = limits;
        let environment = StoreEnvironment { wall_clock: Arc::clone(&clock) as Arc<_>, ..support::environment(vfs) };
        let store = Arc::new(EmbeddedStore::open(&options, environment.clone()).unwrap());
        for seed in [1, 2] {
            Writer::new(seed).found(&*store).unwrap();
        }
        Self { store, options, environment, clock, sim: None, _dir: None }
    }
}

impl BlobHarness for OnDisk {
    fn blobs(&self) -> Arc<dyn BlobStore> {
        Arc::clone(&self.store) as Arc<_>
    }

    fn clock(&self) -> &SetClock {
        &self.clock
    }

    fn space(&self, seed: u8) -> SpaceId {
        Writer::new(seed).space()
    }

    fn reopen(&mut self) -> bool {
        self.store.close();
        self.store = Arc::new(EmbeddedStore::open(&self.options, self.environment.clone()).unwrap());
        true
    }

    fn fill_disk(&self, full: bool) -> bool {
        let Some(sim) = &self.sim else { return false };
        if full {
            sim.inject(".part", Fault::Full)
        } else {
            sim.heal()
        }
        true
    }
}

#[test]
fn the_contract_of_blobs_holds_on_real_files() {
    run_blobs(&|limits| {
        let dir = tempfile::tempdir().unwrap();
        let harness = OnDisk::new(Arc::new(RealVfs), dir.path().join("data"), limits);
        Box::new(OnDisk { _dir: Some(dir), ..harness })
    });
}

#[test]
fn the_contract_of_blobs_holds_on_the_simulated_disk() {
    run_blobs(&|limits| {
        let sim = SimVfs::new();
        let harness = OnDisk::new(Arc::new(sim.clone()), PathBuf::from("/d"), limits);
        Box::new(OnDisk { sim: Some(sim), ..harness })
    });
}

fn wait<T: Send + 'static>(call: impl FnOnce(BlobCompletion<T>)) -> Result<T, BlobError> {
    let (send, receive) = channel();
    call(Box::new(move |result| drop(send.send(result))));
    receive.recv_timeout(std::time::Duration::from_secs(20)).expect("an answer")
}

fn bytes_of(seed: u64, bytes: usize) -> Bytes {
    support::sealed(seed, bytes)
}

fn place(blob: BlobId) -> BlobPlace {
    BlobPlace { space: Writer::new(1).space(), blob }
}

/// Uploads in pieces, going on where the store says; `Ok` is the receipt of an upload.
fn put(store: &EmbeddedStore, bytes: &Bytes, piece: usize) -> Result<(), BlobError> {
    let (place, device) = (place(blob_id(bytes)), Writer::new(1).key());
    let held = match wait(|done| store.blob_find(place, device, done)) {
        Ok(Found::Upload { received_bytes, .. }) => received_bytes,
        _ => 0,
    };
    let request = UploadRequest { place, device, total_bytes: bytes.len() as u64, offset: held };
    let Begun::Upload(upload) = wait(|done| store.blob_begin(request, done))? else { return Ok(()) };
    let mut at = held as usize;
    while at < bytes.len() {
        let next = bytes.slice(at..bytes.len().min(at + piece));
        let length = next.len();
        match wait(|done| store.blob_append(upload, at as u64, next, done))? {
            Appended::Received { .. } => at += length,
            Appended::Stored(_) => return Ok(()),
        }
    }
    panic!("the last byte completes an upload");
}

fn read_all(store: &EmbeddedStore, blob: BlobId) -> Result<Vec<u8>, BlobError> {
    let mut all = Vec::new();
    loop {
        match wait(|done| store.blob_read(place(blob), all.len() as u64, 100_000, done)) {
            Ok(bytes) => all.extend_from_slice(&bytes),
            Err(BlobError::Refused(BlobRefusal::RangeInvalid)) => return Ok(all),
            Err(error) => return Err(error),
        }
    }
}

fn open_sim(vfs: &SimVfs) -> EmbeddedStore {
    let store = support::open(Arc::new(vfs.clone()), &support::options("/d", SEGMENT)).unwrap();
    Writer::new(1).found(&store).unwrap();
    store
}

/// Uploads blobs until the power is cut, at some moment; returns those that were answered as stored, when syncs lie at least one.
fn put_until_power_cut(vfs: &SimVfs, seed: u64, syncs_lie: bool) -> Vec<Bytes> {
    let store = Arc::new(open_sim(vfs));
    if syncs_lie {
        vfs.lie_about_syncs();
    }
    let (answered, first_answered) = std::sync::mpsc::sync_channel(500);
    let putter = {
        let store = Arc::clone(&store);
        let blobs = (0..500).map(move |n| bytes_of(seed * 1000 + n, 3000 + (n as usize * 7919) % (2 * BLOCK)));
        let is_stored = move |bytes: &Bytes| put(&store, bytes, 20_000).is_ok() && answered.try_send(()).is_ok();
        std::thread::spawn(move || blobs.take_while(is_stored).collect::<Vec<_>>())
    };
    if syncs_lie {
        first_answered.recv().unwrap();
    }
    std::thread::sleep(std::time::Duration::from_micros(500 + seed * 900));
    vfs.power_cut(seed);
    putter.join().unwrap()
}

/// Whether every blob that was answered is there, whole.
fn holds(store: &EmbeddedStore, stored: &[Bytes]) -> bool {
    stored.iter().all(|bytes| read_all(store, blob_id(bytes)).is_ok_and(|read| read == *bytes))
}

#[test]
fn a_power_cut_at_any_moment_loses_no_blob_that_was_answered() {
    for seed in 0..30 {
        let vfs = SimVfs::new();
        let stored = put_until_power_cut(&vfs, seed, false);
        let store = open_sim(&vfs);
        assert!(holds(&store, &stored), "seed {seed}: {} were answered", stored.len());
        // The one that was cut off ends stored, whatever was left of it.
        let next = stored.len() as u64;
        let cut_off = bytes_of(seed * 1000 + next, 3000 + (next as usize * 7919) % (2 * BLOCK));
        let done = put(&store, &cut_off, 20_000).or_else(|_| put(&store, &cut_off, 20_000));
        assert_eq!(done, Ok(()), "seed {seed}");
        assert!(holds(&store, &[cut_off]));
    }
}

#[test]
fn the_control_whose_syncs_do_nothing_loses_blobs() {
    let caught = (10..22).filter(|seed| {
        let vfs = SimVfs::new();
        let stored = put_until_power_cut(&vfs, *seed, true);
        let reopened = support::open(Arc::new(vfs), &support::options("/d", SEGMENT));
        !stored.is_empty() && reopened.map_or(true, |store| !holds(&store, &stored))
    });
    assert!(caught.count() >= 10, "a disk that lies was not caught");
}

/// Runs `fault` against an upload at every write or sync in turn; what fails is refused, never visible, and poisons.
fn fails_at_each(fault: fn(u64) -> Fault, calls_min: u64) {
    let bytes = bytes_of(1, 2 * BLOCK);
    let mut calls = 0;
    loop {
        let vfs = SimVfs::new();
        let store = open_sim(&vfs);
        vfs.inject(".part", fault(calls));
        if put(&store, &bytes, 50_000).is_ok() {
            assert!(calls >= calls_min, "only {calls} calls were hit");
            return;
        }
        assert_eq!(store.stats().poisoned, 1);
        assert_eq!(read_all(&store, blob_id(&bytes)), Err(BlobRefusal::Unknown.into()));
        assert_eq!(put(&store, &bytes, 50_000).unwrap_err(), BlobError::Store(StoreError::Poisoned));
        drop(store);
        vfs.heal();
        let store = open_sim(&vfs);
        put(&store, &bytes, 50_000).or_else(|_| put(&store, &bytes, 50_000)).unwrap();
        assert!(holds(&store, std::slice::from_ref(&bytes)));
        calls += 1;
    }
}

#[test]
fn a_failed_write_at_any_call_refuses_and_poisons() {
    fails_at_each(|after| Fault::Write { after, error: ErrorKind::Other }, 6);
}

#[test]
fn a_failed_sync_refuses_and_poisons() {
    fails_at_each(|after| Fault::Sync { after, error: ErrorKind::Other }, 1);
}

#[test]
fn every_flipped_bit_of_a_blob_is_noticed_and_other_blobs_are_served() {
    let vfs = SimVfs::new();
    let (bytes, other) = (bytes_of(1, BLOCK + 1000), bytes_of(2, 1000));
    let store = open_sim(&vfs);
    put(&store, &bytes, BLOCK).unwrap();
    put(&store, &other, BLOCK).unwrap();
    drop(store);
    let path = path_of(&vfs, ".blob", blob_id(&bytes));
    let len = vfs.contents()[&path].len();
    for at in [0, 9, 40, 80, 105, 112, 124, 128, 5000, 128 + BLOCK, 128 + BLOCK + 999, len - 8, len - 1] {
        let vfs = vfs.fork();
        vfs.edit(&path, |file| file[at] ^= 0x10).unwrap();
        let store = open_sim(&vfs);
        assert_ne!(read_all(&store, blob_id(&bytes)), Ok(bytes.to_vec()), "byte {at}");
        assert_eq!(read_all(&store, blob_id(&other)), Ok(other.to_vec()));
        assert!(store.blob_stats().damaged > 0, "byte {at}");
    }
    for cut in [1, 200, len - 1] {
        let vfs = vfs.fork();
        vfs.edit(&path, |file| file.truncate(len - cut)).unwrap();
        let store = open_sim(&vfs);
        assert_eq!(read_all(&store, blob_id(&bytes)), Err(BlobRefusal::Unknown.into()));
        put(&store, &bytes, BLOCK).unwrap();
        assert!(holds(&store, &[bytes.clone(), other.clone()]), "an upload replaces what was damaged");
    }
}

fn path_of(vfs: &SimVfs, suffix: &str, blob: BlobId) -> PathBuf {
    let start = hex::encode(blob.0);
    let is_it = |path: &&PathBuf| path.to_string_lossy().ends_with(suffix) && path.to_string_lossy().contains(&start);
    vfs.contents().keys().find(is_it).cloned().expect("the file")
}

#[test]
fn a_beginning_that_a_crash_left_is_removed_and_foreign_names_are_left_alone() {
    let vfs = SimVfs::new();
    let store = open_sim(&vfs);
    let bytes = bytes_of(1, 1000);
    put(&store, &bytes, 1000).unwrap();
    drop(store);
    let dir = Path::new("/d/blobs").join(hex::encode(Writer::new(1).space().0));
    vfs.put(&dir.join("half.part"), vec![0; 10]);
    vfs.put(&dir.join("notes.txt"), b"mine".to_vec());
    let store = open_sim(&vfs);
    assert!(holds(&store, &[bytes]));
    assert!(!vfs.contents().contains_key(&dir.join("half.part")));
    assert!(vfs.contents().contains_key(&dir.join("notes.txt")));
}

#[test]
fn many_unfinished_uploads_hold_few_files_open_and_all_go_on() {
    let limits = BlobLimits { device_uploads_max: 1000, ..BlobLimits::default() };
    let disk = OnDisk::new(Arc::new(SimVfs::new()), PathBuf::from("/d"), limits);
    let all: Vec<Bytes> = (0..100).map(|n| bytes_of(n, 5000)).collect();
    let device = Writer::new(1).key();
    let begin = |bytes: &Bytes| {
        let request = UploadRequest { place: place(blob_id(bytes)), device, total_bytes: 5000, offset: 0 };
        match wait(|done| disk.store.blob_begin(request, done)).unwrap() {
            Begun::Upload(upload) => upload,
            Begun::Stored(_) => panic!("nothing is stored"),
        }
    };
    let uploads: Vec<_> = all.iter().map(begin).collect();
    for (at, end) in [(0, 2000), (2000, 5000)] {
        for (bytes, upload) in all.iter().zip(&uploads) {
            wait(|done| disk.store.blob_append(*upload, at as u64, bytes.slice(at..end), done)).unwrap();
        }
    }
    assert!(holds(&disk.store, &all));
}
