//! The store's calls as a test wants them: each waits for its completion, bounded in time.

use super::Harness;
use crate::erasure::{PurgePoint, Tombstone};
use crate::store::{
    CommitListener, Completion, DeviceMark, ForgettingFacts, Page, Push, Pushed, ReadOutcome, Refusal, RosterCommit,
    SignedAck, SnapshotProgress, SpaceCommit, SpaceFacts, SpaceUsage, Store, StoreError,
};
use crate::testing::{SetClock, SpaceFixture};
use bytes::Bytes;
use relay_proto::KeyPair;
use relay_proto::attestation::Attestation;
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::{DeviceKey, Hash, LogId, SnapshotId, SpaceId};
use relay_proto::roster::Rights;
use relay_proto::wire::Reader;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a call of the store may take in a test.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What a listener heard, in order.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    /// Entries.
    Entries(SpaceCommit),
    /// A roster.
    Roster(RosterCommit),
    /// The space is gone.
    Erased(SpaceId, Bytes),
}

/// A listener that remembers.
#[derive(Default)]
pub(super) struct Ears(Mutex<Vec<Heard>>);

impl CommitListener for Ears {
    fn committed(&self, commit: SpaceCommit) {
        self.0.lock().unwrap().push(Heard::Entries(commit));
    }

    fn roster_changed(&self, commit: RosterCommit) {
        self.0.lock().unwrap().push(Heard::Roster(commit));
    }

    fn purged(&self, _space: SpaceId) {}

    fn space_erased(&self, space: SpaceId, notice: Bytes) {
        self.0.lock().unwrap().push(Heard::Erased(space, notice));
    }
}

/// A call that was made and not waited for yet.
#[must_use]
pub(super) struct Pending<T>(Receiver<Result<T, StoreError>>);

impl<T> Pending<T> {
    /// Waits for its completion.
    ///
    /// # Errors
    /// What the store answered.
    pub(super) fn wait(self) -> Result<T, StoreError> {
        self.0.recv_timeout(CALL_TIMEOUT).expect("the store completes every call")
    }
}

/// One store under test and the usual cast: a space with devices `a` (admin), `b` (write) and `r` (read).
pub(super) struct Calls {
    harness: Box<dyn Harness>,
    store: Mutex<Arc<dyn Store>>,
    ears: Arc<Ears>,
    /// Admin.
    pub(super) a: KeyPair,
    /// Writer.
    pub(super) b: KeyPair,
    /// Reader.
    pub(super) r: KeyPair,
}

fn pending<T: Send + 'static>(call: impl FnOnce(Completion<T>)) -> Pending<T> {
    let (sender, receiver) = channel();
    call(Box::new(move |result| drop(sender.send(result))));
    Pending(receiver)
}

impl Calls {
    pub(super) fn new(harness: Box<dyn Harness>) -> Self {
        let ears = Arc::new(Ears::default());
        let store = harness.store();
        store.listen(Arc::clone(&ears) as Arc<dyn CommitListener>);
        let key = |seed| KeyPair::from_seed(&[seed; 32]);
        Self { harness, store: Mutex::new(store), ears, a: key(101), b: key(102), r: key(103) }
    }

