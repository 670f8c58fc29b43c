//! The contract's calls.

use super::EmbeddedStore;
use crate::cold::Found;
use crate::damaged_read::Unreadable;
use crate::limits::ATTESTATION_REUSE_MS;
use crate::queue::{Call, CommitQueue};
use crate::reads;
use crate::shared::{Shared, add};
use crate::space::Space;
use crate::usage;
use crate::workers::Workers;
use bytes::Bytes;
use relay_core::environment::LogSigner;
use relay_core::erasure::{PurgePoint, Tombstone};
use relay_core::ledger::ArrivingPush;
use relay_core::store::{
    CommitListener, Completion, DeviceMark, ForgettingFacts, LogState, Push, Pushed, ReadOutcome, Refusal, SignedAck,
    SnapshotFacts, SnapshotProgress, SpaceFacts, SpaceUsage, Store, StoreError, StoreStats,
};
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::{DeviceKey, Hash, SnapshotId, SpaceId};
use std::sync::Arc;

/// What a call needs of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// What the log says.
    State,
    /// Acks and contacts, too.
    Acks,
}

impl Needs {
    fn are_met_by(self, space: &Space) -> bool {
        self == Self::State || space.peek().is_heard
    }
}

fn queue_call(shared: &Shared, queue: &CommitQueue, call: Call) {
    if let Some((call, error)) = queue.add(call) {
        if error == StoreError::Overloaded {
            add(&shared.counters.overloaded, 1);
        }
        call.refuse(error);
    }
}

/// Answers with what a read of the space's files gives, on a thread that may wait for a disk.
fn read_on<T: 'static>(
    readers: &Workers,
    (shared, known): (&Arc<Shared>, Arc<Space>),
    done: Completion<T>,
    read: impl FnOnce(&Shared, &Space) -> Result<T, Unreadable> + Send + 'static,
) {
    let shared = Arc::clone(shared);
    readers.submit(Box::new(move |may_run| {
        let read = |()| read(&shared, &known).map_err(|place| shared.unreadable(&known, place));
        done(may_run.and_then(read));
    }));
}

impl EmbeddedStore {
    /// Hands durable work on, unless the store accepts nothing.
    fn commit(&self, call: Call) {
        match self.shared.writable() {
            Ok(()) => queue_call(&self.shared, &self.queue, call),
            Err(error) => call.refuse(error),
        }
    }

