//! Ephemeral frames of one space: encoded once, kept only until every listener took them, and never for long.
//!
//! What a session sends in one go, and before anybody took it, lies in one piece and leaves in one piece. Everybody takes
//! whole pieces, so a look costs the same however many frames it brings.
//! Invariant: what a listener missed is counted exactly, its own frames aside.

mod listeners;
mod pieces;

use crate::counters::Counters;
use crate::endpoint::{Fed, FeedWaker, SharedRun};
use crate::limits::EPHEMERAL_BATCH_PIECES;
use crate::session::SessionHandle;
pub(crate) use listeners::Slot;
use listeners::{Listener, Listeners};
use pieces::{Pieces, Place};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The ephemeral frames under way in a space.
pub(crate) struct EphemeralRing {
    counters: Arc<Counters>,
    bytes_max_all: usize,
    /// Number of the next piece, so that a session sees without the lock whether there is anything new.
    end: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pieces: Pieces,
    listeners: Listeners,
}

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender {
    pub(crate) session: u64,
    /// Where it listens, if it does.
    pub(crate) slot: Option<Slot>,
}

/// What one look brought.
#[derive(Debug, Default)]
pub(crate) struct EphemeralBatch {
    /// Frames that were dropped before these.
    pub(crate) missed: u64,
    /// Mostly everything.
    pub(crate) run: Option<SharedRun>,
    pub(crate) more: Vec<SharedRun>,
    /// Up to which piece this session has looked.
    pub(crate) seen: u64,
}

