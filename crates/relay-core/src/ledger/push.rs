//! The verdict on a push, and its effect.
//!
//! Invariants: a plan covers its push completely and in order; entries that are new form its last run; applying a plan
//! gives exactly the seqs the plan named.

use super::held::{Held, HeldEntries};
use super::{DeviceRecord, SpaceLedger};
use crate::store::{Push, Refusal};
use relay_proto::attestation::PushLeaf;
use relay_proto::ids::{DeviceKey, EntryId, Hash};
use relay_proto::merkle::entry_leaf;

/// A push with the ids of its entries.
#[derive(Clone, Debug)]
pub struct PreparedPush {
    /// The push.
    pub push: Push,
    /// The entry ids, in order.
    pub ids: Vec<EntryId>,
}

impl PreparedPush {
    /// Hashes the entries.
    #[must_use]
    pub fn new(push: Push) -> Self {
        super::ArrivingPush::new(push).prepared()
    }

    fn numbered(&self) -> impl Iterator<Item = (u64, EntryId)> + '_ {
        (self.push.push_seq_first..).zip(self.ids.iter().copied())
    }
}

/// What will become of a run of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedVerdict {
    /// Stored from this seq on.
    Stored {
        /// seq of the run's first entry.
        seq_first: u64,
    },
    /// Held from this seq on.
    Duplicate {
        /// seq of the run's first entry.
        seq_first: u64,
    },
    /// Held once.
    DuplicateForgotten,
}

/// A run of entries of one push with one verdict and consecutive seqs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedRun {
    /// push_seq of the run's first entry.
    pub push_seq_first: u64,
    /// Number of entries.
    pub count: u16,
    /// The verdict.
    pub verdict: PlannedVerdict,
}

impl PlannedRun {
    /// Whether the next entry continues this run.
    fn continued_by(&self, verdict: PlannedVerdict) -> bool {
        let next = |seq_first: u64| seq_first + u64::from(self.count);
        match (self.verdict, verdict) {
            (PlannedVerdict::Stored { seq_first: a }, PlannedVerdict::Stored { seq_first: b })
            | (PlannedVerdict::Duplicate { seq_first: a }, PlannedVerdict::Duplicate { seq_first: b }) => next(a) == b,
            (PlannedVerdict::DuplicateForgotten, PlannedVerdict::DuplicateForgotten) => true,
            _ => false,
        }
    }
}

/// The verdict on a whole push; valid for the ledger that made it until anything else is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushPlan {
    runs: Vec<PlannedRun>,
    duplicates: usize,
}

impl PushPlan {
    /// The runs, covering the push in order.
    #[must_use]
    pub fn runs(&self) -> &[PlannedRun] {
        &self.runs
    }

    /// How many entries, from the first on, are held already; the others are new.
    #[must_use]
    pub const fn duplicates(&self) -> usize {
        self.duplicates
    }

    fn add(&mut self, push_seq: u64, verdict: PlannedVerdict) {
        match self.runs.last_mut() {
            Some(run) if run.continued_by(verdict) && run.count < u16::MAX => run.count += 1,
            _ => self.runs.push(PlannedRun { push_seq_first: push_seq, count: 1, verdict }),
        }
    }
}

/// What applying a plan added to the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedPush {
    /// seq of the first new entry; 0 when everything was a duplicate.
    pub seq_first: u64,
    /// The leaves of the new entries, in order.
    pub leaves: Vec<Hash>,
    /// The push leaf over the new entries; `None` when everything was a duplicate.
    pub push_leaf: Option<PushLeaf>,
}

impl SpaceLedger {
    /// Judges a push against the ledger without changing it.
    ///
    /// # Errors
    /// The rule the push breaks. Rights are judged first, then order and duplicates, then the key epoch, and that only when there
    /// is something new: a retry of what was stored before a rotation is still answered as the duplicate it is.
    pub fn decide_push(
        &self,
        prepared: &PreparedPush,
        held: &dyn HeldEntries,
        now_ms: u64,
    ) -> Result<PushPlan, Refusal> {
        let push = &prepared.push;
        match self.roster().rights(push.device) {
            None => return Err(Refusal::NotMember),
            Some(rights) if !rights.may_write() => return Err(Refusal::ReadOnly),
            Some(_) => {}
        }
        let record = self.record(push.device);
        let mut plan = PushPlan { runs: Vec::new(), duplicates: 0 };
        let mut next_seq = self.size();
        for (push_seq, id) in prepared.numbered() {
            if push_seq <= record.push_seq_high {
                plan.add(push_seq, self.judge_retry(prepared, push_seq, id, held)?);
                plan.duplicates += 1;
            } else {
                next_seq += 1;
                plan.add(push_seq, PlannedVerdict::Stored { seq_first: next_seq });
            }
        }
        if plan.duplicates < prepared.ids.len() {
            self.judge_new(push, &record, now_ms)?;
        }
        Ok(plan)
    }

