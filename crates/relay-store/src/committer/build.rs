//! One group in the making: verdicts in call order, records in one buffer, ledgers one group ahead of what is shown.

mod import;

use super::deliver::{Answer, Outcome, PushAnswer, Touched, TouchedSpaces};
use crate::index::{Place, SegmentFile};
use crate::queue::Call;
use crate::segment::footer::{Fact, Row};
use crate::segment::group::{Group, GroupBuilder};
use crate::segment::offset_of;
use crate::segment::record::{EntryFields, record_bytes};
use crate::segments::GroupContents;
use crate::shared::Shared;
use crate::space::{Finder, Space, SpaceState};
use bytes::{Bytes, BytesMut};
use relay_core::commit::{GroupAttestor, UnsignedGroup};
use relay_core::ledger::{AppliedPush, PreparedPush, PushPlan, RosterState, SpaceLedger};
use relay_core::store::{Refusal, StoreError, StoredEntry};
use relay_proto::frame::Frame;
use relay_proto::ids::SpaceId;
use relay_proto::limits::{CHAIN_BYTES_MAX, CHAIN_STATEMENTS_MAX};
use relay_proto::log_reset::LogReset;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of the log reset that a space founded in a later log epoch begins with.
const LOG_RESET_RECORD_BYTES: usize = record_bytes(32 + 32 + 8 + 8 + 32 + 8 + 8 + 64);

/// Where a group will start.
#[derive(Clone)]
pub(super) struct GroupPlace {
    pub(super) file: Arc<SegmentFile>,
    pub(super) offset: u64,
}

/// When a group is decided.
#[derive(Clone, Copy)]
pub(super) struct GroupTime {
    /// By the wall clock.
    pub(super) wall_ms: u64,
    /// By the log's clock.
    pub(super) time_ms: u64,
}

/// See the module.
pub(super) struct Build {
    shared: Arc<Shared>,
    place: Option<GroupPlace>,
    builder: GroupBuilder,
    facts: Vec<Fact>,
    touched: TouchedSpaces,
    answers: Vec<Answer>,
    spaces_max: usize,
    time: GroupTime,
}

/// Whether a call only repeats statements its space has: a device that comes back, also while the disk is full.
pub(super) fn brings_nothing(shared: &Shared, call: &Call) -> bool {
    let Call::Roster { space, chain, .. } = call else { return false };
    shared.load(*space).is_ok_and(|space| {
        let state = space.lock();
        let held = state.ledger.roster().chain();
        chain.iter().all(|statement| held.contains(statement))
    })
}

/// Bytes the records of these calls take at most.
pub(super) fn group_bytes_max(shared: &Shared, calls: &[Call]) -> usize {
    let held = |call: &Call| match call {
        Call::Roster { space, .. } => {
            let founding = if shared.log_epoch > 1 { LOG_RESET_RECORD_BYTES } else { 0 };
            match shared.load(*space) {
                Ok(space) => space.lock().ledger.roster().chain().iter().map(|bytes| bytes.len() + 4).sum(),
                Err(StoreError::UnknownSpace) => founding,
                // It will most likely be refused; should it be readable then, there is room.
                Err(_) => CHAIN_BYTES_MAX + 4 * CHAIN_STATEMENTS_MAX,
            }
        }
        _ => 0,
    };
    let mut rosters: BTreeMap<SpaceId, usize> = BTreeMap::new();
    let mut total = 0_usize;
    for call in calls.iter().filter(|call| !brings_nothing(shared, call)) {
        // Several rosters of one space in one group: each record holds what those before it added.
        let before = match call {
            Call::Roster { space, .. } => rosters.get(space).copied().unwrap_or_else(|| held(call)),
            _ => 0,
        };
        let bytes = call.bytes_max(before);
        if let Call::Roster { space, .. } = call {
            rosters.insert(*space, bytes);
        }
        total = total.saturating_add(bytes);
    }
    total
}

impl Build {
    pub(super) fn new(
        shared: Arc<Shared>,
        place: Option<GroupPlace>,
        builder: GroupBuilder,
        spaces_max: usize,
        time: GroupTime,
    ) -> Self {
        let (facts, touched, answers) = (Vec::new(), TouchedSpaces::default(), Vec::new());
        Self { shared, place, builder, facts, touched, answers, spaces_max, time }
    }

    /// Adds the mark of a clean end.
    pub(super) fn closed(&mut self) {
        let placed = self.builder.closed();
        self.note_fact(placed);
    }

    /// Remembers where a record is that is no entry.
    fn note_fact(&mut self, (offset, body_len): (u64, u32)) {
        if let Some(place) = &self.place {
            self.facts.push(Fact { offset: place.offset + offset, body_len, log_epoch: self.shared.log_epoch });
        }
    }

