//! Spaces that are not in memory: what is let go is loaded again and says the same, through sealing, compaction, newer
//! checkpoints and power cuts; what cannot be loaded is answered as damage, and nothing is lost by it.

mod support;

use relay_core::store::{SignedAck, SnapshotProgress, Store, StoreError, Verdict};
use relay_proto::ids::Hash;
use relay_proto::limits::CHUNK_BYTES_MIN;
use relay_proto::snapshot::{ChunksHasher, ManifestFields};
use relay_store::embedded::by_hand::Part;
use relay_store::vfs::sim::SimVfs;
use relay_store::vfs::{RealVfs, Vfs};
use relay_store::{EmbeddedStore, StoreLimits, StoreOptions};
use std::path::Path;
use std::sync::{Arc, Mutex};
use support::cut::CutVfs;
use support::{Writer, environment, ids, options, sealed};

const SEGMENT: u64 = 16 * 1024;
const BYTES: usize = 300;
const CHECKPOINT: &str = "/d/checkpoint";

fn writers() -> Vec<Writer> {
    (1..=3).map(Writer::new).collect()
}

/// A store without threads in which no space stays in memory once the keeper looked.
fn by_hand(residents: usize) -> StoreOptions {
    let limits = StoreLimits { spaces_resident_max: residents, ..StoreLimits::default() };
    StoreOptions { by_hand: true, limits, ..options("/d", SEGMENT) }
}

fn open(vfs: &(impl Vfs + Clone + 'static), residents: usize) -> EmbeddedStore {
    EmbeddedStore::open(&by_hand(residents), environment(Arc::new(vfs.clone()))).unwrap()
}

/// Calls, lets everything go on, and takes the answer; then the keeper looks.
fn ask<T: Send + 'static>(
    store: &EmbeddedStore,
    call: impl FnOnce(relay_core::store::Completion<T>),
) -> Result<T, StoreError> {
    let answer = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&answer);
    call(Box::new(move |result| *slot.lock().unwrap() = Some(result)));
    store.settle();
    let answered = answer.lock().unwrap().take().expect("an answer");
    store.turn(Part::Keeper);
    answered
}

fn found(store: &EmbeddedStore, writer: &Writer) {
    let (chain, keyring) = writer.chain();
    ask(store, |done| store.put_roster(writer.space(), chain, keyring, done)).unwrap();
}

fn push(store: &EmbeddedStore, writer: &Writer, n: u64) -> Result<Verdict, StoreError> {
    let push = writer.make_push(n, vec![sealed(n, BYTES)]);
    ask(store, |done| store.push(push, done)).map(|pushed| pushed.runs[0].verdict.clone())
}

/// Pushes `from..=to` to every space, each to one after the other, sealing full segments on the way.
fn push_all(store: &EmbeddedStore, from: u64, to: u64) {
    for n in from..=to {
        for writer in writers() {
            let verdict = push(store, &writer, n).unwrap();
            assert!(matches!(verdict, Verdict::Stored { seq_first, .. } if seq_first == n));
        }
        while store.turn(Part::Background) {}
    }
}

