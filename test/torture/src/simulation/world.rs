//! The world of a seed: one relay, its disk, its devices, and the wires between them, moved by events of a virtual clock.

use super::device::{Change, Device, KnownRoster, Phase, Told, Verifier};
use super::host::{Host, StartError};
use super::network::{Side, Wire};
use super::plan::Plan;
use super::scheduler::{MS, SECOND, Scheduler};
use super::trace::{Trace, Words, FrameWords};
use super::truth::{Found, Line, SpaceTruth};
use super::watched::{Announced, Lie};
use super::{cast::keys, tally::Tally};
use bytes::Bytes;
use relay_core::limits::{READ_PAGE_BYTES, RUN_BYTES_MAX};
use relay_proto::frame::{Frame, RelayFrame};
use relay_proto::ids::LogId;
use relay_proto::log_reset::LogReset;
use relay_store::embedded::by_hand::{PARTS, Part};
use relay_store::vfs::sim::{Dice, SimVfs};
use std::collections::BTreeMap;

/// How much a write queue may hold beyond its window: what an endpoint says in one step.
const OVERSHOOT_BYTES_MAX: usize = READ_PAGE_BYTES as usize + RUN_BYTES_MAX + (64 << 10);

/// What happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Pieces arrive at an end.
    Arrive(u64, Side),
    /// A connection's endpoint is asked.
    Poll(u64),
    /// An end learns that its connection is gone.
    Gone(u64, Side),
    /// A part of the store goes on.
    Turn(Part),
    /// A device's time has come.
    Wake(usize),
    /// The forgetting sweep, and a look at the gauges.
    Sweep,
    /// The operator starts the relay.
    Start,
    /// Something bad or ordinary is done; see `faults`.
    Act,
    /// The disk works again.
    DiskHeals,
    /// Nobody is there for a day.
    NightFalls,
    /// Whether everything came to rest.
    Look,
}

/// One connection.
pub(crate) struct Link {
    pub(crate) device: usize,
    pub(crate) wire: Wire,
    device_holds: bool,
    poll_at_us: u64,
}

/// A disk of an earlier moment and what was true then.
pub(crate) struct Backup {
    pub(crate) vfs: SimVfs,
    pub(crate) lines: Vec<Option<Line>>,
}

/// See the module.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) clock: Scheduler<Event>,
    pub(crate) dice: Dice,
    pub(crate) host: Host,
    pub(crate) devices: Vec<Device>,
    pub(crate) truths: Vec<SpaceTruth>,
    pub(crate) links: BTreeMap<u64, Link>,
    pub(crate) trace: Trace,
    pub(crate) tally: Tally,
    pub(crate) backup: Option<Backup>,
    /// Whether the relay may lie about what it held: a backup was put back in secret.
    pub(crate) deceived: bool,
    /// Whether troubles are over.
    pub(crate) healed: bool,
    pub(crate) actions_left: u64,
    /// When each device reads again, in a world with slow ones.
    pub(crate) reads_at_us: Vec<u64>,
    /// A real random number, in the control that the trace must catch.
    pub(crate) leak: u64,
    verifier: Verifier,
    wakes: Vec<u64>,
    turns: [bool; PARTS.len()],
    next_link: u64,
    log_id: LogId,
    pub(crate) violation: Option<String>,
}

