//! Erasing and purging: afterwards nothing of the sealed bytes is in any file, other spaces are whole, and a power cut or a
//! failure at any call leaves a request undone or finishes it, at the latest with the next start.

mod support;

use bytes::Bytes;
use relay_core::blobs::{Appended, Begun, BlobPlace, BlobStore, UploadRequest};
use relay_core::erasure::PurgePoint;
use relay_core::store::{ReadOutcome, SignedAck, Store, StoreError};
use relay_proto::attestation::Attestation;
use relay_proto::blob::blob_id;
use relay_proto::erasure::ErasureReason;
use relay_proto::hash::{entry_id, sha256};
use relay_proto::ids::Hash;
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_proto::snapshot::{ChunksHasher, Manifest, ManifestFields};
use relay_proto::wire::Reader;
use relay_store::vfs::Vfs;
use relay_store::vfs::sim::{Fault, SimVfs};
use relay_store::{EmbeddedStore, StoreOptions};
use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::cut::CutVfs;
use support::watched::{Warden, WatchedVfs};
use support::{Writer, open, options, wait};

const SEGMENT: u64 = 16 * 1024;
const BYTES: usize = 700;
const ENTRIES: u64 = 24;
/// What a purge of the tests lets go.
const PURGED: u64 = 15;
const CHUNK: usize = 65_536;

/// Bytes nobody else has.
fn random(label: &str, n: u64, bytes: usize) -> Bytes {
    let blocks = (0..bytes.div_ceil(32)).map(|i| sha256(&[label.as_bytes(), &n.to_be_bytes(), &i.to_be_bytes()]).0);
    Bytes::from(blocks.flatten().take(bytes).collect::<Vec<u8>>())
}

fn label(writer: &Writer) -> String {
    hex::encode(writer.space().0)
}

fn entry(writer: &Writer, n: u64) -> Bytes {
    random(&label(writer), n, BYTES)
}

/// Every eighth place of what must not be found: whatever 16 bytes of it are anywhere, eight of them start at such a place.
struct Needles {
    pieces: HashSet<[u8; 8]>,
    /// First two bytes of a piece: nearly every place of a file is ruled out by them.
    starts: Vec<bool>,
}

