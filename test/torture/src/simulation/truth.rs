//! The truth: what the relay made known as durable, and what follows from it for ever. Everything a device or the disk shows is
//! held against it. A backup takes it along; a log reset begins where the backup ended.

use super::cast::{SpaceKeys, keys};
use super::device::ShownClaims;
use super::watched::lock;
use relay_core::store::{RosterCommit, SpaceCommit};
use relay_proto::attestation::{Attestation, HeadClaim};
use relay_proto::frame::{Entries, Frame, RelayFrame};
use relay_proto::ids::{DeviceKey, EntryId, Hash, LogId, SpaceId};
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
    at_us: u64,
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

/// One space.
pub(crate) struct SpaceTruth {
    cast: &'static SpaceKeys,
    log_id: LogId,
    /// Everything devices ever sealed, by (device, push_seq).
    sealed: BTreeMap<(DeviceKey, u64), Vec<(u32, EntryId)>>,
    /// `None`: the relay does not know the space.
    pub(crate) line: Option<Line>,
    /// Leaves by (log epoch of the tree, seq), whoever showed them.
    leaves: BTreeMap<(u64, u64), Hash>,
    /// Attestations by log epoch, whoever they were shown to.
    shown: BTreeMap<u64, ShownClaims>,
    /// The greatest size each device acked, by log epoch.
    acks: BTreeMap<(DeviceKey, u64), u64>,
    /// What is compared.
    pub(crate) compared: u64,
}

