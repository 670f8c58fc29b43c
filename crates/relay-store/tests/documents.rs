//! Documents on the embedded store: the contract, crashes at every moment, damage, full disks, failing disks.

mod support;

use bytes::Bytes;
use relay_core::conformance::{DocumentHarness, run_documents};
use relay_core::documents::{
    Change, DocumentError, DocumentRange, DocumentStore, Keyspace, Page, Tenant, Usage, write,
};
use relay_core::store::StoreError;
use relay_store::documents::{DocumentLimits, DocumentOptions, DocumentsOpenError, EmbeddedDocuments};
use relay_store::vfs::sim::{Fault, SimVfs};
use relay_store::vfs::{RealVfs, Vfs};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const AT: Keyspace = Keyspace { system: 1, tenant: Tenant([7; 16]) };

fn options(dir: &Path, limits: DocumentLimits) -> DocumentOptions {
    DocumentOptions { limits, ..DocumentOptions::new(dir) }
}

/// So small that everything rolls and moves all the time.
fn tiny() -> DocumentLimits {
    DocumentLimits {
        journal_bytes: 2048,
        move_bytes: 1024,
        memory_bytes_max: 4096,
        copy_bytes: 512,
        ..DocumentLimits::default()
    }
}

fn open(vfs: &Arc<dyn Vfs>, options: &DocumentOptions) -> Result<EmbeddedDocuments, DocumentsOpenError> {
    EmbeddedDocuments::open(options, support::environment(Arc::clone(vfs)))
}

struct Embedded {
    vfs: Arc<dyn Vfs>,
    options: DocumentOptions,
    sim: Option<SimVfs>,
    store: Mutex<Option<Arc<EmbeddedDocuments>>>,
    _dir: Option<tempfile::TempDir>,
}

impl Embedded {
    fn new(vfs: Arc<dyn Vfs>, options: DocumentOptions, sim: Option<SimVfs>, dir: Option<tempfile::TempDir>) -> Self {
        let store = Mutex::new(Some(Arc::new(open(&vfs, &options).unwrap())));
        Self { vfs, options, sim, store, _dir: dir }
    }

    fn current(&self) -> Arc<EmbeddedDocuments> {
        Arc::clone(self.store.lock().unwrap().as_ref().unwrap())
    }
}

impl DocumentHarness for Embedded {
    fn store(&self) -> Arc<dyn DocumentStore> {
        self.current()
    }
    fn after_call(&self) {
        if self.options.by_hand {
            while self.current().turn() {}
        }
    }
    fn reopen(&self) -> bool {
        self.current().close();
        *self.store.lock().unwrap() = None;
        *self.store.lock().unwrap() = Some(Arc::new(open(&self.vfs, &self.options).unwrap()));
        true
    }
    fn settle(&self) {
        // A poisoned one may not.
        let _moved = self.current().move_now();
    }
    fn break_disk(&self) -> bool {
        let Some(sim) = &self.sim else { return false };
        sim.inject("", Fault::Sync { after: 0, error: io::ErrorKind::Other });
        true
    }
}

#[test]
fn the_contract_on_real_files() {
    run_documents(&|| {
        let dir = tempfile::tempdir().unwrap();
        let options = options(dir.path(), DocumentLimits::default());
        Box::new(Embedded::new(Arc::new(RealVfs), options, None, Some(dir)))
    });
}

#[test]
fn the_contract_on_the_simulated_disk_with_and_without_threads() {
    for by_hand in [false, true] {
        run_documents(&|| {
            let sim = SimVfs::new();
            let limits = if by_hand { tiny() } else { DocumentLimits::default() };
            let options = DocumentOptions { by_hand, ..options(Path::new("/d"), limits) };
            Box::new(Embedded::new(Arc::new(sim.clone()), options, Some(sim), None))
        });
    }
}

fn ask<T: Send + 'static>(
    store: &EmbeddedDocuments,
    call: impl FnOnce(&EmbeddedDocuments, Box<dyn FnOnce(Result<T, DocumentError>) + Send>),
) -> Receiver<Result<T, DocumentError>> {
    let (send, receive) = channel();
    // A test that ends early does not wait.
    call(store, Box::new(move |result| drop(send.send(result))));
    while store.turn() {}
    receive
}

fn wait<T>(answer: &Receiver<T>) -> T {
    answer.recv_timeout(Duration::from_secs(20)).expect("a call completes")
}

fn put(store: &EmbeddedDocuments, changes: Vec<Change>) -> Result<Usage, DocumentError> {
    wait(&ask(store, |store, done| write(store, AT, changes, done)))
}

