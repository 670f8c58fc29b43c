//! Forgetting gives the disk back and loses nothing: not what is held, not what proves what was held, and not at a power
//! cut at any call of a compaction or of an upgrade.

mod support;

use relay_core::store::{ReadOutcome, Store, StoreError, Verdict};
use relay_proto::ids::Hash;
use relay_proto::merkle::entry_leaf;
use relay_store::segment::parse_file_name;
use relay_store::vfs::sim::SimVfs;
use relay_store::vfs::{RealVfs, SyncSite, Vfs};
use relay_store::{EmbeddedStore, StoreOptions};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::cut::CutVfs;
use support::{Writer, open, options, sealed, wait};

const SEGMENT: u64 = 16 * 1024;
const BYTES: usize = 300;
const ENTRIES: u64 = 100;
/// Floors of the three spaces.
const FLOORS: [u64; 3] = [81, ENTRIES + 1, 1];

fn writers() -> Vec<Writer> {
    (1..=3).map(Writer::new).collect()
}

/// Three spaces whose entries alternate, all but the newest segments sealed.
fn filled(vfs: Arc<dyn Vfs>, options: &StoreOptions) -> EmbeddedStore {
    let store = open(vfs, options).unwrap();
    writers().iter().for_each(|writer| drop(writer.found(&store).unwrap()));
    for n in 1..=ENTRIES {
        writers().iter().for_each(|writer| writer.push_range(&store, n, n, BYTES));
    }
    store
}

fn trim(store: &EmbeddedStore) {
    for (writer, floor) in writers().iter().zip(FLOORS) {
        wait(|done| store.trim(writer.space(), floor, done)).unwrap();
    }
}

fn leaf(writer: &Writer, n: u64) -> Hash {
    entry_leaf(&writer.key(), n, 1, &relay_proto::hash::entry_id(&sealed(n, BYTES)))
}

/// Everything above the floors is read, everything below is refused, every leaf is known, retries are recognised.
fn check(store: &EmbeddedStore, floors: [u64; 3]) {
    for (writer, floor) in writers().iter().zip(floors) {
        let facts = wait(|done| store.space(writer.space(), done)).unwrap().expect("a known space");
        assert_eq!((facts.size, facts.floor), (ENTRIES, floor));
        let page = writer.page(store, floor - 1).unwrap();
        let held: Vec<_> = page.entries.iter().map(|entry| entry.sealed.clone()).collect();
        assert_eq!(held, (floor..=ENTRIES).map(|n| sealed(n, BYTES)).collect::<Vec<_>>());
        if floor > 1 {
            let read = wait(|done| store.read(writer.space(), 0, 10, 1000, done)).unwrap();
            assert!(matches!(read, ReadOutcome::BelowFloor { .. }));
        }
        let leaves = wait(|done| store.leaves(writer.space(), 1, 1000, done)).unwrap();
        assert_eq!(leaves, (1..=ENTRIES).map(|n| leaf(writer, n)).collect::<Vec<_>>());
        for n in [1, 40, ENTRIES] {
            let again = writer.push(store, n, vec![sealed(n, BYTES)]).unwrap();
            let verdict = &again.runs[0].verdict;
            let held = matches!(verdict, Verdict::Duplicate { seq_first } if *seq_first == n);
            assert!(if n < floor { matches!(verdict, Verdict::DuplicateForgotten) } else { held }, "{n}: {verdict:?}");
        }
    }
}

fn segments(vfs: &dyn Vfs) -> Vec<u64> {
    vfs.read_dir(Path::new("/d/log")).unwrap().iter().filter_map(|entry| parse_file_name(&entry.name)).collect()
}

fn log_bytes(vfs: &SimVfs) -> usize {
    let contents = vfs.contents();
    contents.iter().filter(|(path, _)| path.starts_with("/d/log")).map(|(_, bytes)| bytes.len()).sum()
}