    fn judge_new(&self, push: &Push, record: &DeviceRecord, now_ms: u64) -> Result<(), Refusal> {
        if let Some(until_ms) = self.holds.get(&push.device).filter(|until_ms| **until_ms > now_ms) {
            let retry_after_ms = u32::try_from(until_ms - now_ms).unwrap_or(u32::MAX);
            return Err(Refusal::PushesHeld { retry_after_ms });
        }
        let expected = record.push_seq_high + 1;
        if push.push_seq_first > expected && record.log_epoch == self.genesis.log_epoch {
            return Err(Refusal::PushSeqGap { expected });
        }
        match push.key_epoch.cmp(&self.roster().key_epoch()) {
            std::cmp::Ordering::Less => Err(Refusal::KeyEpochOld),
            std::cmp::Ordering::Greater => Err(Refusal::KeyEpochUnknown),
            std::cmp::Ordering::Equal => Ok(()),
        }
    }

    fn judge_retry(
        &self,
        prepared: &PreparedPush,
        push_seq: u64,
        id: EntryId,
        held: &dyn HeldEntries,
    ) -> Result<PlannedVerdict, Refusal> {
        let record = self.record(prepared.push.device);
        let is_newest = push_seq == record.push_seq_high && record.last_entry.is_some();
        if is_newest && record.last_entry != Some(id) {
            return Err(Refusal::PushSeqConflict);
        }
        match held.find(prepared.push.device, push_seq) {
            Held::At { id: other, .. } if other != id => Err(Refusal::PushSeqConflict),
            Held::At { seq, .. } if seq >= self.floor() => Ok(PlannedVerdict::Duplicate { seq_first: seq }),
            Held::At { .. } | Held::Forgotten => Ok(PlannedVerdict::DuplicateForgotten),
            Held::Unknown if is_newest => Ok(PlannedVerdict::DuplicateForgotten),
            // A number below the mark that was skipped stays skipped: storing it now would break the device's order.
            Held::Unknown => Err(Refusal::PushSeqConflict),
        }
    }

    /// Applies a plan of this very state and returns the new leaves.
    pub fn apply_push(&mut self, prepared: &PreparedPush, plan: &PushPlan) -> AppliedPush {
        let push = &prepared.push;
        let Some(fresh) = prepared.ids.get(plan.duplicates..).filter(|ids| !ids.is_empty()) else {
            return AppliedPush::default();
        };
        let push_seq_first = push.push_seq_first + count_u64(plan.duplicates);
        let seq_first = self.size() + 1;
        let leaves: Vec<Hash> = (push_seq_first..)
            .zip(fresh)
            .map(|(push_seq, id)| entry_leaf(&push.device, push_seq, push.key_epoch, id))
            .collect();
        self.extend(leaves.iter().copied());
        if let Some(last) = fresh.last() {
            self.note(push.device, push_seq_first + count_u64(fresh.len()) - 1, *last);
        }
        let leaf = PushLeaf::of(push.device, push_seq_first, seq_first, fresh);
        AppliedPush { seq_first, leaves, push_leaf: Some(leaf) }
    }

    /// Appends one entry without judging it, as recovery does with what the log holds; returns its leaf. Of a device that the
    /// roster does not name nothing is remembered, as when a roster drops it: the log of another relay may hold any number.
    pub fn append(&mut self, device: DeviceKey, push_seq: u64, key_epoch: u32, id: EntryId) -> Hash {
        let leaf = entry_leaf(&device, push_seq, key_epoch, &id);
        self.extend([leaf]);
        if self.roster().names(device) {
            self.note(device, push_seq, id);
        }
        leaf
    }

    fn note(&mut self, device: DeviceKey, push_seq: u64, id: EntryId) {
        let log_epoch = self.genesis.log_epoch;
        self.marks.insert(device, DeviceRecord { push_seq_high: push_seq, log_epoch, last_entry: Some(id) });
    }
}

/// A length as `u64`; lengths in memory always fit.
fn count_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
