//! What waits for the committer: bounded in calls and bytes, taken in order, everything that is waiting at once.

use crate::segment::group::GROUP_HEADER_BYTES;
use crate::segment::record::{ENTRY_FIELD_BYTES, record_bytes};
use crate::segment::state::StateRecord;
use crate::space::Space;
use bytes::Bytes;
use relay_core::ledger::ArrivingPush;
use relay_core::store::{Completion, Pushed, SpaceFacts, StoreError, StoredEntry};
use relay_proto::ids::{Seq, SpaceId};
use relay_proto::wire::Writer;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes a roster or trim record takes at most besides what the caller brought: header, fields, counts, padding.
const RECORD_OVERHEAD_BYTES: usize = 72;

/// A call that changes the log, or needs its newest durable state.
pub(crate) enum Call {
    /// Append entries.
    Push { arriving: ArrivingPush, done: Completion<Pushed> },
    /// Add roster statements.
    Roster { space: SpaceId, chain: Vec<Bytes>, keyring: Bytes, done: Completion<SpaceFacts> },
    /// Raise the floor.
    Trim { space: SpaceId, floor: u64, done: Completion<()> },
    /// Append what another log held, as it is: the state the space begins with, or entries.
    Import { space: Arc<Space>, begins: Option<Box<StateRecord>>, entries: Vec<StoredEntry>, done: Completion<()> },
    /// Append what another log held to a space that is known, while its log has exactly this length.
    GoOn { space: SpaceId, after: Seq, entries: Vec<StoredEntry>, done: Completion<()> },
    /// Sign the newest head.
    Attest { space: SpaceId, done: Completion<Bytes> },
    /// End the open segment; answered with the number of the next one.
    Roll { done: Completion<u64> },
    /// Mark a clean end; the last call.
    Close { done: Completion<()> },
}

impl Call {
    /// Bytes its records take in a group, at most.
    pub(crate) fn bytes_max(&self, chain_bytes_held: usize) -> usize {
        match self {
            Self::Push { arriving, .. } => {
                let entry = |sealed: &Bytes| record_bytes(ENTRY_FIELD_BYTES + sealed.len());
                arriving.push().entries.iter().map(entry).sum()
            }
            Self::Import { begins, entries, .. } => {
                let state = |record: &StateRecord| {
                    let mut w = Writer::new();
                    record.write(&mut w);
                    record_bytes(w.len())
                };
                let entry = |entry: &StoredEntry| record_bytes(ENTRY_FIELD_BYTES + entry.sealed.len());
                begins.as_deref().map_or(0, state) + entries.iter().map(entry).sum::<usize>()
            }
            Self::GoOn { entries, .. } => {
                entries.iter().map(|entry| record_bytes(ENTRY_FIELD_BYTES + entry.sealed.len())).sum()
            }
            // The record holds the whole chain: what the space has already and what is added.
            Self::Roster { chain, keyring, .. } => {
                let added: usize = chain.iter().map(|statement| statement.len() + 4).sum();
                chain_bytes_held + added + keyring.len() + RECORD_OVERHEAD_BYTES
            }
            Self::Trim { .. } | Self::Roll { .. } | Self::Close { .. } => RECORD_OVERHEAD_BYTES,
            Self::Attest { .. } => 0,
        }
    }

    /// The push it brings, if it is one.
    pub(crate) const fn arriving(&mut self) -> Option<&mut ArrivingPush> {
        match self {
            Self::Push { arriving, .. } => Some(arriving),
            _ => None,
        }
    }

    /// Bytes it holds while it waits.
    fn bytes_waiting(&self) -> usize {
        self.bytes_max(0).saturating_add(GROUP_HEADER_BYTES)
    }

    /// Refuses it.
    pub(crate) fn refuse(self, error: StoreError) {
        match self {
            Self::Push { done, .. } => done(Err(error)),
            Self::Roster { done, .. } => done(Err(error)),
            Self::Import { done, .. } | Self::GoOn { done, .. } | Self::Trim { done, .. } | Self::Close { done } => {
                done(Err(error))
            }
            Self::Attest { done, .. } => done(Err(error)),
            Self::Roll { done } => done(Err(error)),
        }
    }
}

/// Limits of the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    pub(crate) calls_max: usize,
    pub(crate) bytes_max: usize,
    pub(crate) group_bytes_max: usize,
    pub(crate) group_calls_max: usize,
}

#[derive(Default)]
struct Waiting {
    calls: VecDeque<Call>,
    bytes: usize,
    /// Set by the close call: nothing comes behind it.
    ended: bool,
    /// Whether the committer sleeps until a call comes.
    asleep: bool,
}

/// The queue.
pub(crate) struct CommitQueue {
    limits: QueueLimits,
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

impl CommitQueue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self { limits, waiting: Mutex::new(Waiting::default()), wake: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call; gives it back with the reason when it cannot wait.
    pub(crate) fn add(&self, call: Call) -> Option<(Call, StoreError)> {
        let bytes = call.bytes_waiting();
        let is_close = matches!(call, Call::Close { .. });
        let mut waiting = self.lock();
        if waiting.ended {
            return Some((call, StoreError::Closed));
        }
        let full = waiting.calls.len() >= self.limits.calls_max
            || (waiting.bytes.saturating_add(bytes) > self.limits.bytes_max && !waiting.calls.is_empty());
        if full && !is_close {
            return Some((call, StoreError::Overloaded));
        }
        waiting.ended = is_close;
        waiting.bytes += bytes;
        waiting.calls.push_back(call);
        // A wake-up is a system call even when nobody sleeps, and one is enough.
        let wakes = std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if wakes {
            self.wake.notify_one();
        }
        None
    }

    /// Waits for calls and takes as many as one group may have, at least one.
    pub(crate) fn take(&self) -> Vec<Call> {
        let mut waiting = self.lock();
        while waiting.calls.is_empty() {
            waiting.asleep = true;
            waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.asleep = false;
        self.take_of(waiting)
    }

    /// Takes what one group may have without waiting; nothing when nothing waits.
    #[cfg(feature = "testing")]
    pub(crate) fn take_now(&self) -> Vec<Call> {
        self.take_of(self.lock())
    }

    fn take_of(&self, mut waiting: MutexGuard<'_, Waiting>) -> Vec<Call> {
        let mut taken = Vec::with_capacity(waiting.calls.len().min(self.limits.group_calls_max));
        let mut bytes = 0_usize;
        while let Some(call) = waiting.calls.pop_front() {
            let size = call.bytes_waiting();
            if !taken.is_empty() && bytes.saturating_add(size) > self.limits.group_bytes_max {
                waiting.calls.push_front(call);
                break;
            }
            bytes = bytes.saturating_add(size);
            let is_roll = matches!(call, Call::Roll { .. });
            taken.push(call);
            // What comes behind it belongs to the next segment.
            if is_roll || taken.len() >= self.limits.group_calls_max {
                break;
            }
        }
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        taken
    }

    /// Calls and bytes that wait.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let waiting = self.lock();
        (waiting.calls.len(), waiting.bytes)
    }
}
