//! Threads that do what would block a caller, behind a bounded queue.

use relay_core::store::StoreError;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Work that is told whether it may run.
pub(crate) type Work = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A few threads and what waits for them. Work of one thread runs in the order it was submitted.
pub(crate) struct Workers {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What waits. A thread that waits for work holds no lock, so that work wakes one thread and not two.
struct Queue {
    state: Mutex<State>,
    waiting_max: usize,
    work: Condvar,
    room: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    stopped: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Work for a thread; `None` once it is stopped and nothing waits.
    fn next(&self) -> Option<Work> {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.stopped;
        let mut state = self.work.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let next = state.waiting.pop_front();
        drop(state);
        self.room.notify_one();
        next
    }

    /// Adds work, or gives it back with the reason.
    fn add(&self, work: Work, waits: bool) -> Option<(Work, StoreError)> {
        let mut state = self.lock();
        if waits {
            let full = |state: &mut State| state.waiting.len() >= self.waiting_max && !state.stopped;
            state = self.room.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            return Some((work, StoreError::Closed));
        }
        if state.waiting.len() >= self.waiting_max {
            return Some((work, StoreError::Overloaded));
        }
        state.waiting.push_back(work);
        drop(state);
        self.work.notify_one();
        None
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.work.notify_all();
        self.room.notify_all();
    }
}

impl Workers {
    /// Starts `threads` threads behind a queue of at most `waiting_max` works.
    pub(crate) fn start(name: &str, threads: usize, waiting_max: usize) -> io::Result<Self> {
        // A store without threads is turned by hand, by whoever would wait for room.
        let waiting_max = if threads == 0 { usize::MAX } else { waiting_max.max(1) };
        let (work, room) = (Condvar::new(), Condvar::new());
        let queue = Arc::new(Queue { state: Mutex::default(), waiting_max, work, room });
        let mut handles = Vec::new();
        for index in 0..threads {
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new().name(format!("{name}-{index}"));
            handles.push(thread.spawn(move || {
                while let Some(work) = queue.next() {
                    work(Ok(()));
                }
            })?);
        }
        Ok(Self { queue, threads: Mutex::new(handles) })
    }

    /// Does one work that waits, in a store without threads; false when there was none.
    #[cfg(feature = "testing")]
    pub(crate) fn turn(&self) -> bool {
        let next = self.queue.lock().waiting.pop_front();
        next.map(|work| work(Ok(()))).is_some()
    }

    /// Hands work over; refuses it at once when too much is waiting or the workers are stopped.
    pub(crate) fn submit(&self, work: Work) {
        if let Some((work, error)) = self.queue.add(work, false) {
            work(Err(error));
        }
    }

    /// Hands work over that must not be refused; waits while too much is waiting.
    pub(crate) fn submit_waiting(&self, work: Work) {
        if let Some((work, error)) = self.queue.add(work, true) {
            work(Err(error));
        }
    }

    /// Finishes what waits, then stops.
    pub(crate) fn stop(&self) {
        self.queue.stop();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        #[cfg(feature = "testing")]
        while threads.is_empty() && self.turn() {}
        let this_thread = std::thread::current().id();
        for thread in threads {
            // The last owner of a store may be a completion on one of its own threads.
            if thread.thread().id() != this_thread {
                let _panicked = thread.join();
            }
        }
    }
}

/// A store that was not opened to the end leaves no thread behind.
impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::Workers;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    #[test]
    fn work_that_must_not_be_refused_waits_for_room() {
        let workers = Workers::start("test", 1, 1).unwrap();
        let (done, refused) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let work = || {
            let (done, refused) = (Arc::clone(&done), Arc::clone(&refused));
            Box::new(move |may_run: Result<(), _>| {
                std::thread::sleep(Duration::from_millis(2));
                let counter = if may_run.is_ok() { done } else { refused };
                counter.fetch_add(1, Ordering::SeqCst);
            })
        };
        (0..20).for_each(|_| workers.submit_waiting(work()));
        workers.stop();
        assert_eq!((done.load(Ordering::SeqCst), refused.load(Ordering::SeqCst)), (20, 0));
        workers.submit_waiting(work());
        assert_eq!(refused.load(Ordering::SeqCst), 1);
    }
}
