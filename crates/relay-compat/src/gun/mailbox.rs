//! What waits for one peer: answers to what it asked, and changes of what it subscribed to.

use super::answer::Answer;
use super::inbox::Queued;
use super::reconcile::Comparing;
use super::{MISSED_BYTES_MAX, MISSED_MAX, NEWS_BYTES_MAX};
use relay_core::documents::{DocumentError, Page};
use relay_core::endpoint::{SharedFrame, Waker};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A soul, or one property of it.
pub(super) type Place = (Arc<str>, Option<Arc<str>>);
/// Bytes of its names.
pub(super) fn bytes_of((soul, key): &Place) -> usize {
    soul.len() + key.as_ref().map_or(0, |key| key.len())
}

/// A page that was read.
pub(super) enum Arrived {
    Answer(Box<Answer>, Result<Page, DocumentError>),
    Compared(Comparing, Result<Page, DocumentError>),
    /// A batch that was checked.
    Checked(VecDeque<Queued>),
}

/// What changed while too much waited: it is read again when there is room.
#[derive(Default)]
pub(super) struct Missed {
    /// As many as there are subscriptions at most; or, of a relay, [`MISSED_MAX`].
    pub(super) places: HashSet<Place>,
    /// Bytes of their names.
    bytes: usize,
    /// Too much to be named.
    pub(super) everything: bool,
}

impl Missed {
    fn note(&mut self, place: Place) {
        if self.everything || self.places.contains(&place) {
            return;
        }
        let bytes = self.bytes.saturating_add(bytes_of(&place));
        if self.places.len() >= MISSED_MAX || bytes > MISSED_BYTES_MAX {
            *self = Self { everything: true, ..Self::default() };
            return;
        }
        self.bytes = bytes;
        self.places.insert(place);
    }
}

#[derive(Default)]
struct State {
    frames: VecDeque<SharedFrame>,
    frame_bytes: usize,
    missed: Missed,
    arrived: Vec<Arrived>,
    /// Answers that are read again.
    again: Vec<Answer>,
    /// Bytes of puts that are not durable yet.
    put_bytes: usize,
    is_gone: bool,
}

pub(super) struct Mailbox {
    state: Mutex<State>,
    waker: Waker,
}

impl Mailbox {
    pub(super) fn new(waker: Waker) -> Self {
        Self { state: Mutex::default(), waker }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        if state.is_gone {
            *state = State { is_gone: true, ..State::default() };
        }
        drop(state);
        self.wake();
        result
    }

    /// An answer that the peer waits for; as many as it asked.
    pub(super) fn answer(&self, text: &str) {
        let frame = SharedFrame::text(text.as_bytes());
        self.change(|state| {
            state.frame_bytes = state.frame_bytes.saturating_add(frame.bytes.len());
            state.frames.push_back(frame);
        });
    }

    /// A change; `false` when only its place was noted.
    pub(super) fn news(&self, frame: &SharedFrame, place: impl FnOnce() -> Place) -> bool {
        self.change(|state| {
            let has_room = state.frame_bytes < NEWS_BYTES_MAX;
            if has_room {
                state.frame_bytes = state.frame_bytes.saturating_add(frame.bytes.len());
                state.frames.push_back(frame.clone());
            } else {
                state.missed.note(place());
            }
            has_room
        })
    }

    /// A question; `false` when it is not put, because too much waits already.
    pub(super) fn ask(&self, frame: &SharedFrame) -> bool {
        self.change(|state| {
            let has_room = !state.is_gone && state.frame_bytes < NEWS_BYTES_MAX;
            if has_room {
                state.frame_bytes = state.frame_bytes.saturating_add(frame.bytes.len());
                state.frames.push_back(frame.clone());
            }
            has_room
        })
    }

    pub(super) fn arrive(&self, arrived: Arrived) {
        self.change(|state| state.arrived.push(arrived));
    }

    /// A batch that was checked; it comes back when the peer has gone.
    pub(super) fn checked(&self, batch: VecDeque<Queued>) -> Option<VecDeque<Queued>> {
        let mut state = self.lock();
        if state.is_gone {
            return Some(batch);
        }
        state.arrived.push(Arrived::Checked(batch));
        drop(state);
        self.wake();
        None
    }

    pub(super) fn wake(&self) {
        (self.waker)();
    }

    pub(super) fn put_begins(&self, bytes: usize) {
        let mut state = self.lock();
        state.put_bytes = state.put_bytes.saturating_add(bytes);
    }

    pub(super) fn put_ends(&self, bytes: usize) {
        self.change(|state| state.put_bytes = state.put_bytes.saturating_sub(bytes));
    }

    pub(super) fn put_bytes(&self) -> usize {
        self.lock().put_bytes
    }

    /// Bytes of what waits to be sent.
    pub(super) fn frame_bytes(&self) -> usize {
        self.lock().frame_bytes
    }

    pub(super) fn take(&self) -> Option<SharedFrame> {
        let mut state = self.lock();
        let frame = state.frames.pop_front()?;
        state.frame_bytes = state.frame_bytes.saturating_sub(frame.bytes.len());
        Some(frame)
    }

    pub(super) fn take_arrived(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.lock().arrived)
    }

    /// What is to be read again, once nothing else waits.
    pub(super) fn take_missed(&self) -> Missed {
        let mut state = self.lock();
        if !state.frames.is_empty() {
            return Missed::default();
        }
        std::mem::take(&mut state.missed)
    }

    pub(super) fn read_again(&self, answer: Answer) {
        self.change(|state| state.again.push(answer));
    }

    pub(super) fn take_again(&self) -> Vec<Answer> {
        std::mem::take(&mut self.lock().again)
    }

    /// The peer has gone; what had arrived for it.
    pub(super) fn close(&self) -> Vec<Arrived> {
        let mut state = self.lock();
        std::mem::replace(&mut *state, State { is_gone: true, ..State::default() }).arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_places_and_bytes_of_their_names_are_missed_than_so_many() {
        let place = |name: String| -> Place { (name.into(), None) };
        let mut missed = Missed::default();
        (0..MISSED_MAX).for_each(|n| missed.note(place(n.to_string())));
        missed.note(place("0".to_owned()));
        assert_eq!((missed.places.len(), missed.everything), (MISSED_MAX, false), "each once");
        missed.note(place("more".to_owned()));
        assert_eq!((missed.places.len(), missed.everything), (0, true));
        let mut missed = Missed::default();
        let name = |n: usize| format!("{n:07000}");
        (0..MISSED_BYTES_MAX / 7000).for_each(|n| missed.note(place(name(n))));
        assert!(!missed.everything);
        missed.note(place(name(MISSED_BYTES_MAX)));
        assert!(missed.everything && missed.places.is_empty());
    }
}
