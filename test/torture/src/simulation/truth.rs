//! The truth: what the relay made known as durable, and what follows from it for ever. Everything a device or the disk shows is
//! held against it. A backup takes it along; a log reset begins where the backup ended.

mod found;
mod line;

pub(crate) use found::{Found, Unasked, ask_now};
pub(crate) use line::{Line, Logged};

use super::cast::{SpaceKeys, keys};
use super::device::ShownClaims;
use relay_core::store::{RosterCommit, SpaceCommit};
use relay_proto::attestation::{Attestation, HeadClaim};
use relay_proto::frame::{Entries, RelayFrame};
use relay_proto::ids::{DeviceKey, EntryId, Hash, LogId, SpaceId};
use relay_proto::log_reset::LogReset;
use relay_proto::merkle::{Genesis, entry_leaf};
use relay_proto::roster::Statement;
use std::collections::BTreeMap;

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
        self.claim(&attestation.claim)?;
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
    fn claim(&mut self, claim: &HeadClaim) -> Result<(), String> {
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
        line.follow(statement, now_us);
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
    pub(crate) fn said(&mut self, device: &DeviceKey, frame: &RelayFrame) -> Result<(), String> {
        let removed = self.line.as_ref().is_some_and(|line| !line.lists(device));
        let harmless = matches!(frame, RelayFrame::ErrorFrame(_) | RelayFrame::Goaway(_) | RelayFrame::Challenge(_));
        if removed && !harmless {
            return Err(format!("a {:?} for a device that was removed", frame.frame_type()));
        }
        match frame {
            RelayFrame::Entries(entries) => {
                self.claim(&entries.attestation.claim)?;
                self.entries(entries)
            }
            RelayFrame::Receipt(receipt) => self.claim(&receipt.attestation.claim),
            RelayFrame::Pong(pong) => self.claim(&pong.attestation.claim),
            RelayFrame::CursorExpired(expired) => self.claim(&expired.attestation.claim),
            RelayFrame::Welcome(welcome) => self.claim(&welcome.body.attestation.claim),
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

    /// A device holds a receipt: its entry was announced at that place of that log epoch.
    pub(crate) fn receipted(&self, device: &DeviceKey, epoch: u64, seq: u64, push_seq: u64) -> Result<(), String> {
        let made = self.sealed.get(&(*device, push_seq)).into_iter().flatten();
        let mut own = made.map(|(key_epoch, id)| entry_leaf(device, push_seq, *key_epoch, id));
        let announced = self.leaves.get(&(epoch, seq));
        let right = own.any(|leaf| Some(&leaf) == announced);
        if right { Ok(()) } else { Err(format!("the receipted entry {push_seq} is not at {seq}")) }
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
        self.claim(&found.claim)?;
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
