//! The output of all streams on its way to the program that owns the sockets: taken in large pieces, and one wake-up per
//! taking, however many streams had something to say. What waits here is bounded by the windows of the streams.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A piece this large is not added to, so that growing it never copies much.
const PIECE_BYTES: usize = 256 * 1024;

/// Tells the program that output waits; cheap, and called from any thread.
pub type WakeProgram = Arc<dyn Fn() + Send + Sync>;

pub(crate) struct Outlet {
    pieces: Mutex<VecDeque<Vec<u8>>>,
    wake_pending: AtomicBool,
    wake: WakeProgram,
}

impl Outlet {
    pub(crate) fn new(wake: WakeProgram) -> Self {
        Self { pieces: Mutex::default(), wake_pending: AtomicBool::new(false), wake }
    }

    /// Appends whole records.
    pub(crate) fn append(&self, records: &[u8]) {
        if records.is_empty() {
            return;
        }
        {
            let mut pieces = self.lock();
            match pieces.back_mut().filter(|last| last.len() < PIECE_BYTES) {
                Some(last) => last.extend_from_slice(records),
                None => pieces.push_back(records.to_vec()),
            }
        }
        if !self.wake_pending.swap(true, Ordering::AcqRel) {
            (self.wake)();
        }
    }

    /// The next piece; the program takes until there is none.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        // Cleared first: what slips in meanwhile causes one wake-up too many, never one too few.
        self.wake_pending.store(false, Ordering::Release);
        self.lock().pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Outlet { … }")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn one_wake_up_serves_everything_until_the_next_taking() {
        let woken = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&woken);
        let outlet = Outlet::new(Arc::new(move || {
            counting.fetch_add(1, Ordering::SeqCst);
        }));
        outlet.append(&[1; 10]);
        outlet.append(&vec![2; PIECE_BYTES]);
        outlet.append(&[3; 10]);
        outlet.append(&[]);
        assert_eq!(woken.load(Ordering::SeqCst), 1);
        assert_eq!(outlet.take().unwrap().len(), PIECE_BYTES + 10);
        assert_eq!(outlet.take().unwrap(), [3; 10]);
        assert_eq!(outlet.take(), None);
        outlet.append(&[4]);
        assert_eq!(woken.load(Ordering::SeqCst), 2);
    }
}
