//! Reads.

use super::space::MemorySpace;
use super::{Health, Inner, MemoryStore};
use crate::store::{ForgettingFacts, Page, ReadOutcome, SpaceUsage, StoreError};
use bytes::Bytes;
use relay_proto::ids::{Hash, SpaceId};

/// How long an attestation of an unchanged head may be shown again, in milliseconds.
const ATTESTATION_REUSE_MS: u64 = 1000;

impl MemorySpace {
    pub(super) fn read(&self, after: u64, entries_max: u32, bytes_max: u32) -> Result<ReadOutcome, StoreError> {
        let (size, floor) = (self.ledger.size(), self.ledger.floor());
        if after > size {
            return Ok(ReadOutcome::Ahead);
        }
        if after + 1 < floor {
            return Ok(ReadOutcome::BelowFloor { attestation: self.attestation.clone() });
        }
        let skip = usize::try_from(after + 1 - floor).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        let mut bytes = 0_u64;
        let held = (after + 1..).zip(self.entries.iter().skip(skip));
        for (seq, entry) in held.take(usize::try_from(entries_max).unwrap_or(usize::MAX)) {
            if self.damaged_seq == Some(seq) {
                if entries.is_empty() {
                    return Err(StoreError::Damaged { place: format!("seq {seq}") });
                }
                break;
            }
            bytes += u64::try_from(entry.sealed.len()).unwrap_or(u64::MAX);
            if !entries.is_empty() && bytes > u64::from(bytes_max) {
                break;
            }
            entries.push(entry.clone());
        }
        let read = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        Ok(ReadOutcome::Page(Page {
            first_seq: after + 1,
            more: after + read < size,
            entries,
            attestation: self.attestation.clone(),
        }))
    }

    pub(super) fn leaves(&self, first_seq: u64, count: u32) -> Vec<Hash> {
        let Some(first) = first_seq.checked_sub(1).and_then(|first| usize::try_from(first).ok()) else {
            return Vec::new();
        };
        self.leaves.iter().skip(first).take(usize::try_from(count).unwrap_or(usize::MAX)).copied().collect()
    }

    pub(super) fn usage(&self) -> SpaceUsage {
        let bytes = self.entries.iter().map(|entry| u64::try_from(entry.sealed.len()).unwrap_or(u64::MAX)).sum();
        SpaceUsage { size: self.ledger.size(), entries: self.ledger.size() + 1 - self.ledger.floor(), bytes }
    }

    pub(super) fn forgetting_facts(&self) -> ForgettingFacts {
        ForgettingFacts {
            roster: self.ledger.roster().chain().last().cloned().unwrap_or_default(),
            size: self.ledger.size(),
            floor: self.ledger.floor(),
            acks: self.acks.values().cloned().collect(),
            contacts: self.contacts.iter().map(|(device, contact_ms)| (*device, *contact_ms)).collect(),
            snapshots: self.snapshots.facts(),
            ages: self.ages.iter().copied().collect(),
        }
    }
}

impl MemoryStore {
    pub(super) fn attest_now(&self, inner: &mut Inner, space: SpaceId) -> Result<Bytes, StoreError> {
        let time_ms = inner.clock.now(self.now_ms());
        let is_poisoned = inner.health == Health::Poisoned;
        let space = inner.known_mut(space)?;
        if is_poisoned {
            return Err(StoreError::Poisoned);
        }
        if time_ms.saturating_sub(space.attested_ms) >= ATTESTATION_REUSE_MS {
            self.attest_space(space, time_ms, &[]);
        }
        Ok(space.attestation.clone())
    }
}