fn start_of(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

impl Needles {
    fn of(ciphertexts: impl IntoIterator<Item = Bytes>) -> Self {
        let pieces = |bytes: Bytes| bytes.chunks_exact(8).map(|piece| piece.try_into().unwrap()).collect::<Vec<_>>();
        let pieces: HashSet<[u8; 8]> = ciphertexts.into_iter().flat_map(pieces).collect();
        let mut starts = vec![false; 1 << 16];
        pieces.iter().for_each(|piece| starts[start_of(piece)] = true);
        Self { pieces, starts }
    }

    /// How many of its pieces are in the files of a disk, by file.
    fn found_in(&self, contents: &BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, usize> {
        let mut found = BTreeMap::new();
        for (path, bytes) in contents {
            let mut hits = 0;
            let mut at = 0;
            while at + 8 <= bytes.len() {
                if self.starts[start_of(&bytes[at..])] && self.pieces.contains(&bytes[at..at + 8]) {
                    hits += 1;
                }
                at += 1;
            }
            if hits > 0 {
                found.insert(path.clone(), hits);
            }
        }
        found
    }
}

fn writers() -> Vec<Writer> {
    (1..=3).map(Writer::new).collect()
}

fn snapshot_chunk(index: u64) -> Bytes {
    random("snapshot", index, if index == 1 { 900 } else { CHUNK })
}

fn blob(n: u64) -> Bytes {
    random("blob", n, 4_000)
}

fn claim(store: &EmbeddedStore, writer: &Writer) -> relay_proto::attestation::HeadClaim {
    let attested = wait(|done| store.attest(writer.space(), done)).unwrap();
    Attestation::read(&mut Reader::new(&attested)).unwrap().claim
}

/// A whole snapshot (state 0) and the beginning of another one (state 1) of the first space.
fn put_snapshots(store: &EmbeddedStore, writer: &Writer) {
    let head = claim(store, writer);
    let ack = SignedAck { device: writer.key(), log_epoch: 1, size: head.size, head: head.head, signature: [0; 64] };
    wait(|done| store.put_ack(writer.space(), ack, done)).unwrap();
    for (salt, chunks) in [(1, 2), (2, 1)] {
        let mut hasher = ChunksHasher::default();
        (0..2).for_each(|index| hasher.push(&snapshot_chunk(index)));
        let manifest: Manifest = ManifestFields {
            suite: 1,
            space: writer.space(),
            device: writer.key(),
            key_epoch: 1,
            log_id: store.log().log_id,
            log_epoch: 1,
            size: head.size,
            head: head.head,
            // The tree of that size, the genesis leaf included, is one perfect one.
            range: vec![head.head],
            total_bytes: (CHUNK + 900) as u64,
            chunk_bytes: CHUNK as u32,
            chunks_hash: hasher.finish(),
            salt: [salt; 32],
            commitment: [2; 32],
            time_ms: 1,
        }
        .sign(&writer.device);
        upload(store, writer, &manifest, chunks);
    }
}

fn upload(store: &EmbeddedStore, writer: &Writer, manifest: &Manifest, chunks: u64) {
    wait(|done| store.snapshot_begin(writer.space(), manifest.bytes().clone(), done)).unwrap();
    for index in 0..chunks {
        let chunk = snapshot_chunk(index);
        wait(|done| store.snapshot_chunk(writer.space(), manifest.id(), index as u32, chunk, done)).unwrap();
    }
}

/// A whole blob and half of another one.
fn put_blobs(store: &EmbeddedStore, writer: &Writer) {
    for (n, bytes) in [(1, 4_000), (2, 2_000)] {
        let blob = blob(n);
        let place = BlobPlace { space: writer.space(), blob: blob_id(&blob) };
        let request = UploadRequest { place, device: writer.key(), total_bytes: 4_000, offset: 0 };
        let begun = blob_wait(|done| store.blob_begin(request, done));
        let Begun::Upload(upload) = begun else { panic!("an upload") };
        let appended = blob_wait(|done| store.blob_append(upload, 0, blob.slice(..bytes), done));
        assert_eq!(matches!(appended, Appended::Stored(_)), n == 1);
    }
}

fn blob_wait<T: Send + 'static>(call: impl FnOnce(relay_core::blobs::BlobCompletion<T>)) -> T {
    let (send, receive) = channel();
    call(Box::new(move |result| drop(send.send(result))));
    receive.recv_timeout(Duration::from_secs(20)).expect("an answer").expect("no refusal")
}

/// Three spaces whose entries alternate; the first has snapshots and blobs too when it is asked for.
fn filled(vfs: Arc<dyn Vfs>, options: &StoreOptions, with_files: bool) -> EmbeddedStore {
    let store = open(vfs, options).unwrap();
    writers().iter().for_each(|writer| drop(writer.found(&store).unwrap()));
    for n in 1..=ENTRIES {
        for writer in writers() {
            writer.push(&store, n, vec![entry(&writer, n)]).unwrap();
        }
        if n == 3 && with_files {
            put_snapshots(&store, &Writer::new(1));
            put_blobs(&store, &Writer::new(1));
        }
    }
    store
}

fn needles() -> Needles {
    let gone = Writer::new(1);
    let entries = (1..=ENTRIES).map(|n| entry(&gone, n)).collect::<Vec<_>>();
    let files = (0..2).map(snapshot_chunk).chain((1..=2).map(blob));
    Needles::of(entries.into_iter().chain(files))
}

fn purged_needles() -> Needles {
    let gone = Writer::new(1);
    Needles::of((1..=PURGED).map(|n| entry(&gone, n)))
}

/// A space is whole from a floor on, and its leaves are known from the first.
fn check_whole(store: &EmbeddedStore, writer: &Writer, floor: u64) {
    let facts = wait(|done| store.space(writer.space(), done)).unwrap().expect("a known space");
    assert_eq!((facts.size, facts.floor), (ENTRIES, floor));
    let page = writer.page(store, floor - 1).unwrap();
    let held: Vec<_> = page.entries.iter().map(|entry| entry.sealed.clone()).collect();
    assert_eq!(held, (floor..=ENTRIES).map(|n| entry(writer, n)).collect::<Vec<_>>());
    if floor > 1 {
        let read = wait(|done| store.read(writer.space(), 0, 10, 1000, done)).unwrap();
        assert!(matches!(read, ReadOutcome::BelowFloor { .. }));
    }
    let leaves = wait(|done| store.leaves(writer.space(), 1, 1000, done)).unwrap();
    let leaf = |n| entry_leaf(&writer.key(), n, 1, &entry_id(&entry(writer, n)));
    assert_eq!(leaves, (1..=ENTRIES).map(leaf).collect::<Vec<Hash>>());
}

fn check_others(store: &EmbeddedStore) {
    writers().iter().skip(1).for_each(|writer| check_whole(store, writer, 1));
}

fn erase(store: &EmbeddedStore) -> Result<(), StoreError> {
    wait(|done| store.erase(Writer::new(1).space(), ErasureReason::Operator, done))
}

fn purge_point(store: &EmbeddedStore) -> PurgePoint {
    let writer = Writer::new(1);
    let mut fold = LogFold::new(&Genesis::first(writer.space(), store.log().log_id));
    fold.extend((1..=PURGED).map(|n| entry_leaf(&writer.key(), n, 1, &entry_id(&entry(&writer, n)))));
    PurgePoint { log_epoch: store.log().log_epoch, size: PURGED, head: fold.head() }
}

fn purge(store: &EmbeddedStore) -> Result<(), StoreError> {
    let point = purge_point(store);
    wait(|done| store.purge(Writer::new(1).space(), point, done))
}

fn is_erased(store: &EmbeddedStore) -> bool {
    wait(|done| store.space(Writer::new(1).space(), done)).unwrap().is_none()
}

/// Waits until what an earlier run left is done: the store looks for it once a second.
fn until(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn nothing_of_an_erased_space_is_in_any_file_and_other_spaces_are_whole() {
    let (vfs, options) = (SimVfs::new(), options("/d", SEGMENT));
    let store = filled(Arc::new(vfs.clone()), &options, true);
    let before = needles().found_in(&vfs.contents());
    for kind in [".seg", ".snap", ".part", ".blob"] {
        let is_there = before.keys().any(|path| path.to_string_lossy().ends_with(kind));
        assert!(is_there, "the control finds it in {kind}: {before:?}");
    }
    erase(&store).unwrap();
    assert_eq!(needles().found_in(&vfs.contents()), BTreeMap::new());
    let space = hex::encode(Writer::new(1).space().0);
    let named: Vec<_> = vfs.contents().into_keys().filter(|path| path.to_string_lossy().contains(&space)).collect();
    assert_eq!(named, [PathBuf::from(format!("/d/erased/{space}.gone"))], "a tombstone is left");
    let keyring = vfs.contents().into_iter().filter(|(path, _)| path.to_string_lossy().ends_with(".seg"));
    let id = Writer::new(1).space().0;
    assert!(keyring.into_iter().all(|(_, bytes)| !bytes.windows(32).any(|window| window == id)), "not even its id");
    assert!(is_erased(&store));
    check_others(&store);
    store.close();
    for _ in 0..2 {
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        assert!(is_erased(&store));
        check_others(&store);
        store.reclaim();
        check_others(&store);
        store.close();
    }
    assert_eq!(needles().found_in(&vfs.contents()), BTreeMap::new());
}

#[test]
fn control_a_store_whose_segments_keep_their_bytes_is_caught() {
    let (sim, options) = (SimVfs::new(), options("/d", SEGMENT));
    let vfs = CutVfs::new(sim.clone(), 0);
    let store = filled(Arc::new(vfs.clone()), &options, false);
    vfs.leave_bytes();
    erase(&store).unwrap();
    assert!(is_erased(&store), "it says that it is done");
    assert!(!needles().found_in(&sim.contents()).is_empty(), "and the search finds that it is not");
}

#[test]
fn nothing_of_what_was_purged_is_in_any_file_and_its_leaves_are() {
    let (vfs, options) = (SimVfs::new(), options("/d", SEGMENT));
    let store = filled(Arc::new(vfs.clone()), &options, false);
    assert!(!purged_needles().found_in(&vfs.contents()).is_empty(), "the control finds it");
    purge(&store).unwrap();
    assert_eq!(purged_needles().found_in(&vfs.contents()), BTreeMap::new());
    let check = |store: &EmbeddedStore| {
        check_whole(store, &Writer::new(1), PURGED + 1);
        check_others(store);
    };
    check(&store);
    store.reclaim();
    check(&store);
    store.close();
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    check(&store);
    assert_eq!(store.stats().damaged_reads, 0);
    assert!(vfs.contents().into_keys().all(|path| !path.to_string_lossy().ends_with(".purge")));
}

#[test]
fn a_log_whose_footers_are_broken_is_read_from_its_groups_after_an_erasure_and_a_purge() {
    let options = options("/d", SEGMENT);
    for erases in [true, false] {
        let vfs = SimVfs::new();
        let store = filled(Arc::new(vfs.clone()), &options, false);
        if erases {
            erase(&store).unwrap()
        } else {
            purge(&store).unwrap()
        }
        store.close();
        drop(store);
        for path in vfs.contents().into_keys().filter(|path| path.to_string_lossy().ends_with(".seg")) {
            vfs.edit(&path, |bytes| *bytes.last_mut().unwrap() ^= 1).unwrap();
        }
        vfs.remove(&PathBuf::from("/d/checkpoint")).unwrap();
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        check_others(&store);
        if erases {
            assert!(is_erased(&store))
        } else {
            check_whole(&store, &Writer::new(1), PURGED + 1)
        }
        store.close();
        check_others(&open(Arc::new(vfs), &options).unwrap());
    }
}

#[test]
fn pushes_and_compactions_go_on_beside_erasures() {
    let (vfs, options) = (SimVfs::new(), options("/d", SEGMENT));
    let store = Arc::new(filled(Arc::new(vfs.clone()), &options, false));
    let busy = Arc::clone(&store);
    let pusher = std::thread::spawn(move || {
        let writer = Writer::new(9);
        writer.found(&*busy).unwrap();
        (1..=300).for_each(|n| drop(writer.push(&*busy, n, vec![entry(&writer, n)]).unwrap()));
    });
    for n in [1, 2] {
        wait(|done| store.erase(Writer::new(n).space(), ErasureReason::Expired, done)).unwrap();
        store.reclaim();
    }
    pusher.join().unwrap();
    check_whole(&store, &Writer::new(3), 1);
    store.close();
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    check_whole(&store, &Writer::new(3), 1);
    assert_eq!(Writer::new(9).page(&store, 0).unwrap().entries.len(), 300);
    assert_eq!(needles().found_in(&vfs.contents()), BTreeMap::new());
}

/// A filled store on a disk, so that each run starts from the same bytes.
fn filled_disk(options: &StoreOptions, with_files: bool) -> SimVfs {
    let vfs = SimVfs::new();
    let store = filled(Arc::new(vfs.clone()), options, with_files);
    store.close();
    drop(store);
    vfs
}

/// Calls of a whole request.
fn calls_of(disk: &SimVfs, options: &StoreOptions, request: fn(&EmbeddedStore) -> Result<(), StoreError>) -> u64 {
    let vfs = CutVfs::new(disk.fork(), 0);
    let store = open(Arc::new(vfs.clone()), options).unwrap();
    let before = vfs.calls();
    request(&store).unwrap();
    vfs.calls() - before
}

#[test]
fn a_power_cut_at_any_call_of_an_erasure_leaves_it_undone_or_finishes_it_and_hurts_nothing_else() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options, true);
    let all = calls_of(&disk, &options, erase);
    assert!(all > 30, "{all} calls");
    let (mut undone, mut finished, mut answered) = (0, 0, 0);
    for call in 0..all {
        let sim = disk.fork();
        let vfs = CutVfs::new(sim.clone(), call * 7);
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        vfs.cut_after(call);
        let answer = erase(&store);
        drop(store);
        let store = open(Arc::new(sim.clone()), &options).unwrap_or_else(|error| panic!("call {call}: {error}"));
        check_others(&store);
        if is_erased(&store) {
            finished += 1;
            assert_eq!(needles().found_in(&sim.contents()), BTreeMap::new(), "call {call}");
        } else {
            undone += 1;
            assert!(answer.is_err(), "call {call}: what was answered is done");
            check_whole(&store, &Writer::new(1), 1);
            erase(&store).unwrap();
            assert_eq!(needles().found_in(&sim.contents()), BTreeMap::new(), "call {call}");
        }
        answered += u64::from(answer.is_ok());
        drop(store);
        let store = open(Arc::new(sim.clone()), &options).unwrap();
        assert!(is_erased(&store), "call {call}: it stays erased");
        check_others(&store);
    }
    assert!(undone > 0 && finished > 0, "{undone} undone, {finished} finished, {answered} answered");
}

