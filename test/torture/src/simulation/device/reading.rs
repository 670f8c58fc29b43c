//! Takes what the relay sends in an open session: checks order, folds leaves, compares heads, and acks what was compared.

use super::super::cast::opens;
use super::super::scheduler::MS;
use super::session::Phase;
use super::snapshots::Bootstrap;
use super::{Change, Device, Link, Told, Verifier};
use relay_proto::frame::{Ack, AckNotice, Entries, Item, ItemBody, RelayFrame, RosterPut, RosterUpdate};
use relay_proto::limits::ACK_INTERVAL_MS;
use relay_proto::log_reset::LogReset;

/// Shortest time between two acks, in microseconds: above the relay's, so that it drops none.
const ACK_US: u64 = (ACK_INTERVAL_MS + 50) * MS;
/// How long a roster change waits for its RosterUpdate, in microseconds.
const CHANGE_US: u64 = 5_000 * MS;

impl Device {
    pub(super) fn on_session_frame(
        &mut self,
        frame: RelayFrame,
        now_us: u64,
        verifier: &mut Verifier,
    ) -> Result<(), String> {
        match frame {
            RelayFrame::Entries(entries) => {
                verifier.check(&entries.attestation, &self.cast.id, &self.log_id)?;
                self.on_entries(&entries)
            }
            RelayFrame::Receipt(receipt) => {
                verifier.check(&receipt.attestation, &self.cast.id, &self.log_id)?;
                self.log.admit(&receipt.attestation.claim)?;
                self.on_receipt(&receipt)
            }
            RelayFrame::Pong(pong) => {
                verifier.check(&pong.attestation, &self.cast.id, &self.log_id)?;
                self.log.admit(&pong.attestation.claim)?;
                self.on_pong_time(pong.attestation.claim.time_ms, now_us)
            }
            RelayFrame::AckNotice(notice) => self.on_ack_notice(&notice, verifier),
            RelayFrame::RosterUpdate(update) => self.on_roster_update(&update, now_us),
            RelayFrame::LogReset(reset) => self.on_log_reset(&reset),
            RelayFrame::CursorExpired(expired) => {
                verifier.check(&expired.attestation, &self.cast.id, &self.log_id)?;
                self.on_cursor_expired(&expired)
            }
            RelayFrame::Leaves(leaves) => self.on_leaves(&leaves),
            RelayFrame::SnapshotManifest(manifest) => self.on_manifest(manifest.manifest, now_us),
            RelayFrame::SnapshotChunk(chunk) => self.on_chunk(&chunk),
            RelayFrame::SnapshotStatus(status) => {
                self.on_upload_status(&status);
                Ok(())
            }
            RelayFrame::SnapshotDue(_) => {
                self.wish_snapshot();
                Ok(())
            }
            RelayFrame::Ephemeral(_) if !self.listens => {
                Err("protocol_violation: an ephemeral frame that was not asked for".to_owned())
            }
            RelayFrame::Ephemeral(_) | RelayFrame::EphemeralMissed(_) => Ok(()),
            RelayFrame::Goaway(_) => {
                self.hangs_up = true;
                Ok(())
            }
            other => Err(format!("protocol_violation: a {:?} in an open session", other.frame_type())),
        }
    }

    fn on_entries(&mut self, entries: &Entries) -> Result<(), String> {
        let claim = &entries.attestation.claim;
        let (size, first) = (self.log.size(), entries.first_seq);
        let last = first + entries.items.len() as u64 - 1;
        if first > size + 1 {
            return Err(format!("omission: seq {} was left out", size + 1));
        }
        if first <= size {
            return Err(format!("replayed_entry: seq {first} again, at {size}"));
        }
        if last > claim.size || entries.more != (claim.size > last) {
            return Err(format!("protocol_violation: entries up to {last} under a head of size {}", claim.size));
        }
        self.log.admit(claim)?;
        for item in &entries.items {
            self.fold(item)?;
        }
        self.outbox.reached_size(self.log.size())
    }

    fn fold(&mut self, item: &Item) -> Result<(), String> {
        let (epoch, seq, push_seq) = (self.log.tree_epoch(), self.log.size() + 1, item.push_seq);
        let deliver = self.note_link(item, epoch)?;
        let own = self.own(item)?;
        self.outbox.reached_seq(seq, own)?;
        if !self.roster.allows(&item.device, push_seq) {
            return Err(format!("entry_rejected: the roster does not allow entry {push_seq} at {seq}"));
        }
        if let ItemBody::Sealed(sealed) = &item.body {
            let author = self.cast.index(&item.device);
            let good = author.is_some_and(|author| opens(&sealed.0, self.space, author, push_seq, item.key_epoch));
            if !good {
                return Err(format!("entry_rejected: entry {push_seq} at {seq} does not open"));
            }
        }
        let leaf = item.leaf();
        self.told.push(Told::Folded { epoch, seq, leaf });
        self.log.push(leaf)?;
        if own.is_some() {
            self.outbox.found(push_seq, seq);
        }
        if deliver {
            self.state.push((item.device, push_seq));
        }
        Ok(())
    }

    /// The order of a device's entries; whether the app does not have this one yet.
    fn note_link(&mut self, item: &Item, epoch: u64) -> Result<bool, String> {
        let known = self.chains.get(&item.device).copied();
        if let Some(link) = known.filter(|link| link.epoch == epoch) {
            if item.push_seq <= link.push_seq {
                return Err(format!("replayed_entry: push_seq {} after {}", item.push_seq, link.push_seq));
            }
            if item.push_seq != link.push_seq + 1 {
                return Err(format!("omission: push_seq {} after {}", item.push_seq, link.push_seq));
            }
        }
        let delivered = known.map_or(0, |link| link.delivered);
        let link = Link { push_seq: item.push_seq, epoch, delivered: delivered.max(item.push_seq) };
        self.chains.insert(item.device, link);
        Ok(item.push_seq > delivered)
    }

