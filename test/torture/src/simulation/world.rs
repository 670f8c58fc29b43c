//! The world of a seed: one relay, its disk, its devices, and the wires between them, moved by events of a virtual clock.

mod devices;
mod relay;
mod wires;

use super::cast::keys;
use super::device::{Device, KnownRoster, Verifier};
use super::faults;
use super::host::Host;
use super::network::{Side, Wire};
use super::plan::Plan;
use super::scheduler::{MS, SECOND, Scheduler};
use super::tally::Tally;
use super::trace::{Trace, Words};
use super::truth::{Line, SpaceTruth};
use super::watched::Lie;
use relay_proto::ids::LogId;
use relay_store::embedded::by_hand::{PARTS, Part};
use relay_store::vfs::sim::{Dice, SimVfs};
use std::collections::BTreeMap;

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

    pub(super) fn admit(&mut self, space: usize, index: usize, roster: KnownRoster) {
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

    pub(super) fn hold(&mut self, judged: Result<(), String>, space: usize) {
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
            Event::Act => faults::act(self),
            Event::DiskHeals => self.host.vfs.heal(),
            Event::NightFalls => faults::night(self),
            Event::Look => self.clock.after(200 * MS, Event::Look),
        }
        true
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