impl World {
    pub(crate) fn new(plan: Plan, lie: Lie, words: Words, leak: u64) -> Self {
        let mut world = Self {
            plan,
            clock: Scheduler::new(),
            dice: Dice::new(plan.seed ^ 0x5eed),
            host: Host::new(plan, lie),
            devices: Vec::new(),
            truths: Vec::new(),
            links: BTreeMap::new(),
            trace: Trace::new(words),
            tally: Tally::default(),
            backup: None,
            deceived: false,
            healed: false,
            actions_left: plan.actions,
            reads_at_us: Vec::new(),
            leak,
            verifier: Verifier::default(),
            wakes: Vec::new(),
            turns: [false; PARTS.len()],
            next_link: 1,
            log_id: LogId::ZERO,
            violation: None,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.start();
        // A first start on a good disk; anything else is a violation that `start` noted.
        self.log_id = self.host.log_id().unwrap_or(LogId::ZERO);
        for space in 0..self.plan.spaces {
            self.truths.push(SpaceTruth::new(space, self.log_id));
            let founders = self.plan.founders[space];
            let (statement, keyring) = keys(space).founding(founders);
            for index in 0..founders {
                match KnownRoster::new(keys(space).id, &[statement.bytes().clone()], keyring.clone()) {
                    Ok(roster) => self.admit(space, index, roster),
                    Err(what) => self.violate(what),
                }
            }
        }
        self.clock.after(SECOND, Event::Sweep);
        self.clock.after(50 * MS, Event::Act);
    }

    fn admit(&mut self, space: usize, index: usize, roster: KnownRoster) {
        let seed = self.dice.roll();
        let device = Device::new(space, index, self.log_id, roster, seed);
        self.devices.push(device);
        self.reads_at_us.push(0);
        self.wakes.push(u64::MAX);
        self.plan_wake(self.devices.len() - 1);
    }

    /// Notes the first violation; a world that is deceived on purpose has its own judge.
    pub(crate) fn violate(&mut self, what: String) {
        if !self.deceived {
            self.trace.say(self.clock.now_us(), format_args!("VIOLATION {what}"));
            self.violation.get_or_insert(what);
        }
    }

    fn hold(&mut self, judged: Result<(), String>, space: usize) {
        if let Err(what) = judged {
            self.violate(format!("space {space}: {what}"));
        }
    }

    /// Does the next event; false when there is none.
    pub(crate) fn step(&mut self) -> bool {
        let Some(event) = self.clock.next() else { return false };
        let now_us = self.clock.now_us();
        self.host.set_time(now_us);
        let (kind, about) = numbers(event);
        self.trace.event(now_us, kind, about);
        match event {
            Event::Arrive(link, side) => self.arrive(link, side),
            Event::Poll(link) => self.poll(link),
            Event::Gone(link, side) => self.gone(link, side),
            Event::Turn(part) => self.turn(part),
            Event::Wake(device) => self.wake(device),
            Event::Sweep => self.sweep(),
            Event::Start => self.start(),
            Event::Act => super::faults::act(self),
            Event::DiskHeals => self.host.vfs.heal(),
            Event::NightFalls => super::faults::night(self),
            Event::Look => self.clock.after(200 * MS, Event::Look),
        }
        true
    }

    // Devices.

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

    fn hear(&mut self, at: usize, told: &Told) {
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
    fn changed(&mut self, by: usize, change: Change) {
        let space = self.devices[by].space;
        if let Change::Add(index) = change
            && !self.devices.iter().any(|device| (device.space, device.index) == (space, index))
        {
            let mut roster = self.devices[by].roster.clone();
            roster.confirmed = false;
            self.admit(space, index, roster);
        }
    }

    fn link_of(&self, device: usize) -> Option<u64> {
        self.links.iter().find(|(_, link)| link.device == device && link.device_holds).map(|(id, _)| *id)
    }

    fn plan_wake(&mut self, at: usize) {
        let Some(deadline_us) = self.devices[at].next_deadline(self.clock.now_us()) else { return };
        // Offline with a link means that the link's end is on its way.
        if deadline_us < self.wakes[at] {
            self.wakes[at] = deadline_us;
            self.clock.at(deadline_us, Event::Wake(at));
        }
    }

    fn wake(&mut self, at: usize) {
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

    fn connect(&mut self, at: usize) {
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

    // Wires.

    fn transmit(&mut self, id: u64, to: Side, frame: &Bytes) {
        let now_us = self.clock.now_us();
        self.trace.bytes(frame);
        let Some(link) = self.links.get_mut(&id) else { return };
        for at_us in link.wire.send(to, frame, now_us, self.plan.weather, &mut self.dice) {
            self.clock.at(at_us, Event::Arrive(id, to));
        }
    }

    fn arrive(&mut self, id: u64, side: Side) {
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

    fn device_reads(&mut self, id: u64) {
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

    fn relay_reads(&mut self, id: u64) {
        let now_us = self.clock.now_us();
        while self.host.serves(id) && !self.host.is_paused(id) {
            let Some(link) = self.links.get_mut(&id) else { return };
            let at = link.device;
            let Some(frame) = link.wire.take_frame(Side::Relay) else { break };
            self.trace.say(now_us, format_args!("relay < {at}: {}", FrameWords(&frame)));
            self.drive(id, Some(frame));
        }
    }

    // The relay.

    fn plan_poll(&mut self, id: u64, at_us: u64) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if at_us < link.poll_at_us {
            link.poll_at_us = at_us;
            self.clock.at(at_us, Event::Poll(id));
        }
    }

    fn poll(&mut self, id: u64) {
        if let Some(link) = self.links.get_mut(&id) {
            link.poll_at_us = u64::MAX;
        }
        let was_paused = self.host.is_paused(id);
        self.drive(id, None);
        if was_paused {
            self.relay_reads(id);
        }
    }

    fn drive(&mut self, id: u64, message: Option<Bytes>) {
        let now_us = self.clock.now_us();
        let Some(link) = self.links.get(&id) else { return };
        let (at, open) = (link.device, link.wire.open_bytes(Side::Device));
        let room = self.plan.window_bytes.saturating_sub(open);
        let Some(queue) = self.host.drive(id, message, room, now_us) else { return };
        let (frames, closed) = (std::mem::take(&mut queue.frames), queue.closed);
        let said: usize = frames.iter().map(Bytes::len).sum();
        if open.max(self.plan.window_bytes) + said > self.plan.window_bytes.max(open) + OVERSHOOT_BYTES_MAX {
            self.violate(format!("a write queue of {} bytes", open + said));
        }
        let (space, key) = (self.devices[at].space, self.devices[at].key());
        for frame in frames {
            match RelayFrame::decode(&frame) {
                Ok(decoded) if !self.deceived => {
                    let judged = self.truths[space].said(&key, &decoded, now_us);
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

    fn relay_closes(&mut self, id: u64) {
        let now_us = self.clock.now_us();
        self.host.hang_up(id);
        if let Some(link) = self.links.get_mut(&id) {
            let at_us = link.wire.end(Side::Device, now_us);
            self.clock.at(at_us + 1, Event::Gone(id, Side::Device));
        }
    }

    /// Takes what the store announced to the truth, and lets those go on who were woken.
    fn follow_host(&mut self) {
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

    fn announce(&mut self, announced: &Announced) {
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
                let founded_by = self.first_reset(space);
                self.truths[space].roster(commit, founded_by, now_us)
            }
        };
        self.trace.say(now_us, format_args!("durable in space {space}: {entries} entries"));
        self.hold(judged, space);
    }

    /// The reset with which a space begins that is new to a later log epoch.
    fn first_reset(&self, space: usize) -> Option<LogReset> {
        use relay_core::store::Store;
        let store = self.host.store().filter(|store| self.truths[space].line.is_none() && store.log().log_epoch > 1)?;
        let resets = super::truth::ask_now(|done| store.log_resets(self.truths[space].id(), 0, done))?;
        resets.first().and_then(|reset| LogReset::decode(reset).ok())
    }

    fn plan_turn(&mut self, part: Part, after_us: u64) {
        let at = PARTS.iter().position(|known| *known == part).unwrap_or(0);
        if !std::mem::replace(&mut self.turns[at], true) {
            self.clock.after(after_us, Event::Turn(part));
        }
    }

    fn turn(&mut self, part: Part) {
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
        super::faults::after_turn(self);
    }

    fn sweep(&mut self) {
        let now_us = self.clock.now_us();
        self.clock.after(10 * SECOND, Event::Sweep);
        self.host.sweep(now_us);
        self.host.turn(Part::Metadata);
        self.follow_host();
        if self.dice.one_in(4) {
            self.plan_turn(Part::Reclaim, MS);
        }
        super::invariants::look(self);
    }

    fn gone(&mut self, id: u64, side: Side) {
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
                judged.map_err(|what| format!("space {space} after a start: {what}"))?;
            }
            Ok(())
        };
        match self.host.start(now_us, check) {
            Ok(()) => self.trace.say(now_us, format_args!("the relay runs")),
            Err(StartError::Broken(what)) => self.violate(what),
            Err(StartError::Open(error)) if self.healed => self.violate(format!("does not open: {error}")),
            Err(StartError::Open(_)) => {
                self.tally.failed_starts += 1;
                self.host.vfs.kill();
                self.host.vfs.heal();
                self.clock.after(2 * SECOND, Event::Start);
            }
        }
        self.turns = [false; PARTS.len()];
    }
}

fn numbers(event: Event) -> (u64, u64) {
    let side = |side: Side| u64::from(side == Side::Device);
    match event {
        Event::Arrive(id, at) => (1 + side(at), id),
        Event::Poll(id) => (3, id),
        Event::Gone(id, at) => (4 + side(at), id),
        Event::Turn(part) => (6, part as u64),
        Event::Wake(device) => (7, device as u64),
        Event::Sweep => (8, 0),
        Event::Start => (9, 0),
        Event::Act => (10, 0),
        Event::DiskHeals => (11, 0),
        Event::NightFalls => (12, 0),
        Event::Look => (13, 0),
    }
}
