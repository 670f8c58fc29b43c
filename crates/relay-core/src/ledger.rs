//! The authoritative state of one space's log: fold, floor, roster, and each device's mark. Pure; both stores embed it.
//!
//! A store decides (`decide_*`, no effect), writes, and applies (`apply_*`, infallible), or applies first to a clone that it
//! throws away when the write fails: cloning is cheap, the roster is shared.
//!
//! Invariants:
//! 1. `size` only grows within a log epoch, `floor` never falls, and `1 ≤ floor ≤ size + 1`.
//! 2. The fold has one leaf per entry after `base_size`, in seq order, behind the genesis leaf.
//! 3. A device's mark never falls, not even when the log is reset.

mod arriving;
mod heads;
mod held;
mod push;
mod roster;
mod state;

pub use arriving::ArrivingPush;
pub use held::{Held, HeldEntries};
pub use push::{AppliedPush, PlannedRun, PlannedVerdict, PreparedPush, PushPlan};
pub use roster::{REMOVAL_HOLD_MS, RosterPlan, RosterState};
pub use state::{LedgerState, RestoreError};

use crate::commit::sign_log_reset;
use crate::environment::LogSigner;
use crate::flat_map::FlatMap;
use crate::store::{DeviceMark, SpaceFacts};
use heads::RecentHeads;
use relay_proto::attestation::HeadClaim;
use relay_proto::ids::{DeviceKey, EntryId, Hash, Signature, SpaceId};
use relay_proto::log_reset::LogReset;
use relay_proto::merkle::{Genesis, LogFold};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the log remembers of one device for as long as the space exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DeviceRecord {
    /// Highest push_seq held in any log epoch (0: none).
    pub push_seq_high: u64,
    /// The log epoch in which it was pushed.
    pub log_epoch: u64,
    /// Entry id of `push_seq_high`, when known.
    pub last_entry: Option<EntryId>,
}

/// The state of one space's log. See the module's invariants.
#[derive(Clone, Debug)]
pub struct SpaceLedger {
    genesis: Genesis,
    fold: LogFold,
    floor: u64,
    roster: Arc<RosterState>,
    marks: FlatMap<DeviceKey, DeviceRecord>,
    /// Devices whose pushes wait until the time given, so that an admin can remove them; not durable.
    holds: FlatMap<DeviceKey, u64>,
    heads: RecentHeads,
}

impl SpaceLedger {
    /// A log without entries, for a roster that was accepted by [`RosterState::found`] or restored from disk.
    #[must_use]
    pub fn new(genesis: Genesis, roster: Arc<RosterState>) -> Self {
        Self {
            genesis,
            fold: LogFold::new(&genesis),
            floor: genesis.base_size + 1,
            roster,
            marks: FlatMap::default(),
            holds: FlatMap::default(),
            heads: RecentHeads::default(),
        }
    }

    /// A log without entries for a new space. In a log epoch after the first it begins with a reset of the empty log, to be
    /// stored with the roster: a device starts in the first log epoch, and is shown the way from there.
    #[must_use]
    pub fn found(
        space: SpaceId,
        roster: Arc<RosterState>,
        log_epoch: u64,
        time_ms: u64,
        signer: &dyn LogSigner,
    ) -> (Self, Option<LogReset>) {
        let mut ledger = Self::new(Genesis::first(space, signer.log_id()), roster);
        let later = log_epoch > ledger.genesis.log_epoch;
        let reset = later.then(|| ledger.begin_epoch(log_epoch, time_ms, signer));
        (ledger, reset)
    }

    /// The space.
    #[must_use]
    pub const fn space(&self) -> SpaceId {
        self.genesis.space
    }

