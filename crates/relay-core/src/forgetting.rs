//! When entries may go: a pure decision over what the store knows of a space.
//!
//! An entry goes when (a) every live device acked it and either a snapshot that covers it was opened by a second device or
//! the grace period passed; (b) the space is in queue mode and every live device acked it; (c) retention is over.
//! A device is live while it is in the roster and was heard of within its lease. Whatever is not known counts against
//! forgetting: a member never heard of is live, an ack of another log epoch covers nothing, neither does a snapshot whose
//! author left or may not write, and when no device is live only (c) applies.

use crate::store::{ForgettingFacts, SnapshotFacts};
use relay_proto::ids::DeviceKey;
use relay_proto::limits::{DEVICE_LEASE_MS, RETENTION_MS, SPACE_LEASE_MS};
use relay_proto::roster::StatementFields;

/// How long an entry that every live device acked is kept for devices to come, in milliseconds (default: 7 days).
pub const GRACE_MS: u64 = 7 * 24 * 3_600_000;

/// The operator's choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgettingPolicy {
    /// How long entries are kept for devices that did not ack them, in milliseconds.
    pub retention_ms: u64,
    /// How long a device counts as live after its last contact, in milliseconds.
    pub device_lease_ms: u64,
    /// How long a space is kept after the last contact of any device, in milliseconds; never shorter than the retention.
    pub space_lease_ms: u64,
    /// How long acked entries are kept without a snapshot, in milliseconds.
    pub grace_ms: u64,
}

impl Default for ForgettingPolicy {
    fn default() -> Self {
        Self {
            retention_ms: RETENTION_MS,
            device_lease_ms: DEVICE_LEASE_MS,
            space_lease_ms: SPACE_LEASE_MS,
            grace_ms: GRACE_MS,
        }
    }
}

/// The outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgettingDecision {
    /// The floor the space should have; never below the present one.
    pub floor: u64,
    /// Half of retention is over for an entry that no snapshot covers, or the author of the newest one left: writers are
    /// asked for one.
    pub snapshot_due: bool,
    /// No device was heard of for so long that the whole space goes, snapshots and blobs included.
    pub expired: bool,
    /// When passing time alone may change this, Unix ms.
    pub next_ms: u64,
}

/// What is decided about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What the store knows.
    pub facts: &'a ForgettingFacts,
    /// The newest roster statement.
    pub roster: &'a StatementFields,
    /// The present log epoch.
    pub log_epoch: u64,
}

/// Decides for one space at `now_ms`.
#[must_use]
pub fn decide(subject: &Subject<'_>, policy: &ForgettingPolicy, now_ms: u64) -> ForgettingDecision {
    let facts = subject.facts;
    let older_than = |age_ms: u64| seq_older_than(&facts.ages, now_ms.saturating_sub(age_ms));
    let acked = subject.acked_by_all_live(now_ms.saturating_sub(policy.device_lease_ms));
    let good: Vec<&SnapshotFacts> = facts.snapshots.iter().filter(|snapshot| subject.counts(snapshot)).collect();
    let size_of = |snapshot: &&SnapshotFacts| snapshot.size;
    let covered = good.iter().filter(|snapshot| opened_by_second(snapshot)).map(size_of).max().unwrap_or(0);
    let rule_a = acked.min(covered.max(older_than(policy.grace_ms)));
    let rule_b = if subject.roster.queue_mode { acked } else { 0 };
    let rule_c = older_than(policy.retention_ms);
    let gone = rule_a.max(rule_b).max(rule_c).min(facts.size);
    let floor = facts.floor.max(gone + 1);
    let half_over = older_than(policy.retention_ms / 2);
    let uncovered = half_over >= floor && half_over > good.iter().map(size_of).max().unwrap_or(0);
    let orphaned = facts.snapshots.first().is_some_and(|newest| !subject.counts(newest));
    let expiry_ms = last_sign_of_life(facts)
        .map(|last_ms| last_ms.saturating_add(policy.space_lease_ms.max(policy.retention_ms)).saturating_add(1));
    let expired = expiry_ms.is_some_and(|expiry_ms| expiry_ms <= now_ms);
    let next_ms = next_change(facts, policy, now_ms).min(expiry_ms.filter(|_| !expired).unwrap_or(u64::MAX));
    ForgettingDecision { floor, snapshot_due: uncovered || orphaned, expired, next_ms }
}

