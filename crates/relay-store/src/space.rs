//! One space in memory: the ledger the committer works on, what of it is durable and may be shown, and where its entries are.
//!
//! Invariant: `shown` never says more than what is durable; `ledger` and `index` may be one commit group ahead of it.

use crate::cold::Chunk;
use crate::damaged_read::Unreadable;
use crate::index::SpaceIndex;
use crate::segment::state::{AGES_MAX, StateRecord};
use crate::usage::Counted;
use bytes::Bytes;
use relay_core::flat_map::FlatMap;
use relay_core::ledger::{Held, HeldEntries, RestoreError, RosterState, SpaceLedger};
use relay_core::store::{DeviceMark, SignedAck, SpaceFacts};
use relay_proto::ids::{DeviceKey, SpaceId};
use std::cell::RefCell;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Commit times are kept at this resolution, in milliseconds.
const AGE_MARK_MS: u64 = 3_600_000;

/// One space.
#[derive(Debug)]
pub(crate) struct Space {
    /// Its id.
    pub(crate) id: SpaceId,
    /// How often it was locked by those who may change it.
    uses: AtomicU32,
    state: Mutex<SpaceState>,
    /// Set when it is durable that it is erased, and as long as it is not durable that it was imported.
    gone: AtomicBool,
    /// Set as long as it is not durable that it was imported: unknown to every call, and part of what the store keeps.
    arriving: AtomicBool,
}

/// A locked space that is only looked at.
pub(crate) struct Peek<'a>(MutexGuard<'a, SpaceState>);

impl Deref for Peek<'_> {
    type Target = SpaceState;

    fn deref(&self) -> &SpaceState {
        &self.0
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct SpaceState {
    pub(crate) ledger: SpaceLedger,
    pub(crate) index: SpaceIndex,
    pub(crate) shown: Shown,
    /// (seq, commit time) marks, ascending.
    pub(crate) ages: Vec<(u64, u64)>,
    /// Log resets by the epoch they began, encoded, oldest first.
    pub(crate) resets: Vec<(u64, Bytes)>,
    pub(crate) acks: FlatMap<DeviceKey, SignedAck>,
    pub(crate) contacts: FlatMap<DeviceKey, u64>,
    /// Whether acks and contacts are those of the metadata; until somebody needs them they are not read.
    pub(crate) is_heard: bool,
    /// What was counted of its entries last.
    pub(crate) counted: Option<Counted>,
    /// The image that was written last, if any; it may be older than the state.
    pub(crate) image: Option<Chunk>,
}

/// What is durable.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) size: u64,
    pub(crate) floor: u64,
    pub(crate) roster: Arc<RosterState>,
    pub(crate) marks: FlatMap<DeviceKey, DeviceMark>,
    /// Empty until one was signed since the start.
    pub(crate) attestation: Bytes,
    pub(crate) attested_ms: u64,
}

impl Shown {
    /// As the store's contract shows it.
    pub(crate) fn facts(&self) -> SpaceFacts {
        self.roster.facts(self.size, self.floor)
    }
}

impl Space {
    /// A space whose ledger is durable as it is.
    pub(crate) fn new(ledger: SpaceLedger) -> Self {
        let shown = Shown {
            size: 0,
            floor: 0,
            roster: ledger.shared_roster(),
            marks: FlatMap::default(),
            attestation: Bytes::new(),
            attested_ms: 0,
        };
        let id = ledger.space();
        let mut state = SpaceState {
            ledger,
            index: SpaceIndex::default(),
            shown,
            ages: Vec::new(),
            resets: Vec::new(),
            acks: FlatMap::default(),
            contacts: FlatMap::default(),
            is_heard: false,
            counted: None,
            image: None,
        };
        state.show_all();
        Self {
            id,
            uses: AtomicU32::new(0),
            state: Mutex::new(state),
            gone: AtomicBool::new(false),
            arriving: AtomicBool::new(false),
        }
    }

    /// A space as a state record has it; its rows are still to be added.
    pub(crate) fn of_record(mut record: StateRecord) -> Result<Self, RestoreError> {
        record.take_out();
        let StateRecord { ledger, forgotten, resets, ages } = record;
        let space = Self::new(SpaceLedger::restore(ledger)?);
        let mut state = space.lock();
        state.ages = ages;
        state.resets = resets;
        forgotten.into_iter().for_each(|(device, push_seq)| state.index.forget(device, push_seq));
        drop(state);
        Ok(space)
    }

    /// From now on it is unknown to every call.
    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// Until [`Self::arrive`] it is unknown to every call.
    pub(crate) fn await_arrival(&self) {
        self.arriving.store(true, Ordering::Release);
        self.leave();
    }

    /// From now on it is known: its import is durable.
    pub(crate) fn arrive(&self) {
        self.gone.store(false, Ordering::Release);
        self.arriving.store(false, Ordering::Release);
    }

    pub(crate) fn is_arriving(&self) -> bool {
        self.arriving.load(Ordering::Acquire)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Locks the space; held for memory operations and, at most, one short lookup of a retried push.
    pub(crate) fn lock(&self) -> MutexGuard<'_, SpaceState> {
        let state = self.lock_without_use();
        // Only who holds the lock changes it.
        self.uses.store(self.uses().wrapping_add(1), Ordering::Relaxed);
        state
    }

