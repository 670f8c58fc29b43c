//! Ephemeral frames of one space: encoded once, kept only until every listener took them, and never for long.
//!
//! Invariants: a frame's number is `first` plus its place; `readers_left` counts the listeners that have not passed it, so a
//! frame at the front that nobody waits for is gone; what a listener missed is counted exactly, its own frames aside.

use super::runs::Runs;
use crate::counters::Counters;
use crate::endpoint::{SharedFrame, SharedRun};
use crate::limits::{EPHEMERAL_BATCH_FRAMES, EPHEMERAL_SPACE_BYTES_MAX, EPHEMERAL_SPACE_FRAMES_MAX};
use crate::session::SessionHandle;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The ephemeral frames under way in a space.
pub(crate) struct EphemeralRing {
    counters: Arc<Counters>,
    bytes_max_all: usize,
    /// Number of the next frame, so that a session sees without the lock whether there is anything new.
    end: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Kept>,
    bytes: usize,
    /// Frames joined for those who lack the same ones.
    runs: Runs,
    /// Number of the oldest frame kept.
    first: u64,
    /// By session.
    listeners: BTreeMap<u64, Listener>,
}

struct Kept {
    from: u64,
    readers_left: usize,
    frame: SharedFrame,
}

struct Listener {
    handle: Arc<SessionHandle>,
    /// Number of the next frame to look at.
    cursor: u64,
    /// Its own frames at or above the cursor, dropped ones included.
    own_ahead: u64,
}

/// What one look brought.
#[derive(Debug, Default)]
pub(crate) struct EphemeralBatch {
    /// Frames that were dropped before these.
    pub(crate) missed: u64,
    /// All of them in one piece, when many lack the same ones.
    pub(crate) run: Option<SharedRun>,
    /// The frames one by one, when there is no run.
    pub(crate) frames: Vec<SharedFrame>,
    /// Up to which number this session has looked.
    pub(crate) seen: u64,
}