    /// Where the present log epoch started.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// seq of the newest entry (0: none).
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.fold.size()
    }

    /// Merkle root at `size`.
    #[must_use]
    pub fn head(&self) -> Hash {
        self.fold.head()
    }

    /// Lowest seq still held.
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// The fold, for its compact range.
    #[must_use]
    pub const fn fold(&self) -> &LogFold {
        &self.fold
    }

    /// The roster.
    #[must_use]
    pub fn roster(&self) -> &RosterState {
        &self.roster
    }

    /// The roster, to be kept.
    #[must_use]
    pub fn shared_roster(&self) -> Arc<RosterState> {
        Arc::clone(&self.roster)
    }

    /// Whether pushes of a device wait because it is being removed, which only memory knows.
    #[must_use]
    pub fn is_holding(&self, now_ms: u64) -> bool {
        self.holds.values().any(|until_ms| *until_ms > now_ms)
    }

    /// Whether a device's word about this log can be true: of this log epoch, not above the size, and not another head where
    /// the head is known (the newest sizes attested).
    #[must_use]
    pub fn may_claim(&self, log_epoch: u64, size: u64, head: Hash) -> bool {
        let known = if size == self.size() { Some(self.head()) } else { self.heads.at(size) };
        log_epoch == self.genesis.log_epoch && size <= self.size() && known.is_none_or(|known| known == head)
    }

    /// The newest heads that were attested, at most `count`, by ascending size.
    pub fn attested_heads(&self, count: usize) -> impl Iterator<Item = (u64, Hash)> + '_ {
        self.heads.newest(count)
    }

    /// Remembers heads that were attested while the ledger was in memory before, by ascending size.
    pub fn remember_heads(&mut self, heads: impl IntoIterator<Item = (u64, Hash)>) {
        heads.into_iter().for_each(|(size, head)| self.heads.note(size, head));
    }

    /// States this log as it is now and remembers the head as one that was attested; the head is hashed once.
    pub(crate) fn attested_claim(&mut self, time_ms: u64, pushes: Hash) -> HeadClaim {
        let claim = self.claim(time_ms, pushes);
        self.heads.note(claim.size, claim.head);
        claim
    }

    /// The devices of which something is remembered, ascending.
    pub fn devices(&self) -> impl Iterator<Item = DeviceKey> + '_ {
        self.marks.iter().map(|(device, _)| *device)
    }

    /// What is remembered of a device; the default for one never seen.
    #[must_use]
    pub fn record(&self, device: DeviceKey) -> DeviceRecord {
        self.marks.get(&device).copied().unwrap_or_default()
    }

    /// A device's mark as the store's contract shows it.
    #[must_use]
    pub fn mark(&self, device: DeviceKey) -> DeviceMark {
        let record = self.record(device);
        DeviceMark {
            push_seq_high: record.push_seq_high,
            bound: record.log_epoch == self.genesis.log_epoch,
            last_entry: record.last_entry,
        }
    }

    /// The facts as the store's contract shows them.
    #[must_use]
    pub fn facts(&self) -> SpaceFacts {
        self.roster.facts(self.size(), self.floor)
    }

    /// What an attestation states about this log; `time_ms` comes from a [`crate::commit::LogClock`].
    #[must_use]
    pub fn claim(&self, time_ms: u64, pushes: Hash) -> HeadClaim {
        HeadClaim {
            log_epoch: self.genesis.log_epoch,
            size: self.size(),
            head: self.head(),
            floor: self.floor,
            time_ms,
            pushes,
        }
    }

    /// Raises the floor, at most to `size + 1`; returns whether it moved.
    pub fn raise_floor(&mut self, floor: u64) -> bool {
        let floor = floor.min(self.size() + 1);
        let moved = floor > self.floor;
        self.floor = self.floor.max(floor);
        moved
    }

    /// Opens a new log epoch on what is held now, and signs the statement that says so.
    #[must_use]
    pub fn begin_epoch(&mut self, log_epoch: u64, time_ms: u64, signer: &dyn LogSigner) -> LogReset {
        let reset = LogReset {
            space: self.space(),
            log_id: self.genesis.log_id,
            old_epoch: self.genesis.log_epoch,
            base_size: self.size(),
            base_head: self.head(),
            new_epoch: log_epoch,
            time_ms,
            signature: Signature::ZERO,
        };
        self.reset(log_epoch);
        sign_log_reset(reset, signer)
    }

    /// Follows a log reset: a new log epoch on what is held now. Marks stay, so that retries are recognised, and are no longer bound.
    pub fn reset(&mut self, log_epoch: u64) {
        self.genesis = Genesis { log_epoch, base_size: self.size(), base_head: self.head(), ..self.genesis };
        self.fold = LogFold::new(&self.genesis);
        self.heads = RecentHeads::default();
    }

    /// Takes the log back to `leaves` (those after `base_size`) and the marks to what `marks` says, as the restored backup
    /// shows them. Only a store that was restored may do this, and it resets the log right after.
    pub(crate) fn rebuild(&mut self, leaves: Vec<Hash>, floor: u64, marks: BTreeMap<DeviceKey, (u64, EntryId)>) {
        self.fold = LogFold::new(&self.genesis);
        self.fold.extend(leaves);
        self.floor = floor.min(self.size() + 1);
        let log_epoch = self.genesis.log_epoch;
        let record =
            |(device, (push_seq_high, id))| (device, DeviceRecord { push_seq_high, log_epoch, last_entry: Some(id) });
        self.marks = marks.into_iter().map(record).collect();
    }

    fn extend(&mut self, leaves: impl IntoIterator<Item = Hash>) {
        self.fold.extend(leaves);
    }
}

#[cfg(test)]
mod tests;