    /// The store.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        self.harness.before_call();
        Arc::clone(&self.store.lock().unwrap())
    }

    pub(super) fn harness(&self) -> &dyn Harness {
        &*self.harness
    }

    pub(super) fn clock(&self) -> &SetClock {
        self.harness.clock()
    }

    /// Goes on with another store object over the same data; `false` when there is none.
    pub(super) fn continue_with(&self, store: Option<Arc<dyn Store>>) -> bool {
        let Some(store) = store else { return false };
        store.listen(Arc::clone(&self.ears) as Arc<dyn CommitListener>);
        *self.store.lock().unwrap() = store;
        true
    }

    pub(super) fn log_id(&self) -> LogId {
        self.store().log().log_id
    }

    /// Founds the usual space.
    pub(super) fn space(&self) -> SpaceFixture {
        self.space_with_seed(1)
    }

    pub(super) fn space_with_seed(&self, seed: u8) -> SpaceFixture {
        let devices = [(&self.a, Rights::Admin), (&self.b, Rights::Write), (&self.r, Rights::Read)];
        let space = SpaceFixture::new(seed, &devices);
        self.put_roster(&space, space.chain.clone()).unwrap();
        space
    }

    pub(super) fn put_roster(&self, space: &SpaceFixture, chain: Vec<Bytes>) -> Result<SpaceFacts, StoreError> {
        pending(|done| self.store().put_roster(space.id(), chain, space.keyring.clone(), done)).wait()
    }

    pub(super) fn facts(&self, space: SpaceId) -> Option<SpaceFacts> {
        pending(|done| self.store().space(space, done)).wait().unwrap()
    }

    pub(super) fn mark(&self, space: SpaceId, device: &KeyPair) -> DeviceMark {
        pending(|done| self.store().device_mark(space, device.device(), done)).wait().unwrap()
    }

    pub(super) fn start_push(&self, push: Push) -> Pending<Pushed> {
        pending(|done| self.store().push(push, done))
    }

    pub(super) fn push(&self, push: Push) -> Result<Pushed, StoreError> {
        self.start_push(push).wait()
    }

    pub(super) fn refused(&self, push: Push) -> Refusal {
        match self.push(push) {
            Err(StoreError::Refused(refusal)) => refusal,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    pub(super) fn read(
        &self,
        space: SpaceId,
        after: u64,
        entries_max: u32,
        bytes_max: u32,
    ) -> Result<ReadOutcome, StoreError> {
        pending(|done| self.store().read(space, after, entries_max, bytes_max, done)).wait()
    }

    /// Reads a space of a poisoned store: what was durable is still there.
    pub(super) fn expect_when_poisoned(&self, space: SpaceId, entries: usize) {
        match self.read(space, 0, u32::MAX, u32::MAX) {
            Ok(ReadOutcome::Page(page)) => assert_eq!(page.entries.len(), entries, "what was durable is still read"),
            Err(StoreError::Poisoned) if !self.harness.keeps_in_memory() => {}
            other => panic!("expected a page, got {other:?}"),
        }
    }

    pub(super) fn page(&self, space: SpaceId, after: u64) -> Page {
        match self.read(space, after, u32::MAX, u32::MAX).unwrap() {
            ReadOutcome::Page(page) => page,
            other => panic!("expected a page, got {other:?}"),
        }
    }

    pub(super) fn leaves(&self, space: SpaceId, first_seq: u64, count: u32) -> Vec<Hash> {
        pending(|done| self.store().leaves(space, first_seq, count, done)).wait().unwrap()
    }

    pub(super) fn usage(&self, space: SpaceId) -> Result<SpaceUsage, StoreError> {
        pending(|done| self.store().usage(space, done)).wait()
    }

    pub(super) fn attest(&self, space: SpaceId) -> Attestation {
        self.try_attest(space).unwrap()
    }

    pub(super) fn try_attest(&self, space: SpaceId) -> Result<Attestation, StoreError> {
        let attested = pending(|done| self.store().attest(space, done)).wait();
        attested.map(|attestation| self.verified(space, &attestation))
    }

    pub(super) fn log_resets(&self, space: SpaceId, from: u64) -> Vec<Bytes> {
        pending(|done| self.store().log_resets(space, from, done)).wait().unwrap()
    }

    pub(super) fn put_ack(&self, space: SpaceId, ack: SignedAck) -> Result<(), StoreError> {
        pending(|done| self.store().put_ack(space, ack, done)).wait()
    }

    pub(super) fn acks(&self, space: SpaceId) -> Vec<SignedAck> {
        pending(|done| self.store().acks(space, done)).wait().unwrap()
    }

    pub(super) fn forgetting(&self, space: SpaceId) -> ForgettingFacts {
        pending(|done| self.store().forgetting_facts(space, done)).wait().unwrap()
    }

    pub(super) fn spaces(&self, after: Option<SpaceId>, count: u32) -> Vec<SpaceId> {
        pending(|done| self.store().spaces(after, count, done)).wait().unwrap()
    }

    pub(super) fn trim(&self, space: SpaceId, floor: u64) -> Result<(), StoreError> {
        pending(|done| self.store().trim(space, floor, done)).wait()
    }

    pub(super) fn purge(&self, space: SpaceId, point: PurgePoint) -> Result<(), StoreError> {
        pending(|done| self.store().purge(space, point, done)).wait()
    }

    pub(super) fn start_erase(&self, space: SpaceId, reason: ErasureReason) -> Pending<()> {
        pending(|done| self.store().erase(space, reason, done))
    }

    pub(super) fn erase(&self, space: SpaceId, reason: ErasureReason) -> Result<(), StoreError> {
        self.start_erase(space, reason).wait()
    }

    pub(super) fn erasure(&self, space: SpaceId) -> Option<Tombstone> {
        pending(|done| self.store().erasure(space, done)).wait().unwrap()
    }

    pub(super) fn device_mark(&self, space: SpaceId, device: DeviceKey) -> Result<DeviceMark, StoreError> {
        pending(|done| self.store().device_mark(space, device, done)).wait()
    }

    pub(super) fn snapshot_begin(&self, space: SpaceId, manifest: Bytes) -> Result<SnapshotProgress, StoreError> {
        pending(|done| self.store().snapshot_begin(space, manifest, done)).wait()
    }

    pub(super) fn snapshot_chunk(
        &self,
        space: SpaceId,
        id: SnapshotId,
        index: u32,
        chunk: Bytes,
    ) -> Result<SnapshotProgress, StoreError> {
        pending(|done| self.store().snapshot_chunk(space, id, index, chunk, done)).wait()
    }

    pub(super) fn snapshot_manifest(&self, space: SpaceId, id: Option<SnapshotId>) -> Option<Bytes> {
        pending(|done| self.store().snapshot_manifest(space, id, done)).wait().unwrap()
    }

    pub(super) fn snapshot_read(&self, space: SpaceId, id: SnapshotId, index: u32) -> Result<Bytes, StoreError> {
        pending(|done| self.store().snapshot_read(space, id, index, done)).wait()
    }

    pub(super) fn snapshot_opened(&self, space: SpaceId, id: SnapshotId, device: DeviceKey) -> Result<(), StoreError> {
        pending(|done| self.store().snapshot_opened(space, id, device, done)).wait()
    }

    /// Decodes an attestation and checks its signature for this space.
    pub(super) fn verified(&self, space: SpaceId, encoded: &Bytes) -> Attestation {
        let mut reader = Reader::new(encoded);
        let attestation = Attestation::read(&mut reader).expect("an encoded attestation");
        reader.finish().expect("nothing behind the attestation");
        assert!(attestation.verify(&space, &self.log_id()), "the attestation is signed for this space");
        attestation
    }

    /// What the listener heard of a space, once it heard at least `count` things. Completions come first, so it is waited for.
    pub(super) fn heard(&self, space: SpaceId, count: usize) -> Vec<Heard> {
        let until = Instant::now() + CALL_TIMEOUT;
        loop {
            let of_space = |heard: &&Heard| match heard {
                Heard::Entries(commit) => commit.space == space,
                Heard::Roster(commit) => commit.space == space,
                Heard::Erased(erased, _) => *erased == space,
            };
            let heard: Vec<Heard> = self.ears.0.lock().unwrap().iter().filter(of_space).cloned().collect();
            if heard.len() >= count {
                return heard;
            }
            assert!(Instant::now() < until, "the listener hears of every commit: {} of {count}", heard.len());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