/// Up to which size a device may purge now: every other live device that acked anything of this log epoch acked as much. One
/// that is shown a floor above its own ack would have to take that for a lie, unless its lease is over.
#[must_use]
pub fn purgeable(subject: &Subject<'_>, by: DeviceKey, policy: &ForgettingPolicy, now_ms: u64) -> u64 {
    let lease_start_ms = now_ms.saturating_sub(policy.device_lease_ms);
    let others = subject.live(lease_start_ms).filter(|device| *device != by);
    others.map(|device| subject.acked_by(device)).filter(|acked| *acked > 0).min().unwrap_or(u64::MAX)
}

/// The newest contact, commit or snapshot; `None` when no contact is known: then nobody can say how long ago it was.
fn last_sign_of_life(facts: &ForgettingFacts) -> Option<u64> {
    let contact_ms = facts.contacts.iter().map(|(_, contact_ms)| *contact_ms).max()?;
    let committed_ms = facts.ages.last().map_or(0, |(_, committed_ms)| *committed_ms);
    let stored_ms = facts.snapshots.iter().map(|snapshot| snapshot.stored_at_ms).max().unwrap_or(0);
    Some(contact_ms.max(committed_ms).max(stored_ms))
}

/// The next time at which an entry gets old enough for something, or a device is not live any more.
fn next_change(facts: &ForgettingFacts, policy: &ForgettingPolicy, now_ms: u64) -> u64 {
    let ages = [policy.grace_ms, policy.retention_ms / 2, policy.retention_ms];
    let entries =
        facts.ages.iter().flat_map(|(_, committed_ms)| ages.map(|age_ms| committed_ms.saturating_add(age_ms)));
    let leases = facts.contacts.iter().map(|(_, contact_ms)| contact_ms.saturating_add(policy.device_lease_ms + 1));
    entries.chain(leases).filter(|time_ms| *time_ms > now_ms).min().unwrap_or(u64::MAX)
}

/// The greatest seq known to have been committed at or before `time_ms`.
fn seq_older_than(ages: &[(u64, u64)], time_ms: u64) -> u64 {
    ages.iter().take_while(|(_, committed_ms)| *committed_ms <= time_ms).map(|(seq, _)| *seq).last().unwrap_or(0)
}

fn opened_by_second(snapshot: &SnapshotFacts) -> bool {
    snapshot.opened_by.iter().any(|device| *device != snapshot.device)
}

impl Subject<'_> {
    /// Whether a snapshot counts: its author is in the roster and may write.
    fn counts(&self, snapshot: &SnapshotFacts) -> bool {
        self.roster.device(&snapshot.device).is_some_and(|author| author.rights.may_write())
    }

    /// The size that every live device said it holds; 0 when none is live.
    fn acked_by_all_live(&self, lease_start_ms: u64) -> u64 {
        self.live(lease_start_ms).map(|device| self.acked_by(device)).min().unwrap_or(0)
    }

    /// Devices of the roster whose lease is not over; one never heard of is among them.
    fn live(&self, lease_start_ms: u64) -> impl Iterator<Item = DeviceKey> + '_ {
        self.roster.devices.iter().map(|device| device.key).filter(move |device| {
            let contact = self.facts.contacts.iter().find(|(key, _)| key == device);
            contact.is_none_or(|(_, contact_ms)| *contact_ms >= lease_start_ms)
        })
    }

    fn acked_by(&self, device: DeviceKey) -> u64 {
        let counts = |ack: &&crate::store::SignedAck| ack.device == device && ack.log_epoch == self.log_epoch;
        self.facts.acks.iter().find(counts).map_or(0, |ack| ack.size)
    }
}

#[cfg(test)]
mod tests;
