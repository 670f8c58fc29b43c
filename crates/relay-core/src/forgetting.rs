//! When entries may go: a pure decision over what the store knows of a space.
//!
//! An entry goes when (a) every live device acked it and either a snapshot that covers it was opened by a second device or
//! the grace period passed; (b) the space is in queue mode and every live device acked it; (c) retention is over.
//! A device is live while it is in the roster and was heard of within its lease. Whatever is not known counts against
//! forgetting: a member never heard of is live, an ack of an earlier log epoch covers nothing, and when no device is live
//! only (c) applies.

use crate::store::{ForgettingFacts, SnapshotFacts};
use relay_proto::ids::DeviceKey;
use relay_proto::limits::{DEVICE_LEASE_MS, RETENTION_MS};

/// How long an entry that every live device acked is kept for devices to come, in milliseconds (default: 7 days).
pub const GRACE_MS: u64 = 7 * 24 * 3_600_000;

/// The operator's choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgettingPolicy {
    /// How long entries are kept for devices that did not ack them, in milliseconds.
    pub retention_ms: u64,
    /// How long a device counts as live after its last contact, in milliseconds.
    pub device_lease_ms: u64,
    /// How long acked entries are kept without a snapshot, in milliseconds.
    pub grace_ms: u64,
}

impl Default for ForgettingPolicy {
    fn default() -> Self {
        Self { retention_ms: RETENTION_MS, device_lease_ms: DEVICE_LEASE_MS, grace_ms: GRACE_MS }
    }
}

/// What the newest roster says, as far as forgetting is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members<'a> {
    /// The devices of the newest roster.
    pub devices: &'a [DeviceKey],
    /// Whether the space is in queue mode.
    pub queue_mode: bool,
    /// The present log epoch.
    pub log_epoch: u64,
}

/// The outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgettingDecision {
    /// The floor the space should have; never below the present one.
    pub floor: u64,
    /// Half of retention is over for an entry that no snapshot covers: writers are asked for one.
    pub snapshot_due: bool,
}

/// Decides for one space at `now_ms`.
#[must_use]
pub fn decide(facts: &ForgettingFacts, members: &Members<'_>, policy: &ForgettingPolicy, now_ms: u64) -> ForgettingDecision {
    let older_than = |age_ms: u64| seq_older_than(&facts.ages, now_ms.saturating_sub(age_ms));
    let acked = acked_by_all_live(facts, members, policy, now_ms);
    let covered = facts.snapshots.iter().filter(|snapshot| opened_by_second(snapshot)).map(|snapshot| snapshot.size).max();
    let rule_a = acked.min(covered.unwrap_or(0).max(older_than(policy.grace_ms)));
    let rule_b = if members.queue_mode { acked } else { 0 };
    let rule_c = older_than(policy.retention_ms);
    let gone = rule_a.max(rule_b).max(rule_c).min(facts.size);
    let floor = facts.floor.max(gone + 1);
    let snapshot_size = facts.snapshots.iter().map(|snapshot| snapshot.size).max().unwrap_or(0);
    let half_over = older_than(policy.retention_ms / 2);
    ForgettingDecision { floor, snapshot_due: half_over >= floor && half_over > snapshot_size }
}

/// The greatest seq known to have been committed at or before `time_ms`.
fn seq_older_than(ages: &[(u64, u64)], time_ms: u64) -> u64 {
    ages.iter().take_while(|(_, committed_ms)| *committed_ms <= time_ms).map(|(seq, _)| *seq).last().unwrap_or(0)
}

fn opened_by_second(snapshot: &SnapshotFacts) -> bool {
    snapshot.opened_by.iter().any(|device| *device != snapshot.device)
}

/// The size that every live device said it holds; 0 when none is live.
fn acked_by_all_live(facts: &ForgettingFacts, members: &Members<'_>, policy: &ForgettingPolicy, now_ms: u64) -> u64 {
    let lease_start = now_ms.saturating_sub(policy.device_lease_ms);
    members
        .devices
        .iter()
        .filter(|device| last_contact(facts, **device).is_none_or(|contact_ms| contact_ms >= lease_start))
        .map(|device| acked_size(facts, *device, members.log_epoch))
        .min()
        .unwrap_or(0)
}

fn last_contact(facts: &ForgettingFacts, device: DeviceKey) -> Option<u64> {
    facts.contacts.iter().find(|(key, _)| *key == device).map(|(_, contact_ms)| *contact_ms)
}

fn acked_size(facts: &ForgettingFacts, device: DeviceKey, log_epoch: u64) -> u64 {
    facts
        .acks
        .iter()
        .find(|ack| ack.device == device && ack.log_epoch == log_epoch)
        .map_or(0, |ack| ack.size)
}

#[cfg(test)]
mod tests;
