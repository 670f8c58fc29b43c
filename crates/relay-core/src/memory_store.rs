//! The reference store: everything in memory, every call committed inside the call. For tests, the simulator and the
//! testing kit; it keeps what a durable store keeps, and so grows with its log.
//!
//! Results go out in the order in which the calls took effect, one at a time, never with the lock held: completions and the
//! listener may therefore call the store again.

mod delivery;
mod erasure;
mod faults;
mod log;
mod reads;
mod rosters;
mod snapshots;
mod space;

use crate::commit::{GroupAttestor, LogClock};
use crate::environment::{Entropy, LogSigner, WallClock};
use crate::erasure::{PurgePoint, Tombstone};
use crate::store::{
    CommitListener, Completion, DeviceMark, ForgettingFacts, LogState, Push, Pushed, ReadOutcome, SignedAck,
    SnapshotProgress, SpaceFacts, SpaceUsage, Store, StoreError, StoreStats,
};
use bytes::Bytes;
use delivery::Deliveries;
use relay_proto::attestation::PushLeaf;
use relay_proto::erasure::ErasureReason;
use relay_proto::ids::{DeviceKey, Hash, SnapshotId, SpaceId};
use space::MemorySpace;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most spaces a memory store holds.
pub const SPACES_MAX: usize = 100_000;

/// What a memory store is given.
#[derive(Clone)]
pub struct MemoryStoreParts {
    /// Signs heads.
    pub signer: Arc<dyn LogSigner>,
    /// Salts.
    pub entropy: Arc<dyn Entropy>,
    /// Times.
    pub wall_clock: Arc<dyn WallClock>,
}

/// The store. See the module.
pub struct MemoryStore {
    parts: MemoryStoreParts,
    inner: Mutex<Inner>,
}

struct Inner {
    log_epoch: u64,
    clock: LogClock,
    spaces: BTreeMap<SpaceId, MemorySpace>,
    tombstones: BTreeMap<SpaceId, Tombstone>,
    health: Health,
    listener: Option<Arc<dyn CommitListener>>,
    deliveries: Deliveries,
    stats: StoreStats,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    DiskFull,
    Poisoned,
    Closed,
}

impl Inner {
    /// Whether a durable call may go on.
    fn writable(&self) -> Result<(), StoreError> {
        match self.health {
            Health::Good => Ok(()),
            Health::DiskFull => Err(StoreError::DiskFull),
            Health::Poisoned => Err(StoreError::Poisoned),
            Health::Closed => Err(StoreError::Closed),
        }
    }

    fn readable(&self) -> Result<(), StoreError> {
        if self.health == Health::Closed { Err(StoreError::Closed) } else { Ok(()) }
    }

    fn known(&self, space: SpaceId) -> Result<&MemorySpace, StoreError> {
        self.readable()?;
        self.spaces.get(&space).ok_or(StoreError::UnknownSpace)
    }

    fn known_mut(&mut self, space: SpaceId) -> Result<&mut MemorySpace, StoreError> {
        self.readable()?;
        self.spaces.get_mut(&space).ok_or(StoreError::UnknownSpace)
    }
}

impl MemoryStore {
    /// An empty store in its first log epoch.
    #[must_use]
    pub fn new(parts: MemoryStoreParts) -> Self {
        let inner = Inner {
            log_epoch: 1,
            clock: LogClock::default(),
            spaces: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            health: Health::Good,
            listener: None,
            deliveries: Deliveries::default(),
            stats: StoreStats::default(),
        };
        Self { parts, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one call and hands its result to the completion, behind those of earlier calls.
    fn answer<T: Send + 'static>(&self, done: Completion<T>, call: impl FnOnce(&mut Inner) -> Result<T, StoreError>) {
        {
            let mut inner = self.lock();
            let result = call(&mut inner);
            inner.deliveries.add(Box::new(move || done(result)));
        }
        self.deliver();
    }

    fn now_ms(&self) -> u64 {
        self.parts.wall_clock.now_ms()
    }

    /// Signs a new attestation of a space and makes it the one that reads show; returns the attestation and the proofs.
    fn attest_space(
        &self,
        space: &mut MemorySpace,
        time_ms: u64,
        pushes: &[PushLeaf],
    ) -> Option<crate::commit::CommittedGroup> {
        let mut attestor = GroupAttestor::new(time_ms);
        let slot = attestor.add(&mut space.ledger, pushes);
        let unsigned = attestor.close(&self.parts.signer.log_id(), &*self.parts.entropy)?;
        let group = unsigned.sign(&*self.parts.signer);
        space.attestation = group.attestation(slot);
        space.attested_ms = time_ms;
        Some(group)
    }
}

impl Store for MemoryStore {
    fn log(&self) -> LogState {
        LogState { log_id: self.parts.signer.log_id(), log_epoch: self.lock().log_epoch }
    }

    fn listen(&self, listener: Arc<dyn CommitListener>) {
        self.lock().listener = Some(listener);
    }

    fn space(&self, space: SpaceId, done: Completion<Option<SpaceFacts>>) {
        self.answer(done, |inner| {
            inner.readable()?;
            Ok(inner.spaces.get(&space).map(|space| space.ledger.facts()))
        });
    }

