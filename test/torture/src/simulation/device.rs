//! A device: an honest client without sockets, clock or threads. What it keeps is durable; a session is not.
//!
//! It notices what docs/protocol.md says a client must notice, and says so in `findings`: with an honest relay there are none.

mod log;
mod outbox;
mod pushing;
mod reading;
mod refusals;
mod roster;
mod session;
mod snapshots;
mod verifier;

pub(crate) use log::ShownClaims;
pub(crate) use roster::{Change, KnownRoster};
pub(crate) use session::Phase;
pub(crate) use verifier::Verifier;

use super::cast::{SpaceKeys, keys, seal};
use super::scheduler::{MS, SECOND};
use bytes::Bytes;
use log::VerifiedLog;
use outbox::Outbox;
use relay_proto::ErrorCode;
use relay_proto::frame::{EphemeralSend, Frame};
use relay_proto::ids::{DeviceKey, EntryId, Hash, LogId, SealedBytes};
use relay_proto::log_reset::LogReset;
use relay_store::vfs::sim::Dice;
use std::collections::{BTreeMap, BTreeSet};

/// Longest wait before a connection is tried again, in microseconds.
const RETRY_US_MAX: u64 = 8 * SECOND;

/// What a device did or believes now, for whoever knows the truth.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// It sealed an entry.
    Sealed { push_seq: u64, key_epoch: u32, id: EntryId },
    /// It folded a leaf of a tree of that log epoch.
    Folded { epoch: u64, seq: u64, leaf: Hash },
    /// It holds a receipt.
    Receipted { epoch: u64, seq: u64, push_seq: u64 },
    /// It acked.
    Acked { epoch: u64, size: u64 },
    /// Its roster change is in force.
    Changed(Change),
    /// It followed a log reset.
    Reset,
}

/// The last entry seen of a device.
#[derive(Clone, Copy, Debug)]
struct Link {
    push_seq: u64,
    epoch: u64,
    delivered: u64,
}

/// See the module.
pub(crate) struct Device {
    pub(crate) space: usize,
    pub(crate) index: usize,
    cast: &'static SpaceKeys,
    key: DeviceKey,
    log_id: LogId,
    dice: Dice,
    // Durable.
    pub(crate) roster: KnownRoster,
    pub(crate) log: VerifiedLog,
    pub(crate) outbox: Outbox,
    chains: BTreeMap<DeviceKey, Link>,
    /// What the app was given, in order.
    pub(crate) state: Vec<(DeviceKey, u64)>,
    acked: Option<(u64, u64)>,
    resets: Vec<LogReset>,
    pub(crate) wants: Option<Change>,
    snapshot_due: bool,
    // Of the moment.
    pub(crate) phase: Phase,
    /// Whether the app wants to be online.
    pub(crate) online: bool,
    /// Whether it never comes back.
    pub(crate) retired: bool,
    pub(crate) retry_at_us: u64,
    failures: u32,
    show_chain: bool,
    omits_own: bool,
    listens: bool,
    /// Frames to be sent.
    pub(crate) out: Vec<Bytes>,
    pub(crate) hangs_up: bool,
    pub(crate) told: Vec<Told>,
    pub(crate) findings: Vec<String>,
    pub(crate) refusals: BTreeSet<ErrorCode>,
}

impl Device {
    /// A device that was paired with this roster.
    pub(crate) fn new(space: usize, index: usize, log_id: LogId, roster: KnownRoster, seed: u64) -> Self {
        let cast = keys(space);
        let mut dice = Dice::new(seed);
        let (omits_own, listens) = (dice.one_in(2), dice.one_in(2));
        Self {
            space,
            index,
            cast,
            key: cast.devices[index].1,
            log_id,
            dice,
            roster,
            log: VerifiedLog::new(cast.id, log_id),
            outbox: Outbox::default(),
            chains: BTreeMap::new(),
            state: Vec::new(),
            acked: None,
            resets: Vec::new(),
            wants: None,
            snapshot_due: false,
            phase: Phase::Offline,
            online: true,
            retired: false,
            retry_at_us: 0,
            failures: 0,
            show_chain: false,
            omits_own,
            listens,
            out: Vec::new(),
            hangs_up: false,
            told: Vec::new(),
            findings: Vec::new(),
            refusals: BTreeSet::new(),
        }
    }

    pub(crate) fn may_connect(&self) -> bool {
        self.online && !self.retired && !self.has_failed()
    }

    /// Whether it gave up on the relay for good.
    pub(crate) fn has_failed(&self) -> bool {
        !self.findings.is_empty()
    }

    pub(crate) const fn key(&self) -> DeviceKey {
        self.key
    }

    fn send(&mut self, frame: &impl Frame) {
        self.out.push(frame.encode());
    }

    /// The app writes.
    pub(crate) fn write(&mut self, entries: u64, leak: u64) {
        for _ in 0..entries {
            let push_seq = self.outbox.len() + 1;
            let mut dice = Dice::new(self.dice.roll() ^ leak);
            let key_epoch = self.roster.key_epoch();
            let sealed = seal(self.space, self.index, push_seq, key_epoch, &mut dice);
            self.outbox.append(key_epoch, sealed);
            self.tell_sealed(push_seq);
        }
    }

    fn tell_sealed(&mut self, push_seq: u64) {
        if let Some(entry) = self.outbox.get(push_seq) {
            self.told.push(Told::Sealed { push_seq, key_epoch: entry.key_epoch, id: entry.id });
        }
    }

    /// The app sends something that is not stored.
    pub(crate) fn send_ephemeral(&mut self) {
        if matches!(self.phase, Phase::Open(_)) {
            let sealed = SealedBytes(Bytes::from(self.dice.roll().to_be_bytes().to_vec()));
            self.send(&EphemeralSend { key_epoch: self.roster.key_epoch(), sealed });
        }
    }

    /// The app wants a snapshot made when it can be.
    pub(crate) const fn wish_snapshot(&mut self) {
        self.snapshot_due = true;
    }

    /// The transport is gone.
    pub(crate) fn on_closed(&mut self, now_us: u64) {
        self.phase = Phase::Offline;
        self.out.clear();
        self.hangs_up = false;
        self.failures = (self.failures + 1).min(10);
        let longest = ((200 * MS) << self.failures).min(RETRY_US_MAX);
        self.retry_at_us = self.retry_at_us.max(now_us + 1 + self.dice.below(longest));
    }

    /// When it wants to be woken.
    pub(crate) fn next_deadline(&self, now_us: u64) -> Option<u64> {
        match &self.phase {
            Phase::Offline => self.may_connect().then_some(self.retry_at_us),
            Phase::Greeting(greeting) => Some(greeting.until_us),
            Phase::Open(open) => open.next_deadline(now_us),
        }
    }

    /// Notes what a frame proved, if anything, and gives up then.
    fn judge(&mut self, judged: Result<(), String>) {
        if let Err(what) = judged {
            self.findings.push(what);
            self.hangs_up = true;
        }
    }

    /// Whether it is online, has read everything and nothing of it is missing at the relay.
    pub(crate) fn is_settled(&self) -> bool {
        let Phase::Open(open) = &self.phase else { return false };
        let caught_up = self.log.is_caught_up() || (self.log.known_size() == 0 && self.log.size() == 0);
        open.is_live() && caught_up && self.outbox.all_stored() && self.wants.is_none() && self.roster.confirmed
    }
}