#[test]
fn a_second_power_cut_while_a_start_finishes_an_erasure_hurts_nothing() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options, true);
    let all = calls_of(&disk, &options, erase);
    for call in (0..all).step_by(9) {
        let sim = disk.fork();
        let vfs = CutVfs::new(sim.clone(), call);
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        vfs.cut_after(call);
        let _cut = erase(&store);
        drop(store);
        for start in (0..60).step_by(7) {
            let again = sim.fork();
            let vfs = CutVfs::new(again.clone(), start * 31 + call);
            vfs.cut_after(start);
            drop(open(Arc::new(vfs), &options));
            let store = open(Arc::new(again.clone()), &options);
            let store = store.unwrap_or_else(|error| panic!("call {call}, start {start}: {error}"));
            check_others(&store);
            assert!(!is_erased(&store) || needles().found_in(&again.contents()).is_empty(), "{call} {start}");
        }
    }
}

#[test]
fn a_call_that_fails_once_while_a_start_goes_on_with_overwriting_hurts_nothing() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options, false);
    let is_redo = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "redo");
    // A log that is damaged without its redo file.
    let half_overwritten = |after: u64| {
        let sim = disk.fork();
        let store = open(Arc::new(sim.clone()), &options).unwrap();
        // It stays broken: an eraser that tries again must not come to its end before the process does.
        (after..after + 100).for_each(|after| sim.inject(".seg", Fault::Write { after, error: ErrorKind::Other }));
        let _failed = erase(&store);
        sim.kill();
        drop(store);
        let without = sim.fork();
        without.remove(&sim.paths().into_iter().find(is_redo)?).unwrap();
        open(Arc::new(without), &options).is_err().then(|| sim.fork())
    };
    let cut: Vec<_> = (0..20).filter_map(half_overwritten).take(2).collect();
    assert!(!cut.is_empty());
    let mut failed = 0;
    for (sim, after) in cut.iter().flat_map(|sim| (0..12).map(move |after| (sim, after))) {
        let again = sim.fork();
        again.inject(".seg", Fault::Call { after, error: ErrorKind::Other });
        let first = open(Arc::new(again.clone()), &options);
        failed += u64::from(first.is_err());
        drop(first);
        again.power_cut(after);
        let store = open(Arc::new(again.clone()), &options).unwrap_or_else(|error| panic!("call {after}: {error}"));
        assert!(is_erased(&store), "call {after}");
        assert_eq!(Writer::new(2).page(&store, 0).unwrap().entries.len() as u64, ENTRIES, "call {after}");
    }
    assert!(failed > 5, "{failed} starts failed");
}