    fn device_mark(&self, space: SpaceId, device: DeviceKey, done: Completion<DeviceMark>) {
        self.answer(done, |inner| Ok(inner.known(space)?.ledger.mark(device)));
    }

    fn put_roster(&self, space: SpaceId, chain: Vec<Bytes>, keyring: Bytes, done: Completion<SpaceFacts>) {
        self.put_roster_now(space, &chain, &keyring, done);
    }

    fn push(&self, push: Push, done: Completion<Pushed>) {
        self.push_now(push, done);
    }

    fn read(&self, space: SpaceId, after: u64, entries_max: u32, bytes_max: u32, done: Completion<ReadOutcome>) {
        self.answer(done, |inner| inner.known(space)?.read(after, entries_max, bytes_max));
    }

    fn leaves(&self, space: SpaceId, first_seq: u64, count: u32, done: Completion<Vec<Hash>>) {
        self.answer(done, |inner| Ok(inner.known(space)?.leaves(first_seq, count)));
    }

    fn usage(&self, space: SpaceId, done: Completion<SpaceUsage>) {
        self.answer(done, |inner| Ok(inner.known(space)?.usage()));
    }

    fn attest(&self, space: SpaceId, done: Completion<Bytes>) {
        self.answer(done, |inner| self.attest_now(inner, space));
    }

    fn log_resets(&self, space: SpaceId, from: u64, done: Completion<Vec<Bytes>>) {
        self.answer(done, |inner| Ok(inner.known(space)?.log_resets(from)));
    }

    fn put_ack(&self, space: SpaceId, ack: SignedAck, done: Completion<()>) {
        let now_ms = self.now_ms();
        self.answer(done, |inner| inner.known_mut(space)?.put_ack(ack, now_ms));
    }

    fn acks(&self, space: SpaceId, done: Completion<Vec<SignedAck>>) {
        self.answer(done, |inner| Ok(inner.known(space)?.acks.values().cloned().collect()));
    }

    fn touch(&self, space: SpaceId, device: DeviceKey, now_ms: u64) {
        if let Ok(space) = self.lock().known_mut(space) {
            space.touch(device, now_ms);
        }
    }

    fn forgetting_facts(&self, space: SpaceId, done: Completion<ForgettingFacts>) {
        self.answer(done, |inner| Ok(inner.known(space)?.forgetting_facts()));
    }

    fn spaces(&self, after: Option<SpaceId>, count: u32, done: Completion<Vec<SpaceId>>) {
        self.answer(done, |inner| {
            inner.readable()?;
            let known = inner.spaces.keys().copied().filter(|id| after.is_none_or(|after| *id > after));
            Ok(known.take(usize::try_from(count).unwrap_or(usize::MAX)).collect())
        });
    }

    fn trim(&self, space: SpaceId, floor: u64, done: Completion<()>) {
        let now_ms = self.now_ms();
        self.answer(done, |inner| {
            inner.writable()?;
            let time_ms = inner.clock.now(now_ms);
            let space = inner.known_mut(space)?;
            if space.trim(floor) {
                self.attest_space(space, time_ms, &[]);
            }
            Ok(())
        });
    }

    fn purge(&self, space: SpaceId, point: PurgePoint, done: Completion<()>) {
        self.purge_now(space, point, done);
    }

    fn erase(&self, space: SpaceId, reason: ErasureReason, done: Completion<()>) {
        self.erase_now(space, reason, done);
    }

    fn erasure(&self, space: SpaceId, done: Completion<Option<Tombstone>>) {
        let now_ms = self.now_ms();
        self.answer(done, |inner| {
            inner.readable()?;
            Ok(inner.tombstone(space, now_ms))
        });
    }

    fn snapshot_begin(&self, space: SpaceId, manifest: Bytes, done: Completion<SnapshotProgress>) {
        let now_ms = self.now_ms();
        self.answer(done, |inner| {
            inner.writable()?;
            inner.known_mut(space)?.snapshot_begin(manifest, now_ms)
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
        let now_ms = self.now_ms();
        self.answer(done, |inner| {
            inner.writable()?;
            inner.known_mut(space)?.snapshots.chunk(snapshot, index, chunk, now_ms)
        });
    }

    fn snapshot_manifest(&self, space: SpaceId, snapshot: Option<SnapshotId>, done: Completion<Option<Bytes>>) {
        self.answer(done, |inner| Ok(inner.known(space)?.snapshots.manifest(snapshot)));
    }

    fn snapshot_read(&self, space: SpaceId, snapshot: SnapshotId, index: u32, done: Completion<Bytes>) {
        self.answer(done, |inner| inner.known(space)?.snapshots.read(snapshot, index));
    }

    fn snapshot_opened(&self, space: SpaceId, snapshot: SnapshotId, device: DeviceKey, done: Completion<()>) {
        self.answer(done, |inner| inner.known_mut(space)?.snapshots.opened(snapshot, device));
    }

    fn stats(&self) -> StoreStats {
        let inner = self.lock();
        StoreStats {
            spaces: u64::try_from(inner.spaces.len()).unwrap_or(u64::MAX),
            poisoned: u64::from(inner.health == Health::Poisoned),
            ..inner.stats
        }
    }

    fn close(&self) {
        self.lock().health = Health::Closed;
    }
}

#[cfg(test)]
mod tests;
