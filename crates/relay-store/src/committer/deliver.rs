//! What a group's durability sets free: views, completions, the listener, in the order the committer's module states.

use crate::segment::offset_of;
use crate::shared::{Shared, add};
use crate::space::Space;
use bytes::Bytes;
use relay_core::commit::CommittedGroup;
use relay_core::ledger::{PlannedRun, PlannedVerdict, PushPlan};
use relay_core::store::{
    Completion, Pushed, ReceiptRun, RosterCommit, SpaceCommit, SpaceFacts, StoreError, StoredEntry, Verdict,
};
use relay_core::wakes;
use relay_proto::attestation::PushLeaf;
use relay_proto::ids::{DeviceKey, SpaceId};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Answers, and spaces that are announced, after which those who were told are woken: enough for one wake-up to be worth many,
/// and few enough that other cores need not wait for the rest of a large group.
const TOLD_TOGETHER: usize = 64;

/// A space that a group has something of.
pub(super) struct Touched {
    pub(super) space: Arc<Space>,
    /// Not known to anybody yet.
    pub(super) fresh: bool,
    pub(super) roster_changed: bool,
    pub(super) devices: BTreeSet<DeviceKey>,
    pub(super) leaves: Vec<PushLeaf>,
    pub(super) first_seq: u64,
    pub(super) entries: Vec<StoredEntry>,
    /// Its slot in the signed group.
    pub(super) slot: usize,
}

impl Touched {
    pub(super) const fn new(space: Arc<Space>) -> Self {
        Self {
            space,
            fresh: false,
            roster_changed: false,
            devices: BTreeSet::new(),
            leaves: Vec::new(),
            first_seq: 0,
            entries: Vec::new(),
            slot: 0,
        }
    }
}

/// The spaces of a group, in the order in which they were touched.
#[derive(Default)]
pub(super) struct TouchedSpaces {
    list: Vec<Touched>,
    places: HashMap<SpaceId, usize>,
    last: usize,
}

impl TouchedSpaces {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Where a space is; the one asked for last is found at once.
    pub(super) fn place(&mut self, space: SpaceId) -> Option<usize> {
        if self.list.get(self.last).is_none_or(|touched| touched.space.id != space) {
            self.last = *self.places.get(&space)?;
        }
        Some(self.last)
    }

    pub(super) fn get(&self, place: usize) -> Option<&Touched> {
        self.list.get(place)
    }