fn filled(vfs: &(impl Vfs + Clone + 'static), residents: usize, entries: u64) -> EmbeddedStore {
    let store = open(vfs, residents);
    writers().iter().for_each(|writer| found(&store, writer));
    push_all(&store, 1, entries);
    store
}

fn read_all(store: &EmbeddedStore, writer: &Writer, after: u64) -> Vec<relay_proto::ids::EntryId> {
    let outcome = ask(store, |done| store.read(writer.space(), after, 4096, 1 << 20, done)).unwrap();
    let relay_core::store::ReadOutcome::Page(page) = outcome else { panic!("no page: {outcome:?}") };
    page.entries.iter().map(|entry| entry.id).collect()
}

/// Everything above the floor is read, every leaf is known, retries are recognised.
fn check(store: &EmbeddedStore, size: u64, floor: u64) {
    for writer in writers() {
        let facts = ask(store, |done| store.space(writer.space(), done)).unwrap().expect("a known space");
        assert_eq!((facts.size, facts.floor), (size, floor));
        assert_eq!(read_all(store, &writer, floor - 1), ids(size, BYTES)[floor as usize - 1..]);
        let leaves = ask(store, |done| store.leaves(writer.space(), 1, 1000, done)).unwrap();
        assert_eq!(leaves.len() as u64, size);
        for n in [1, size / 2, size] {
            let verdict = push(store, &writer, n).unwrap();
            let is_held = matches!(verdict, Verdict::Duplicate { seq_first } if seq_first == n);
            assert!(
                if n < floor { matches!(verdict, Verdict::DuplicateForgotten) } else { is_held },
                "{n}: {verdict:?}"
            );
        }
    }
}

fn trim(store: &EmbeddedStore, floor: u64) {
    writers().iter().for_each(|writer| ask(store, |done| store.trim(writer.space(), floor, done)).unwrap());
}

/// Gives one space another segment's worth, so that the checkpoint has all of the others.
fn leave_behind(vfs: &SimVfs) {
    let store = open(vfs, 3);
    for n in 101..=180 {
        push(&store, &Writer::new(2), n).unwrap();
        while store.turn(Part::Background) {}
    }
    store.close();
}

#[test]
fn what_is_let_go_is_loaded_again_and_says_the_same() {
    let vfs = SimVfs::new();
    let store = filled(&vfs, 0, 100);
    assert_eq!((store.stats().spaces, store.stats().spaces_resident), (3, 0));
    assert!(store.stats().spaces_let_go > 300 && store.stats().space_loads > 300);
    check(&store, 100, 1);
    trim(&store, 91);
    assert!(store.reclaim().compactions > 0);
    assert_eq!(store.stats().spaces_resident, 0);
    check(&store, 100, 91);
    push_all(&store, 101, 120);
    check(&store, 120, 91);
    assert_eq!((store.stats().space_load_failures, store.stats().let_go_failures), (0, 0));
    let killed = vfs.fork();
    store.close();
    assert!(!vfs.contents().contains_key(Path::new("/d/cold")));
    for disk in [&vfs, &killed] {
        for residents in [0, 1, usize::MAX] {
            let disk = disk.fork();
            check(&open(&disk, residents), 120, 91);
            disk.remove(Path::new(CHECKPOINT)).unwrap();
            check(&open(&disk, residents), 120, 91);
        }
    }
}

#[test]
fn with_room_for_all_none_is_let_go() {
    let store = filled(&SimVfs::new(), 3, 30);
    assert_eq!((store.stats().spaces_resident, store.stats().spaces_let_go, store.stats().space_loads), (3, 0, 0));
}

#[test]
fn a_start_loads_only_what_came_after_the_checkpoint() {
    let vfs = SimVfs::new();
    filled(&vfs, 3, 100).close();
    leave_behind(&vfs);
    let (store, busy) = (open(&vfs, 3), Writer::new(2));
    assert_eq!(store.stats().spaces_resident, 1);
    assert_eq!(read_all(&store, &busy, 0), ids(180, BYTES));
    assert_eq!(read_all(&store, &Writer::new(1), 0), ids(100, BYTES));
    assert_eq!(store.stats().spaces_resident, 2);
}

#[test]
fn acks_and_contacts_survive_a_space_that_is_let_go() {
    let store = filled(&SimVfs::new(), 0, 40);
    let writer = Writer::new(1);
    let ack = |size| SignedAck { device: writer.key(), log_epoch: 1, size, head: Hash::ZERO, signature: [7; 64] };
    ask(&store, |done| store.put_ack(writer.space(), ack(4), done)).unwrap();
    // The newest heads are remembered, too: this is none of them.
    assert!(ask(&store, |done| store.put_ack(writer.space(), ack(39), done)).is_err());
    for flushed in [false, true] {
        if flushed {
            store.turn(Part::Metadata);
        }
        store.touch(writer.space(), writer.key(), 1_900_000_000_000);
        assert_eq!(store.stats().spaces_resident, 0);
        assert_eq!(ask(&store, |done| store.acks(writer.space(), done)).unwrap(), vec![ack(4)]);
        let facts = ask(&store, |done| store.forgetting_facts(writer.space(), done)).unwrap();
        assert_eq!((facts.acks, facts.contacts), (vec![ack(4)], vec![(writer.key(), 1_900_000_000_000)]));
        // Only forward, also when the one before is not in memory.
        ask(&store, |done| store.put_ack(writer.space(), ack(3), done)).unwrap();
        assert_eq!(ask(&store, |done| store.acks(writer.space(), done)).unwrap(), vec![ack(4)]);
    }
}

#[test]
fn calls_for_a_space_that_is_loaded_take_effect_in_their_order() {
    let store = filled(&SimVfs::new(), 0, 40);
    let writer = Writer::new(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let order = Arc::clone(&order);
        move || order.lock().unwrap().push(what)
    };
    let ack = SignedAck { device: writer.key(), log_epoch: 1, size: 2, head: Hash::ZERO, signature: [7; 64] };
    let (first, second, third) = (note("ack"), note("acks"), note("facts"));
    store.put_ack(
        writer.space(),
        ack.clone(),
        Box::new(move |done| {
            done.unwrap();
            first();
        }),
    );
    // The committer loads it while the first call waits: the second must not be faster.
    store.push(writer.make_push(41, vec![sealed(41, BYTES)]), Box::new(|done| drop(done.unwrap())));
    store.turn(Part::Committer);
    assert_eq!(store.stats().spaces_resident, 1);
    store.acks(
        writer.space(),
        Box::new(move |acks| {
            assert_eq!(acks.unwrap(), vec![ack]);
            second();
        }),
    );
    store.space(
        writer.space(),
        Box::new(move |facts| {
            facts.unwrap();
            third();
        }),
    );
    assert!(order.lock().unwrap().is_empty());
    store.settle();
    assert_eq!(*order.lock().unwrap(), ["ack", "acks", "facts"]);
}

#[test]
fn a_snapshot_right_behind_the_ack_that_covers_it_waits_for_the_ack() {
    let store = filled(&SimVfs::new(), 0, 40);
    let writer = Writer::new(1);
    let ack = SignedAck { device: writer.key(), log_epoch: 1, size: 4, head: Hash::ZERO, signature: [7; 64] };
    let fields = ManifestFields {
        suite: 1,
        space: writer.space(),
        device: writer.key(),
        key_epoch: 1,
        log_id: store.log().log_id,
        log_epoch: 1,
        size: 4,
        head: Hash::ZERO,
        range: vec![Hash::ZERO],
        total_bytes: 1,
        chunk_bytes: CHUNK_BYTES_MIN,
        chunks_hash: ChunksHasher::default().finish(),
        salt: [1; 32],
        commitment: [2; 32],
        time_ms: 3,
    };
    let manifest = fields.sign(&writer.device);
    let begun = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&begun);
    // The space is not in memory, so the ack waits for what is read.
    assert_eq!(store.stats().spaces_resident, 0);
    store.put_ack(writer.space(), ack, Box::new(|done| done.unwrap()));
    store.snapshot_begin(
        writer.space(),
        manifest.bytes().clone(),
        Box::new(move |result| *slot.lock().unwrap() = Some(result)),
    );
    while store.turn(Part::Snapshots) {}
    store.settle();
    assert_eq!(begun.lock().unwrap().take(), Some(Ok(SnapshotProgress { next_chunk: 0, stored: false })));
}

