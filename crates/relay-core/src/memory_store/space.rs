//! One space in memory.

use super::snapshots::Snapshots;
use crate::ledger::{Held, HeldEntries, SpaceLedger};
use crate::store::{Refusal, SignedAck, SnapshotProgress, StoreError, StoredEntry};
use bytes::Bytes;
use relay_proto::ids::{DeviceKey, EntryId, Hash};
use relay_proto::snapshot::Manifest;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Commit times are kept at this resolution, in milliseconds.
const AGE_MARK_MS: u64 = 3_600_000;

pub(super) struct MemorySpace {
    pub(super) ledger: SpaceLedger,
    /// Entries from the floor on.
    pub(super) entries: VecDeque<StoredEntry>,
    /// Leaves from the first log epoch's seq 1 on.
    pub(super) leaves: Vec<Hash>,
    pub(super) index: HashMap<(DeviceKey, u64), (u64, EntryId)>,
    pub(super) attestation: Bytes,
    pub(super) attested_ms: u64,
    pub(super) acks: BTreeMap<DeviceKey, SignedAck>,
    pub(super) contacts: BTreeMap<DeviceKey, u64>,
    pub(super) ages: VecDeque<(u64, u64)>,
    pub(super) resets: Vec<(u64, Bytes)>,
    pub(super) snapshots: Snapshots,
    /// A test's fault: the entry that cannot be read.
    pub(super) damaged_seq: Option<u64>,
}

impl HeldEntries for MemorySpace {
    fn find(&self, device: DeviceKey, push_seq: u64) -> Held {
        self.index.get(&(device, push_seq)).map_or(Held::Unknown, |(seq, id)| Held::At { seq: *seq, id: *id })
    }
}

impl MemorySpace {
    pub(super) fn new(ledger: SpaceLedger) -> Self {
        Self {
            ledger,
            entries: VecDeque::new(),
            leaves: Vec::new(),
            index: HashMap::new(),
            attestation: Bytes::new(),
            attested_ms: 0,
            acks: BTreeMap::new(),
            contacts: BTreeMap::new(),
            ages: VecDeque::new(),
            resets: Vec::new(),
            snapshots: Snapshots::default(),
            damaged_seq: None,
        }
    }

    /// Keeps what a push added; the ledger has it already.
    pub(super) fn keep(&mut self, seq_first: u64, entries: &[StoredEntry], leaves: Vec<Hash>, time_ms: u64) {
        for (seq, entry) in (seq_first..).zip(entries) {
            self.index.insert((entry.device, entry.push_seq), (seq, entry.id));
            self.entries.push_back(entry.clone());
        }
        self.leaves.extend(leaves);
        let size = self.ledger.size();
        match self.ages.back_mut() {
            Some(last) if last.1 / AGE_MARK_MS == time_ms / AGE_MARK_MS => *last = (size, time_ms),
            _ => self.ages.push_back((size, time_ms)),
        }
    }

    /// Drops everything above `size`, marks included, as an old backup would show it.
    pub(super) fn cut_above(&mut self, size: u64) {
        let size = size.clamp(self.ledger.genesis().base_size, self.ledger.size());
        let floor = self.ledger.floor();
        self.entries.truncate(usize::try_from((size + 1).saturating_sub(floor)).unwrap_or(usize::MAX));
        self.leaves.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        self.index.retain(|_, (seq, _)| *seq <= size);
        self.ages.retain(|(seq, _)| *seq <= size);
        let base = usize::try_from(self.ledger.genesis().base_size).unwrap_or(usize::MAX);
        let kept = self.leaves.get(base..).unwrap_or_default().to_vec();
        self.ledger.rebuild(kept, floor, self.marks());
    }

    /// The highest push_seq of each device among what is indexed.
    fn marks(&self) -> BTreeMap<DeviceKey, (u64, EntryId)> {
        let mut marks = BTreeMap::<DeviceKey, (u64, EntryId)>::new();
        for ((device, push_seq), (_, id)) in &self.index {
            let mark = marks.entry(*device).or_insert((*push_seq, *id));
            if mark.0 < *push_seq {
                *mark = (*push_seq, *id);
            }
        }
        marks
    }

    pub(super) fn trim(&mut self, floor: u64) -> bool {
        let before = self.ledger.floor();
        let moved = self.ledger.raise_floor(floor);
        let gone = usize::try_from(self.ledger.floor() - before).unwrap_or(usize::MAX);
        self.entries.drain(..gone.min(self.entries.len()));
        let floor = self.ledger.floor();
        self.ages.retain(|(seq, _)| *seq >= floor);
        moved
    }

    pub(super) fn put_ack(&mut self, ack: SignedAck, now_ms: u64) -> Result<(), StoreError> {
        if !self.ledger.may_claim(ack.log_epoch, ack.size, ack.head) {
            return Err(StoreError::Refused(Refusal::AckInvalid));
        }
        self.touch(ack.device, now_ms);
        let newer = |held: &SignedAck| (ack.log_epoch, ack.size) > (held.log_epoch, held.size);
        if self.acks.get(&ack.device).is_none_or(newer) {
            self.acks.insert(ack.device, ack);
        }
        Ok(())
    }

    pub(super) fn snapshot_begin(&mut self, manifest: Bytes, now_ms: u64) -> Result<SnapshotProgress, StoreError> {
        let manifest = Manifest::parse(manifest).map_err(|_| StoreError::Refused(Refusal::SnapshotInvalid))?;
        let fields = manifest.fields();
        let own = self.acks.get(&fields.device).filter(|ack| ack.log_epoch == fields.log_epoch);
        let covered = own.is_some_and(|ack| fields.size <= ack.size);
        if !covered || !self.ledger.may_claim(fields.log_epoch, fields.size, fields.head) {
            return Err(StoreError::Refused(Refusal::SnapshotInvalid));
        }
        Ok(self.snapshots.begin(manifest, now_ms))
    }

    pub(super) fn touch(&mut self, device: DeviceKey, now_ms: u64) {
        let contact = self.contacts.entry(device).or_insert(now_ms);
        *contact = now_ms.max(*contact);
    }

    pub(super) fn log_resets(&self, from: u64) -> Vec<Bytes> {
        self.resets.iter().filter(|(epoch, _)| *epoch > from).map(|(_, reset)| reset.clone()).collect()
    }
}