    /// Decides one call and applies it to the ledger.
    pub(super) fn decide(&mut self, call: Call) {
        let answer = match call {
            Call::Push { arriving, done } => {
                let prepared = arriving.prepared();
                let result = self.push(&prepared);
                Answer::Push { touched: self.touched.place(prepared.push.space), done, result }
            }
            Call::Roster { space, chain, keyring, done } => {
                Answer::Roster { space, done, result: self.roster(space, &chain, &keyring) }
            }
            Call::Import { space, begins, entries, done } => {
                Answer::Trim { done, result: self.import(&space, begins.as_deref(), entries) }
            }
            Call::GoOn { space, after, entries, done } => {
                Answer::Trim { done, result: self.go_on(space, after, entries) }
            }
            Call::Trim { space, floor, done } => Answer::Trim { done, result: self.trim(space, floor) },
            Call::Attest { space, done } => {
                let result = self.find(space).map(|found| {
                    self.touch(&found);
                });
                Answer::Attest { space, done, result }
            }
            // The queue hands these over last, and they are taken out before.
            Call::Roll { done } => return done(Err(StoreError::Closed)),
            Call::Close { done } => Answer::Trim { done, result: Err(StoreError::Closed) },
        };
        self.answers.push(answer);
    }

    fn find(&mut self, space: SpaceId) -> Result<Arc<Space>, StoreError> {
        let place = self.touched.place(space);
        let touched = place.and_then(|place| self.touched.get(place)).map(|touched| Arc::clone(&touched.space));
        let found = touched.map_or_else(|| self.shared.load(space), Ok)?;
        // One that this group touched may have left meanwhile.
        if found.is_gone() { Err(StoreError::UnknownSpace) } else { Ok(found) }
    }

    fn touch(&mut self, space: &Arc<Space>) -> Option<&mut Touched> {
        let place = self.touched.touch(space);
        self.touched.get_mut(place)
    }

    fn push(&mut self, prepared: &PreparedPush) -> Result<PushAnswer, StoreError> {
        let space = self.find(prepared.push.space)?;
        let mut guard = space.lock();
        let state = &mut *guard;
        let finder = Finder::new(&state.index);
        let plan = state.ledger.decide_push(prepared, &finder, self.time.wall_ms);
        if let Some(unreadable) = finder.failed() {
            return Err(self.shared.damaged(unreadable));
        }
        let plan = plan.map_err(StoreError::Refused)?;
        let applied = state.ledger.apply_push(prepared, &plan);
        let at = self.touched.touch(&space);
        let mut leaf_index = None;
        if let (Some(leaf), Some(place), Some(touched)) = (applied.push_leaf, &self.place, self.touched.get_mut(at)) {
            leaf_index = Some(touched.leaves.len());
            touched.leaves.push(leaf);
            touched.devices.insert(prepared.push.device);
            append(&mut self.builder, place, state, touched, prepared, &plan, &applied);
            let size = state.ledger.size();
            state.note_age(size, self.time.time_ms);
        }
        Ok(PushAnswer { plan, leaf_index })
    }

    fn roster(&mut self, id: SpaceId, chain: &[Bytes], keyring: &Bytes) -> Result<Option<Vec<Bytes>>, StoreError> {
        let now_ms = self.time.wall_ms;
        let mut founded = None;
        let (space, added) = match self.find(id) {
            Ok(space) => {
                let mut state = space.lock();
                let held = state.ledger.roster().chain();
                let is_news = !chain.iter().all(|statement| held.contains(statement));
                let own = is_news.then(|| own_copy(chain, keyring));
                let (chain, keyring) = own.as_ref().map_or((chain, keyring), |(chain, keyring)| (&chain[..], keyring));
                let plan = state.ledger.decide_roster(chain, keyring, now_ms).map_err(StoreError::Refused)?;
                let Some(plan) = plan else { return Ok(None) };
                let added = plan.added().to_vec();
                state.ledger.apply_roster(plan);
                drop(state);
                (space, added)
            }
            Err(error) if error != StoreError::UnknownSpace => return Err(error),
            Err(_) => {
                let (space, reset) = self.found(id, chain, keyring, now_ms)?;
                founded = reset;
                if let Some(touched) = self.touch(&space) {
                    touched.fresh = true;
                }
                (space, chain.to_vec())
            }
        };
        let state = space.lock();
        let roster = state.ledger.roster();
        let placed = self.builder.roster(id, roster.version(), roster.chain(), roster.keyring());
        drop(state);
        self.note_fact(placed);
        if let Some(reset) = founded {
            let placed = self.builder.log_reset(&reset);
            self.note_fact(placed);
        }
        if let Some(touched) = self.touch(&space) {
            touched.roster_changed = true;
        }
        Ok(Some(added))
    }

