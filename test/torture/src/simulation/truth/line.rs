//! The log of one space as it stands, and the rules of its growth.

use relay_proto::ids::{DeviceKey, EntryId, Hash};
use relay_proto::log_reset::LogReset;
use relay_proto::merkle::{Genesis, LogFold, entry_leaf};
use relay_proto::roster::{Statement, StatementFields};
use std::collections::{BTreeMap, BTreeSet};

/// One entry of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged {
    pub(crate) device: DeviceKey,
    pub(crate) push_seq: u64,
    pub(crate) key_epoch: u32,
    pub(crate) id: EntryId,
    /// When it became known as durable.
    pub(super) at_us: u64,
}

impl Logged {
    pub(crate) fn leaf(&self) -> Hash {
        entry_leaf(&self.device, self.push_seq, self.key_epoch, &self.id)
    }
}

/// The log of one space as it stands.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) epoch: u64,
    pub(crate) fold: LogFold,
    /// By seq − 1.
    pub(crate) entries: Vec<Logged>,
    held: BTreeSet<(DeviceKey, u64)>,
    /// The newest push_seq of each device, and the log epoch it is of.
    marks: BTreeMap<DeviceKey, (u64, u64)>,
    pub(crate) roster: StatementFields,
    pub(crate) roster_hash: Hash,
    /// The roster before, and when it was replaced: entries of the same commit group may still be of it, because a group's rosters
    /// are announced before its entries.
    before: Option<(u64, StatementFields)>,
    pub(crate) floor: u64,
}

impl Line {
    pub(super) fn founded(genesis: &Genesis, statement: &Statement) -> Self {
        Self {
            epoch: genesis.log_epoch,
            fold: LogFold::new(genesis),
            entries: Vec::new(),
            held: BTreeSet::new(),
            marks: BTreeMap::new(),
            roster: statement.fields().clone(),
            roster_hash: statement.hash(),
            before: None,
            floor: 1,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn lists(&self, device: &DeviceKey) -> bool {
        self.roster.device(device).is_some()
    }

    pub(crate) fn at(&self, seq: u64) -> Option<&Logged> {
        self.entries.get(usize::try_from(seq.wrapping_sub(1)).unwrap_or(usize::MAX))
    }

    pub(crate) fn holds(&self, device: &DeviceKey, push_seq: u64) -> bool {
        self.held.contains(&(*device, push_seq))
    }

    /// Appends an entry; the sentence says which rule it breaks. What was on its way may be of before a change of roster that was too.
    pub(super) fn append(&mut self, entry: Logged, was_on_its_way: bool) -> Result<(), String> {
        let Logged { device, push_seq, key_epoch, .. } = entry;
        let before = self.before.as_ref().filter(|(at_us, _)| *at_us == entry.at_us).map(|(_, roster)| roster);
        let rosters = || std::iter::once(&self.roster).chain(before);
        let writes = |roster: &StatementFields| roster.device(&device).is_some_and(|it| it.rights.may_write());
        if !rosters().any(writes) && !was_on_its_way {
            return Err(format!("entry {push_seq} of a device that may not write"));
        }
        if !rosters().any(|roster| writes(roster) && key_epoch == roster.key_epoch) && !was_on_its_way {
            return Err(format!("entry {push_seq} under key epoch {key_epoch} of {}", self.roster.key_epoch));
        }
        let (mark, epoch) = self.marks.get(&device).copied().unwrap_or((0, 0));
        let follows = push_seq == mark + 1 || (push_seq > mark && epoch != self.epoch);
        if !follows || !self.held.insert((device, push_seq)) {
            return Err(format!("entry {push_seq} of a device behind its entry {mark}"));
        }
        self.marks.insert(device, (push_seq, self.epoch));
        self.fold.extend([entry.leaf()]);
        self.entries.push(entry);
        Ok(())
    }

    /// The next roster.
    pub(super) fn follow(&mut self, statement: &Statement, now_us: u64) {
        let before = std::mem::replace(&mut self.roster, statement.fields().clone());
        self.before = Some((now_us, before));
        self.roster_hash = statement.hash();
    }

    pub(super) fn begin(&mut self, reset: &LogReset) -> Result<(), String> {
        let follows = reset.old_epoch == self.epoch
            && reset.base_size == self.size()
            && reset.base_head == self.fold.head()
            && reset.verify();
        if !follows {
            return Err(format!(
                "a log reset from epoch {} at {}, where the log is in {} at {}",
                reset.old_epoch,
                reset.base_size,
                self.epoch,
                self.size()
            ));
        }
        self.epoch = reset.new_epoch;
        self.fold = LogFold::new(&reset.genesis());
        Ok(())
    }
}
