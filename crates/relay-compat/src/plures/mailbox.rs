//! What one peer is still to be sent. It is bounded by making its senders wait, not by losing anything; and words about peers,
//! whose sender may be gone, by giving the receiver up.

use super::{RECEIVER_WAIT_MS_MAX, WAITING_BYTES_MAX, WORDS_BYTES_MAX};
use relay_core::endpoint::{Moment, SharedFrame, Waker};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

struct Waiting {
    frame: SharedFrame,
    is_word: bool,
}

/// How a mailbox takes a word about a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    HasRoom,
    /// Its sender must wait now, if it is still there.
    IsFull,
    /// More words wait than may: the receiver is to be given up.
    TooMuch,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Waiting>,
    bytes: usize,
    /// Those of words about peers.
    words_bytes: usize,
    /// Since when it is full and nothing was taken.
    full_since: Option<Moment>,
    /// Who waits for room; each is woken once.
    senders: Vec<Waker>,
    /// The peer was taken out of its topic because it takes nothing.
    is_given_up: bool,
}

/// See the module.
pub(super) struct Mailbox {
    waker: Waker,
    state: Mutex<State>,
}

impl Mailbox {
    pub(super) fn new(waker: Waker) -> Self {
        Self { waker, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a frame; `false` when its sender must wait now.
    pub(super) fn push(&self, frame: SharedFrame, now: Moment) -> bool {
        let mut state = self.lock();
        if state.is_given_up {
            return true;
        }
        let was_empty = state.frames.is_empty();
        state.bytes += frame.bytes.len();
        state.frames.push_back(Waiting { frame, is_word: false });
        let is_full = state.bytes > WAITING_BYTES_MAX;
        if is_full {
            state.full_since.get_or_insert(now);
        }
        drop(state);
        if was_empty {
            (self.waker)();
        }
        !is_full
    }

    /// Adds a word about a peer. The clock of a full mailbox is begun by who waits for it.
    pub(super) fn tell(&self, frame: SharedFrame) -> Told {
        let mut state = self.lock();
        if state.is_given_up {
            return Told::HasRoom;
        }
        let length = frame.bytes.len();
        if state.words_bytes + length > WORDS_BYTES_MAX {
            return Told::TooMuch;
        }
        let was_empty = state.frames.is_empty();
        state.bytes += length;
        state.words_bytes += length;
        state.frames.push_back(Waiting { frame, is_word: true });
        let is_full = state.bytes > WAITING_BYTES_MAX;
        drop(state);
        if was_empty {
            (self.waker)();
        }
        if is_full { Told::IsFull } else { Told::HasRoom }
    }

    /// The next frame for the peer.
    pub(super) fn take(&self, now: Moment) -> Option<SharedFrame> {
        let mut state = self.lock();
        let Waiting { frame, is_word } = state.frames.pop_front()?;
        state.bytes = state.bytes.saturating_sub(frame.bytes.len());
        if is_word {
            state.words_bytes = state.words_bytes.saturating_sub(frame.bytes.len());
        }
        let is_full = state.bytes > WAITING_BYTES_MAX;
        state.full_since = is_full.then_some(now);
        let woken = if is_full { Vec::new() } else { std::mem::take(&mut state.senders) };
        drop(state);
        woken.iter().for_each(|wake| wake());
        Some(frame)
    }

    /// When it is full, until when its senders wait; `waker` is called once there is room.
    pub(super) fn waits_until(&self, waker: &Waker, now: Moment) -> Option<Moment> {
        let mut state = self.lock();
        if state.bytes <= WAITING_BYTES_MAX {
            return None;
        }
        let since = *state.full_since.get_or_insert(now);
        if !state.senders.iter().any(|sender| Arc::ptr_eq(sender, waker)) {
            state.senders.push(Arc::clone(waker));
        }
        Some(Moment(since.0 + Duration::from_millis(RECEIVER_WAIT_MS_MAX)))
    }

    /// The peer takes nothing: what waits for it is dropped, and it is told to go.
    pub(super) fn give_up(&self) {
        let mut state = self.lock();
        let woken = std::mem::take(&mut *state).senders;
        state.is_given_up = true;
        drop(state);
        (self.waker)();
        woken.iter().for_each(|wake| wake());
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.lock().is_given_up
    }

    /// The peer is gone: nobody waits for it any more.
    pub(super) fn close(&self) {
        let woken = std::mem::take(&mut *self.lock()).senders;
        woken.iter().for_each(|wake| wake());
    }
}