fn all(store: &EmbeddedDocuments) -> BTreeMap<Bytes, Bytes> {
    let page: Page = wait(&ask(store, |store, done| store.document_scan(AT, DocumentRange::all(), done))).unwrap();
    assert!(!page.more);
    page.items.into_iter().collect()
}

fn key(n: u64) -> Bytes {
    Bytes::from(format!("key {:03}", n % 23))
}

/// The n-th group: puts, overwrites and deletes, some of them large.
fn changes_of(n: u64) -> Vec<Change> {
    let value = Bytes::from(vec![n.to_le_bytes()[0]; usize::try_from(n * 37 % 400).unwrap()]);
    let mut changes = vec![Change::Put(key(n), value.clone()), Change::Put(key(n * 7), value)];
    if n.is_multiple_of(3) {
        changes.push(Change::Delete(key(n / 2)));
    }
    changes
}

/// What is there after n groups.
fn model_of(n: u64) -> BTreeMap<Bytes, Bytes> {
    let mut model = BTreeMap::new();
    for change in (1..=n).flat_map(changes_of) {
        match change {
            Change::Put(key, value) => drop(model.insert(key, value)),
            Change::Delete(key) => drop(model.remove(&key)),
        }
    }
    model
}

const GROUPS: u64 = 24;

/// Crashes a run at every moment; returns how many crash states were judged, or the first one that was wrong.
fn crash_everywhere(answer_before_write: bool) -> Result<u64, String> {
    let sim = SimVfs::new();
    let vfs: Arc<dyn Vfs> = Arc::new(sim.clone());
    let by_hand = DocumentOptions { by_hand: true, ..options(Path::new("/d"), tiny()) };
    let options = DocumentOptions { answer_before_write, ..by_hand };
    // The data directory is its owner's to make durable.
    vfs.create_dir(Path::new("/d")).unwrap();
    (*vfs).sync_dir(Path::new("/")).unwrap();
    sim.start_journal();
    let store = open(&vfs, &options).unwrap();
    // After how many calls of the disk a group was answered.
    let mut answered = vec![0];
    for n in 1..=GROUPS {
        let told = Arc::new(Mutex::new(None));
        let (noted, disk) = (Arc::clone(&told), sim.clone());
        let done = Box::new(move |result: Result<Usage, _>| {
            result.unwrap();
            *noted.lock().unwrap() = Some(disk.journal_len());
        });
        write(&store, AT, changes_of(n), done);
        while store.turn() {}
        answered.push(told.lock().unwrap().expect("a group is answered in its turn"));
    }
    store.close();
    let journal = sim.end_journal();
    let mut replay = journal.replay(None);
    let kills = journal.before_syncs();
    let mut judged = 0;
    for at in 0..=journal.len() {
        replay.advance(at);
        let acked = answered.iter().rposition(|moment| *moment <= at).unwrap() as u64;
        {
            let seed = at as u64;
            let crashed: Arc<dyn Vfs> = Arc::new(replay.power_cut(seed).0);
            let found = all(&open(&crashed, &options).map_err(|error| format!("at {at}, seed {seed}: {error}"))?);
            let fits = (acked..=GROUPS).take(3).any(|n| model_of(n) == found);
            if !fits {
                let (from, words) = (at.saturating_sub(25), journal.describe());
                let found: Vec<_> = (0..=GROUPS).filter(|n| model_of(*n) == found).collect();
                return Err(format!(
                    "at {at}, seed {seed}: not what {acked} answered groups left but {found:?}: {:#?}",
                    &words[from..at]
                ));
            }
            judged += 1;
        }
        if !kills.contains(&at) {
            continue;
        }
        // A killed process leaves what was never synced; once it was shown it must be as durable as the rest.
        let killed = replay.kill();
        let vfs: Arc<dyn Vfs> = Arc::new(killed.clone());
        let shown = all(&open(&vfs, &options).map_err(|error| format!("killed at {at}: {error}"))?);
        let after: Arc<dyn Vfs> = {
            let copy = killed.fork();
            copy.power_cut(1);
            Arc::new(copy)
        };
        let kept = all(&open(&after, &options).map_err(|error| format!("killed and cut at {at}: {error}"))?);
        if shown != kept || !(acked..=GROUPS).take(3).any(|n| model_of(n) == shown) {
            return Err(format!("killed at {at}: what was shown is not what is kept"));
        }
    }
    Ok(judged)
}

#[test]
fn what_was_answered_survives_a_power_cut_at_every_moment() {
    let judged = crash_everywhere(false).unwrap();
    assert!(judged > 200, "{judged} crash states");
}