impl EphemeralRing {
    pub(super) fn new(counters: Arc<Counters>, bytes_max_all: usize) -> Self {
        Self { counters, bytes_max_all, end: AtomicU64::new(0), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with what comes from now on.
    pub(crate) fn listen(&self, handle: &Arc<SessionHandle>) -> Slot {
        let mut state = self.lock();
        let place = state.pieces.join();
        state.listeners.add(handle, place)
    }

    /// Ends it; nobody waits for this session any more.
    pub(crate) fn unlisten(&self, slot: Slot) {
        let mut state = self.lock();
        let Some(listener) = state.listeners.remove(slot) else { return };
        let before = state.pieces.bytes();
        state.pieces.leave(listener.place);
        self.count(before, state.pieces.bytes());
    }

    /// Hands encoded frames to the other listeners and wakes those who wait; `bytes` is empty afterwards.
    pub(crate) fn publish(&self, sender: Sender, frames: u32, bytes: &mut Vec<u8>) {
        self.counters.ephemeral_frames_total.add(u64::from(frames));
        let mut state = self.lock();
        let State { pieces, listeners } = &mut *state;
        let before = pieces.bytes();
        let mut own = sender.slot.and_then(|slot| listeners.get_mut(slot));
        let own_at_end = own.as_ref().is_some_and(|own| own.place.piece == pieces.end().piece);
        pieces.append(sender.session, frames, bytes, own_at_end);
        match &mut own {
            Some(own) if own_at_end => own.place = pieces.end(),
            Some(own) => own.own_ahead += u64::from(frames),
            None => {}
        }
        let after = pieces.bytes();
        self.count(before, after);
        if self.counters.ephemeral_bytes.is_above_len(self.bytes_max_all) {
            pieces.drop_all();
            self.count(after, pieces.bytes());
        }
        self.end.store(pieces.end().piece, Ordering::Release);
        listeners.wake(sender.slot);
    }

    /// Whether something came after what a session saw.
    pub(crate) fn has_news(&self, seen: u64) -> bool {
        self.end.load(Ordering::Acquire) != seen
    }

    /// A listener's transport is woken for it from now on, and takes by [`Self::feed`].
    pub(crate) fn wake_by(&self, slot: Slot, waker: Arc<dyn FeedWaker>) {
        if let Some(listener) = self.lock().listeners.get_mut(slot) {
            listener.feed(waker);
        }
    }

    /// What comes next for the transport of a session, unless its session has to look at it, or at a change of the roster.
    pub(crate) fn feed(&self, slot: Slot, session: u64, roster_changes: impl FnOnce() -> u64) -> Fed {
        let mut state = self.lock();
        let State { pieces, listeners } = &mut *state;
        let Some(listener) = listeners.get_mut(slot).filter(|listener| listener.handle.id == session) else {
            return Fed::AskEndpoint;
        };
        if !listener.is_plain(pieces) {
            return Fed::AskEndpoint;
        }
        let stood = listener.place;
        if stood.piece == pieces.end().piece {
            listeners.wait(slot);
            return Fed::Nothing;
        }
        let before = pieces.bytes();
        let run = pieces.run_from(stood);
        let joined = pieces.bytes();
        self.count(before, joined);
        let Some((place, run)) = run.filter(|(place, _)| place.piece == pieces.end().piece) else {
            return Fed::AskEndpoint;
        };
        // Looked at after the frames were: what was sent after a change of the roster is not sent on before the change.
        if listener.roster_seen != Some(roster_changes()) {
            return Fed::AskEndpoint;
        }
        listener.place = place;
        pieces.go(stood, place);
        self.count(joined, pieces.bytes());
        listeners.wait(slot);
        self.counters.ephemeral_sent_total.add(u64::from(run.frames));
        Fed::Run { run, more: false }
    }

    /// The next frames for a session, about `room_bytes` of them at most and at least one piece.
    pub(crate) fn take(&self, slot: Slot, room_bytes: usize, roster_seen: Option<u64>) -> EphemeralBatch {
        let mut state = self.lock();
        let State { pieces, listeners } = &mut *state;
        let Some(listener) = listeners.get_mut(slot) else { return EphemeralBatch::default() };
        listener.roster_seen = roster_seen;
        let before = pieces.bytes();
        let stood = listener.place;
        let missed = listener.catch_up(pieces);
        let (place, mut batch) = match if listener.own_ahead == 0 { pieces.run_from(listener.place) } else { None } {
            Some((place, run)) => (place, EphemeralBatch { run: Some(run), ..EphemeralBatch::default() }),
            None => one_by_one(listener, pieces, room_bytes),
        };
        listener.place = place;
        pieces.go(stood, place);
        let at_end = place.piece == pieces.end().piece;
        self.count(before, pieces.bytes());
        if at_end {
            listeners.wait(slot);
        }
        let frames = batch.run.iter().chain(&batch.more).map(|run| u64::from(run.frames)).sum();
        self.counters.ephemeral_sent_total.add(frames);
        if missed > 0 {
            self.counters.ephemeral_dropped_total.add(missed);
        }
        (batch.missed, batch.seen) = (missed, place.piece);
        batch
    }

    fn count(&self, before: usize, after: usize) {
        self.counters.ephemeral_bytes.changed_len(before, after);
    }
}

/// Piece by piece, the listener's own ones left out.
fn one_by_one(listener: &mut Listener, pieces: &mut Pieces, room_bytes: usize) -> (Place, EphemeralBatch) {
    let mut place = listener.place;
    let mut batch = EphemeralBatch::default();
    let mut bytes = 0;
    for (from, run) in pieces.each_from(place).take(EPHEMERAL_BATCH_PIECES) {
        if bytes >= room_bytes && bytes > 0 {
            break;
        }
        place = Place { piece: place.piece + 1, frame: place.frame + u64::from(run.frames) };
        if from == listener.handle.id {
            listener.own_ahead = listener.own_ahead.saturating_sub(u64::from(run.frames));
            continue;
        }
        bytes += run.bytes.len();
        batch.more.push(run);
    }
    (place, batch)
}

impl Drop for EphemeralRing {
    fn drop(&mut self) {
        let bytes = self.lock().pieces.bytes();
        self.counters.ephemeral_bytes.sub_len(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::EPHEMERAL_PIECE_BYTES_MAX;
    use std::sync::atomic::AtomicUsize;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl FeedWaker for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A ring with one listener of that session, and how often it was woken.
    fn listened(session: u64) -> (EphemeralRing, Slot, Arc<Wakes>) {
        let ring = EphemeralRing::new(Arc::default(), usize::MAX);
        let slot = ring.listen(&Arc::new(SessionHandle::new(session, Arc::new(|| {}))));
        let wakes = Arc::new(Wakes::default());
        ring.wake_by(slot, Arc::clone(&wakes) as Arc<dyn FeedWaker>);
        ring.take(slot, 1, Some(3));
        (ring, slot, wakes)
    }

    fn publish(ring: &EphemeralRing, session: u64, slot: Option<Slot>) {
        ring.publish(Sender { session, slot }, 1, &mut b"frame".to_vec());
    }

    #[test]
    fn who_was_woken_is_not_woken_again_before_it_took_everything() {
        let (ring, slot, wakes) = listened(1);
        let count = || wakes.0.load(Ordering::Relaxed);
        (0..9).for_each(|_| publish(&ring, 2, None));
        assert_eq!(count(), 1);
        let Fed::Run { run, more: false } = ring.feed(slot, 1, || 3) else { panic!("nine frames") };
        assert_eq!((run.frames, run.bytes.len()), (9, 45));
        assert!(matches!(ring.feed(slot, 1, || 3), Fed::Nothing));
        publish(&ring, 2, None);
        assert_eq!(count(), 2);
        publish(&ring, 1, Some(slot));
        assert_eq!(ring.take(slot, usize::MAX, Some(3)).run.map(|run| run.frames), None, "one by one beside its own");
    }

    #[test]
    fn the_session_is_asked_about_a_change_of_roster_about_what_was_missed_and_about_another_ones_slot() {
        let (ring, slot, _) = listened(1);
        publish(&ring, 2, None);
        for (session, roster_changes) in [(1, 4), (7, 3)] {
            assert!(matches!(ring.feed(slot, session, || roster_changes), Fed::AskEndpoint));
        }
        assert!(matches!(ring.feed(slot, 1, || 3), Fed::Run { .. }), "nothing was taken by asking");
        let mut whole = vec![7; EPHEMERAL_PIECE_BYTES_MAX];
        for _ in 0..9 {
            ring.publish(Sender { session: 2, slot: None }, 1, &mut whole);
            whole.resize(EPHEMERAL_PIECE_BYTES_MAX, 7);
        }
        assert!(matches!(ring.feed(slot, 1, || 3), Fed::AskEndpoint), "it missed one");
        assert_eq!(ring.take(slot, usize::MAX, Some(3)).missed, 1);
    }

    #[test]
    fn bytes_are_counted_exactly_also_when_frames_were_joined_and_not_taken() {
        let (ring, slot, _) = listened(1);
        // Two senders make a piece each, and three pieces of a third of a run and more do not fit into one.
        for session in [2, 3, 2, 3] {
            ring.publish(Sender { session, slot: None }, 1, &mut vec![7; crate::limits::RUN_BYTES_MAX / 3 + 1]);
        }
        assert!(matches!(ring.feed(slot, 1, || 3), Fed::AskEndpoint), "a run that does not reach the end");
        assert!(matches!(ring.feed(slot, 1, || 4), Fed::AskEndpoint));
        let counted = || usize::try_from(ring.counters.ephemeral_bytes.get()).unwrap();
        assert_eq!(counted(), ring.lock().pieces.bytes());
        publish(&ring, 2, None);
        assert_eq!(counted(), ring.lock().pieces.bytes());
        while ring.take(slot, usize::MAX, Some(3)).run.is_some() {}
        assert_eq!(counted(), ring.lock().pieces.bytes());
        ring.unlisten(slot);
        assert_eq!(counted(), 0);
    }
}