    fn found(
        &self,
        id: SpaceId,
        chain: &[Bytes],
        keyring: &Bytes,
        now_ms: u64,
    ) -> Result<(Arc<Space>, Option<LogReset>), StoreError> {
        if self.shared.tombstones.get(id, now_ms).is_some() {
            return Err(StoreError::Refused(Refusal::SpaceErased));
        }
        if self.shared.is_importing(id) {
            return Err(StoreError::Overloaded);
        }
        let (chain, keyring) = own_copy(chain, keyring);
        let roster = RosterState::found(id, &chain, &keyring, now_ms).map_err(StoreError::Refused)?;
        let fresh = self.touched.iter().filter(|touched| touched.fresh).count();
        if self.shared.space_count() + fresh >= self.spaces_max {
            return Err(StoreError::Refused(Refusal::TooManySpaces));
        }
        let Shared { log_epoch, signer, .. } = &*self.shared;
        let (ledger, reset) = SpaceLedger::found(id, Arc::new(roster), *log_epoch, self.time.time_ms, &**signer);
        let space = Arc::new(Space::new(ledger));
        space.lock().resets.extend(reset.map(|reset| (reset.new_epoch, reset.encode())));
        Ok((space, reset))
    }

    fn trim(&mut self, id: SpaceId, floor: u64) -> Result<(), StoreError> {
        let space = self.find(id)?;
        let mut state = space.lock();
        let before = state.ledger.floor();
        if state.ledger.raise_floor(floor) {
            let floor = state.ledger.floor();
            state.index.sealed_rows(before, floor).for_each(|(segment, rows)| self.shared.sealed.forget(segment, rows));
            state.ages.retain(|(seq, _)| *seq >= floor);
            drop(state);
            let placed = self.builder.trim(id, floor);
            self.note_fact(placed);
            self.touch(&space);
        }
        Ok(())
    }

    /// Collects the heads of all spaces the group touched.
    pub(super) fn attest(&mut self) -> Option<UnsignedGroup> {
        let mut attestor = GroupAttestor::new(self.time.time_ms);
        for touched in self.touched.iter_mut() {
            let mut state = touched.space.lock();
            touched.slot = attestor.add(&mut state.ledger, &touched.leaves);
        }
        attestor.close(&self.shared.owner.log_id, &*self.shared.entropy)
    }

    /// The group (`None` without records), and what happens once it is durable.
    pub(super) fn finish(self, group: u64) -> (Option<Written>, Outcome) {
        let has_records = self.builder.records() > 0;
        let (log_epoch, store_id) = (self.shared.log_epoch, &self.shared.owner.store_id);
        let time_ms = self.time.time_ms;
        let entries = |touched: &Touched| offset_of(touched.entries.len());
        let spaces = self.touched.iter().filter(|touched| !touched.entries.is_empty());
        let spaces = spaces.map(|touched| (touched.space.id, entries(touched))).collect();
        let contents = GroupContents { group, time_ms, log_epoch, facts: self.facts, spaces };
        // A body too long for its header cannot be: the queue takes no more than fits.
        let bytes = self.builder.finish(group, log_epoch, time_ms, store_id).filter(|_| has_records);
        let outcome = Outcome { touched: self.touched, answers: self.answers, wall_ms: self.time.wall_ms };
        (bytes.map(|group| Written { group, contents }), outcome)
    }
}

/// A group that is ready to be written, and what it adds to its segment.
pub(super) struct Written {
    pub(super) group: Group,
    pub(super) contents: GroupContents,
}

/// A roster in memory of its own, in one piece: what came is a part of a message, which would be kept whole with it.
fn own_copy(chain: &[Bytes], keyring: &Bytes) -> (Vec<Bytes>, Bytes) {
    let mut bytes = BytesMut::with_capacity(chain.iter().map(Bytes::len).sum::<usize>() + keyring.len());
    chain.iter().chain([keyring]).for_each(|part| bytes.extend_from_slice(part));
    let mut bytes = bytes.freeze();
    let chain = chain.iter().map(|statement| bytes.split_to(statement.len())).collect();
    (chain, bytes)
}

/// Appends the new entries of a push to the group, the index and what the listener will hear.
fn append(
    builder: &mut GroupBuilder,
    place: &GroupPlace,
    state: &mut SpaceState,
    touched: &mut Touched,
    prepared: &PreparedPush,
    plan: &PushPlan,
    applied: &AppliedPush,
) {
    let push = &prepared.push;
    if touched.entries.is_empty() {
        touched.first_seq = applied.seq_first;
    }
    let numbered = (push.push_seq_first..).zip(push.entries.iter().zip(&prepared.ids)).skip(plan.duplicates());
    let places = (applied.seq_first..).zip(numbered).map(|(seq, (push_seq, (sealed, id)))| {
        let fields =
            EntryFields { space: push.space, seq, device: push.device, push_seq, key_epoch: push.key_epoch, id: *id };
        let (offset, body_len) = builder.entry(&fields, sealed);
        let row = Row { fields, offset: place.offset + offset, body_len };
        let sealed = sealed.clone();
        let stored = StoredEntry { device: push.device, push_seq, key_epoch: push.key_epoch, id: *id, sealed };
        touched.entries.push(stored);
        Place { file: Arc::clone(&place.file), row }
    });
    state.index.add_run(push.device, places);
}