#[test]
fn control_a_store_that_answers_before_it_writes_is_caught() {
    assert!(crash_everywhere(true).is_err());
}

fn journals(sim: &SimVfs) -> Vec<PathBuf> {
    let is_journal =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("journal-"));
    sim.contents().into_keys().filter(is_journal).collect()
}

/// A store that was killed with this many groups in its journal.
fn killed_with(groups: u64) -> (SimVfs, DocumentOptions) {
    let sim = SimVfs::new();
    let vfs: Arc<dyn Vfs> = Arc::new(sim.clone());
    let options = DocumentOptions { by_hand: true, ..options(Path::new("/d"), DocumentLimits::default()) };
    let store = open(&vfs, &options).unwrap();
    (1..=groups).for_each(|n| assert!(put(&store, changes_of(n)).is_ok()));
    let killed = sim.fork();
    drop(store);
    (killed, options)
}

/// Where each group of the one journal begins.
fn group_starts(sim: &SimVfs) -> Vec<usize> {
    let bytes = sim.contents()[&journals(sim)[0]].clone();
    bytes.windows(4).enumerate().filter(|(_, window)| window == b"SRDG").map(|(at, _)| at).collect()
}

#[test]
fn a_torn_tail_is_left_out_and_damage_before_it_is_reported() {
    let (sim, options) = killed_with(5);
    let path = journals(&sim)[0].clone();
    let starts = group_starts(&sim);
    assert_eq!(starts.len(), 5);
    for (group, start) in (1_u64..).zip(starts) {
        let damaged = sim.fork();
        damaged.edit(&path, |bytes| bytes[start + 30] ^= 1).unwrap();
        let vfs: Arc<dyn Vfs> = Arc::new(damaged.clone());
        match open(&vfs, &options) {
            Ok(store) => {
                assert_eq!(group, 5, "only the last one can be a torn tail");
                assert_eq!(all(&store), model_of(4));
            }
            Err(error) => {
                assert!(group < 5 && error.to_string().contains("nothing was changed"), "{error}");
                assert_eq!(damaged.contents()[&path].len(), sim.contents()[&path].len());
            }
        }
    }
}

/// Groups of puts in one journal, of a store that was killed; its salts come from a seed.
fn killed_after_puts(seed: u64, values: &[Bytes]) -> (SimVfs, DocumentOptions) {
    let sim = SimVfs::new();
    let options = DocumentOptions { by_hand: true, ..options(Path::new("/d"), DocumentLimits::default()) };
    let environment = relay_store::StoreEnvironment {
        entropy: Arc::new(relay_core::testing::SeededEntropy::new(seed)),
        ..support::environment(Arc::new(sim.clone()))
    };
    let store = EmbeddedDocuments::open(&options, environment).unwrap();
    for value in values {
        put(&store, vec![Change::Put(key(1), value.clone())]).unwrap();
    }
    let killed = sim.fork();
    drop(store);
    (killed, options)
}

#[test]
fn values_cannot_pose_as_groups() {
    let plain = Bytes::from_static(b"plain");
    let (other, _) = killed_after_puts(99, &[plain.clone(), plain.clone(), plain.clone()]);
    let third = group_starts(&other)[2];
    let bytes = other.contents()[&journals(&other)[0]].clone();
    let forged = Bytes::from(bytes[third..third + 24 + 25 + key(1).len() + plain.len()].to_vec());
    // A whole third group of another file as a value in the second one, which is torn.
    for (salts, opens) in [(1, true), (99, false)] {
        let (torn, options) = killed_after_puts(salts, &[plain.clone(), forged.clone()]);
        let second = group_starts(&torn)[1];
        torn.edit(&journals(&torn)[0], |bytes| bytes[second + 24] ^= 1).unwrap();
        let vfs: Arc<dyn Vfs> = Arc::new(torn);
        let opened = open(&vfs, &options);
        // The control knew the salt: then what it wrote looks like something durable behind damage.
        assert_eq!(opened.is_ok(), opens, "salts of seed {salts}");
    }
}

#[test]
fn a_full_disk_refuses_puts_and_takes_them_again_when_there_is_room() {
    let sim = SimVfs::new();
    let vfs: Arc<dyn Vfs> = Arc::new(sim.clone());
    let store = open(&vfs, &DocumentOptions { by_hand: true, ..options(Path::new("/d"), tiny()) }).unwrap();
    put(&store, changes_of(1)).unwrap();
    let before = all(&store);
    sim.inject("", Fault::Full);
    let mut refused = 0;
    for n in 2..30 {
        match put(&store, changes_of(n)) {
            Ok(_) => assert_eq!(refused, 0, "what was refused is not followed by what was taken"),
            Err(error) => {
                assert_eq!(error, DocumentError::Store(StoreError::DiskFull));
                refused += 1;
            }
        }
    }
    assert!(refused > 10, "{refused}");
    assert_eq!(store.document_stats().disk_full, 1);
    assert!(all(&store).len() >= before.len(), "reads go on");
    sim.heal();
    put(&store, changes_of(30)).unwrap();
    assert_eq!(store.document_stats().disk_full, 0);
}