impl EphemeralRing {
    pub(super) fn new(counters: Arc<Counters>, bytes_max_all: usize) -> Self {
        Self { counters, bytes_max_all, end: AtomicU64::new(0), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with what comes from now on; listening already is no error.
    pub(crate) fn listen(&self, handle: &Arc<SessionHandle>) {
        let mut state = self.lock();
        let cursor = state.end();
        let listener = || Listener { handle: Arc::clone(handle), cursor, own_ahead: 0 };
        state.listeners.entry(handle.id).or_insert_with(listener);
    }

    /// Ends it; nobody waits for this session any more.
    pub(crate) fn unlisten(&self, session: u64) {
        let mut state = self.lock();
        let Some(listener) = state.listeners.remove(&session) else { return };
        let before = state.bytes();
        let from = state.place(listener.cursor);
        state.passed(session, from, usize::MAX);
        self.count(before, state.bytes());
    }

    /// Hands a frame to the other listeners and wakes them.
    pub(crate) fn publish(&self, from: u64, frame: SharedFrame) {
        let mut state = self.lock();
        let own = state.listeners.get_mut(&from).map(|own| own.own_ahead += 1).is_some();
        let readers_left = state.listeners.len() - usize::from(own);
        let before = state.bytes();
        state.runs.clear();
        state.bytes += frame.bytes.len();
        state.frames.push_back(Kept { from, readers_left, frame });
        state.drop_read();
        let over =
            |state: &State| state.bytes > EPHEMERAL_SPACE_BYTES_MAX || state.frames.len() > EPHEMERAL_SPACE_FRAMES_MAX;
        while over(&state) && state.drop_oldest() {}
        self.count(before, state.bytes());
        if usize::try_from(self.counters.ephemeral_bytes.get()).unwrap_or(usize::MAX) > self.bytes_max_all {
            let before = state.bytes();
            while state.drop_oldest() {}
            self.count(before, state.bytes());
        }
        self.end.store(state.end(), Ordering::Release);
        for (_, listener) in state.listeners.iter().filter(|(session, _)| **session != from) {
            listener.handle.wake();
        }
    }

    /// Whether something came after what a session saw.
    pub(crate) fn has_news(&self, seen: u64) -> bool {
        self.end.load(Ordering::Acquire) != seen
    }

    /// The next frames for a session, about `room_bytes` of them at most and at least one.
    pub(crate) fn take(&self, session: u64, room_bytes: usize) -> EphemeralBatch {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(listener) = state.listeners.get_mut(&session) else { return EphemeralBatch::default() };
        let missed = listener.catch_up(session, state.first, &state.frames);
        let start = listener.cursor;
        let own_ahead = listener.own_ahead;
        let before = state.bytes();
        let place = state.place(start);
        let batch = EphemeralBatch { missed, run: None, frames: Vec::new(), seen: start };
        let batch = match if own_ahead == 0 { state.run_from(start) } else { None } {
            Some((seen, run)) => EphemeralBatch { run: Some(run), seen, ..batch },
            None => state.frames_from(session, place, room_bytes, batch),
        };
        let count = batch.run.as_ref().map_or(batch.frames.len(), |run| run.frames.len());
        if let Some(listener) = state.listeners.get_mut(&session) {
            listener.cursor = batch.seen;
            listener.own_ahead = own_ahead.saturating_sub(batch.seen - start - len(count));
        }
        state.passed(session, place, usize::try_from(batch.seen - start).unwrap_or(usize::MAX));
        self.count(before, state.bytes());
        self.counters.ephemeral_dropped_total.add(batch.missed);
        self.counters.ephemeral_sent_total.add_len(count);
        batch
    }

    fn count(&self, before: usize, after: usize) {
        self.counters.ephemeral_bytes.add_len(after);
        self.counters.ephemeral_bytes.sub_len(before);
    }
}

impl Listener {
    /// Moves the cursor over what was dropped and returns how much of it was of others.
    fn catch_up(&mut self, session: u64, first: u64, frames: &VecDeque<Kept>) -> u64 {
        let skipped = first.saturating_sub(self.cursor);
        if skipped == 0 {
            return 0;
        }
        let own_kept = len(frames.iter().filter(|kept| kept.from == session).count());
        let own_skipped = self.own_ahead.saturating_sub(own_kept);
        self.own_ahead -= own_skipped;
        self.cursor = first;
        skipped.saturating_sub(own_skipped)
    }
}

impl State {
    /// Bytes kept, joined or not.
    const fn bytes(&self) -> usize {
        self.bytes + self.runs.bytes()
    }

    /// Everything from a number on in one piece, and the number after it.
    fn run_from(&mut self, start: u64) -> Option<(u64, SharedRun)> {
        let frames = self.frames.range(self.place(start).min(self.frames.len())..);
        let numbered = frames.zip(start + 1..).map(|(kept, end)| (&kept.frame, end));
        let run = self.runs.from(start, numbered)?;
        Some((run.end, run.frames))
    }

    fn frames_from(&self, session: u64, place: usize, room_bytes: usize, mut batch: EphemeralBatch) -> EphemeralBatch {
        let mut bytes = 0;
        for kept in self.frames.iter().skip(place).take(EPHEMERAL_BATCH_FRAMES) {
            if bytes >= room_bytes && !batch.frames.is_empty() {
                break;
            }
            batch.seen += 1;
            if kept.from != session {
                bytes += kept.frame.bytes.len();
                batch.frames.push(kept.frame.clone());
            }
        }
        batch
    }

    fn end(&self) -> u64 {
        self.first + len(self.frames.len())
    }

    fn place(&self, number: u64) -> usize {
        usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX)
    }

    /// A listener is past `count` frames from a place on, or will never look at them.
    fn passed(&mut self, session: u64, place: usize, count: usize) {
        for kept in self.frames.iter_mut().skip(place).take(count).filter(|kept| kept.from != session) {
            kept.readers_left = kept.readers_left.saturating_sub(1);
        }
        self.drop_read();
    }

    fn drop_read(&mut self) {
        while self.frames.front().is_some_and(|kept| kept.readers_left == 0) {
            self.drop_oldest();
        }
        if self.frames.is_empty() {
            self.runs.clear();
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.frames.pop_front() else { return false };
        self.bytes -= oldest.frame.bytes.len();
        self.first += 1;
        true
    }
}

impl Drop for EphemeralRing {
    fn drop(&mut self) {
        let bytes = self.lock().bytes();
        self.counters.ephemeral_bytes.sub_len(bytes);
    }
}

fn len(frames: usize) -> u64 {
    u64::try_from(frames).unwrap_or(u64::MAX)
}