/// Reclaims until nothing is left to do; sealing runs in the background and may take a moment.
fn reclaim_all(store: &EmbeddedStore, vfs: &SimVfs) {
    let until = Instant::now() + Duration::from_secs(20);
    let goal = 6 * SEGMENT as usize + (ENTRIES + 20) as usize * (BYTES + 300);
    while log_bytes(vfs) > goal {
        store.reclaim();
        assert!(Instant::now() < until, "{} bytes left, goal {goal}", log_bytes(vfs));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_is_forgotten_gives_its_disk_back_and_everything_else_stays() {
    let (vfs, options) = (SimVfs::new(), options("/d", SEGMENT));
    let store = filled(Arc::new(vfs.clone()), &options);
    let before = log_bytes(&vfs);
    trim(&store);
    reclaim_all(&store, &vfs);
    assert!(log_bytes(&vfs) < before * 2 / 3);
    assert!(store.stats().reclaimed_bytes > 0 && store.stats().reclaim_failures == 0);
    check(&store, FLOORS);
    store.close();
    for _ in 0..2 {
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        check(&store, FLOORS);
        store.close();
    }
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writers().iter().for_each(|writer| writer.push_range(&store, ENTRIES + 1, ENTRIES + 40, BYTES));
    writers().iter().for_each(|writer| wait(|done| store.trim(writer.space(), ENTRIES + 41, done)).unwrap());
    reclaim_all(&store, &vfs);
    for writer in writers() {
        assert!(writer.page(&store, ENTRIES + 40).unwrap().entries.is_empty());
        let leaves = wait(|done| store.leaves(writer.space(), 1, 1000, done)).unwrap();
        assert_eq!(leaves, (1..=ENTRIES + 40).map(|n| leaf(&writer, n)).collect::<Vec<_>>());
    }
}

#[test]
fn a_compacted_segment_whose_footer_is_broken_is_read_from_its_blocks() {
    let (vfs, options) = (SimVfs::new(), options("/d", SEGMENT));
    let store = filled(Arc::new(vfs.clone()), &options);
    trim(&store);
    reclaim_all(&store, &vfs);
    store.close();
    let first = Path::new("/d/log").join(relay_store::segment::file_name(1));
    vfs.edit(&first, |bytes| *bytes.last_mut().unwrap() ^= 1).unwrap();
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    check(&store, FLOORS);
}

#[test]
fn a_flipped_bit_anywhere_in_a_compacted_segment_is_never_served() {
    let (vfs, options) = (SimVfs::new(), options("/d", SEGMENT));
    let store = filled(Arc::new(vfs.clone()), &options);
    trim(&store);
    reclaim_all(&store, &vfs);
    store.close();
    let first = Path::new("/d/log").join(relay_store::segment::file_name(1));
    let len = vfs.contents()[&first].len();
    let mut noticed = 0;
    for at in (0..len).step_by(53) {
        let broken = vfs.fork();
        broken.edit(&first, |bytes| bytes[at] ^= 0x10).unwrap();
        let Ok(store) = open(Arc::new(broken), &options) else {
            noticed += 1;
            continue;
        };
        for (writer, floor) in writers().iter().zip(FLOORS) {
            let mut after = floor - 1;
            while after < ENTRIES {
                match wait(|done| store.read(writer.space(), after, 10, 10_000, done)) {
                    Ok(ReadOutcome::Page(page)) => {
                        for (n, entry) in (after + 1..).zip(&page.entries) {
                            assert_eq!(entry.sealed, sealed(n, BYTES), "byte {at}");
                        }
                        after += page.entries.len() as u64;
                    }
                    Err(StoreError::Damaged { .. }) => {
                        noticed += 1;
                        after += 1;
                    }
                    other => panic!("byte {at}: {other:?}"),
                }
            }
        }
    }
    assert!(noticed > 10, "{noticed} flips noticed");
}

/// A filled store on a disk that is killed, so that each run starts from the same bytes.
fn filled_disk(options: &StoreOptions) -> SimVfs {
    let vfs = SimVfs::new();
    let store = filled(Arc::new(vfs.clone()), options);
    trim(&store);
    store.close();
    drop(store);
    vfs
}

#[test]
fn a_power_cut_at_any_call_of_a_compaction_loses_nothing() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options);
    let all = {
        let vfs = CutVfs::new(disk.fork(), 0);
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        let before = vfs.calls();
        assert!(store.reclaim().compactions > 0);
        vfs.calls() - before
    };
    assert!(all > 10, "{all} calls");
    let mut whole = 0;
    for seed in 0..2 {
        for call in 0..all {
            let sim = disk.fork();
            let vfs = CutVfs::new(sim.clone(), seed * 1000);
            let store = open(Arc::new(vfs.clone()), &options).unwrap();
            vfs.cut_after(call);
            let done = store.reclaim();
            whole += u64::from(done.compactions > 0);
            drop(store);
            assert!(vfs.is_cut());
            let store = open(Arc::new(sim.clone()), &options).unwrap();
            // Now: the store compacts by itself later.
            let left: Vec<_> =
                sim.contents().into_keys().filter(|path| path.to_string_lossy().ends_with(".seg.new")).collect();
            assert!(left.is_empty(), "seed {seed}, call {call}: {left:?}");
            check(&store, FLOORS);
            store.reclaim();
            check(&store, FLOORS);
        }
    }
    assert!(whole > 0, "some cuts hit after a whole compaction");
}

