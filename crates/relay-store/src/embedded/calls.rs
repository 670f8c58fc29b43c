//! The contract's calls.

use super::EmbeddedStore;
use crate::limits::ATTESTATION_REUSE_MS;
use crate::queue::Call;
use crate::reads;
use crate::shared::{Shared, add};
use crate::space::Space;
use bytes::Bytes;
use relay_core::environment::LogSigner;
use relay_core::erasure::{PurgePoint, Tombstone};
use relay_core::ledger::PreparedPush;
use relay_core::store::{
    CommitListener, Completion, DeviceMark, ForgettingFacts, LogState, Push, Pushed, ReadOutcome, Refusal, SignedAck,
    SnapshotFacts, SnapshotProgress, SpaceFacts, Store, StoreError, StoreStats,
};
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::{DeviceKey, Hash, SnapshotId, SpaceId};
use std::ops::Bound;
use std::sync::{Arc, PoisonError};

impl EmbeddedStore {
    fn queue_call(&self, call: Call) {
        if let Some((call, error)) = self.queue.add(call) {
            if error == StoreError::Overloaded {
                add(&self.shared.counters.overloaded, 1);
            }
            call.refuse(error);
        }
    }

    /// Hands durable work on, unless the store accepts nothing.
    fn commit(&self, call: Call) {
        match self.shared.writable() {
            Ok(()) => self.queue_call(call),
            Err(error) => call.refuse(error),
        }
    }

    fn on_reader<T: 'static>(&self, done: Completion<T>, run: impl FnOnce() -> Result<T, StoreError> + Send + 'static) {
        self.readers.submit(Box::new(move |may_run| done(may_run.and_then(|()| run()))));
    }

    fn on_snapshots<T: 'static>(
        &self,
        space: SpaceId,
        done: Completion<T>,
        run: impl FnOnce(&crate::snapshots::Snapshots) -> Result<T, StoreError> + Send + 'static,
    ) {
        if let Err(error) = self.shared.known(space) {
            return done(Err(error));
        }
        let snapshots = Arc::clone(&self.snapshots);
        self.snapshot_thread.submit(Box::new(move |may_run| done(may_run.and_then(|()| run(&snapshots)))));
    }

    /// Runs `then` once the space has an attestation to show.
    fn with_attestation<T: 'static>(
        &self,
        space: SpaceId,
        done: Completion<T>,
        then: impl FnOnce(&Shared, &Arc<Space>, Completion<T>) + Send + 'static,
    ) {
        let known = match self.shared.known(space) {
            Ok(known) => known,
            Err(error) => return done(Err(error)),
        };
        if !known.lock().shown.attestation.is_empty() {
            return then(&self.shared, &known, done);
        }
        let shared = Arc::clone(&self.shared);
        let attested = Box::new(move |result: Result<Bytes, StoreError>| match result {
            Ok(_) => then(&shared, &known, done),
            Err(error) => done(Err(error)),
        });
        self.queue_call(Call::Attest { space, done: attested });
    }
}

impl Store for EmbeddedStore {
    fn log(&self) -> LogState {
        LogState { log_id: self.signer.log_id(), log_epoch: self.shared.log_epoch }
    }

    fn listen(&self, listener: Arc<dyn CommitListener>) {
        // Called once: a second listener is not heard.
        let _second = self.shared.listener.set(listener);
    }

    fn space(&self, space: SpaceId, done: Completion<Option<SpaceFacts>>) {
        let facts = || self.shared.present(space).map(|space| space.lock().shown.facts());
        done(self.shared.readable().map(|()| facts()));
    }

    fn device_mark(&self, space: SpaceId, device: DeviceKey, done: Completion<DeviceMark>) {
        let mark = |space: Arc<Space>| space.lock().shown.marks.get(&device).copied().unwrap_or_default();
        done(self.shared.known(space).map(mark));
    }

