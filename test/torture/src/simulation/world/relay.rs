//! The relay at work: its connections are polled, its store goes on part by part, and what it announces is held to be true.

use super::{Event, World};
use crate::simulation::host::StartError;
use crate::simulation::network::Side;
use crate::simulation::scheduler::{MS, SECOND};
use crate::simulation::truth::{Found, Unasked, ask_now};
use crate::simulation::watched::Announced;
use crate::simulation::{faults, invariants};
use bytes::Bytes;
use relay_core::limits::{READ_PAGE_BYTES, RUN_BYTES_MAX};
use relay_core::store::Store;
use relay_proto::frame::{Frame, RelayFrame};
use relay_proto::log_reset::LogReset;
use relay_store::embedded::by_hand::{PARTS, Part};

/// How much a write queue may hold beyond its window: what an endpoint says in one step.
const OVERSHOOT_BYTES_MAX: usize = READ_PAGE_BYTES as usize + RUN_BYTES_MAX + (64 << 10);

impl World {
    pub(super) fn plan_poll(&mut self, id: u64, at_us: u64) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if at_us < link.poll_at_us {
            link.poll_at_us = at_us;
            self.clock.at(at_us, Event::Poll(id));
        }
    }

    pub(super) fn poll(&mut self, id: u64) {
        if let Some(link) = self.links.get_mut(&id) {
            link.poll_at_us = u64::MAX;
        }
        let was_paused = self.host.is_paused(id);
        self.drive(id, None);
        if was_paused {
            self.relay_reads(id);
        }
    }

    pub(super) fn drive(&mut self, id: u64, message: Option<Bytes>) {
        let now_us = self.clock.now_us();
        let Some(link) = self.links.get(&id) else { return };
        let (at, open) = (link.device, link.wire.open_bytes(Side::Device));
        let room = self.plan.window_bytes.saturating_sub(open);
        let Some(queue) = self.host.drive(id, message, room, now_us) else { return };
        let (frames, closed) = (std::mem::take(&mut queue.frames), queue.closed);
        let said: usize = frames.iter().map(Bytes::len).sum();
        if open + said > self.plan.window_bytes + OVERSHOOT_BYTES_MAX {
            self.violate(format!("a write queue of {} bytes", open + said));
        }
        let (space, key) = (self.devices[at].space, self.devices[at].key());
        for frame in frames {
            match RelayFrame::decode(&frame) {
                Ok(decoded) if !self.deceived => {
                    let judged = self.truths[space].said(&key, &decoded);
                    self.hold(judged, space);
                }
                Ok(_) => {}
                Err(error) => self.violate(format!("the relay says what is no frame: {error:?}")),
            }
            self.transmit(id, Side::Device, &frame);
        }
        if closed {
            self.relay_closes(id);
        } else if let Some(at_us) = self.host.deadline_us(id) {
            self.plan_poll(id, at_us);
        }
        self.follow_host();
    }

    pub(super) fn relay_closes(&mut self, id: u64) {
        let now_us = self.clock.now_us();
        self.host.hang_up(id);
        if let Some(link) = self.links.get_mut(&id) {
            let at_us = link.wire.end(Side::Device, now_us);
            self.clock.at(at_us + 1, Event::Gone(id, Side::Device));
        }
    }

    /// Takes what the store announced to the truth, and lets those go on who were woken.
    pub(super) fn follow_host(&mut self) {
        for announced in self.host.take_announced() {
            self.announce(&announced);
        }
        let now_us = self.clock.now_us();
        for id in self.host.take_woken() {
            let at_us = now_us + self.dice.below(500);
            self.plan_poll(id, at_us);
        }
        for part in [Part::Committer, Part::Readers, Part::Snapshots] {
            let took_us = 50 + self.dice.below(if part == Part::Committer { 6 * MS } else { MS });
            self.plan_turn(part, took_us);
        }
    }

    pub(super) fn announce(&mut self, announced: &Announced) {
        if self.deceived {
            return;
        }
        let now_us = self.clock.now_us();
        let (id, entries) = match announced {
            Announced::Entries(commit) => (commit.space, commit.entries.len() as u64),
            Announced::Roster(commit) => (commit.space, 0),
        };
        let Some(space) = self.truths.iter().position(|truth| truth.id() == id) else { return };
        self.tally.entries += entries;
        let judged = match announced {
            Announced::Entries(commit) => self.truths[space].committed(commit, now_us),
            Announced::Roster(commit) => {
                invariants::floors(self);
                let founded_by = self.first_reset(space);
                self.truths[space].roster(commit, founded_by, now_us)
            }
        };
        self.trace.say(now_us, format_args!("durable in space {space}: {entries} entries"));
        self.hold(judged, space);
    }

    /// The reset with which a space begins that is new to a later log epoch.
    pub(super) fn first_reset(&self, space: usize) -> Option<LogReset> {
        let store = self.host.store().filter(|store| self.truths[space].line.is_none() && store.log().log_epoch > 1)?;
        let resets = ask_now(|done| store.log_resets(self.truths[space].id(), 0, done))?;
        resets.first().and_then(|reset| LogReset::decode(reset).ok())
    }

    pub(super) fn plan_turn(&mut self, part: Part, after_us: u64) {
        let at = PARTS.iter().position(|known| *known == part).unwrap_or(0);
        if !std::mem::replace(&mut self.turns[at], true) {
            self.clock.after(after_us, Event::Turn(part));
        }
    }

    pub(super) fn turn(&mut self, part: Part) {
        let at = PARTS.iter().position(|known| *known == part).unwrap_or(0);
        self.turns[at] = false;
        if self.host.turn(part) {
            let after_us = 20 + self.dice.below(MS);
            self.plan_turn(part, after_us);
            if part == Part::Committer {
                self.plan_turn(Part::Background, after_us);
            }
            self.follow_host();
        }
        faults::after_turn(self);
    }

    pub(super) fn sweep(&mut self) {
        let now_us = self.clock.now_us();
        self.clock.after(10 * SECOND, Event::Sweep);
        self.host.sweep(now_us);
        self.host.turn(Part::Metadata);
        self.follow_host();
        if self.dice.one_in(4) {
            self.plan_turn(Part::Reclaim, MS);
        }
        invariants::look(self);
    }

    /// The operator starts the relay; on a disk that fails, again a little later.
    pub(crate) fn start(&mut self) {
        if self.host.is_up() {
            return;
        }
        let now_us = self.clock.now_us();
        let (truths, deceived) = (&mut self.truths, self.deceived);
        let check = |store: &relay_store::EmbeddedStore| {
            for (space, truth) in truths.iter_mut().enumerate().filter(|_| !deceived) {
                let found = Found::ask(store, truth.id())?;
                let judged = match &found {
                    Some(found) => truth.recovered(found, now_us),
                    None if truth.line.is_some() => Err("the space is gone".to_owned()),
                    None => Ok(()),
                };
                judged.map_err(|what| Unasked::Broken(format!("space {space} after a start: {what}")))?;
            }
            Ok(())
        };
        match self.host.start(now_us, check) {
            Ok(()) => self.trace.say(now_us, format_args!("the relay runs")),
            Err(StartError::Broken(what)) => self.violate(what),
            Err(StartError::Failed(what)) if self.healed => self.violate(format!("does not start: {what}")),
            Err(StartError::Failed(_)) => {
                self.tally.failed_starts += 1;
                self.host.vfs.kill();
                self.host.vfs.heal();
                self.clock.after(2 * SECOND, Event::Start);
            }
        }
        self.turns = [false; PARTS.len()];
    }
}