#[test]
fn a_cold_space_whose_state_is_damaged_is_answered_by_name_and_the_next_start_replays_the_log() {
    let vfs = SimVfs::new();
    filled(&vfs, 0, 100).close();
    leave_behind(&vfs);
    let healthy = vfs.fork();
    let store = open(&vfs, 0);
    let (damaged, others) = (&Writer::new(1), [(Writer::new(2), 180), (Writer::new(3), 100)]);
    let id = damaged.space().0;
    let flip = |bytes: &mut Vec<u8>| {
        let image = bytes.windows(id.len()).position(|window| window == id).expect("its image");
        bytes[image + 100] ^= 1;
    };
    vfs.edit(Path::new(CHECKPOINT), flip).unwrap();
    let is_named =
        |error: StoreError| matches!(error, StoreError::Damaged { place } if place.contains("state of a space"));
    assert!(is_named(ask(&store, |done| store.space(damaged.space(), done)).unwrap_err()));
    assert!(is_named(ask(&store, |done| store.read(damaged.space(), 0, 10, 1000, done)).unwrap_err()));
    assert!(is_named(push(&store, damaged, 101).unwrap_err()));
    // It is not founded anew either.
    let (chain, keyring) = damaged.chain();
    assert!(is_named(ask(&store, |done| store.put_roster(damaged.space(), chain, keyring, done)).unwrap_err()));
    assert!(store.stats().space_load_failures >= 4 && store.take_damage().is_some());
    for (writer, size) in &others {
        assert_eq!(read_all(&store, writer, 0), ids(*size, BYTES));
        assert!(matches!(push(&store, writer, size + 1).unwrap(), Verdict::Stored { .. }));
    }
    // No start believes that checkpoint any more, after a kill or an orderly end.
    assert!(!vfs.contents().contains_key(Path::new(CHECKPOINT)));
    let killed = vfs.fork();
    store.close();
    assert!(!vfs.contents().contains_key(Path::new(CHECKPOINT)));
    for disk in [vfs, killed] {
        let store = open(&disk, 0);
        assert_eq!(read_all(&store, damaged, 0), ids(100, BYTES));
        assert!(others.iter().all(|(writer, size)| read_all(&store, writer, 0) == ids(size + 1, BYTES)));
        assert!(matches!(push(&store, damaged, 101).unwrap(), Verdict::Stored { .. }));
    }
    // The control: undamaged, the checkpoint stays and nothing is refused.
    let store = open(&healthy, 0);
    assert!(matches!(push(&store, damaged, 101).unwrap(), Verdict::Stored { .. }));
    assert_eq!(store.stats().space_load_failures, 0);
}

#[test]
fn what_the_file_of_this_run_lost_is_in_the_log() {
    let sim = SimVfs::new();
    let store = filled(&sim, 0, 40);
    sim.power_cut(3);
    // From now on nothing can be read: every cold space is refused, none is lost.
    for writer in writers() {
        assert!(matches!(ask(&store, |done| store.space(writer.space(), done)), Err(StoreError::Damaged { .. })));
    }
    store.abandon();
    check(&open(&sim, 0), 40, 1);
}

