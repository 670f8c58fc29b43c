//! What waits for one peer: answers to what it asked, and changes of what it subscribed to.

use super::NEWS_BYTES_MAX;
use super::answer::Answer;
use relay_core::documents::{DocumentError, Page};
use relay_core::endpoint::{SharedFrame, Waker};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A soul, or one property of it.
pub(super) type Place = (Arc<str>, Option<Arc<str>>);
/// A page that was read for an answer.
pub(super) type Arrived = (Answer, Result<Page, DocumentError>);

#[derive(Default)]
struct State {
    frames: VecDeque<SharedFrame>,
    frame_bytes: usize,
    /// What changed while too much waited: it is read again when there is room. As many as there are subscriptions at most.
    missed: HashSet<Place>,
    arrived: Vec<Arrived>,
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
        (self.waker)();
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
                state.missed.insert(place());
            }
            has_room
        })
    }

    pub(super) fn arrive(&self, arrived: Arrived) {
        self.change(|state| state.arrived.push(arrived));
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
    pub(super) fn take_missed(&self) -> Vec<Place> {
        let mut state = self.lock();
        if !state.frames.is_empty() {
            return Vec::new();
        }
        std::mem::take(&mut state.missed).into_iter().collect()
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        *state = State { is_gone: true, ..State::default() };
    }
}
