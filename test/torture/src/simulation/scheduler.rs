//! The virtual clock: events in the order of their time, and of their making where times are equal.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Microseconds in a millisecond, and in a second.
pub(crate) const MS: u64 = 1_000;
pub(crate) const SECOND: u64 = 1_000_000;

struct Due<E> {
    at_us: u64,
    order: u64,
    event: E,
}

impl<E> PartialEq for Due<E> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl<E> Eq for Due<E> {}

impl<E> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Due<E> {
    /// The heap gives the greatest, so the earliest counts as the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_us, other.order).cmp(&(self.at_us, self.order))
    }
}

/// See the module.
pub(crate) struct Scheduler<E> {
    now_us: u64,
    made: u64,
    due: BinaryHeap<Due<E>>,
}

impl<E> Scheduler<E> {
    pub(crate) fn new() -> Self {
        Self { now_us: 0, made: 0, due: BinaryHeap::new() }
    }

    /// Microseconds since the world began.
    pub(crate) const fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Adds an event; what is past is due now.
    pub(crate) fn at(&mut self, at_us: u64, event: E) {
        self.made += 1;
        self.due.push(Due { at_us: at_us.max(self.now_us), order: self.made, event });
    }

    pub(crate) fn after(&mut self, us: u64, event: E) {
        self.at(self.now_us.saturating_add(us), event);
    }

    /// Lets nothing happen for a while: what is due in it happens at its end.
    pub(crate) const fn sleep(&mut self, us: u64) {
        self.now_us = self.now_us.saturating_add(us);
    }

    /// The next event; the clock goes on to it.
    pub(crate) fn next(&mut self) -> Option<E> {
        let due = self.due.pop()?;
        self.now_us = self.now_us.max(due.at_us);
        Some(due.event)
    }
}
