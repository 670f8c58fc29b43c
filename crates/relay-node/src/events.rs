//! Events for the operator's log, in batches: producers append to a bounded queue and wake JavaScript at most once per
//! drain, however many events there are.

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Events kept until JavaScript drains them; what comes beyond is counted and dropped.
const EVENTS_MAX: usize = 1024;

/// Something an operator may want to read. Never holds payloads, keys or full ids.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct RelayEvent {
    /// `info`, `warn` or `error`.
    pub level: String,
    /// Stable name of the kind of event.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The pseudonym of the space it is about; null for none.
    pub subject: Option<String>,
}

/// The wake-up is weak: waiting for events never keeps the process alive.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// The bounded queue and its coalesced wake-up.
pub(crate) struct EventQueue {
    waiting: Mutex<VecDeque<RelayEvent>>,
    wake_pending: AtomicBool,
    dropped: AtomicU64,
    wake: Option<Wake>,
}

impl EventQueue {
    pub(crate) fn new(callback: &Function<'_, (), ()>) -> napi::Result<Self> {
        let wake = callback.build_threadsafe_function().weak::<true>().build()?;
        Ok(Self { wake: Some(wake), ..Self::without_wake() })
    }

    /// A queue that is only drained.
    pub(crate) fn without_wake() -> Self {
        Self {
            waiting: Mutex::new(VecDeque::new()),
            wake_pending: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            wake: None,
        }
    }

    /// Appends an event and wakes JavaScript unless a wake-up is already on its way.
    pub(crate) fn push(&self, level: &str, code: &str, message: impl Into<String>) {
        self.push_about(None, level, code, message);
    }

    /// The same about a space, by its pseudonym.
    pub(crate) fn push_about(&self, subject: Option<String>, level: &str, code: &str, message: impl Into<String>) {
        {
            let mut waiting = self.lock();
            if waiting.len() >= EVENTS_MAX {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            let (level, code, message) = (level.to_owned(), code.to_owned(), message.into());
            waiting.push_back(RelayEvent { level, code, message, subject });
        }
        self.wake();
    }

    /// Wakes JavaScript unless a wake-up is already on its way; it takes whatever waits for it, here and elsewhere.
    pub(crate) fn wake(&self) {
        if self.wake_pending.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(wake) = &self.wake {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Takes everything that waits, oldest first.
    pub(crate) fn drain(&self) -> Vec<RelayEvent> {
        // Cleared before the queue is taken: an event that slips in between causes one wake-up too many, never one too few.
        self.wake_pending.store(false, Ordering::Release);
        self.lock().drain(..).collect()
    }

    /// Events lost to the queue's limit since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<RelayEvent>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drains_in_order_and_drops_what_is_over_the_limit() {
        let queue = EventQueue::without_wake();
        for index in 0..EVENTS_MAX + 3 {
            queue.push("info", "test", index.to_string());
        }
        let drained = queue.drain();
        assert_eq!(drained.len(), EVENTS_MAX);
        assert_eq!(drained.first().map(|event| event.message.as_str()), Some("0"));
        assert_eq!(queue.dropped(), 3);
        assert!(queue.drain().is_empty());
    }

    #[test]
    fn one_wake_up_serves_all_events_until_the_next_drain() {
        let queue = EventQueue::without_wake();
        queue.push("info", "test", "a");
        assert!(queue.wake_pending.load(Ordering::Acquire));
        queue.drain();
        assert!(!queue.wake_pending.load(Ordering::Acquire));
    }
}
