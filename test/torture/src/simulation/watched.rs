//! The store as the relay sees it: every call is passed on, what it announces is written down, and the controls lie here.

use bytes::Bytes;
use relay_core::erasure::{PurgePoint, Tombstone};
use relay_core::store::{
    CommitListener, Completion, DeviceMark, ForgettingFacts, LogState, Push, Pushed, ReadOutcome, RosterCommit,
    SignedAck, SnapshotProgress, SpaceCommit, SpaceFacts, SpaceUsage, Store, StoreStats, Verdict,
};
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::{DeviceKey, Hash, SnapshotId, SpaceId};
use relay_store::EmbeddedStore;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How the relay of a run lies; an honest one does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It is honest.
    None,
    /// Answers before it writes.
    AnswersEarly,
    /// Does not recognise what it holds: stores it again, under new numbers.
    Renumbers,
    /// Shows an entry of a commit twice.
    Doubles,
}

/// What the store announced as durable, in order.
#[derive(Clone, Debug)]
pub(crate) enum Announced {
    Entries(SpaceCommit),
    Roster(RosterCommit),
}

/// Shared by the store's listener and the world.
pub(crate) type Announcements = Arc<Mutex<Vec<Announced>>>;

/// Locks a mutex of a world, which one thread alone uses.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// See the module.
pub(crate) struct Watched {
    pub(crate) store: EmbeddedStore,
    pub(crate) announced: Announcements,
    pub(crate) lie: Lie,
}

struct Listener {
    hub: Arc<dyn CommitListener>,
    announced: Announcements,
    lie: Lie,
}

impl CommitListener for Listener {
    fn committed(&self, mut commit: SpaceCommit) {
        lock(&self.announced).push(Announced::Entries(commit.clone()));
        if self.lie == Lie::Doubles
            && let Some(first) = commit.entries.first().cloned()
        {
            commit.entries.push(first);
        }
        self.hub.committed(commit);
    }

    fn roster_changed(&self, commit: RosterCommit) {
        lock(&self.announced).push(Announced::Roster(commit.clone()));
        self.hub.roster_changed(commit);
    }

    fn purged(&self, space: SpaceId) {
        self.hub.purged(space);
    }

    fn space_erased(&self, space: SpaceId, notice: Bytes) {
        self.hub.space_erased(space, notice);
    }
}

impl Watched {
    /// Pushes a retry as if it were new, and answers as if it had its old numbers.
    fn push_renumbered(&self, mut push: Push, done: Completion<Pushed>) {
        let mark = Arc::new(Mutex::new(DeviceMark::default()));
        let answer = Arc::clone(&mark);
        let looked_up = Box::new(move |result: Result<DeviceMark, _>| *lock(&answer) = result.unwrap_or_default());
        self.store.device_mark(push.space, push.device, looked_up);
        let high = lock(&mark).push_seq_high;
        let shift = (high + 1).saturating_sub(push.push_seq_first);
        push.push_seq_first += shift;
        let answered = move |result: Result<Pushed, _>| {
            done(result.map(|mut pushed| {
                for run in &mut pushed.runs {
                    run.push_seq_first -= shift;
                    if let Verdict::Duplicate { seq_first } = &mut run.verdict {
                        *seq_first += shift;
                    }
                }
                pushed
            }));
        };
        self.store.push(push, Box::new(answered));
    }
}

impl Store for Watched {
    fn log(&self) -> LogState {
        self.store.log()
    }

    fn listen(&self, hub: Arc<dyn CommitListener>) {
        let listener = Listener { hub, announced: Arc::clone(&self.announced), lie: self.lie };
        self.store.listen(Arc::new(listener));
    }

    fn space(&self, space: SpaceId, done: Completion<Option<SpaceFacts>>) {
        self.store.space(space, done);
    }

    fn device_mark(&self, space: SpaceId, device: DeviceKey, done: Completion<DeviceMark>) {
        self.store.device_mark(space, device, done);
    }