    pub(super) fn of(&self, space: SpaceId) -> Option<&Touched> {
        self.list.get(*self.places.get(&space)?)
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Touched> {
        self.list.get_mut(place)
    }

    /// Adds a space if it is not there; returns where it is.
    pub(super) fn touch(&mut self, space: &Arc<Space>) -> usize {
        self.place(space.id).unwrap_or_else(|| {
            self.last = self.list.len();
            self.places.insert(space.id, self.last);
            self.list.push(Touched::new(Arc::clone(space)));
            self.last
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Touched> {
        self.list.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Touched> {
        self.list.iter_mut()
    }
}

/// The verdict on a push.
pub(super) struct PushAnswer {
    pub(super) plan: PushPlan,
    /// Which of the space's push leaves is its own.
    pub(super) leaf_index: Option<usize>,
}

/// What a call will be answered.
pub(super) enum Answer {
    Push {
        /// Which of the touched spaces; none when it is not known.
        touched: Option<usize>,
        done: Completion<Pushed>,
        result: Result<PushAnswer, StoreError>,
    },
    /// With the statements it added; `None` when nothing was new.
    Roster {
        space: SpaceId,
        done: Completion<SpaceFacts>,
        result: Result<Option<Vec<Bytes>>, StoreError>,
    },
    Trim {
        done: Completion<()>,
        result: Result<(), StoreError>,
    },
    Attest {
        space: SpaceId,
        done: Completion<Bytes>,
        result: Result<(), StoreError>,
    },
}

/// Everything that waits for a group.
pub(super) struct Outcome {
    pub(super) touched: TouchedSpaces,
    pub(super) answers: Vec<Answer>,
    /// The wall clock's time at which it was decided.
    pub(super) wall_ms: u64,
}

impl Outcome {
    /// Whether nothing in it needs an attestation.
    pub(super) fn needs_no_signature(&self) -> bool {
        self.touched.is_empty()
    }

    /// Refuses everything: the group is not durable.
    pub(super) fn refuse(self, error: &StoreError) {
        for answer in self.answers {
            let error = error.clone();
            match answer {
                Answer::Push { done, .. } => done(Err(error)),
                Answer::Roster { done, .. } => done(Err(error)),
                Answer::Trim { done, .. } => done(Err(error)),
                Answer::Attest { done, .. } => done(Err(error)),
            }
        }
    }

    /// The group is durable and signed.
    pub(super) fn deliver(self, shared: &Shared, group: Option<&CommittedGroup>) {
        if self.answers.len() <= TOLD_TOGETHER {
            wakes::together(|| self.tell(shared, group));
        } else {
            self.tell(shared, group);
        }
    }

    fn tell(mut self, shared: &Shared, group: Option<&CommittedGroup>) {
        self.show_rosters(shared);
        let (rosters, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.answers).into_iter().partition(|answer| matches!(answer, Answer::Roster { .. }));
        for answer in rosters {
            if let Answer::Roster { space, done, result } = answer {
                self.answer_roster(shared, space, done, result);
            }
        }
        self.show_logs(group);
        let mut others = others.into_iter();
        while others.len() > 0 {
            wakes::together(|| {
                others.by_ref().take(TOLD_TOGETHER).for_each(|answer| self.answer(shared, group, answer));
            });
        }
        self.announce(shared, group);
    }

    fn show_rosters(&self, shared: &Shared) {
        for touched in self.touched.iter() {
            if touched.roster_changed {
                touched.space.lock().show_roster();
            }
            if touched.fresh {
                shared.insert(Arc::clone(&touched.space));
            }
        }
    }

    fn answer_roster(
        &self,
        shared: &Shared,
        space: SpaceId,
        done: Completion<SpaceFacts>,
        result: Result<Option<Vec<Bytes>>, StoreError>,
    ) {
        let added = match result {
            Ok(added) => added,
            Err(error) => return done(Err(error)),
        };
        let touched = self.touched.of(space).map(|touched| Arc::clone(&touched.space));
        let known = match touched.map_or_else(|| shared.load(space), Ok) {
            Ok(known) => known,
            Err(error) => return done(Err(error)),
        };
        let facts = known.lock().shown.facts();
        let commit = added.map(|added| RosterCommit {
            space,
            added,
            keyring: facts.keyring.clone(),
            roster_version: facts.roster_version,
        });
        done(Ok(facts));
        if let (Some(commit), Some(listener)) = (commit, shared.listener.get()) {
            listener.roster_changed(commit);
        }
    }

    fn show_logs(&self, group: Option<&CommittedGroup>) {
        for touched in self.touched.iter() {
            let mut state = touched.space.lock();
            state.show_log(touched.devices.iter().copied());
            if let Some(group) = group {
                state.shown.attestation = group.attestation(touched.slot);
                state.shown.attested_ms = self.wall_ms;
            }
        }
    }

    fn attestation(&self, space: SpaceId, group: Option<&CommittedGroup>) -> Bytes {
        let slot = self.touched.of(space).map(|touched| touched.slot);
        slot.zip(group).map_or_else(Bytes::new, |(slot, group)| group.attestation(slot))
    }

    fn answer(&self, shared: &Shared, group: Option<&CommittedGroup>, answer: Answer) {
        match answer {
            Answer::Push { touched, done, result } => {
                let slot = touched.and_then(|place| self.touched.get(place)).map(|touched| touched.slot);
                let pushed = result.map(|answer| {
                    if answer.leaf_index.is_none() {
                        add(&shared.counters.duplicates, 1);
                    }
                    let attestation = slot.zip(group).map_or_else(Bytes::new, |(slot, group)| group.attestation(slot));
                    Pushed { runs: runs(slot.unwrap_or(0), &answer, group), attestation }
                });
                done(pushed);
            }
            Answer::Trim { done, result } => done(result),
            Answer::Attest { space, done, result } => done(result.map(|()| self.attestation(space, group))),
            Answer::Roster { done, .. } => done(Err(StoreError::Closed)),
        }
    }

    fn announce(self, shared: &Shared, group: Option<&CommittedGroup>) {
        let mut spaces = self.touched.list.into_iter().filter(|touched| !touched.entries.is_empty()).peekable();
        while spaces.peek().is_some() {
            wakes::together(|| {
                spaces.by_ref().take(TOLD_TOGETHER).for_each(|touched| announce(touched, shared, group));
            });
        }
    }
}

fn announce(touched: Touched, shared: &Shared, group: Option<&CommittedGroup>) {
    let bytes: usize = touched.entries.iter().map(|entry| entry.sealed.len()).sum();
    add(&shared.counters.entries, offset_of(touched.entries.len()));
    add(&shared.counters.entry_bytes, offset_of(bytes));
    if let Some(listener) = shared.listener.get() {
        let attestation = group.map_or_else(Bytes::new, |group| group.attestation(touched.slot));
        listener.committed(SpaceCommit {
            space: touched.space.id,
            first_seq: touched.first_seq,
            entries: touched.entries,
            attestation,
        });
    }
}

/// A push's runs, each of new entries with the one proof the push has.
fn runs(slot: usize, answer: &PushAnswer, group: Option<&CommittedGroup>) -> Vec<ReceiptRun> {
    let proof = || answer.leaf_index.zip(group).and_then(|(index, group)| group.proof(slot, index));
    let run = |run: &PlannedRun| {
        let verdict = match run.verdict {
            PlannedVerdict::Duplicate { seq_first } => Verdict::Duplicate { seq_first },
            PlannedVerdict::DuplicateForgotten => Verdict::DuplicateForgotten,
            PlannedVerdict::Stored { seq_first } => {
                let (index, leaves, path) =
                    proof().map_or((0, 0, Vec::new()), |proof| (proof.index, proof.leaves, proof.path));
                Verdict::Stored { seq_first, index, leaves, path }
            }
        };
        ReceiptRun { push_seq_first: run.push_seq_first, count: run.count, verdict }
    };
    answer.plan.runs().iter().map(run).collect()
}