/// What a disk holds, read to the end.
fn holds_all(disk: SimVfs, options: &StoreOptions) -> bool {
    let Ok(store) = open(Arc::new(disk), options) else { return false };
    writers().iter().zip(FLOORS).all(|(writer, floor)| {
        let held = writer.page(&store, floor - 1).map(|page| page.entries.len() as u64);
        held.is_ok_and(|held| held == ENTRIES + 1 - floor)
    })
}

/// A kill behind a rename leaves a compacted segment whose name is not durable, and a start removes what it took the place of:
/// a power cut of that start must not keep the removals alone. The control is the same start with that sync turned off.
#[test]
fn a_start_after_a_kill_in_a_compaction_can_be_cut_off_at_any_moment() {
    let options = options("/d", SEGMENT);
    let vfs = filled_disk(&options).fork();
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    vfs.start_journal();
    assert!(store.reclaim().compactions > 0);
    let compaction = vfs.end_journal();
    drop(store);
    let mut kill = compaction.replay(None);
    let mut noticed = BTreeMap::new();
    for at in compaction.behind_renames() {
        kill.advance(at);
        let killed = kill.kill();
        killed.start_journal();
        let store = open(Arc::new(killed.clone()), &options).unwrap();
        let start = killed.end_journal();
        killed.kill();
        drop(store);
        let in_recovery = |site: &SyncSite| site.file().ends_with("recovery.rs");
        let is_of_names = |site: &SyncSite| start.describe().contains(&format!("sync /d/log ({site})"));
        let sites: Vec<SyncSite> = start.sites().into_values().map(|(site, _)| site).collect();
        let sites: Vec<SyncSite> = sites.into_iter().filter(|site| in_recovery(site) && is_of_names(site)).collect();
        let first = sites.iter().flat_map(|site| start.behind(site)).min().unwrap_or(0);
        for off in std::iter::once(None).chain(sites.into_iter().map(Some)) {
            let mut replay = start.replay(off);
            // Close behind the first of them: what a missing sync leaves undone is made up for by the next one.
            let near = first..(first + 12).min(start.len() + 1);
            for (cut, seed) in near.flat_map(|cut| (0..4).map(move |seed| (cut, seed))) {
                replay.advance(cut);
                let (disk, _) = replay.power_cut((at * 1000 + cut * 10 + seed) as u64);
                let held = holds_all(disk, &options);
                match off {
                    None => assert!(held, "killed at {at}, cut at {cut}"),
                    Some(site) => *noticed.entry(site.to_string()).or_insert(0) += u64::from(!held),
                }
            }
        }
    }
    assert_eq!(noticed.len(), 1, "{noticed:?}");
    assert!(noticed.values().all(|times| *times > 0), "{noticed:?}");
}