/// Notes what is removed with something in it that must not be left behind.
#[derive(Debug, Default)]
struct Bin(Mutex<Vec<PathBuf>>);

impl Warden for Bin {
    fn may_remove(&self, disk: &SimVfs, path: &Path) -> std::io::Result<()> {
        let bytes = disk.contents().remove(path).map(|bytes| BTreeMap::from([(path.to_owned(), bytes)]));
        let holds = bytes.is_some_and(|bytes| !needles().found_in(&bytes).is_empty());
        self.0.lock().unwrap().extend(holds.then(|| path.to_owned()));
        Ok(())
    }
}

#[test]
fn a_purge_beyond_the_end_of_a_log_that_came_back_from_a_backup_ends() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options, false);
    let backup = SimVfs::new();
    let store = open(Arc::new(backup.clone()), &options).unwrap();
    let writer = Writer::new(1);
    writer.found(&store).unwrap();
    (1..=PURGED - 5).for_each(|n| drop(writer.push(&store, n, vec![entry(&writer, n)]).unwrap()));
    store.close();
    drop(store);
    // Both stores have one id: the randomness of these tests is the same.
    let later = with_an_intent(&disk, &options, purge);
    let intent = later.paths().into_iter().find(|path| path.extension().is_some_and(|kind| kind == "purge")).unwrap();
    backup.create_dir(Path::new("/d/erased")).unwrap();
    backup.put(&intent, later.contents()[&intent].clone());
    relay_store::log_reset(Path::new("/d"), &support::environment(Arc::new(backup.clone()))).unwrap();
    let store = open(Arc::new(backup.clone()), &options).unwrap();
    until("the purge ends", || !backup.paths().contains(&intent));
    let facts = wait(|done| store.space(writer.space(), done)).unwrap().unwrap();
    assert_eq!((facts.size, facts.floor), (PURGED - 5, PURGED - 4));
    assert_eq!(purged_needles().found_in(&backup.contents()), BTreeMap::new());
}

