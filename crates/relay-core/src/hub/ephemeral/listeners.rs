//! Who listens in a space, by slot, and who of them waits to be woken.
//!
//! Invariant: a listener is in `waiting` exactly once while it stands at the end and nobody woke it since; so a publish wakes those
//! who caught up, and one that does not take what it was woken for costs nothing.

use super::pieces::{Pieces, Place};
use crate::endpoint::FeedWaker;
use crate::session::SessionHandle;
use std::sync::Arc;

/// Where a session is in its space's list of listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(usize);

pub(super) struct Listener {
    pub(super) handle: Arc<SessionHandle>,
    pub(super) place: Place,
    /// Its own frames at or behind its place, dropped ones included.
    pub(super) own_ahead: u64,
    /// Roster changes that its session had looked into when it last took something.
    pub(super) roster_seen: Option<u64>,
    waits: bool,
    /// Wakes the transport alone.
    feed_waker: Option<Arc<dyn FeedWaker>>,
}

#[derive(Default)]
pub(super) struct Listeners {
    slots: Vec<Option<Listener>>,
    free: Vec<Slot>,
    waiting: Vec<Slot>,
}

impl Listeners {
    /// Adds one that stands at the end.
    pub(super) fn add(&mut self, handle: &Arc<SessionHandle>, place: Place) -> Slot {
        let handle = Arc::clone(handle);
        let listener = Listener { handle, place, own_ahead: 0, roster_seen: None, waits: false, feed_waker: None };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                Slot(self.slots.len() - 1)
            }
        };
        if let Some(free) = self.slots.get_mut(slot.0) {
            *free = Some(listener);
        }
        self.wait(slot);
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Listener> {
        let listener = self.slots.get_mut(slot.0)?.take()?;
        self.waiting.retain(|waiting| *waiting != slot);
        self.free.push(slot);
        if self.free.len() == self.slots.len() {
            *self = Self::default();
        }
        Some(listener)
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Listener> {
        self.slots.get_mut(slot.0)?.as_mut()
    }

    /// The next publish is to wake it.
    pub(super) fn wait(&mut self, slot: Slot) {
        if let Some(listener) = self.get_mut(slot)
            && !std::mem::replace(&mut listener.waits, true)
        {
            self.waiting.push(slot);
        }
    }

    /// Wakes all who wait, `except` for one.
    pub(super) fn wake(&mut self, except: Option<Slot>) {
        let Self { slots, waiting, .. } = self;
        waiting.retain(|slot| {
            if Some(*slot) == except {
                return true;
            }
            if let Some(Some(listener)) = slots.get_mut(slot.0) {
                listener.waits = false;
                match &listener.feed_waker {
                    Some(waker) => Arc::clone(waker).wake(),
                    None => listener.handle.wake(),
                }
            }
            false
        });
    }
}

impl Listener {
    /// From now on its transport takes what comes, and asks the session when there is more to it.
    pub(super) fn feed(&mut self, waker: Arc<dyn FeedWaker>) {
        self.feed_waker = Some(waker);
    }

    /// Whether it lacks nothing but what is kept, all of it of others.
    pub(super) const fn is_plain(&self, pieces: &Pieces) -> bool {
        self.own_ahead == 0 && self.place.piece >= pieces.start().piece
    }

    /// Moves over what was dropped and returns how much of it was of others.
    pub(super) fn catch_up(&mut self, pieces: &Pieces) -> u64 {
        let start = pieces.start();
        if self.place.piece >= start.piece {
            return 0;
        }
        let skipped = start.frame.saturating_sub(self.place.frame);
        let own_skipped = self.own_ahead.saturating_sub(pieces.frames_of(self.handle.id));
        self.own_ahead -= own_skipped;
        self.place = start;
        skipped.saturating_sub(own_skipped)
    }
}
