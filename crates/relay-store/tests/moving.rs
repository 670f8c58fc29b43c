//! Moving house: what one store wrote into a file is the same space in another one, whole or not at all.

mod support;

use bytes::Bytes;
use relay_core::blobs::{Appended, Begun, BlobCompletion, BlobPlace, BlobStore, UploadRequest};
use relay_core::moving::Fault;
use relay_core::store::{ReadOutcome, Refusal, SignedAck, Store, StoreError, Verdict};
use relay_proto::attestation::{Attestation, HeadClaim};
use relay_proto::blob::BlobHasher;
use relay_proto::erasure::ErasureReason;
use relay_proto::frame::Ack;
use relay_proto::hash::{entry_id, sha256};
use relay_proto::ids::Hash;
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_proto::snapshot::{ChunksHasher, ManifestFields};
use relay_store::moving::{Export, ImportError, import, verify};
use relay_store::vfs::Vfs;
use relay_store::vfs::sim::SimVfs;
use relay_store::{EmbeddedStore, StoreOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use support::capacity::CapacityVfs;
use support::cut::CutVfs;
use support::{Writer, open, options, sealed, wait};

const SEGMENT: u64 = 64 * 1024;
const BYTES: usize = 900;
const ENTRIES: u64 = 40;
const FLOOR: u64 = 13;
const CHUNK: usize = 65_536;

fn claim(store: &EmbeddedStore, writer: &Writer) -> HeadClaim {
    let attested = wait(|done| store.attest(writer.space(), done)).unwrap();
    Attestation::decode(&attested).unwrap().claim
}

fn leaf(writer: &Writer, n: u64) -> Hash {
    entry_leaf(&writer.key(), n, 1, &entry_id(&sealed(n, BYTES)))
}

/// The head that the entries make in the first epoch of a store's log.
fn head_of(store: &EmbeddedStore, writer: &Writer, size: u64) -> Hash {
    let mut fold = LogFold::new(&Genesis::first(writer.space(), store.log().log_id));
    fold.extend((1..=size).map(|n| leaf(writer, n)));
    fold.head()
}

fn chunk(n: usize) -> Bytes {
    Bytes::from(vec![u8::try_from(n).unwrap(); if n == 1 { 900 } else { CHUNK }])
}

/// An ack and a snapshot of a size whose tree is one perfect one.
fn put_snapshot(store: &EmbeddedStore, writer: &Writer, size: u64) {
    assert!((size + 1).is_power_of_two());
    let (log_id, head) = (store.log().log_id, head_of(store, writer, size));
    let signed = Ack::sign(&writer.device, &writer.space(), &log_id, 1, size, head);
    let ack = SignedAck { device: writer.key(), log_epoch: 1, size, head, signature: signed.signature.0 };
    wait(|done| store.put_ack(writer.space(), ack, done)).unwrap();
    let mut hasher = ChunksHasher::default();
    (0..2).for_each(|n| hasher.push(&chunk(n)));
    let manifest = ManifestFields {
        suite: 1,
        space: writer.space(),
        device: writer.key(),
        key_epoch: 1,
        log_id,
        log_epoch: 1,
        size,
        head,
        range: vec![head],
        total_bytes: (CHUNK + 900) as u64,
        chunk_bytes: CHUNK as u32,
        chunks_hash: hasher.finish(),
        salt: [1; 32],
        commitment: [2; 32],
        time_ms: 1,
    }
    .sign(&writer.device);
    wait(|done| store.snapshot_begin(writer.space(), manifest.bytes().clone(), done)).unwrap();
    for n in 0..2_usize {
        wait(|done| store.snapshot_chunk(writer.space(), manifest.id(), n as u32, chunk(n), done)).unwrap();
    }
}

/// The old house: entries up to the floor are forgotten, a snapshot covers them.
fn old_house(writer: &Writer) -> Arc<EmbeddedStore> {
    let store = Arc::new(open(Arc::new(SimVfs::new()), &options("/old", SEGMENT)).unwrap());
    writer.found(&*store).unwrap();
    writer.push_range(&*store, 1, ENTRIES, BYTES);
    put_snapshot(&store, writer, 31);
    wait(|done| store.trim(writer.space(), FLOOR, done)).unwrap();
    store.reclaim();
    store
}

fn exported(store: &Arc<EmbeddedStore>, writer: &Writer) -> Vec<u8> {
    let mut export = Export::begin(store, writer.space(), 5).unwrap();
    let mut file = Vec::new();
    while let Some(piece) = export.next_piece().unwrap() {
        file.extend(piece);
    }
    file
}

/// A new house on this disk, with a key of its own and somebody who lives there already.
fn new_house(vfs: &SimVfs, options: &StoreOptions) -> EmbeddedStore {
    let key = Path::new("/new/relay.key");
    let store = open(Arc::new(vfs.clone()), options).unwrap();
    drop(store);
    vfs.edit(key, |bytes| bytes[..64].copy_from_slice(hex::encode([77; 32]).as_bytes())).unwrap();
    for number in 1..=2 {
        let _not_there = vfs.remove(&Path::new("/new/log").join(format!("{number:020}.seg")));
    }
    let _not_there = vfs.remove(Path::new("/new/checkpoint"));
    let _not_there = vfs.remove(Path::new("/new/meta.redb"));
    let store = open(Arc::new(vfs.clone()), options).unwrap();
    let neighbour = Writer::new(2);
    neighbour.found(&store).unwrap();
    neighbour.push_range(&store, 1, 3, BYTES);
    store
}

fn take(store: &EmbeddedStore, file: &[u8]) -> Result<(), ImportError> {
    added(store, file).map(|_entries| ())
}

/// How many entries an import added.
fn added(store: &EmbeddedStore, file: &[u8]) -> Result<u64, ImportError> {
    import(store, || Ok::<_, io::Error>(file)).map(|imported| imported.added)
}

/// The space is whole in the new house: order, leaves, marks, roster, snapshot, and a head of that house's own.
fn check_moved(store: &EmbeddedStore, writer: &Writer) {
    let facts = wait(|done| store.space(writer.space(), done)).unwrap().expect("a known space");
    assert_eq!((facts.size, facts.floor, facts.roster_version), (ENTRIES, FLOOR, 1));
    assert_eq!((facts.chain, facts.keyring), writer.chain());
    let page = writer.page(store, FLOOR - 1).unwrap();
    let held: Vec<_> = page.entries.iter().map(|entry| (entry.push_seq, entry.sealed.clone())).collect();
    assert_eq!(held, (FLOOR..=ENTRIES).map(|n| (n, sealed(n, BYTES))).collect::<Vec<_>>());
    assert!(matches!(wait(|done| store.read(writer.space(), 0, 9, 9, done)).unwrap(), ReadOutcome::BelowFloor { .. }));
    let leaves = wait(|done| store.leaves(writer.space(), 1, 1000, done)).unwrap();
    assert_eq!(leaves, (1..=ENTRIES).map(|n| leaf(writer, n)).collect::<Vec<_>>());
    let claim = claim(store, writer);
    assert_eq!((claim.size, claim.floor, claim.head), (ENTRIES, FLOOR, head_of(store, writer, ENTRIES)));
    assert!(wait(|done| store.acks(writer.space(), done)).unwrap().is_empty(), "acks were of another log");
    let manifest = wait(|done| store.snapshot_manifest(writer.space(), None, done)).unwrap().expect("a snapshot");
    let id = relay_proto::ids::SnapshotId(sha256(&[&manifest]).0);
    for n in 0..2_usize {
        assert_eq!(wait(|done| store.snapshot_read(writer.space(), id, n as u32, done)).unwrap(), chunk(n));
    }
    assert_eq!(Writer::new(2).read_all(store).len(), 3, "the neighbour is whole");
}

#[test]
fn a_space_moves_whole_and_its_devices_go_on() {
    let (writer, options) = (Writer::new(1), options("/new", SEGMENT));
    let old = old_house(&writer);
    let file = exported(&old, &writer);
    let report = verify(file.as_slice()).unwrap();
    assert_eq!((report.entries, report.leaves_from, report.head_is_proven), (ENTRIES - FLOOR + 1, 1, true));
    assert_eq!((report.acks, report.snapshot_size, report.roster_version), (1, 31, 1));
    let vfs = SimVfs::new();
    let store = new_house(&vfs, &options);
    assert_ne!(store.log().log_id, old.log().log_id);
    take(&store, &file).unwrap();
    check_moved(&store, &writer);
    store.close();
    drop(store);
    let store = Arc::new(open(Arc::new(vfs.clone()), &options).unwrap());
    check_moved(&store, &writer);
    // A retry of what moved is a duplicate, forgotten or not; what is new goes on.
    let verdict = |push_seq, n| {
        writer.push(&*store, push_seq, vec![sealed(n, BYTES)]).map(|pushed| pushed.runs[0].verdict.clone())
    };
    assert!(matches!(verdict(ENTRIES, ENTRIES), Ok(Verdict::Duplicate { seq_first: ENTRIES })));
    assert!(matches!(verdict(2, 2), Ok(Verdict::DuplicateForgotten)));
    let conflict = StoreError::Refused(Refusal::PushSeqConflict);
    assert_eq!(verdict(ENTRIES, 7).unwrap_err(), conflict);
    assert!(
        matches!(verdict(ENTRIES + 1, ENTRIES + 1), Ok(Verdict::Stored { seq_first, .. }) if seq_first == ENTRIES + 1)
    );
    // And it can move on from there.
    let again = verify(exported(&store, &writer).as_slice()).unwrap();
    assert_eq!((again.entries, again.head_is_proven), (ENTRIES - FLOOR + 2, true));
}

#[test]
fn a_space_moves_into_a_log_that_was_reset_and_out_of_it() {
    let (writer, options) = (Writer::new(1), options("/new", SEGMENT));
    let file = exported(&old_house(&writer), &writer);
    let vfs = SimVfs::new();
    new_house(&vfs, &options).close();
    relay_store::log_reset(Path::new("/new"), &support::environment(Arc::new(vfs.clone()))).unwrap();
    let store = Arc::new(open(Arc::new(vfs.clone()), &options).unwrap());
    take(&store, &file).unwrap();
    let resets = wait(|done| store.log_resets(writer.space(), 1, done)).unwrap();
    assert_eq!((resets.len(), claim(&store, &writer).log_epoch), (1, store.log().log_epoch));
    let report = verify(exported(&store, &writer).as_slice()).unwrap();
    assert_eq!((report.resets, report.head_is_proven), (1, true));
    store.close();
    drop(store);
    let store = open(Arc::new(vfs), &options).unwrap();
    assert_eq!(writer.page(&store, FLOOR - 1).unwrap().entries.len() as u64, ENTRIES - FLOOR + 1);
}

#[test]
fn what_is_there_already_adds_nothing_and_what_its_owner_erased_is_refused() {
    let (writer, options) = (Writer::new(1), options("/new", SEGMENT));
    let old = old_house(&writer);
    let file = exported(&old, &writer);
    assert_eq!(added(&old, &file).unwrap(), 0);
    let store = new_house(&SimVfs::new(), &options);
    assert_eq!(added(&store, &file).unwrap(), ENTRIES - FLOOR + 1);
    let commits = store.stats().commits;
    assert_eq!(added(&store, &file).unwrap(), 0);
    assert_eq!(store.stats().commits, commits, "nothing was written");
    check_moved(&store, &writer);
    wait(|done| store.erase(writer.space(), ErasureReason::Operator, done)).unwrap();
    assert!(wait(|done| store.space(writer.space(), done)).unwrap().is_none());
    // The operator's own word is the operator's to take back.
    take(&store, &file).unwrap();
    check_moved(&store, &writer);
    let roster = wait(|done| store.space(writer.space(), done)).unwrap().unwrap();
    let newest = (roster.roster_version, roster.roster_hash);
    let log = store.log();
    let erase = relay_proto::frame::Erase::sign(&writer.device, &writer.space(), &log.log_id, log.log_epoch, newest);
    let reason = ErasureReason::Signed { signer: writer.key(), erase };
    wait(|done| store.erase(writer.space(), reason, done)).unwrap();
    assert!(matches!(take(&store, &file), Err(ImportError::Erased)));
}

#[test]
fn a_changed_file_is_refused_before_anything_is_written() {
    let (writer, options) = (Writer::new(1), options("/new", SEGMENT));
    let file = exported(&old_house(&writer), &writer);
    let vfs = SimVfs::new();
    let store = new_house(&vfs, &options);
    let before = store.stats().commits;
    for at in (0..file.len()).step_by(file.len() / 97) {
        let mut broken = file.clone();
        broken[at] ^= 1;
        assert!(matches!(take(&store, &broken), Err(ImportError::Fault(Fault::Broken { .. }))), "byte {at}");
        assert!(take(&store, &file[..at]).is_err(), "cut {at}");
    }
    assert_eq!(store.stats().commits, before);
    assert!(vfs.contents().keys().all(|path| !path.to_string_lossy().ends_with(".import")));
    take(&store, &file).unwrap();
    check_moved(&store, &writer);
}

#[test]
fn a_power_cut_at_any_call_of_an_import_leaves_all_of_it_or_nothing() {
    let (writer, options) = (Writer::new(1), options("/new", SEGMENT));
    let file = exported(&old_house(&writer), &writer);
    let disk = SimVfs::new();
    new_house(&disk, &options).close();
    let all = {
        let vfs = CutVfs::new(disk.fork(), 0);
        let store = open(Arc::new(vfs.clone()) as Arc<dyn Vfs>, &options).unwrap();
        let before = vfs.calls();
        take(&store, &file).unwrap();
        vfs.calls() - before
    };
    assert!(all > 15, "{all} calls");
    let (mut undone, mut done) = (0, 0);
    // A thread of the store may add calls of its own, so the end is where imports come before the cut.
    for call in 0..all * 4 {
        if done == 2 {
            break;
        }
        let sim = disk.fork();
        let vfs = CutVfs::new(sim.clone(), call * 7);
        let store = open(Arc::new(vfs.clone()) as Arc<dyn Vfs>, &options).unwrap();
        vfs.cut_after(call);
        let answer = take(&store, &file);
        let is_seen = wait(|done| store.space(writer.space(), done)).is_ok_and(|facts| facts.is_some());
        assert_eq!(is_seen, answer.is_ok(), "call {call}: nobody sees what is not durable");
        drop(store);
        let store = open(Arc::new(sim.clone()), &options).unwrap_or_else(|error| panic!("call {call}: {error}"));
        assert_eq!(Writer::new(2).read_all(&store).len(), 3, "call {call}");
        if wait(|done| store.space(writer.space(), done)).unwrap().is_some() {
            done += 1;
            check_moved(&store, &writer);
        } else {
            undone += 1;
            assert!(answer.is_err(), "call {call}: what was answered is there");
            let left: Vec<_> =
                sim.contents().into_iter().filter(|(path, bytes)| holds(path, bytes)).map(|(path, _)| path).collect();
            assert!(left.is_empty(), "call {call}: {left:?}");
            take(&store, &file).unwrap();
            check_moved(&store, &writer);
        }
    }
    assert!(undone > 0 && done > 0, "{undone} undone, {done} done");
}

/// Whether a file holds anything sealed of the space, or its name.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    let name = hex::encode(Writer::new(1).space().0);
    let sealed = sealed(ENTRIES, BYTES);
    path.to_string_lossy().contains(&name) || bytes.windows(64).any(|window| window == &sealed[..64])
}