/// A disk whose power was cut when an intent was durable and nothing of it was done.
fn with_an_intent(
    disk: &SimVfs,
    options: &StoreOptions,
    request: fn(&EmbeddedStore) -> Result<(), StoreError>,
) -> SimVfs {
    let is_intent = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "gone" || kind == "purge");
    let cut = (0..100).map(|call| {
        let sim = disk.fork();
        let vfs = CutVfs::new(sim.clone(), 0);
        let store = open(Arc::new(vfs.clone()), options).unwrap();
        vfs.cut_after(call);
        let _cut = request(&store);
        sim.fork()
    });
    cut.into_iter().find(|sim| sim.paths().iter().any(is_intent)).expect("a durable intent")
}

#[test]
fn a_start_that_finishes_an_erasure_overwrites_what_a_compaction_left() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options, false);
    let first = PathBuf::from("/d/log/00000000000000000001.seg");
    for (sim, is_pending) in [(with_an_intent(&disk, &options, erase), true), (disk.fork(), false)] {
        sim.put(&first.with_extension("seg.new"), disk.contents()[&first].clone());
        let vfs: WatchedVfs<Bin> = WatchedVfs::new(sim.clone());
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        assert_eq!(is_erased(&store), is_pending);
        let thrown: Vec<_> = vfs.warden.0.lock().unwrap().clone();
        assert_eq!(thrown.is_empty(), is_pending, "{thrown:?}");
        assert!(!sim.contents().contains_key(&first.with_extension("seg.new")));
    }
}

