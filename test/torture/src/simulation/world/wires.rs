//! What goes over the wires, and what becomes of them.

use super::{Event, World};
use crate::simulation::network::Side;
use crate::simulation::scheduler::{MS, SECOND};
use crate::simulation::trace::FrameWords;
use bytes::Bytes;

impl World {
    pub(super) fn transmit(&mut self, id: u64, to: Side, frame: &Bytes) {
        let now_us = self.clock.now_us();
        self.trace.bytes(frame);
        let Some(link) = self.links.get_mut(&id) else { return };
        for at_us in link.wire.send(to, frame, now_us, self.plan.weather, &mut self.dice) {
            self.clock.at(at_us, Event::Arrive(id, to));
        }
    }

    pub(super) fn arrive(&mut self, id: u64, side: Side) {
        let now_us = self.clock.now_us();
        let Some(link) = self.links.get_mut(&id) else { return };
        link.wire.arrive(side, now_us);
        if link.wire.broken {
            self.break_link(id);
        }
        match side {
            Side::Device => self.device_reads(id),
            Side::Relay => self.relay_reads(id),
        }
    }

    /// Both ends learn of it, each at its own time.
    pub(crate) fn break_link(&mut self, id: u64) {
        for side in [Side::Device, Side::Relay] {
            let longest = if self.dice.one_in(4) { 20 * SECOND } else { 50 * MS };
            let after_us = self.dice.below(longest);
            self.clock.after(after_us, Event::Gone(id, side));
        }
    }

    pub(super) fn device_reads(&mut self, id: u64) {
        let now_us = self.clock.now_us();
        loop {
            let Some(link) = self.links.get_mut(&id).filter(|link| link.device_holds) else { return };
            let at = link.device;
            if now_us < self.reads_at_us[at] {
                self.clock.at(self.reads_at_us[at], Event::Arrive(id, Side::Device));
                break;
            }
            let Some(frame) = link.wire.take_frame(Side::Device) else { break };
            if self.plan.troubles.slow && !self.healed && self.dice.one_in(3) {
                self.reads_at_us[at] = now_us + self.dice.below(400 * MS);
            }
            self.trace.say(now_us, format_args!("device {at} < {}", FrameWords(&frame)));
            self.devices[at].on_frame(&frame, now_us, &mut self.verifier);
            self.follow_device(at);
        }
        // Somebody took something, so there is room to say more.
        if self.host.serves(id) {
            self.plan_poll(id, now_us);
        }
    }

    pub(super) fn relay_reads(&mut self, id: u64) {
        let now_us = self.clock.now_us();
        while self.host.serves(id) && !self.host.is_paused(id) {
            let Some(link) = self.links.get_mut(&id) else { return };
            let at = link.device;
            let Some(frame) = link.wire.take_frame(Side::Relay) else { break };
            self.trace.say(now_us, format_args!("relay < {at}: {}", FrameWords(&frame)));
            self.drive(id, Some(frame));
        }
    }

    pub(super) fn gone(&mut self, id: u64, side: Side) {
        let now_us = self.clock.now_us();
        let Some(link) = self.links.get_mut(&id) else { return };
        if !link.wire.is_over(side) {
            let last_us = link.wire.last_us(side);
            self.clock.at(last_us.max(now_us) + 1, Event::Gone(id, side));
            return;
        }
        let at = link.device;
        match side {
            Side::Relay => {
                self.relay_reads(id);
                self.host.hang_up(id);
                self.follow_host();
            }
            Side::Device => {
                self.reads_at_us[at] = self.reads_at_us[at].min(now_us);
                self.device_reads(id);
                let Some(link) = self.links.get_mut(&id) else { return };
                if std::mem::replace(&mut link.device_holds, false) {
                    self.devices[at].on_closed(now_us);
                    self.follow_device(at);
                }
            }
        }
        let over = self.links.get(&id).is_some_and(|link| !link.device_holds) && !self.host.serves(id);
        if over {
            self.links.remove(&id);
        }
    }

    /// The process is gone, and every connection with it.
    pub(crate) fn lose_connections(&mut self) {
        let ids: Vec<u64> = self.links.keys().copied().collect();
        for id in ids {
            if let Some(link) = self.links.get_mut(&id) {
                link.wire.broken = true;
            }
            let after_us = self.dice.below(50 * MS);
            self.clock.after(after_us, Event::Gone(id, Side::Device));
        }
    }
}