#[test]
fn a_failed_write_or_sync_poisons_and_nothing_of_it_is_shown_later() {
    for fault in
        [Fault::Write { after: 0, error: io::ErrorKind::Other }, Fault::Sync { after: 0, error: io::ErrorKind::Other }]
    {
        let (sim, options) = killed_with(3);
        let vfs: Arc<dyn Vfs> = Arc::new(sim.clone());
        let store = open(&vfs, &options).unwrap();
        put(&store, changes_of(4)).unwrap();
        sim.inject("journal-", fault);
        sim.inject("0002", fault);
        let refused = put(&store, changes_of(5));
        assert_eq!(refused, Err(DocumentError::Store(StoreError::Poisoned)));
        assert_eq!(all(&store), model_of(4), "reads go on and show what is durable");
        assert_eq!(store.document_stats().poisoned, 1);
    }
}

#[test]
fn moved_changes_leave_the_journal_and_a_clean_end_leaves_none() {
    let sim = SimVfs::new();
    let vfs: Arc<dyn Vfs> = Arc::new(sim.clone());
    let options = DocumentOptions { by_hand: true, ..options(Path::new("/d"), tiny()) };
    let store = open(&vfs, &options).unwrap();
    (1..=60).for_each(|n| assert!(put(&store, changes_of(n)).is_ok()));
    assert!(journals(&sim).len() <= 3, "{:?}", journals(&sim));
    store.close();
    let again = open(&vfs, &options).unwrap();
    assert_eq!(all(&again), model_of(60));
    assert_eq!(journals(&sim), Vec::<PathBuf>::new());
}

#[test]
fn many_writers_share_one_sync() {
    let dir = tempfile::tempdir().unwrap();
    let vfs: Arc<dyn Vfs> = Arc::new(RealVfs);
    let store = open(&vfs, &options(dir.path(), DocumentLimits::default())).unwrap();
    let waiting: Vec<_> = (0..2000_u64)
        .map(|n| ask(&store, |store, done| write(store, AT, vec![Change::Put(key(n), key(n))], done)))
        .collect();
    waiting.iter().for_each(|answer| assert!(wait(answer).is_ok()));
    let stats = store.document_stats();
    assert_eq!(stats.works, 2000);
    assert!(stats.groups < 500, "{} groups", stats.groups);
}

fn scrub(store: &EmbeddedDocuments) {
    wait(&ask(store, |store, done| store.document_scrub(done))).unwrap();
}

fn set(store: &EmbeddedDocuments, at: Keyspace, key: &str, value: Option<Bytes>) {
    let key = Bytes::copy_from_slice(key.as_bytes());
    let change = value.map_or(Change::Delete(key.clone()), |value| Change::Put(key, value));
    wait(&ask(store, |store, done| write(store, at, vec![change], done))).unwrap();
}

const CANARY: &[u8] = b"this value is to be gone, wherever it lies in the files";

/// Files of a directory that hold the canary.
fn holding(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let holds = |path: &PathBuf| std::fs::read(path).unwrap().windows(CANARY.len()).any(|window| window == CANARY);
    files.filter(holds).map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn what_was_deleted_is_in_no_file_after_a_scrub() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), DocumentLimits { move_bytes: 64 * 1024, ..DocumentLimits::default() });
    let store = open(&(Arc::new(RealVfs) as Arc<dyn Vfs>), &options).unwrap();
    let other = Keyspace { system: 2, ..AT };
    let value = |number: usize| Bytes::from([&number.to_be_bytes()[..], CANARY, &[7; 3000]].concat());
    for number in 0..100 {
        set(&store, AT, &format!("k{number}"), Some(value(number)));
        set(&store, other, &format!("k{number}"), Some(vec![9; 2000].into()));
    }
    store.move_now().unwrap();
    set(&store, AT, "last", Some(value(100)));
    for number in 0..100 {
        set(&store, AT, &format!("k{number}"), None);
    }
    set(&store, AT, "last", None);
    assert!(holding(&options.dir).len() >= 2, "in journal and tables: {:?}", holding(&options.dir));
    scrub(&store);
    assert_eq!(holding(&options.dir), Vec::<String>::new());
    set(&store, other, "after", Some("value".into()));
    store.close();
    let store = open(&(Arc::new(RealVfs) as Arc<dyn Vfs>), &options).unwrap();
    let usage = |at| wait(&ask(&store, |store, done| store.document_usage(at, done))).unwrap().keys;
    assert_eq!((usage(AT), usage(other)), (0, 101), "the others are all there");
    assert_eq!(holding(&options.dir), Vec::<String>::new());
}