#[test]
fn an_intent_or_a_tombstone_that_is_not_whole_is_damage_and_not_forgotten() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options, false);
    for request in [erase, purge] {
        let sim = with_an_intent(&disk, &options, request);
        let intent = sim.paths().into_iter().find(|path| path.starts_with("/d/erased")).unwrap();
        sim.edit(&intent, |bytes| bytes[30] ^= 1).unwrap();
        let before = sim.paths();
        let error = open(Arc::new(sim.clone()), &options).expect_err("damage").to_string();
        assert!(error.contains("/d/erased") && !error.contains(&hex::encode(Writer::new(1).space().0)), "{error}");
        assert_eq!(sim.paths(), before, "nothing was removed");
        sim.edit(&intent, |bytes| bytes[30] ^= 1).unwrap();
        let store = open(Arc::new(sim.clone()), &options).unwrap();
        check_others(&store);
        request(&store).unwrap();
    }
}

#[test]
fn a_power_cut_at_any_call_of_a_purge_leaves_it_undone_or_finishes_it_and_hurts_nothing_else() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options, false);
    let all = calls_of(&disk, &options, purge);
    assert!(all > 15, "{all} calls");
    let (undone, finished) = (AtomicU64::new(0), AtomicU64::new(0));
    let cut_at = |call: u64| {
        let sim = disk.fork();
        let vfs = CutVfs::new(sim.clone(), call * 7);
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        vfs.cut_after(call);
        let answer = purge(&store);
        drop(store);
        let store = open(Arc::new(sim.clone()), &options).unwrap_or_else(|error| panic!("call {call}: {error}"));
        check_others(&store);
        let is_pending = || sim.contents().into_keys().any(|path| path.to_string_lossy().ends_with(".purge"));
        until("a purge under way is finished", || !is_pending());
        let floor = wait(|done| store.space(Writer::new(1).space(), done)).unwrap().unwrap().floor;
        check_whole(&store, &Writer::new(1), floor);
        if floor > PURGED {
            finished.fetch_add(1, Ordering::Relaxed);
            if answer.is_ok() {
                assert_eq!(purged_needles().found_in(&sim.contents()), BTreeMap::new(), "call {call}");
            }
        } else {
            undone.fetch_add(1, Ordering::Relaxed);
            assert!(answer.is_err(), "call {call}: what was answered is done");
        }
        purge(&store).unwrap();
        assert_eq!(purged_needles().found_in(&sim.contents()), BTreeMap::new(), "call {call}");
        check_whole(&store, &Writer::new(1), PURGED + 1);
    };
    // Side by side, because a store looks for unfinished purges only once a second.
    std::thread::scope(|scope| {
        for shard in 0..8 {
            let cut_at = &cut_at;
            scope.spawn(move || (shard..all).step_by(8).for_each(cut_at));
        }
    });
    let (undone, finished) = (undone.into_inner(), finished.into_inner());
    assert!(undone > 0 && finished > 0, "{undone} undone, {finished} finished");
}