    fn put_roster(&self, space: SpaceId, chain: Vec<Bytes>, keyring: Bytes, done: Completion<SpaceFacts>) {
        self.store.put_roster(space, chain, keyring, done);
    }

    fn push(&self, push: Push, done: Completion<Pushed>) {
        match self.lie {
            Lie::Renumbers => self.push_renumbered(push, done),
            _ => self.store.push(push, done),
        }
    }

    fn read(&self, space: SpaceId, after: u64, entries_max: u32, bytes_max: u32, done: Completion<ReadOutcome>) {
        self.store.read(space, after, entries_max, bytes_max, done);
    }

    fn leaves(&self, space: SpaceId, first_seq: u64, count: u32, done: Completion<Vec<Hash>>) {
        self.store.leaves(space, first_seq, count, done);
    }

    fn attest(&self, space: SpaceId, done: Completion<Bytes>) {
        self.store.attest(space, done);
    }

    fn log_resets(&self, space: SpaceId, from: u64, done: Completion<Vec<Bytes>>) {
        self.store.log_resets(space, from, done);
    }

    fn usage(&self, space: SpaceId, done: Completion<SpaceUsage>) {
        self.store.usage(space, done);
    }

    fn put_ack(&self, space: SpaceId, ack: SignedAck, done: Completion<()>) {
        self.store.put_ack(space, ack, done);
    }

    fn acks(&self, space: SpaceId, done: Completion<Vec<SignedAck>>) {
        self.store.acks(space, done);
    }

    fn touch(&self, space: SpaceId, device: DeviceKey, now_ms: u64) {
        self.store.touch(space, device, now_ms);
    }

    fn forgetting_facts(&self, space: SpaceId, done: Completion<ForgettingFacts>) {
        self.store.forgetting_facts(space, done);
    }

    fn spaces(&self, after: Option<SpaceId>, count: u32, done: Completion<Vec<SpaceId>>) {
        self.store.spaces(after, count, done);
    }

    fn spaces_due(&self, after: Option<SpaceId>, count: u32, now_ms: u64, done: Completion<Vec<SpaceId>>) {
        self.store.spaces_due(after, count, now_ms, done);
    }

    fn judged(&self, space: SpaceId, due_ms: u64) {
        self.store.judged(space, due_ms);
    }

    fn trim(&self, space: SpaceId, floor: u64, done: Completion<()>) {
        self.store.trim(space, floor, done);
    }

    fn purge(&self, space: SpaceId, point: PurgePoint, done: Completion<()>) {
        self.store.purge(space, point, done);
    }

    fn erase(&self, space: SpaceId, reason: ErasureReason, done: Completion<()>) {
        self.store.erase(space, reason, done);
    }

    fn erasure(&self, space: SpaceId, done: Completion<Option<Tombstone>>) {
        self.store.erasure(space, done);
    }

    fn snapshot_begin(&self, space: SpaceId, manifest: Bytes, done: Completion<SnapshotProgress>) {
        self.store.snapshot_begin(space, manifest, done);
    }

    fn snapshot_chunk(
        &self,
        space: SpaceId,
        snapshot: SnapshotId,
        index: u32,
        chunk: Bytes,
        done: Completion<SnapshotProgress>,
    ) {
        self.store.snapshot_chunk(space, snapshot, index, chunk, done);
    }

    fn snapshot_manifest(&self, space: SpaceId, snapshot: Option<SnapshotId>, done: Completion<Option<Bytes>>) {
        self.store.snapshot_manifest(space, snapshot, done);
    }

    fn snapshot_read(&self, space: SpaceId, snapshot: SnapshotId, index: u32, done: Completion<Bytes>) {
        self.store.snapshot_read(space, snapshot, index, done);
    }

    fn snapshot_opened(&self, space: SpaceId, snapshot: SnapshotId, device: DeviceKey, done: Completion<()>) {
        self.store.snapshot_opened(space, snapshot, device, done);
    }

    fn stats(&self) -> StoreStats {
        self.store.stats()
    }

    fn close(&self) {
        self.store.close();
    }
}
