//! Pushing, reading, rolling over segments, reopening.

mod support;

use relay_core::store::{CommitListener, ReadOutcome, RosterCommit, SpaceCommit, Store, StoreError, Verdict};
use relay_proto::attestation::Attestation;
use relay_proto::wire::Reader;
use relay_store::vfs::RealVfs;
use relay_store::vfs::sim::SimVfs;
use std::sync::{Arc, Mutex};
use support::{Writer, ids, open, options, sealed, wait};

const SEGMENT: u64 = 32 * 1024;

#[test]
fn what_was_pushed_is_read_before_and_after_reopening_over_many_segments() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path().join("data"), SEGMENT);
    let writer = Writer::new(1);
    let mut size = 0;
    for round in 0..4 {
        let store = open(Arc::new(RealVfs), &options).unwrap();
        if round == 0 {
            writer.found(&store).unwrap();
        }
        writer.push_range(&store, size + 1, size + 100, 700);
        size += 100;
        assert_eq!(writer.read_all(&store), ids(size, 700));
        let leaves = wait(|done| store.leaves(writer.space(), 1, 8192, done)).unwrap();
        assert_eq!(leaves.len() as u64, size);
        // A retry long after is recognised, in whatever segment the entry is by now.
        let retried = writer.push(&store, 3, vec![sealed(3, 700)]).unwrap();
        assert!(matches!(retried.runs[0].verdict, Verdict::Duplicate { seq_first: 3 }));
        let other = writer.push(&store, 3, vec![sealed(4, 700)]);
        assert!(matches!(other, Err(StoreError::Refused(_))), "{other:?}");
    }
    let segments = std::fs::read_dir(dir.path().join("data/log")).unwrap().count();
    assert!(segments > 8, "{segments} segments");
}

#[test]
fn a_group_larger_than_a_segment_gets_its_own() {
    let options = options("/d", SEGMENT);
    let vfs = SimVfs::new();
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    writer.push(&store, 1, vec![sealed(1, 200_000), sealed(2, 100)]).unwrap();
    writer.push_range(&store, 3, 4, 100);
    drop(store);
    let store = open(Arc::new(vfs), &options).unwrap();
    assert_eq!(writer.page(&store, 0).unwrap().entries.len(), 4);
}

#[test]
fn a_trim_hides_entries_for_good_and_keeps_their_leaves() {
    let options = options("/d", SEGMENT);
    let vfs = SimVfs::new();
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 10, 100);
    wait(|done| store.trim(writer.space(), 6, done)).unwrap();
    drop(store);
    let store = open(Arc::new(vfs), &options).unwrap();
    let below = wait(|done| store.read(writer.space(), 4, 10, 1000, done)).unwrap();
    let ReadOutcome::BelowFloor { attestation } = below else { panic!("{below:?}") };
    let attestation = Attestation::read(&mut Reader::new(&attestation)).unwrap();
    assert_eq!((attestation.claim.floor, attestation.claim.size), (6, 10));
    assert!(attestation.verify(&writer.space(), &store.log().log_id));
    assert_eq!(writer.page(&store, 5).unwrap().entries.len(), 5);
    assert_eq!(wait(|done| store.leaves(writer.space(), 1, 10, done)).unwrap().len(), 10);
    let retried = writer.push(&store, 2, vec![sealed(2, 100)]).unwrap();
    assert!(matches!(retried.runs[0].verdict, Verdict::DuplicateForgotten));
}

#[derive(Default)]
struct Heard(Mutex<Vec<(u64, usize)>>);

impl CommitListener for Heard {
    fn committed(&self, commit: SpaceCommit) {
        self.0.lock().unwrap().push((commit.first_seq, commit.entries.len()));
    }
    fn roster_changed(&self, commit: RosterCommit) {
        self.0.lock().unwrap().push((0, commit.added.len()));
    }
    fn purged(&self, _space: relay_proto::SpaceId) {}
    fn space_erased(&self, _space: relay_proto::SpaceId, _notice: bytes::Bytes) {}
}

