//! Results leave in the order in which the calls took effect, without the lock.

use super::MemoryStore;
use std::collections::VecDeque;

/// One completion, or one call of the listener.
pub(super) type Delivery = Box<dyn FnOnce() + Send>;

/// Results that wait. Bounded by the calls under way: whoever adds one delivers, unless another thread is at it.
#[derive(Default)]
pub(super) struct Deliveries {
    waiting: VecDeque<Delivery>,
    delivering: bool,
    pub(super) paused: bool,
}

impl Deliveries {
    pub(super) fn add(&mut self, delivery: Delivery) {
        self.waiting.push_back(delivery);
    }

    /// The first to deliver, for the one thread that may.
    fn start(&mut self) -> Option<Delivery> {
        if self.delivering { None } else { self.take() }
    }

    fn take(&mut self) -> Option<Delivery> {
        let next = if self.paused { None } else { self.waiting.pop_front() };
        self.delivering = next.is_some();
        next
    }
}

impl MemoryStore {
    /// Delivers what waits, unless another thread (or a caller further up) does.
    pub(super) fn deliver(&self) {
        let mut next = self.lock().deliveries.start();
        while let Some(delivery) = next {
            delivery();
            next = self.lock().deliveries.take();
        }
    }
}