    fn put_roster(&self, space: SpaceId, chain: Vec<Bytes>, keyring: Bytes, done: Completion<SpaceFacts>) {
        self.commit(Call::Roster { space, chain, keyring, done });
    }

    fn push(&self, push: Push, done: Completion<Pushed>) {
        self.commit(Call::Push { prepared: PreparedPush::new(push), done });
    }

    fn read(&self, space: SpaceId, after: u64, entries_max: u32, bytes_max: u32, done: Completion<ReadOutcome>) {
        let readers = Arc::clone(&self.readers);
        let shared = Arc::clone(&self.shared);
        self.with_attestation(space, done, move |_, known, done| match reads::outcome_now(known, after) {
            Some(outcome) => done(Ok(outcome)),
            None => {
                let known = Arc::clone(known);
                readers.submit(Box::new(move |may_run| {
                    let page = |()| reads::page(&known, after, entries_max, bytes_max);
                    done(may_run.and_then(|run| page(run).map_err(|place| shared.unreadable(&known, place))));
                }));
            }
        });
    }

    fn leaves(&self, space: SpaceId, first_seq: u64, count: u32, done: Completion<Vec<Hash>>) {
        match self.shared.known(space) {
            Ok(known) => {
                let shared = Arc::clone(&self.shared);
                self.on_reader(done, move || {
                    let leaves = reads::leaves(&shared.leaves, &known, first_seq, count);
                    leaves.map_err(|place| shared.unreadable(&known, place))
                });
            }
            Err(error) => done(Err(error)),
        }
    }

    fn attest(&self, space: SpaceId, done: Completion<Bytes>) {
        let known = match self.shared.known(space) {
            Ok(known) => known,
            Err(error) => return done(Err(error)),
        };
        let now_ms = self.shared.wall_clock.now_ms();
        let (recent, attestation) = {
            let state = known.lock();
            let shown = &state.shown;
            let recent = now_ms.abs_diff(shown.attested_ms) < ATTESTATION_REUSE_MS && !shown.attestation.is_empty();
            (recent, shown.attestation.clone())
        };
        if recent {
            return done(Ok(attestation));
        }
        self.queue_call(Call::Attest { space, done });
    }

    fn log_resets(&self, space: SpaceId, from: u64, done: Completion<Vec<Bytes>>) {
        let resets = |space: Arc<Space>| {
            let state = space.lock();
            let newer = state.resets.iter().filter(|(epoch, _)| *epoch > from);
            newer.map(|(_, reset)| reset.clone()).collect()
        };
        done(self.shared.known(space).map(resets));
    }

    fn put_ack(&self, space: SpaceId, ack: SignedAck, done: Completion<()>) {
        done(self.shared.known(space).and_then(|known| self.keep_ack(&known, ack)));
    }

    fn acks(&self, space: SpaceId, done: Completion<Vec<SignedAck>>) {
        done(self.shared.known(space).map(|space| space.lock().acks.values().cloned().collect()));
    }

    fn touch(&self, space: SpaceId, device: DeviceKey, now_ms: u64) {
        if let Ok(known) = self.shared.known(space) {
            known.lock().touch(device, now_ms);
            self.shared.meta.note_seen(space, device, now_ms);
        }
    }

    fn forgetting_facts(&self, space: SpaceId, done: Completion<ForgettingFacts>) {
        let known = match self.shared.known(space) {
            Ok(known) => known,
            Err(error) => return done(Err(error)),
        };
        // On the thread that writes snapshots: their lock is held during its syncs, for which no caller may wait.
        self.on_snapshots(space, done, move |snapshots| {
            snapshots.drop_stale(space);
            Ok(facts_of(&known, snapshots.facts(space)))
        });
    }

    fn spaces(&self, after: Option<SpaceId>, count: u32, done: Completion<Vec<SpaceId>>) {
        let page = || {
            let spaces = self.shared.spaces.read().unwrap_or_else(PoisonError::into_inner);
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let present = spaces.range((start, Bound::Unbounded)).filter(|(_, space)| !space.is_gone());
            present.map(|(id, _)| *id).take(count).collect()
        };
        done(self.shared.readable().map(|()| page()));
    }