#[test]
fn concurrent_pushes_share_few_syncs_and_are_heard_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(Arc::new(RealVfs), &options(dir.path().join("data"), 1 << 20)).unwrap();
    let heard = Arc::new(Heard::default());
    store.listen(Arc::clone(&heard) as Arc<_>);
    let writer = Writer::new(1);
    writer.found(&store).unwrap();
    let before = store.stats();
    let (send, receive) = std::sync::mpsc::channel();
    for n in 1..=64 {
        let send = send.clone();
        let push = writer.make_push(n, vec![sealed(n, 1024)]);
        store.push(push, Box::new(move |result| send.send(result).unwrap()));
    }
    (1..=64).for_each(|_| drop(receive.recv().unwrap().unwrap()));
    store.close();
    let syncs = store.stats().syncs - before.syncs;
    assert!(syncs <= 16, "{syncs} syncs for 64 pushes");
    let mut next = 1;
    for (first, count) in heard.0.lock().unwrap().iter().skip(1) {
        assert_eq!(*first, next);
        next += *count as u64;
    }
    assert_eq!(next, 65);
}

#[test]
fn limits_refuse_at_once() {
    let mut options = options("/d", SEGMENT);
    options.limits.queue_calls_max = 0;
    let store = open(Arc::new(SimVfs::new()), &options).unwrap();
    assert_eq!(Writer::new(1).found(&store).unwrap_err(), StoreError::Overloaded);
    assert_eq!(store.stats().overloaded, 1);
    store.close();
    assert_eq!(Writer::new(1).found(&store).unwrap_err(), StoreError::Closed);
}

#[test]
fn times_never_go_back_over_a_restart_with_an_older_clock() {
    let vfs = SimVfs::new();
    let options = options("/d", SEGMENT);
    let writer = Writer::new(1);
    let time = |store: &dyn Store| {
        let bytes = wait(|done| store.attest(writer.space(), done)).unwrap();
        Attestation::read(&mut Reader::new(&bytes)).unwrap().claim.time_ms
    };
    let late = support::environment(Arc::new(vfs.clone()));
    let store = relay_store::EmbeddedStore::open(&options, late).unwrap();
    writer.found(&store).unwrap();
    let first = time(&store);
    drop(store);
    let mut early = support::environment(Arc::new(vfs));
    early.wall_clock = Arc::new(support::Clock(1000.into()));
    let store = relay_store::EmbeddedStore::open(&options, early).unwrap();
    // The lease was taken some milliseconds before `first`.
    assert!(time(&store) >= first + 59_000, "the lease is where time goes on");
}

#[test]
fn a_closed_store_that_is_still_held_leaves_the_directory_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path().join("data"), SEGMENT);
    let writer = Writer::new(1);
    let first = open(Arc::new(RealVfs), &options).unwrap();
    writer.found(&first).unwrap();
    first.close();
    let second = open(Arc::new(RealVfs), &options).unwrap();
    drop(first);
    writer.push_range(&second, 1, 3, 100);
    drop(second);
    let third = open(Arc::new(RealVfs), &options).unwrap();
    assert_eq!(writer.read_all(&third), ids(3, 100));
}

#[test]
fn a_store_dropped_by_its_own_completion_ends() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path().join("data"), SEGMENT);
    let writer = Writer::new(1);
    let store = Arc::new(open(Arc::new(RealVfs), &options).unwrap());
    writer.found(&*store).unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    let last = Arc::clone(&store);
    let (go, gone) = std::sync::mpsc::channel::<()>();
    store.push(
        writer.make_push(1, vec![sealed(1, 100)]),
        Box::new(move |result| {
            gone.recv().unwrap();
            drop(last);
            send.send(result.is_ok()).unwrap();
        }),
    );
    drop(store);
    go.send(()).unwrap();
    assert!(receive.recv_timeout(std::time::Duration::from_secs(20)).unwrap());
    let store = open(Arc::new(RealVfs), &options).unwrap();
    assert_eq!(writer.read_all(&store), ids(1, 100));
}

#[test]
fn a_segment_that_was_made_for_refused_calls_and_is_too_small_leaves_no_hole() {
    let vfs = SimVfs::new();
    let options = options("/d", 4096 + 256);
    let writer = Writer::new(1);
    let store = open(Arc::new(vfs.clone()), &options).unwrap();
    // Room is made before it is known that the space is not: the segment stays without a group.
    assert_eq!(writer.push(&store, 1, vec![sealed(1, 60)]).unwrap_err(), StoreError::UnknownSpace);
    writer.found(&store).unwrap();
    writer.push_range(&store, 1, 3, 60);
    let killed = vfs.fork();
    drop(store);
    for disk in [vfs, killed] {
        let store = open(Arc::new(disk), &options).unwrap();
        assert_eq!(writer.read_all(&store), ids(3, 60));
    }
}