#[test]
fn a_failed_write_or_sync_of_an_erasure_is_never_answered_as_done() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options, true);
    let mut failures = 0;
    let suffixes = [".new", ".redo", ".seg", ".snap", ".blob", "/erased"];
    let faults = suffixes.iter().flat_map(|suffix| [0, 1, 3].map(move |after| (*suffix, after)));
    for (suffix, after) in faults {
        for fault in [
            Fault::Write { after, error: ErrorKind::Other },
            Fault::Sync { after, error: ErrorKind::Other },
            Fault::Write { after, error: ErrorKind::StorageFull },
            Fault::Sync { after, error: ErrorKind::StorageFull },
        ] {
            let vfs = disk.fork();
            let store = open(Arc::new(vfs.clone()), &options).unwrap();
            vfs.inject(suffix, fault);
            let answer = erase(&store);
            vfs.heal();
            let clean = needles().found_in(&vfs.contents()).is_empty();
            assert!(answer.is_err() || clean, "{suffix}: {fault:?}");
            failures += u64::from(answer.is_err());
            if answer != Err(StoreError::Poisoned) {
                check_others(&store);
                erase(&store).unwrap();
            }
            drop(store);
            let store = open(Arc::new(vfs.clone()), &options).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            check_others(&store);
            if is_erased(&store) {
                assert_eq!(needles().found_in(&vfs.contents()), BTreeMap::new(), "{suffix}: {fault:?}");
            }
        }
    }
    assert!(failures > 10, "{failures} failures");
}

#[test]
fn an_erasure_that_finds_no_room_for_its_intent_is_undone_and_one_on_a_full_log_is_done() {
    let options = options("/d", SEGMENT);
    let vfs = filled_disk(&options, true);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    vfs.inject("", Fault::Full);
    assert_eq!(erase(&store), Err(StoreError::DiskFull));
    check_whole(&store, &Writer::new(1), 1);
    vfs.heal();
    vfs.inject(".redo", Fault::Full);
    assert_eq!(erase(&store), Err(StoreError::DiskFull), "its bytes are still there");
    assert!(is_erased(&store), "but nobody sees them");
    vfs.heal();
    erase(&store).unwrap();
    assert_eq!(needles().found_in(&vfs.contents()), BTreeMap::new());
    check_others(&store);
}