    fn trim(&self, space: SpaceId, floor: u64, done: Completion<()>) {
        self.commit(Call::Trim { space, floor, done });
    }

    fn purge(&self, space: SpaceId, point: PurgePoint, done: Completion<()>) {
        self.eraser.purge(space, &point, done);
    }

    fn erase(&self, space: SpaceId, reason: ErasureReason, done: Completion<()>) {
        self.eraser.erase(space, reason, done);
    }

    fn erasure(&self, space: SpaceId, done: Completion<Option<Tombstone>>) {
        let now_ms = self.shared.wall_clock.now_ms();
        done(self.shared.readable().map(|()| self.shared.tombstones.get(space, now_ms)));
    }

    fn snapshot_begin(&self, space: SpaceId, manifest: Bytes, done: Completion<SnapshotProgress>) {
        self.on_snapshots(space, done, move |snapshots| snapshots.begin(space, manifest));
    }

    fn snapshot_chunk(
        &self,
        space: SpaceId,
        snapshot: SnapshotId,
        index: u32,
        chunk: Bytes,
        done: Completion<SnapshotProgress>,
    ) {
        self.on_snapshots(space, done, move |snapshots| snapshots.chunk(space, snapshot, index, &chunk));
    }

    fn snapshot_manifest(&self, space: SpaceId, snapshot: Option<SnapshotId>, done: Completion<Option<Bytes>>) {
        self.on_snapshots(space, done, move |snapshots| Ok(snapshots.manifest(space, snapshot)));
    }

    fn snapshot_read(&self, space: SpaceId, snapshot: SnapshotId, index: u32, done: Completion<Bytes>) {
        self.on_snapshots(space, done, move |snapshots| snapshots.read(space, snapshot, index));
    }

    fn snapshot_opened(&self, space: SpaceId, snapshot: SnapshotId, device: DeviceKey, done: Completion<()>) {
        self.on_snapshots(space, done, move |snapshots| snapshots.opened(space, snapshot, device));
    }

    fn stats(&self) -> StoreStats {
        let (calls, bytes) = self.queue.depth();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        StoreStats { queue_pushes: count(calls), queue_bytes: count(bytes), ..self.shared.stats() }
    }

    fn close(&self) {
        self.shut_down();
    }
}

fn facts_of(known: &Space, snapshots: Vec<SnapshotFacts>) -> ForgettingFacts {
    let state = known.lock();
    let shown = &state.shown;
    ForgettingFacts {
        roster: shown.roster.chain().last().cloned().unwrap_or_default(),
        size: shown.size,
        floor: shown.floor,
        acks: state.acks.values().cloned().collect(),
        contacts: state.contacts.iter().map(|(device, contact_ms)| (*device, *contact_ms)).collect(),
        snapshots,
        ages: state.ages.iter().copied().filter(|(seq, _)| *seq <= shown.size).collect(),
    }
}

impl EmbeddedStore {
    fn keep_ack(&self, known: &Space, ack: SignedAck) -> Result<(), StoreError> {
        let now_ms = self.shared.wall_clock.now_ms();
        let mut state = known.lock();
        let shown = ack.size <= state.shown.size;
        if !shown || !state.ledger.may_claim(ack.log_epoch, ack.size, ack.head) {
            return Err(StoreError::Refused(Refusal::AckInvalid));
        }
        state.touch(ack.device, now_ms);
        let newer = |held: &SignedAck| (ack.log_epoch, ack.size) > (held.log_epoch, held.size);
        if state.acks.get(&ack.device).is_none_or(newer) {
            state.acks.insert(ack.device, ack.clone());
            self.shared.meta.note_ack(known.id, ack.clone());
        }
        drop(state);
        self.shared.meta.note_seen(known.id, ack.device, now_ms);
        Ok(())
    }
}
