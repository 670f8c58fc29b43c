//! One wake-up per worker, not per connection: connections whose endpoints have something to say gather in a list, and the
//! one task that is woken by the first of them works it off, with a look and a send for each.
//!
//! Invariant: a seat is in at most one list, at most once, so a list is at most as long as there are connections.

use super::Shared;
use super::seat::Seat;
use crate::clock::after_ms;
use crate::stats::Tally;
use atomic_waker::AtomicWaker;
use relay_core::endpoint::Moment;
use relay_core::wakes::{self, Sleeper};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Time a pump works before its worker looks at sockets and other tasks. The sooner a push is read, the sooner it is durable,
/// and the more of a long list still gets it in the same send as what it was listed for.
const TURN_MS_MAX: u64 = 1;
/// Connections worked off before the clock is looked at, and other threads of a shared core (the commit's) get their turn.
const LOOK_SEATS: usize = 16;

/// The list of one worker.
#[derive(Debug, Default)]
pub(crate) struct Pump {
    ready: Mutex<VecDeque<Arc<Seat>>>,
    task: AtomicWaker,
}

impl Pump {
    /// Adds a seat; only the first one of a list wakes the task, and not before a thread that answers many is done with it.
    pub(super) fn add(self: &Arc<Self>, seat: Arc<Seat>) {
        let is_first = {
            let mut ready = self.lock();
            ready.push_back(seat);
            ready.len() == 1
        };
        if is_first {
            wakes::wake(self);
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Seat>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs until the server ends.
    async fn run(self: Arc<Self>, shared: Arc<Shared>) {
        let mut batch = VecDeque::new();
        loop {
            // Tasks that are ready to read go first, so that what they bring is worked off together. Unlike a wake-up of
            // itself, this lets the worker look at its sockets too.
            poll_fn(|cx| self.wait(&batch, cx)).await;
            tokio::task::yield_now().await;
            self.turn(&mut batch, &shared);
        }
    }

    /// Ready when there is something in the list.
    fn wait(&self, batch: &VecDeque<Arc<Seat>>, cx: &mut Context<'_>) -> Poll<()> {
        self.task.register(cx.waker());
        if batch.is_empty() && self.lock().is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Works off the list until it is empty or the time is up.
    fn turn(&self, batch: &mut VecDeque<Arc<Seat>>, shared: &Shared) {
        let mut tally = Tally::default();
        let mut now = shared.clock.now();
        let until = after_ms(now, TURN_MS_MAX);
        while self.look(batch, now, &mut tally) {
            std::thread::yield_now();
            now = shared.clock.now();
            if now >= until {
                break;
            }
        }
        tally.report(&shared.stats.counters);
    }

    /// Works off some connections; `false` when none are left.
    fn look(&self, batch: &mut VecDeque<Arc<Seat>>, now: Moment, tally: &mut Tally) -> bool {
        for _ in 0..LOOK_SEATS {
            if batch.is_empty() {
                std::mem::swap(&mut *self.lock(), batch);
            }
            match batch.pop_front() {
                Some(seat) => seat.pump(now, tally),
                None => return false,
            }
        }
        true
    }
}

impl Sleeper for Pump {
    fn wake_held(&self) {
        self.task.wake();
    }
}

/// The lists of all workers.
#[derive(Debug)]
pub(crate) struct Pumps {
    pumps: Vec<Arc<Pump>>,
    tasks: Vec<JoinHandle<()>>,
    next: AtomicUsize,
}

impl Pumps {
    /// One for each worker of the runtime it is called in.
    pub(crate) fn start(shared: &Arc<Shared>) -> Self {
        let workers = Handle::current().metrics().num_workers().max(1);
        let pumps: Vec<_> = (0..workers).map(|_| Arc::new(Pump::default())).collect();
        let tasks = pumps.iter().map(|pump| tokio::spawn(Arc::clone(pump).run(Arc::clone(shared)))).collect();
        Self { pumps, tasks, next: AtomicUsize::new(0) }
    }

    /// The pump of the next connection, in turn.
    pub(crate) fn assign(&self) -> Arc<Pump> {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.pumps.len().max(1);
        self.pumps.get(place).cloned().unwrap_or_default()
    }
}

impl Drop for Pumps {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
