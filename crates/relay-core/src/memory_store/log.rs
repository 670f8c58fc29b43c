//! Pushes.

use super::{Inner, MemoryStore};
use crate::commit::CommittedGroup;
use crate::ledger::{PlannedRun, PlannedVerdict, PreparedPush};
use crate::store::{Completion, Push, Pushed, ReceiptRun, SpaceCommit, StoreError, StoredEntry, Verdict};

impl MemoryStore {
    pub(super) fn push_now(&self, push: Push, done: Completion<Pushed>) {
        let prepared = PreparedPush::new(push);
        let now_ms = self.now_ms();
        {
            let mut inner = self.lock();
            let result = self.commit(&mut inner, &prepared, now_ms);
            let listener = inner.listener.clone();
            inner.deliveries.add(Box::new(move || {
                let (pushed, commit) = match result {
                    Ok((pushed, commit)) => (Ok(pushed), commit),
                    Err(error) => (Err(error), None),
                };
                done(pushed);
                if let (Some(listener), Some(commit)) = (listener, commit) {
                    listener.committed(commit);
                }
            }));
        }
        self.deliver();
    }

    fn commit(
        &self,
        inner: &mut Inner,
        prepared: &PreparedPush,
        now_ms: u64,
    ) -> Result<(Pushed, Option<SpaceCommit>), StoreError> {
        inner.writable()?;
        let time_ms = inner.clock.now(now_ms);
        let space = inner.known_mut(prepared.push.space)?;
        let plan = space.ledger.decide_push(prepared, space, now_ms).map_err(StoreError::Refused)?;
        let applied = space.ledger.apply_push(prepared, &plan);
        let Some(leaf) = applied.push_leaf else {
            let pushed = Pushed { runs: runs(plan.runs(), None), attestation: space.attestation.clone() };
            inner.stats.duplicates += 1;
            return Ok((pushed, None));
        };
        let entries = stored_entries(prepared, plan.duplicates());
        space.keep(applied.seq_first, &entries, applied.leaves, time_ms);
        let group = self.attest_space(space, time_ms, &[leaf]).ok_or(StoreError::Overloaded)?;
        let attestation = group.attestation(0);
        let commit = SpaceCommit {
            space: prepared.push.space,
            first_seq: applied.seq_first,
            entries,
            attestation: attestation.clone(),
        };
        inner.count(&commit);
        Ok((Pushed { runs: runs(plan.runs(), Some(&group)), attestation }, Some(commit)))
    }
}

impl Inner {
    fn count(&mut self, commit: &SpaceCommit) {
        let bytes: usize = commit.entries.iter().map(|entry| entry.sealed.len()).sum();
        self.stats.commits += 1;
        self.stats.entries += u64::try_from(commit.entries.len()).unwrap_or(u64::MAX);
        self.stats.entry_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }
}

fn stored_entries(prepared: &PreparedPush, skip: usize) -> Vec<StoredEntry> {
    let push = &prepared.push;
    (push.push_seq_first..)
        .zip(push.entries.iter().zip(&prepared.ids))
        .skip(skip)
        .map(|(push_seq, (sealed, id))| StoredEntry {
            device: push.device,
            push_seq,
            key_epoch: push.key_epoch,
            id: *id,
            sealed: sealed.clone(),
        })
        .collect()
}

fn runs(planned: &[PlannedRun], group: Option<&CommittedGroup>) -> Vec<ReceiptRun> {
    planned
        .iter()
        .filter_map(|run| {
            let verdict = match run.verdict {
                PlannedVerdict::Duplicate { seq_first } => Verdict::Duplicate { seq_first },
                PlannedVerdict::DuplicateForgotten => Verdict::DuplicateForgotten,
                PlannedVerdict::Stored { seq_first } => {
                    let proof = group?.proof(0, 0)?;
                    Verdict::Stored { seq_first, index: proof.index, leaves: proof.leaves, path: proof.path }
                }
            };
            Some(ReceiptRun { push_seq_first: run.push_seq_first, count: run.count, verdict })
        })
        .collect()
}