/// A file whose last bytes come only after the store wrote a checkpoint: an erasure of somebody else makes it do that.
struct Interrupted<'a> {
    file: &'a [u8],
    at: usize,
    store: Option<&'a EmbeddedStore>,
}

impl io::Read for Interrupted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.file.len() - self.at < 120
            && let Some(store) = self.store.take()
        {
            wait(|done| store.erase(Writer::new(2).space(), ErasureReason::Operator, done)).unwrap();
        }
        let count = buffer.len().min(self.file.len() - self.at);
        buffer[..count].copy_from_slice(&self.file[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[test]
fn a_checkpoint_that_is_written_while_an_import_is_under_way_has_it() {
    let (writer, options) = (Writer::new(1), options("/new", SEGMENT));
    let file = exported(&old_house(&writer), &writer);
    let vfs = SimVfs::new();
    let store = new_house(&vfs, &options);
    let mut passes = 0;
    let report = import(&store, || {
        passes += 1;
        Ok::<_, io::Error>(Interrupted { file: &file, at: 0, store: (passes == 2).then_some(&store) })
    });
    assert_eq!(report.unwrap().file.entries, ENTRIES - FLOOR + 1);
    // Killed, so that what is on disk now is all there is.
    let killed = vfs.fork();
    assert!(killed.contents().contains_key(Path::new("/new/checkpoint")), "the control: there is one");
    let store = open(Arc::new(killed), &options).unwrap();
    assert_eq!(writer.page(&store, FLOOR - 1).unwrap().entries.len() as u64, ENTRIES - FLOOR + 1);
}

#[test]
fn a_later_export_brings_what_came_since_the_first_one() {
    let (writer, options) = (Writer::new(1), options("/new", SEGMENT));
    let old = old_house(&writer);
    let first = exported(&old, &writer);
    writer.push_range(&*old, ENTRIES + 1, ENTRIES + 5, BYTES);
    let second = exported(&old, &writer);
    let vfs = SimVfs::new();
    let store = new_house(&vfs, &options);
    take(&store, &first).unwrap();
    assert_eq!(added(&store, &second).unwrap(), 5);
    assert_eq!(added(&store, &first).unwrap(), 0, "the shorter one is the beginning of what is there");
    let check = |store: &EmbeddedStore| {
        let claim = claim(store, &writer);
        assert_eq!((claim.size, claim.head), (ENTRIES + 5, head_of(store, &writer, ENTRIES + 5)));
        let page = writer.page(store, ENTRIES).unwrap();
        let held: Vec<_> = page.entries.iter().map(|entry| (entry.push_seq, entry.sealed.clone())).collect();
        assert_eq!(held, (ENTRIES + 1..=ENTRIES + 5).map(|n| (n, sealed(n, BYTES))).collect::<Vec<_>>());
    };
    check(&store);
    drop(store);
    let store = open(Arc::new(vfs), &options).unwrap();
    check(&store);
    // A retry of the device is a duplicate, and it goes on.
    let verdict = |n| writer.push(&store, n, vec![sealed(n, BYTES)]).map(|pushed| pushed.runs[0].verdict.clone());
    assert!(matches!(verdict(ENTRIES + 5), Ok(Verdict::Duplicate { seq_first }) if seq_first == ENTRIES + 5));
    assert!(matches!(verdict(ENTRIES + 6), Ok(Verdict::Stored { seq_first, .. }) if seq_first == ENTRIES + 6));
    // Now the two went different ways.
    writer.push(&*old, ENTRIES + 6, vec![sealed(77, BYTES)]).unwrap();
    assert!(matches!(take(&store, &exported(&old, &writer)), Err(ImportError::Known)));
}

#[test]
fn a_full_disk_takes_no_further_part_of_a_file() {
    const LARGE_SEGMENT: u64 = 4 * 1024 * 1024;
    let writer = Writer::new(1);
    let old = old_house(&writer);
    let first = exported(&old, &writer);
    writer.push_range(&*old, ENTRIES + 1, ENTRIES + 5, BYTES);
    let second = exported(&old, &writer);
    let vfs = CapacityVfs::new(SimVfs::new());
    let store = open(Arc::new(vfs.clone()), &options("/new", LARGE_SEGMENT)).unwrap();
    take(&store, &first).unwrap();
    let neighbour = Writer::new(2);
    neighbour.found(&store).unwrap();
    let reserve = Path::new("/new/reserve");
    while !vfs.inner.contents().contains_key(reserve) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    vfs.leave(LARGE_SEGMENT);
    let full = (1..1000).find_map(|n| neighbour.push(&store, n, vec![sealed(n, 100_000)]).err());
    assert_eq!(full, Some(StoreError::DiskFull));
    // What the reserve gave back is for those who give room back.
    assert!(!vfs.inner.contents().contains_key(reserve));
    let taken = added(&store, &second);
    assert!(matches!(taken, Err(ImportError::Store(StoreError::DiskFull))), "{taken:?}");
    wait(|done| store.trim(neighbour.space(), 2, done)).unwrap();
    vfs.leave(10 * LARGE_SEGMENT);
    assert_eq!(added(&store, &second).unwrap(), 5);
}

#[test]
fn a_power_cut_of_an_import_over_the_operators_own_erasure_leaves_no_tombstone_of_a_space_that_is_there() {
    let (writer, options) = (Writer::new(1), options("/new", SEGMENT));
    let file = exported(&old_house(&writer), &writer);
    let disk = SimVfs::new();
    let store = new_house(&disk, &options);
    take(&store, &file).unwrap();
    wait(|done| store.erase(writer.space(), ErasureReason::Operator, done)).unwrap();
    store.close();
    let all = {
        let vfs = CutVfs::new(disk.fork(), 0);
        let store = open(Arc::new(vfs.clone()) as Arc<dyn Vfs>, &options).unwrap();
        let before = vfs.calls();
        take(&store, &file).unwrap();
        vfs.calls() - before
    };
    let mut known = 0;
    for (call, seed) in (all.saturating_sub(8)..all + 4).flat_map(|call| (0..8).map(move |seed| (call, seed))) {
        let sim = disk.fork();
        let vfs = CutVfs::new(sim.clone(), seed);
        let store = open(Arc::new(vfs.clone()) as Arc<dyn Vfs>, &options).unwrap();
        vfs.cut_after(call);
        let _cut = take(&store, &file);
        drop(store);
        let store = open(Arc::new(sim.clone()), &options).unwrap();
        if wait(|done| store.space(writer.space(), done)).unwrap().is_some() {
            known += 1;
            let tombstone = wait(|done| store.erasure(writer.space(), done)).unwrap();
            assert_eq!(tombstone, None, "call {call}, seed {seed}");
            wait(|done| store.erase(writer.space(), ErasureReason::Operator, done)).unwrap();
            assert!(wait(|done| store.space(writer.space(), done)).unwrap().is_none(), "call {call}, seed {seed}");
        }
    }
    assert!(known > 0, "none was there");
}

#[test]
fn blobs_move_with_their_space_and_are_those_of_their_ids() {
    let (writer, options) = (Writer::new(1), options("/new", SEGMENT));
    let old = old_house(&writer);
    let blobs: Vec<Bytes> = [1, 70_000, 2_500_000].map(|n| Bytes::from(vec![(n % 251) as u8; n])).to_vec();
    blobs.iter().for_each(|bytes| put_blob(&old, &writer, bytes));
    let file = exported(&old, &writer);
    let report = verify(file.as_slice()).unwrap();
    assert_eq!((report.blobs, report.blob_bytes), (3, 2_570_001));
    let vfs = SimVfs::new();
    let store = new_house(&vfs, &options);
    take(&store, &file).unwrap();
    let check =
        |store: &EmbeddedStore| blobs.iter().for_each(|bytes| assert_eq!(&get_blob(store, &writer, bytes), bytes));
    check(&store);
    check_moved(&store, &writer);
    assert_eq!(added(&store, &file).unwrap(), 0);
    drop(store);
    check(&open(Arc::new(vfs.clone()), &options).unwrap());
    // One that was changed on the way is refused before anything is written.
    let mut broken = file.clone();
    let at = broken.len() - 1000;
    broken[at] ^= 1;
    assert!(matches!(verify(broken.as_slice()), Err(Fault::Broken { .. })));
    let mut small = options.clone();
    small.limits.blobs.space_blob_bytes_max = 2_570_000;
    let store = new_house(&SimVfs::new(), &small);
    assert!(matches!(take(&store, &file), Err(ImportError::BlobsRefused)));
    assert!(wait(|done| store.space(writer.space(), done)).unwrap().is_none());
}

fn wait_blob<T: Send + 'static>(call: impl FnOnce(BlobCompletion<T>)) -> T {
    let (send, receive) = std::sync::mpsc::channel();
    call(Box::new(move |answer| drop(send.send(answer))));
    receive.recv().unwrap().unwrap()
}

fn blob_place(writer: &Writer, bytes: &[u8]) -> BlobPlace {
    let mut hasher = BlobHasher::default();
    hasher.push(bytes);
    BlobPlace { space: writer.space(), blob: hasher.finish() }
}

fn put_blob(store: &EmbeddedStore, writer: &Writer, bytes: &Bytes) {
    let place = blob_place(writer, bytes);
    let request = UploadRequest { place, device: writer.key(), total_bytes: bytes.len() as u64, offset: 0 };
    let begun = wait_blob(|done| store.blob_begin(request, done));
    let Begun::Upload(upload) = begun else { panic!("{begun:?}") };
    let stored = wait_blob(|done| store.blob_append(upload, 0, bytes.clone(), done));
    assert!(matches!(stored, Appended::Stored(_)), "{stored:?}");
}

fn get_blob(store: &EmbeddedStore, writer: &Writer, bytes: &Bytes) -> Bytes {
    let mut read = Vec::new();
    while read.len() < bytes.len() {
        let place = blob_place(writer, bytes);
        let at = read.len() as u64;
        read.extend(wait_blob(|done| store.blob_read(place, at, 1 << 20, done)));
    }
    read.into()
}