#[test]
fn a_full_disk_or_a_failed_sync_at_any_call_of_a_compaction_loses_nothing() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options);
    use relay_store::vfs::sim::Fault;
    let kinds = [std::io::ErrorKind::StorageFull, std::io::ErrorKind::Other];
    let faults = (0..12).flat_map(|after| {
        kinds
            .iter()
            .flat_map(move |error| [Fault::Write { after, error: *error }, Fault::Sync { after, error: *error }])
    });
    let mut failures = 0;
    for fault in faults {
        let vfs = disk.fork();
        let store = open(Arc::new(vfs.clone()), &options).unwrap();
        vfs.inject(".new", fault);
        store.reclaim();
        failures += store.stats().reclaim_failures;
        vfs.heal();
        check(&store, FLOORS);
        store.reclaim();
        check(&store, FLOORS);
        drop(store);
        check(&open(Arc::new(vfs.clone()), &options).unwrap(), FLOORS);
    }
    assert!(failures > 0);
}

#[test]
fn a_removed_segment_that_was_not_compacted_is_damage() {
    let options = options("/d", SEGMENT);
    let disk = filled_disk(&options);
    let store = open(Arc::new(disk.clone()), &options).unwrap();
    store.reclaim();
    store.close();
    drop(store);
    let numbers = segments(&disk);
    assert!(numbers.windows(2).any(|pair| pair[1] > pair[0] + 1), "compaction leaves a gap: {numbers:?}");
    for number in &numbers[..numbers.len() - 2] {
        let broken = disk.fork();
        broken.remove(&Path::new("/d/log").join(relay_store::segment::file_name(*number))).unwrap();
        assert!(open(Arc::new(broken), &options).is_err(), "segment {number}");
    }
}

#[cfg(unix)]
#[test]
fn the_figure_of_occupied_disk_is_what_the_files_of_the_log_occupy() {
    use std::os::unix::fs::MetadataExt;
    // What a file system takes for its own lists of blocks, for each file.
    const LISTS_BYTES_MAX: u64 = 64 * 1024;
    let dir = tempfile::tempdir().unwrap();
    let occupied = || {
        let files: Vec<_> = std::fs::read_dir(dir.path().join("log")).unwrap().flatten().collect();
        let is_segment = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| parse_file_name(name).is_some());
        let segments = files.iter().filter(|file| is_segment(&file.file_name()));
        segments.map(|file| (file.metadata().unwrap().blocks() * 512, 1)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    };
    let agrees = |store: &EmbeddedStore, when: &str| {
        // Sealing and the segment ahead are the work of other threads.
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let ((bytes, files), counted) = (occupied(), store.stats().disk_bytes);
            if bytes.abs_diff(counted) <= files * LISTS_BYTES_MAX {
                return;
            }
            assert!(Instant::now() < until, "{when}: {counted} counted, {bytes} in {files} files");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let options = options(dir.path(), 1024 * 1024);
    let writer = Writer::new(1);
    let store = open(Arc::new(RealVfs), &options).unwrap();
    writer.found(&store).unwrap();
    agrees(&store, "founded");
    for n in 1..=24 {
        writer.push_range(&store, n, n, 200_000);
    }
    agrees(&store, "pushed");
    wait(|done| store.trim(writer.space(), 20, done)).unwrap();
    while store.reclaim().compactions > 0 {}
    agrees(&store, "forgotten");
    store.close();
    drop(store);
    let store = open(Arc::new(RealVfs), &options).unwrap();
    // The room behind the newest group is counted with the next one.
    writer.push_range(&store, 25, 25, 200_000);
    agrees(&store, "opened again and pushed");
    store.close();
}