    fn own(&self, item: &Item) -> Result<Option<u64>, String> {
        if item.device != self.key {
            return match item.body {
                ItemBody::Own(_) => Err("protocol_violation: the id alone of another device's entry".to_owned()),
                ItemBody::Sealed(_) => Ok(None),
            };
        }
        let id = item.entry_id();
        match self.outbox.get(item.push_seq) {
            Some(entry) if entry.id == id => Ok(Some(item.push_seq)),
            _ => Err(format!("entry_rejected: this device never pushed entry {}", item.push_seq)),
        }
    }

    fn on_ack_notice(&self, notice: &AckNotice, verifier: &mut Verifier) -> Result<(), String> {
        let ack = &notice.ack;
        if notice.device == self.key || !self.roster.lists(&notice.device) {
            return Ok(());
        }
        verifier.check_ack(notice, &self.cast.id, &self.log_id)?;
        // A reset that is still to be followed is known from the welcome.
        let relays = if let Phase::Open(open) = &self.phase { open.welcome.log_epoch } else { self.log.epoch };
        if ack.log_epoch > relays {
            return Err(format!("fork: an ack of log epoch {} above {relays}", ack.log_epoch));
        }
        match self.log.head_at(ack.log_epoch, ack.size) {
            Some(head) if head != ack.head => Err(format!("fork: a device acked another head of size {}", ack.size)),
            _ => Ok(()),
        }
    }

    fn on_roster_update(&mut self, update: &RosterUpdate, now_us: u64) -> Result<(), String> {
        let news = self.roster.update(&update.chain, &update.keyring)?;
        let Phase::Open(open) = &mut self.phase else { return Ok(()) };
        let welcome = &open.welcome;
        if news || self.roster.version() >= welcome.roster_version {
            self.roster.confirmed = true;
        }
        if self.roster.version() == welcome.roster_version && self.roster.hash() != welcome.roster_hash {
            return Err("roster_fork: the roster shown is not the one of the welcome".to_owned());
        }
        if news {
            open.change_at_us = Some(now_us);
        }
        Ok(())
    }

    fn on_log_reset(&mut self, reset: &LogReset) -> Result<(), String> {
        let own = reset.space == self.cast.id && reset.log_id == self.log_id;
        if !own || !reset.verify() {
            return Err("log_reset_invalid: not signed by the log for this space".to_owned());
        }
        if reset.new_epoch <= self.log.epoch {
            return Ok(());
        }
        if reset.old_epoch > self.log.epoch {
            return Err(format!("log_reset_invalid: from {} does not follow {}", reset.old_epoch, self.log.epoch));
        }
        self.log.follow(reset)?;
        self.outbox.reopen(reset.base_size);
        self.told.push(Told::Reset);
        self.resets.push(*reset);
        if self.acked.is_some_and(|(_, size)| size > reset.base_size) {
            self.wish_snapshot();
        }
        let Phase::Open(open) = &mut self.phase else { return Ok(()) };
        open.upload = None;
        if self.log.epoch == open.welcome.log_epoch && matches!(open.bootstrap, Bootstrap::Resets) {
            let claim = open.welcome.attestation.claim;
            self.log.admit(&claim)?;
            self.begin_reading();
        }
        Ok(())
    }

    /// Says how far everything was compared, at most once a second.
    pub(super) fn ack(&mut self, now_us: u64) {
        let Phase::Open(open) = &mut self.phase else { return };
        open.ack_at_us = None;
        let verified = self.log.verified.filter(|claim| claim.size > 0 && self.log.tree_epoch() == self.log.epoch);
        let Some(claim) = verified.filter(|_| open.is_live()) else { return };
        let position = (claim.log_epoch, claim.size);
        if open.acked == Some(position) {
            return;
        }
        if now_us < open.ack_not_before_us {
            open.ack_at_us = Some(open.ack_not_before_us);
            return;
        }
        open.ack_not_before_us = now_us + ACK_US;
        open.acked = Some(position);
        self.acked = Some(position);
        let key = &self.cast.devices[self.index].0;
        let ack = Ack::sign(key, &self.cast.id, &self.log_id, claim.log_epoch, claim.size, claim.head);
        self.told.push(Told::Acked { epoch: claim.log_epoch, size: claim.size });
        self.send(&ack);
    }

    /// Puts the roster that an admin wants, once everything is read.
    pub(super) fn change_roster(&mut self, now_us: u64) {
        let Some(change) = self.wants else { return };
        if self.roster.has(change, self.space) {
            self.wants = None;
            self.told.push(Told::Changed(change));
            return;
        }
        let Phase::Open(open) = &mut self.phase else { return };
        let due = open.change_at_us.is_some_and(|at_us| now_us >= at_us);
        if !due || !open.is_live() || !self.roster.confirmed || !self.log.is_caught_up() {
            return;
        }
        open.change_at_us = Some(now_us + CHANGE_US);
        let seen = match change {
            Change::Remove(index) => self.chains.get(&self.cast.devices[index].1).map_or(0, |link| link.delivered),
            Change::Add(_) => 0,
        };
        if let Some((chain, keyring)) = self.roster.changed(change, self.space, seen) {
            self.send(&RosterPut { chain, keyring });
        }
    }
}