impl Line {
    fn founded(genesis: &Genesis, statement: &Statement) -> Self {
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
    fn append(&mut self, entry: Logged, was_on_its_way: bool) -> Result<(), String> {
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

    fn begin(&mut self, reset: &LogReset) -> Result<(), String> {
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

impl SpaceTruth {
    pub(crate) fn new(space: usize, log_id: LogId) -> Self {
        Self {
            cast: keys(space),
            log_id,
            sealed: BTreeMap::new(),
            line: None,
            leaves: BTreeMap::new(),
            shown: BTreeMap::new(),
            acks: BTreeMap::new(),
            compared: 0,
        }
    }

    pub(crate) const fn id(&self) -> SpaceId {
        self.cast.id
    }

    pub(crate) fn sealed(&mut self, device: DeviceKey, push_seq: u64, key_epoch: u32, id: EntryId) {
        self.sealed.entry((device, push_seq)).or_default().push((key_epoch, id));
    }

    pub(crate) fn acked(&mut self, device: DeviceKey, epoch: u64, size: u64) {
        let known = self.acks.entry((device, epoch)).or_default();
        *known = size.max(*known);
    }

    fn append(&mut self, entry: Logged, was_on_its_way: bool) -> Result<(), String> {
        let made = self.sealed.get(&(entry.device, entry.push_seq));
        if !made.is_some_and(|made| made.contains(&(entry.key_epoch, entry.id))) {
            return Err(format!("an entry {} that its device never sealed", entry.push_seq));
        }
        let line = self.line.as_mut().ok_or("an entry of an unknown space")?;
        line.append(entry, was_on_its_way)?;
        let (epoch, seq) = (line.epoch, line.size());
        self.leaf(epoch, seq, entry.leaf())
    }

    /// Somebody shows a leaf: everybody must see the same one.
    pub(crate) fn leaf(&mut self, epoch: u64, seq: u64, leaf: Hash) -> Result<(), String> {
        self.compared += 1;
        let known = self.leaves.entry((epoch, seq)).or_insert(leaf);
        if *known == leaf { Ok(()) } else { Err(format!("two entries at {seq} of log epoch {epoch}")) }
    }

    /// The relay announces entries as durable.
    pub(crate) fn committed(&mut self, commit: &SpaceCommit, now_us: u64) -> Result<(), String> {
        let size = self.line.as_ref().map_or(0, Line::size);
        if commit.first_seq != size + 1 {
            return Err(format!("a commit at {} behind {size}", commit.first_seq));
        }
        for entry in &commit.entries {
            let (device, push_seq, key_epoch, id) = (entry.device, entry.push_seq, entry.key_epoch, entry.id);
            self.append(Logged { device, push_seq, key_epoch, id, at_us: now_us }, false)?;
        }
        let attestation = Attestation::decode(&commit.attestation).map_err(|_| "no attestation")?;
        self.claim(&attestation.claim, now_us)?;
        self.check_head(&attestation.claim)
    }

    /// A head that is said to be the newest.
    fn check_head(&self, claim: &HeadClaim) -> Result<(), String> {
        let Some(line) = &self.line else { return Err("a head of an unknown space".to_owned()) };
        if (claim.log_epoch, claim.size, claim.head) != (line.epoch, line.size(), line.fold.head()) {
            return Err(format!("head {claim:?} where {} entries of epoch {} are", line.size(), line.epoch));
        }
        Ok(())
    }

    /// An attestation is shown: all of one log epoch agree in pairs, whoever saw them.
    fn claim(&mut self, claim: &HeadClaim, _now_us: u64) -> Result<(), String> {
        self.shown.entry(claim.log_epoch).or_default().add(claim)?;
        let Some(line) = &self.line else { return Ok(()) };
        if claim.log_epoch == line.epoch && claim.size > line.size() {
            return Err(format!("a head of size {} is shown where {} are durable", claim.size, line.size()));
        }
        Ok(())
    }

    /// A roster became durable. `founded_by` is the reset with which a space begins that is founded in a later log epoch.
    pub(crate) fn roster(
        &mut self,
        commit: &RosterCommit,
        founded_by: Option<LogReset>,
        now_us: u64,
    ) -> Result<(), String> {
        for bytes in &commit.added {
            let statement = Statement::parse(bytes.clone()).map_err(|error| format!("{error:?}"))?;
            self.statement(&statement, founded_by, now_us)?;
        }
        match &self.line {
            Some(line) if line.roster.version == commit.roster_version => Ok(()),
            _ => Err(format!("roster {} was announced without its statement", commit.roster_version)),
        }
    }

    fn statement(&mut self, statement: &Statement, founded_by: Option<LogReset>, now_us: u64) -> Result<(), String> {
        let Some(line) = &mut self.line else {
            let genesis = founded_by.map_or_else(|| Genesis::first(self.cast.id, self.log_id), |it| it.genesis());
            self.line = Some(Line::founded(&genesis, statement));
            return Ok(());
        };
        if statement.fields().version <= line.roster.version {
            return Err(format!("roster {} after {}", statement.fields().version, line.roster.version));
        }
        let before = std::mem::replace(&mut line.roster, statement.fields().clone());
        line.before = Some((now_us, before));
        line.roster_hash = statement.hash();
        Ok(())
    }

    /// A floor that the store raised: whether everything below it may be forgotten.
    pub(crate) fn trimmed(&mut self, floor: u64, now_us: u64, retention_us: u64) -> Result<(), String> {
        let Some(line) = &mut self.line else { return Ok(()) };
        if floor <= line.floor {
            return if floor == line.floor { Ok(()) } else { Err(format!("floor {floor} after {}", line.floor)) };
        }
        let epoch = line.epoch;
        let acked = |device: &DeviceKey| self.acks.get(&(*device, epoch)).copied().unwrap_or(0);
        let by_all = line.roster.devices.iter().map(|device| acked(&device.key)).min().unwrap_or(0);
        let old = |entry: &Logged| now_us - entry.at_us >= retention_us;
        for seq in line.floor..floor {
            let allowed = seq <= by_all || line.at(seq).is_some_and(old);
            if !allowed {
                return Err(format!("seq {seq} was forgotten, and only {by_all} are acked by all"));
            }
        }
        line.floor = floor;
        Ok(())
    }

    /// What the relay says to a device.
    pub(crate) fn said(&mut self, device: &DeviceKey, frame: &RelayFrame, now_us: u64) -> Result<(), String> {
        let removed = self.line.as_ref().is_some_and(|line| !line.lists(device));
        let harmless = matches!(frame, RelayFrame::ErrorFrame(_) | RelayFrame::Goaway(_) | RelayFrame::Challenge(_));
        if removed && !harmless {
            return Err(format!("a {:?} for a device that was removed", frame.frame_type()));
        }
        match frame {
            RelayFrame::Entries(entries) => {
                self.claim(&entries.attestation.claim, now_us)?;
                self.entries(entries)
            }
            RelayFrame::Receipt(receipt) => self.claim(&receipt.attestation.claim, now_us),
            RelayFrame::Pong(pong) => self.claim(&pong.attestation.claim, now_us),
            RelayFrame::CursorExpired(expired) => self.claim(&expired.attestation.claim, now_us),
            RelayFrame::Welcome(welcome) => self.claim(&welcome.body.attestation.claim, now_us),
            RelayFrame::AckNotice(notice) => {
                let known = self.acks.get(&(notice.device, notice.ack.log_epoch)).copied().unwrap_or(0);
                let held = notice.ack.size <= known;
                if held { Ok(()) } else { Err(format!("an ack of {} that no device made", notice.ack.size)) }
            }
            _ => Ok(()),
        }
    }

    fn entries(&mut self, entries: &Entries) -> Result<(), String> {
        let Some(line) = &self.line else { return Err("entries of an unknown space".to_owned()) };
        for (seq, item) in (entries.first_seq..).zip(&entries.items) {
            self.compared += 1;
            match line.at(seq) {
                Some(entry) if entry.leaf() == item.leaf() => {}
                Some(_) => return Err(format!("another entry than the durable one is shown at {seq}")),
                None => return Err(format!("an entry is shown at {seq} before it is durable")),
            }
        }
        Ok(())
    }

    /// A device holds a receipt.
    pub(crate) fn receipted(&self, device: &DeviceKey, epoch: u64, seq: u64, push_seq: u64) -> Result<(), String> {
        let Some(line) = self.line.as_ref().filter(|line| line.epoch == epoch) else { return Ok(()) };
        match line.at(seq) {
            Some(entry) if (entry.device, entry.push_seq) == (*device, push_seq) => Ok(()),
            _ => Err(format!("the receipted entry {push_seq} is not at {seq}")),
        }
    }

    /// What a store that was started again holds: everything that was announced, and perhaps what was on its way then.
    pub(crate) fn recovered(&mut self, found: &Found, now_us: u64) -> Result<(), String> {
        let newest = Statement::parse(found.statement.clone()).map_err(|error| format!("{error:?}"))?;
        if let Some(line) = &self.line
            && line.roster.version > newest.fields().version
        {
            return Err(format!("roster {} was lost, {} is left", line.roster.version, newest.fields().version));
        }
        if self.line.as_ref().is_none_or(|line| line.roster_hash != newest.hash()) {
            // It was on its way; the resets of a space, first to last, lead from the first log epoch to the present one.
            self.statement(&newest, None, now_us)?;
        }
        for reset in &found.resets {
            if self.line.as_ref().is_some_and(|line| line.epoch < reset.new_epoch) {
                self.adopt_entries(found, now_us, reset.base_size)?;
                self.line.as_mut().map_or(Ok(()), |line| line.begin(reset))?;
            }
        }
        self.adopt_entries(found, now_us, u64::MAX)?;
        let Some(line) = &mut self.line else { return Ok(()) };
        if found.claim.size < line.size() {
            return Err(format!("{} entries are left of {}", found.claim.size, line.size()));
        }
        for (seq, entry) in (found.floor..).zip(&found.entries) {
            let same = line.at(seq).is_some_and(|known| known.leaf() == entry.leaf());
            if !same {
                return Err(format!("another entry than the durable one is held at {seq}"));
            }
        }
        if found.floor < line.floor {
            return Err(format!("the floor fell from {} to {}", line.floor, found.floor));
        }
        self.claim(&found.claim, now_us)?;
        self.check_head(&found.claim)
    }

    fn adopt_entries(&mut self, found: &Found, now_us: u64, up_to: u64) -> Result<(), String> {
        let Some(line) = &self.line else { return Ok(()) };
        let start = line.size() + 1;
        if start < found.floor {
            return Err(format!("the floor {} is above the {} entries known", found.floor, line.size()));
        }
        let skip = usize::try_from(start - found.floor).unwrap_or(usize::MAX);
        for (_, entry) in (start..=up_to).zip(found.entries.iter().skip(skip)) {
            self.append(Logged { at_us: now_us, ..*entry }, true)?;
        }
        Ok(())
    }
}

/// What a store holds of a space.
pub(crate) struct Found {
    pub(crate) statement: bytes::Bytes,
    pub(crate) floor: u64,
    /// From the floor on.
    pub(crate) entries: Vec<Logged>,
    pub(crate) resets: Vec<LogReset>,
    pub(crate) claim: HeadClaim,
}

impl Found {
    /// Reads everything a store holds of a space; `None` when it does not know it.
    pub(crate) fn ask(store: &relay_store::EmbeddedStore, space: SpaceId) -> Result<Option<Self>, String> {
        use crate::disk::verify::ask;
        use relay_core::store::{ReadOutcome, Store};
        let say = |error: relay_core::store::StoreError| error.to_string();
        let Some(facts) = ask(store, |done| store.space(space, done)).map_err(say)? else { return Ok(None) };
        let attested = ask(store, |done| store.attest(space, done)).map_err(say)?;
        let attestation = Attestation::decode(&attested).map_err(|_| "no attestation")?;
        let resets = ask(store, |done| store.log_resets(space, 0, done)).map_err(say)?;
        let resets: Vec<LogReset> = resets.iter().filter_map(|reset| LogReset::decode(reset).ok()).collect();
        let mut entries = Vec::new();
        let mut after = facts.floor.max(1) - 1;
        while after < facts.size {
            let read = ask(store, |done| store.read(space, after, 4096, 1 << 20, done)).map_err(say)?;
            let ReadOutcome::Page(page) = read else { return Err(format!("a read after {after} gave {read:?}")) };
            if page.first_seq != after + 1 || page.entries.is_empty() {
                return Err(format!("a read after {after} of {} gave a page from {}", facts.size, page.first_seq));
            }
            after += page.entries.len() as u64;
            entries.extend(page.entries.iter().map(|entry| Logged {
                device: entry.device,
                push_seq: entry.push_seq,
                key_epoch: entry.key_epoch,
                id: entry.id,
                at_us: 0,
            }));
        }
        let statement = facts.chain.last().cloned().unwrap_or_default();
        Ok(Some(Self { statement, floor: facts.floor, entries, resets, claim: attestation.claim }))
    }
}

/// What a call gives that answers at once; `None` when it does not, or with an error.
pub(crate) fn ask_now<T: Send + 'static>(call: impl FnOnce(relay_core::store::Completion<T>)) -> Option<T> {
    let cell = std::sync::Arc::new(std::sync::Mutex::new(None));
    let answer = std::sync::Arc::clone(&cell);
    call(Box::new(move |result| *lock(&answer) = result.ok()));
    lock(&cell).take()
}
