//! Threads that do what would block a caller, behind a bounded queue.

use relay_core::store::StoreError;
#[cfg(feature = "testing")]
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, SendError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Work that is told whether it may run.
pub(crate) type Work = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A few threads and what waits for them. Work of one thread runs in the order it was submitted.
pub(crate) struct Workers {
    queue: Mutex<Option<SyncSender<Work>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// What waits for [`Self::turn`] when there are no threads.
    #[cfg(feature = "testing")]
    by_hand: Mutex<VecDeque<Work>>,
}

impl Workers {
    /// Starts `threads` threads behind a queue of at most `waiting_max` works.
    pub(crate) fn start(name: &str, threads: usize, waiting_max: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel::<Work>(waiting_max);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut handles = Vec::new();
        for index in 0..threads {
            let receiver = Arc::clone(&receiver);
            let thread = std::thread::Builder::new().name(format!("{name}-{index}"));
            handles.push(thread.spawn(move || run(&receiver))?);
        }
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            threads: Mutex::new(handles),
            #[cfg(feature = "testing")]
            by_hand: Mutex::default(),
        })
    }

    /// Does one work that waits, in a store without threads; false when there was none.
    #[cfg(feature = "testing")]
    pub(crate) fn turn(&self) -> bool {
        let next = self.by_hand.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.map(|work| work(Ok(()))).is_some()
    }

    #[cfg(feature = "testing")]
    fn is_by_hand(&self) -> bool {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Hands work over; refuses it at once when too much is waiting or the workers are stopped.
    pub(crate) fn submit(&self, work: Work) {
        let sender = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sender) = sender else {
            return work(Err(StoreError::Closed));
        };
        #[cfg(feature = "testing")]
        if self.is_by_hand() {
            return self.by_hand.lock().unwrap_or_else(PoisonError::into_inner).push_back(work);
        }
        match sender.try_send(work) {
            Ok(()) => {}
            Err(TrySendError::Full(work)) => work(Err(StoreError::Overloaded)),
            Err(TrySendError::Disconnected(work)) => work(Err(StoreError::Closed)),
        }
    }

    /// Hands work over that must not be refused; waits while too much is waiting.
    pub(crate) fn submit_waiting(&self, work: Work) {
        let sender = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(sender) = sender else {
            return work(Err(StoreError::Closed));
        };
        #[cfg(feature = "testing")]
        if self.is_by_hand() {
            return self.by_hand.lock().unwrap_or_else(PoisonError::into_inner).push_back(work);
        }
        if let Err(SendError(work)) = sender.send(work) {
            work(Err(StoreError::Closed));
        }
    }

    /// Finishes what waits, then stops.
    pub(crate) fn stop(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        #[cfg(feature = "testing")]
        while self.turn() {}
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let this_thread = std::thread::current().id();
        for thread in threads {
            // The last owner of a store may be a completion on one of its own threads.
            if thread.thread().id() != this_thread {
                let _panicked = thread.join();
            }
        }
    }
}

fn run(receiver: &Mutex<Receiver<Work>>) {
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(work) => work(Ok(())),
            Err(_) => return,
        }
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