    /// Locks the space to look at it, which does not count as a use.
    pub(crate) fn peek(&self) -> Peek<'_> {
        Peek(self.lock_without_use())
    }

    /// Where its image was written, for when it is let go and is still the same.
    pub(crate) fn keep_image(&self, chunk: Chunk) {
        self.lock_without_use().image = Some(chunk);
    }

    /// Notes what is no part of its image, which does not count as a use: a contact that the metadata has.
    pub(crate) fn note_contact(&self, device: DeviceKey, now_ms: u64) {
        self.lock_without_use().touch(device, now_ms);
    }

    fn lock_without_use(&self) -> MutexGuard<'_, SpaceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often it was used; what did not change between two looks was not used, and is the same.
    pub(crate) fn uses(&self) -> u32 {
        self.uses.load(Ordering::Relaxed)
    }
}

impl SpaceState {
    /// Shows everything of the ledger.
    pub(crate) fn show_all(&mut self) {
        let Self { ledger, shown, .. } = self;
        (shown.size, shown.floor, shown.roster) = (ledger.size(), ledger.floor(), ledger.shared_roster());
        shown.marks = ledger.devices().map(|device| (device, ledger.mark(device))).collect();
    }

    /// Shows size, floor and the marks of `devices`.
    pub(crate) fn show_log(&mut self, devices: impl IntoIterator<Item = DeviceKey>) {
        self.shown.size = self.ledger.size();
        self.shown.floor = self.ledger.floor();
        for device in devices {
            self.shown.marks.insert(device, self.ledger.mark(device));
        }
    }

    /// Shows the roster; size and floor stay as they are shown.
    pub(crate) fn show_roster(&mut self) {
        let Self { ledger, shown, .. } = self;
        shown.roster = ledger.shared_roster();
        shown.marks.retain(|device, _| ledger.record(*device).push_seq_high > 0);
    }

    /// Notes that everything up to `seq` was committed by `time_ms`.
    pub(crate) fn note_age(&mut self, seq: u64, time_ms: u64) {
        match self.ages.last_mut() {
            Some(last) if last.1 / AGE_MARK_MS == time_ms / AGE_MARK_MS => *last = (seq, time_ms),
            _ => self.ages.push((seq, time_ms)),
        }
        if self.ages.len() > AGES_MAX {
            // The later of two neighbours stays: what is between counts as younger than it is, and is kept longer.
            let ages = std::mem::take(&mut self.ages);
            let stays = (ages.len() - 1) % 2;
            self.ages =
                ages.into_iter().enumerate().filter_map(|(at, mark)| (at % 2 == stays).then_some(mark)).collect();
        }
    }

    /// What of the space is durable, as a record; `None` while a commit group holds more of it that is not durable yet.
    pub(crate) fn record(&self) -> Option<StateRecord> {
        let (shown, ledger) = (&self.shown, &self.ledger);
        let is_quiet = (shown.size, shown.floor) == (ledger.size(), ledger.floor())
            && shown.roster.version() == ledger.roster().version();
        let high = |device: &DeviceKey| Some((*device, self.index.forgotten(*device))).filter(|(_, high)| *high > 0);
        is_quiet.then(|| {
            let ledger = ledger.state();
            StateRecord {
                forgotten: ledger.devices.iter().filter_map(|(device, _)| high(device)).collect(),
                ledger,
                resets: self.resets.clone(),
                ages: self.ages.clone(),
            }
        })
    }

    /// Takes what the metadata has of acks and contacts; what came since is newer.
    pub(crate) fn hear(&mut self, acks: Vec<SignedAck>, contacts: Vec<(DeviceKey, u64)>) {
        for ack in acks {
            let is_newer = |held: &SignedAck| (ack.log_epoch, ack.size) > (held.log_epoch, held.size);
            if self.acks.get(&ack.device).is_none_or(is_newer) {
                self.acks.insert(ack.device, ack);
            }
        }
        contacts.into_iter().for_each(|(device, now_ms)| self.touch(device, now_ms));
        self.is_heard = true;
    }

    /// Shows what was replayed, and forgets the ages of what is forgotten.
    pub(crate) fn finish_replay(&mut self) {
        self.show_all();
        let floor = self.ledger.floor();
        self.ages.retain(|(seq, _)| *seq >= floor);
    }

    /// Notes a contact of a device.
    pub(crate) fn touch(&mut self, device: DeviceKey, now_ms: u64) {
        self.contacts.update(device, now_ms, |contact| *contact = now_ms.max(*contact));
    }
}

/// The lookup a ledger is given; remembers what could not be read.
pub(crate) struct Finder<'a> {
    index: &'a SpaceIndex,
    failed: RefCell<Option<Unreadable>>,
}

impl<'a> Finder<'a> {
    pub(crate) const fn new(index: &'a SpaceIndex) -> Self {
        Self { index, failed: RefCell::new(None) }
    }

    /// What could not be read, when something could not.
    pub(crate) fn failed(self) -> Option<Unreadable> {
        self.failed.into_inner()
    }
}

impl HeldEntries for Finder<'_> {
    fn find(&self, device: DeviceKey, push_seq: u64) -> Held {
        self.index.find(device, push_seq).unwrap_or_else(|unreadable| {
            self.failed.replace(Some(unreadable));
            Held::Unknown
        })
    }
}