/// Writes and deletes until a scrub has ended. Returns how many writes were answered beside it.
fn write_beside_scrub(store: &EmbeddedDocuments, kept: &mut BTreeMap<Bytes, Bytes>) -> u64 {
    let (send, receive) = channel();
    store.document_scrub(Box::new(move |done| send.send(done).unwrap()));
    let mut written = 0;
    loop {
        let n = (written * 37) % 300;
        if n % 5 == 0 {
            put(store, vec![Change::Delete(key(n))]).unwrap();
            kept.remove(&key(n));
        } else {
            let value = Bytes::from(vec![(n + written).to_le_bytes()[0]; 1024]);
            put(store, vec![Change::Put(key(n), value.clone())]).unwrap();
            kept.insert(key(n), value);
        }
        written += 1;
        if let Ok(scrubbed) = receive.try_recv() {
            assert_eq!(scrubbed, Ok(()));
            return written;
        }
    }
}

#[test]
fn others_write_on_while_the_tables_are_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let limits = DocumentLimits { copy_bytes: 4096, ..tiny() };
    let (vfs, options): (Arc<dyn Vfs>, _) = (Arc::new(RealVfs), options(dir.path(), limits));
    let store = open(&vfs, &options).unwrap();
    let mut kept = BTreeMap::new();
    let value = |n: u64| Bytes::from(vec![n.to_le_bytes()[0]; 1024]);
    for n in 0..256 {
        put(&store, vec![Change::Put(key(n), value(n))]).unwrap();
        kept.insert(key(n), value(n));
    }
    // More than the memory takes, so that none of it is answered before some is moved; before and behind what is copied.
    // How many it are is a race of syncs against copying, so a disk with slow syncs may need more than one.
    let has_moved = (0..16).any(|_scrub| write_beside_scrub(&store, &mut kept) > 12);
    assert!(has_moved, "the memory takes four");
    assert_eq!(all(&store), kept);
    store.close();
    drop(store);
    let store = open(&vfs, &options).unwrap();
    assert_eq!(all(&store), kept, "the new tables have it all");
    let usage = wait(&ask(&store, |store, done| store.document_usage(AT, done))).unwrap();
    assert_eq!(
        (usage.keys, usage.bytes),
        (kept.len() as u64, kept.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum())
    );
}

#[test]
fn a_scrub_that_is_cut_off_anywhere_loses_nothing() {
    let sim = SimVfs::new();
    let options = DocumentOptions { by_hand: true, ..options(Path::new("/d"), tiny()) };
    let vfs: Arc<dyn Vfs> = Arc::new(sim.clone());
    vfs.create_dir(Path::new("/d")).unwrap();
    (*vfs).sync_dir(Path::new("/")).unwrap();
    sim.start_journal();
    let store = open(&vfs, &options).unwrap();
    set(&store, AT, "kept", Some(vec![7; 600].into()));
    set(&store, AT, "gone", Some(vec![8; 600].into()));
    set(&store, AT, "gone", None);
    let begun = sim.journal_len();
    scrub(&store);
    set(&store, AT, "after", Some("it".into()));
    let ended = sim.journal_len();
    drop(store);
    let journal = sim.end_journal();
    assert!(ended - begun > 20, "{}", ended - begun);
    let mut replay = journal.replay(None);
    for at in begun..=ended {
        replay.advance(at);
        for seed in 0..2 {
            let crashed = replay.power_cut(seed).0;
            let vfs: Arc<dyn Vfs> = Arc::new(crashed.clone());
            let store = open(&vfs, &options).unwrap_or_else(|error| panic!("cut off at {at}: {error}"));
            let found = all(&store);
            assert_eq!(found.get(&b"kept"[..]).map(Bytes::len), Some(600), "cut off at {at}");
            assert_eq!(found.get(&b"gone"[..]), None, "cut off at {at}");
            assert!(at < ended || found.contains_key(&b"after"[..]));
            let is_left = |path: &PathBuf| path.extension().is_some_and(|end| end == "new" || end == "old");
            assert!(!crashed.paths().iter().any(is_left), "cut off at {at}: {:?}", crashed.paths());
        }
    }
}