    /// Runs `then` with a known space: at once when it is in memory, on the loading thread when it has to be read. Calls that
    /// wait there run before later ones of the same space.
    fn with_space<T: 'static>(
        &self,
        space: SpaceId,
        needs: Needs,
        done: Completion<T>,
        then: impl FnOnce(&Arc<Shared>, Arc<Space>, Completion<T>) + Send + 'static,
    ) {
        if let Err(error) = self.shared.readable() {
            return done(Err(error));
        }
        match self.shared.spaces.find(space) {
            Found::Unknown => return done(Err(StoreError::UnknownSpace)),
            Found::Resident(known) if known.is_gone() => return done(Err(StoreError::UnknownSpace)),
            Found::Resident(known) if needs.are_met_by(&known) && !self.waking.has(space) => {
                return then(&self.shared, known, done);
            }
            Found::Resident(_) | Found::Cold => {}
        }
        let (shared, ticket) = (Arc::clone(&self.shared), self.waking.enter(space));
        self.loads.submit(Box::new(move |may_run| {
            let load = |()| if needs == Needs::Acks { shared.load_heard(space) } else { shared.load(space) };
            match may_run.and_then(load) {
                Ok(known) => then(&shared, known, done),
                Err(error) => done(Err(error)),
            }
            drop(ticket);
        }));
    }

    /// The same for an answer that a look at the space gives.
    fn of_space<T: 'static>(
        &self,
        space: SpaceId,
        needs: Needs,
        done: Completion<T>,
        look: impl FnOnce(&Shared, &Space) -> Result<T, StoreError> + Send + 'static,
    ) {
        self.with_space(space, needs, done, |shared, known, done| done(look(shared, &known)));
    }

    /// Answers with what a call to the snapshots gives, on the thread that writes them.
    fn on_snapshots<T: 'static>(
        &self,
        space: SpaceId,
        done: Completion<T>,
        run: impl FnOnce(&crate::snapshots::Snapshots) -> Result<T, StoreError> + Send + 'static,
    ) {
        if let Err(error) = self.shared.readable() {
            return done(Err(error));
        }
        // What is known of snapshots is no part of the space's state.
        if !self.shared.spaces.stir(space) {
            return done(Err(StoreError::UnknownSpace));
        }
        let snapshots = Arc::clone(&self.snapshots);
        self.snapshot_thread.submit(Box::new(move |may_run| done(may_run.and_then(|()| run(&snapshots)))));
    }

    /// Runs `then` once the space has an attestation to show.
    fn with_attestation<T: 'static>(
        &self,
        space: SpaceId,
        done: Completion<T>,
        then: impl FnOnce(&Arc<Shared>, &Arc<Space>, Completion<T>) + Send + 'static,
    ) {
        let queue = Arc::clone(&self.queue);
        self.with_space(space, Needs::State, done, move |shared, known, done| {
            if !known.lock().shown.attestation.is_empty() {
                return then(shared, &known, done);
            }
            let shared_then = Arc::clone(shared);
            let attested = Box::new(move |result: Result<Bytes, StoreError>| match result {
                Ok(_) => then(&shared_then, &known, done),
                Err(error) => done(Err(error)),
            });
            queue_call(shared, &queue, Call::Attest { space, done: attested });
        });
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
        let done = |facts: Result<SpaceFacts, StoreError>| match facts {
            Err(StoreError::UnknownSpace) => done(Ok(None)),
            facts => done(facts.map(Some)),
        };
        self.of_space(space, Needs::State, Box::new(done), |_, known| Ok(known.lock().shown.facts()));
    }

    fn device_mark(&self, space: SpaceId, device: DeviceKey, done: Completion<DeviceMark>) {
        let mark = move |known: &Space| known.lock().shown.marks.get(&device).copied().unwrap_or_default();
        self.of_space(space, Needs::State, done, move |_, known| Ok(mark(known)));
    }

    fn put_roster(&self, space: SpaceId, chain: Vec<Bytes>, keyring: Bytes, done: Completion<SpaceFacts>) {
        self.commit(Call::Roster { space, chain, keyring, done });
    }

    fn push(&self, push: Push, done: Completion<Pushed>) {
        self.commit(Call::Push { arriving: ArrivingPush::new(push), done });
    }

    fn read(&self, space: SpaceId, after: u64, entries_max: u32, bytes_max: u32, done: Completion<ReadOutcome>) {
        let readers = Arc::clone(&self.readers);
        self.with_attestation(space, done, move |shared, known, done| match reads::outcome_now(known, after) {
            Some(outcome) => done(Ok(outcome)),
            None => read_on(&readers, (shared, Arc::clone(known)), done, move |_, known| {
                reads::page(known, after, entries_max, bytes_max)
            }),
        });
    }

    fn leaves(&self, space: SpaceId, first_seq: u64, count: u32, done: Completion<Vec<Hash>>) {
        let readers = Arc::clone(&self.readers);
        self.with_space(space, Needs::State, done, move |shared, known, done| {
            read_on(&readers, (shared, known), done, move |shared, known| {
                reads::leaves(&shared.leaves, known, first_seq, count)
            });
        });
    }

    fn usage(&self, space: SpaceId, done: Completion<SpaceUsage>) {
        let readers = Arc::clone(&self.readers);
        self.with_space(space, Needs::State, done, move |shared, known, done| {
            read_on(&readers, (shared, known), done, |_, known| usage::of(known));
        });
    }

    fn attest(&self, space: SpaceId, done: Completion<Bytes>) {
        let queue = Arc::clone(&self.queue);
        self.with_space(space, Needs::State, done, move |shared, known, done| {
            let now_ms = shared.wall_clock.now_ms();
            let (recent, attestation) = {
                let state = known.lock();
                let shown = &state.shown;
                let recent = now_ms.abs_diff(shown.attested_ms) < ATTESTATION_REUSE_MS && !shown.attestation.is_empty();
                (recent, shown.attestation.clone())
            };
            if recent {
                return done(Ok(attestation));
            }
            queue_call(shared, &queue, Call::Attest { space, done });
        });
    }

    fn log_resets(&self, space: SpaceId, from: u64, done: Completion<Vec<Bytes>>) {
        self.of_space(space, Needs::State, done, move |_, known| {
            let state = known.lock();
            let newer = state.resets.iter().filter(|(epoch, _)| *epoch > from);
            Ok(newer.map(|(_, reset)| reset.clone()).collect())
        });
    }

    fn put_ack(&self, space: SpaceId, ack: SignedAck, done: Completion<()>) {
        self.of_space(space, Needs::Acks, done, |shared, known| keep_ack(shared, known, ack));
    }

    fn acks(&self, space: SpaceId, done: Completion<Vec<SignedAck>>) {
        self.of_space(space, Needs::Acks, done, |_, known| Ok(known.lock().acks.values().cloned().collect()));
    }

    fn touch(&self, space: SpaceId, device: DeviceKey, now_ms: u64) {
        if self.shared.readable().is_err() || !self.shared.is_known(space) {
            return;
        }
        // In this order, so that who loads the space meanwhile finds it in the metadata.
        self.shared.meta.note_seen(space, device, now_ms);
        if let Found::Resident(known) = self.shared.spaces.find(space) {
            known.note_contact(device, now_ms);
        }
    }

    fn forgetting_facts(&self, space: SpaceId, done: Completion<ForgettingFacts>) {
        if let Err(error) = self.shared.readable() {
            return done(Err(error));
        }
        if !self.shared.is_known(space) {
            return done(Err(StoreError::UnknownSpace));
        }
        let (shared, snapshots) = (Arc::clone(&self.shared), Arc::clone(&self.snapshots));
        // On the thread that writes snapshots: their lock is held during its syncs, for which no caller may wait.
        self.snapshot_thread.submit(Box::new(move |may_run| {
            let facts = |()| {
                snapshots.drop_stale(space);
                // The sweep comes by every space: one that is not in memory stays so.
                shared.spaces.judging(space);
                let known = shared.spaces.borrow(space).map_err(|place| shared.damaged(place))?;
                let known = known.ok_or(StoreError::UnknownSpace)?;
                shared.hear(&known);
                Ok(facts_of(&known, snapshots.facts(space)))
            };
            done(may_run.and_then(facts));
        }));
    }

    fn spaces(&self, after: Option<SpaceId>, count: u32, done: Completion<Vec<SpaceId>>) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        done(self.shared.readable().map(|()| self.shared.spaces.page(after, count)));
    }

    fn spaces_due(&self, after: Option<SpaceId>, count: u32, now_ms: u64, done: Completion<Vec<SpaceId>>) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        done(self.shared.readable().map(|()| self.shared.spaces.page_due(after, count, now_ms)));
    }

    fn judged(&self, space: SpaceId, due_ms: u64) {
        self.shared.spaces.judged(space, due_ms);
    }

    fn trim(&self, space: SpaceId, floor: u64, done: Completion<()>) {
        self.commit(Call::Trim { space, floor, done });
    }

    fn purge(&self, space: SpaceId, point: PurgePoint, done: Completion<()>) {
        let eraser = Arc::clone(&self.eraser);
        self.with_space(space, Needs::State, done, move |_, known, done| eraser.purge(&known, &point, done));
    }

    fn erase(&self, space: SpaceId, reason: ErasureReason, done: Completion<()>) {
        let Some(done) = self.eraser.erase_again(space, done) else { return };
        let again = Arc::clone(&self.eraser);
        // Another call may have erased it while this one waited for the space to be loaded.
        let done = Box::new(move |result: Result<(), StoreError>| match result {
            Err(StoreError::UnknownSpace) => {
                if let Some(done) = again.erase_again(space, done) {
                    done(Err(StoreError::UnknownSpace));
                }
            }
            result => done(result),
        });
        let eraser = Arc::clone(&self.eraser);
        self.with_space(space, Needs::State, done, move |_, known, done| eraser.erase(&known, reason, done));
    }

    fn erasure(&self, space: SpaceId, done: Completion<Option<Tombstone>>) {
        let now_ms = self.shared.wall_clock.now_ms();
        done(self.shared.readable().map(|()| self.shared.tombstones.get(space, now_ms)));
    }

    fn snapshot_begin(&self, space: SpaceId, manifest: Bytes, done: Completion<SnapshotProgress>) {
        let (thread, snapshots) = (Arc::clone(&self.snapshot_thread), Arc::clone(&self.snapshots));
        // Behind the ack that covers it, which waits while what the space's devices said is read.
        self.with_space(space, Needs::Acks, done, move |_, _, done| {
            thread.submit(Box::new(move |may_run| done(may_run.and_then(|()| snapshots.begin(space, manifest)))));
        });
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
    let state = known.peek();
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

fn keep_ack(shared: &Shared, known: &Space, ack: SignedAck) -> Result<(), StoreError> {
    let now_ms = shared.wall_clock.now_ms();
    let mut state = known.lock();
    let shown = ack.size <= state.shown.size;
    if !shown || !state.ledger.may_claim(ack.log_epoch, ack.size, ack.head) {
        return Err(StoreError::Refused(Refusal::AckInvalid));
    }
    state.touch(ack.device, now_ms);
    let newer = |held: &SignedAck| (ack.log_epoch, ack.size) > (held.log_epoch, held.size);
    if state.acks.get(&ack.device).is_none_or(newer) {
        state.acks.insert(ack.device, ack.clone());
        shared.meta.note_ack(known.id, ack.clone());
    }
    shared.meta.note_seen(known.id, ack.device, now_ms);
    Ok(())
}