#[test]
fn a_newer_checkpoint_leaves_the_places_of_cold_spaces_readable() {
    let vfs = SimVfs::new();
    filled(&vfs, 0, 100).close();
    let store = open(&vfs, 0);
    let busy = Writer::new(2);
    let old = vfs.contents()[Path::new(CHECKPOINT)].clone();
    for round in 0..3 {
        // A compaction writes a new checkpoint; the other spaces are in the one before.
        for n in 101 + round * 60..=160 + round * 60 {
            push(&store, &busy, n).unwrap();
            while store.turn(Part::Background) {}
        }
        ask(&store, |done| store.trim(busy.space(), 151 + round * 60, done)).unwrap();
        assert!(store.reclaim().compactions > 0);
        assert_ne!(vfs.contents()[Path::new(CHECKPOINT)], old);
        for n in [1, 3] {
            assert_eq!(read_all(&store, &Writer::new(n), 0), ids(100, BYTES));
        }
    }
    assert_eq!(store.stats().space_load_failures, 0);
    let killed = vfs.fork();
    store.abandon();
    let store = open(&killed, 0);
    assert_eq!(read_all(&store, &Writer::new(1), 0), ids(100, BYTES));
    assert_eq!(read_all(&store, &busy, 270), ids(280, BYTES)[270..]);
}

#[test]
fn a_full_disk_keeps_spaces_in_memory_and_loses_nothing() {
    let vfs = SimVfs::new();
    let store = open(&vfs, 0);
    vfs.inject("cold", relay_store::vfs::sim::Fault::Full);
    writers().iter().for_each(|writer| found(&store, writer));
    push_all(&store, 1, 40);
    assert_eq!(store.stats().spaces_resident, 3);
    assert!(store.stats().let_go_failures > 0);
    check(&store, 40, 1);
    vfs.heal();
    store.turn(Part::Keeper);
    assert_eq!(store.stats().spaces_resident, 0);
    check(&store, 40, 1);
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_while_no_space_stays_in_memory() {
    let work = |vfs: &CutVfs| {
        let store = open(vfs, 0);
        push_all(&store, 41, 50);
        trim(&store, 45);
        store.reclaim();
        push_all(&store, 51, 55);
        store.close();
    };
    let disk = SimVfs::new();
    filled(&disk, 0, 40).close();
    let all = {
        let vfs = CutVfs::new(disk.fork(), 0);
        work(&vfs);
        vfs.calls()
    };
    assert!(all > 100);
    for call in (0..all).step_by(3) {
        let sim = disk.fork();
        let vfs = CutVfs::new(sim.clone(), call);
        vfs.cut_after(call);
        let _cut_off = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&vfs)));
        let store = open(&sim, 0);
        for writer in writers() {
            let facts = ask(&store, |done| store.space(writer.space(), done)).unwrap().expect("a known space");
            assert!((40..=55).contains(&facts.size) && facts.floor <= 45, "{call}: {} {}", facts.size, facts.floor);
            let held = read_all(&store, &writer, facts.floor - 1);
            assert_eq!(held, ids(facts.size, BYTES)[facts.floor as usize - 1..], "{call}");
            let verdict = push(&store, &writer, facts.size).unwrap();
            assert!(matches!(verdict, Verdict::Duplicate { seq_first } if seq_first == facts.size), "{call}");
            assert!(matches!(push(&store, &writer, facts.size + 1).unwrap(), Verdict::Stored { .. }), "{call}");
        }
    }
}

#[test]
fn many_threads_push_and_read_while_spaces_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let limits = StoreLimits { spaces_resident_max: 1, space_idle_ms: 0, ..StoreLimits::default() };
    let options = StoreOptions { limits, ..options(dir.path().join("data"), 64 * 1024) };
    let open = || Arc::new(support::open(Arc::new(RealVfs), &options).unwrap());
    let store = open();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                let writers: Vec<_> = (1..=6).map(|n| Writer::new(thread * 6 + n)).collect();
                writers.iter().for_each(|writer| drop(writer.found(&**store).unwrap()));
                for entry in 1..=40 {
                    writers.iter().for_each(|writer| writer.push_range(&**store, entry, entry, BYTES));
                    let writer = &writers[entry as usize % writers.len()];
                    assert_eq!(writer.read_all(&**store), ids(entry, BYTES));
                }
            });
        }
    });
    let stats = store.stats();
    assert!(stats.space_loads > 20 && stats.space_load_failures == 0, "{stats:?}");
    store.close();
    drop(store);
    let store = open();
    (1..=24).for_each(|n| assert_eq!(Writer::new(n).read_all(&*store), ids(40, BYTES)));
}
