//! What devices say and do: to their wires, and to the truth.

use super::{Event, Link, World};
use crate::simulation::device::{Change, Phase, Told};
use crate::simulation::network::{Side, Wire};
use crate::simulation::scheduler::MS;

impl World {
    /// Takes what a device said to its wire and to the truth.
    pub(crate) fn follow_device(&mut self, at: usize) {
        let told = std::mem::take(&mut self.devices[at].told);
        for told in told {
            self.hear(at, &told);
        }
        if !self.deceived
            && let Some(what) = self.devices[at].findings.first()
        {
            let device = &self.devices[at];
            let what = format!("device {} of space {} accuses an honest relay: {what}", device.index, device.space);
            self.violate(what);
        }
        let frames = std::mem::take(&mut self.devices[at].out);
        if let Some(id) = self.link_of(at) {
            for frame in frames {
                self.transmit(id, Side::Relay, &frame);
            }
            if self.devices[at].hangs_up {
                self.device_hangs_up(at, id);
            }
        }
        self.plan_wake(at);
    }

    pub(super) fn hear(&mut self, at: usize, told: &Told) {
        let (space, key) = (self.devices[at].space, self.devices[at].key());
        let truth = &mut self.truths[space];
        let judged = match *told {
            Told::Sealed { push_seq, key_epoch, id } => {
                truth.sealed(key, push_seq, key_epoch, id);
                Ok(())
            }
            Told::Folded { .. } | Told::Receipted { .. } if self.deceived => Ok(()),
            Told::Folded { epoch, seq, leaf } => truth.leaf(epoch, seq, leaf),
            Told::Receipted { epoch, seq, push_seq } => {
                self.tally.receipts += 1;
                truth.receipted(&key, epoch, seq, push_seq)
            }
            Told::Acked { epoch, size } => {
                self.tally.acks += 1;
                truth.acked(key, epoch, size);
                Ok(())
            }
            Told::Reset => {
                self.tally.resets_followed += 1;
                Ok(())
            }
            Told::Changed(change) => {
                self.tally.roster_changes += 1;
                self.changed(at, change);
                Ok(())
            }
        };
        self.hold(judged, space);
    }

    /// A device that joined is told the roster by the one who let it in.
    pub(super) fn changed(&mut self, by: usize, change: Change) {
        let space = self.devices[by].space;
        if let Change::Add(index) = change
            && !self.devices.iter().any(|device| (device.space, device.index) == (space, index))
        {
            let mut roster = self.devices[by].roster.clone();
            roster.confirmed = false;
            self.admit(space, index, roster);
        }
    }

    pub(super) fn link_of(&self, device: usize) -> Option<u64> {
        self.links.iter().find(|(_, link)| link.device == device && link.device_holds).map(|(id, _)| *id)
    }

    pub(super) fn plan_wake(&mut self, at: usize) {
        let Some(deadline_us) = self.devices[at].next_deadline(self.clock.now_us()) else { return };
        // Offline with a link means that the link's end is on its way.
        if deadline_us < self.wakes[at] {
            self.wakes[at] = deadline_us;
            self.clock.at(deadline_us, Event::Wake(at));
        }
    }

    pub(super) fn wake(&mut self, at: usize) {
        self.wakes[at] = u64::MAX;
        let now_us = self.clock.now_us();
        if matches!(self.devices[at].phase, Phase::Offline) {
            if self.devices[at].may_connect() && now_us >= self.devices[at].retry_at_us {
                self.connect(at);
            }
        } else {
            self.devices[at].on_time(now_us);
        }
        self.follow_device(at);
    }

    pub(super) fn connect(&mut self, at: usize) {
        let now_us = self.clock.now_us();
        if !self.host.is_up() {
            self.devices[at].on_closed(now_us);
            return;
        }
        let id = self.next_link;
        self.next_link += 1;
        self.tally.connections += 1;
        self.links.insert(id, Link { device: at, wire: Wire::default(), device_holds: true, poll_at_us: u64::MAX });
        self.host.accept(id, now_us);
        self.plan_poll(id, now_us);
        self.devices[at].on_connected(now_us);
    }

    pub(crate) fn device_hangs_up(&mut self, at: usize, id: u64) {
        let now_us = self.clock.now_us();
        self.devices[at].on_closed(now_us);
        let resets = self.dice.one_in(2);
        let Some(link) = self.links.get_mut(&id) else { return };
        link.device_holds = false;
        let at_us = if resets {
            link.wire.broken = true;
            now_us + self.dice.below(20 * MS)
        } else {
            link.wire.end(Side::Relay, now_us) + self.dice.below(20 * MS)
        };
        self.clock.at(at_us, Event::Gone(id, Side::Relay));
        self.plan_wake(at);
    }
}
