//! Checks what peers write where it is not cheap: signatures cost a tenth of a millisecond each, so they are verified away from the
//! threads that serve connections. A connection has one batch here at a time and a batch is small, so those who have much to be
//! checked take turns; so many batches are worked on at once, and no more.

use super::inbox::{Item, Queued};
use super::message::{self, Said};
use super::rules::{self, WriteRules};
use super::{CHECKED_MESSAGES_MAX, CHECKED_VALUES_MAX, INBOX_TOTAL_BYTES_MAX};
use crate::Offload;
use relay_core::environment::WallClock;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Takes what a batch came to, on any thread.
pub(super) type Checked = Box<dyn FnOnce(VecDeque<Queued>) + Send>;

struct Job {
    batch: VecDeque<Queued>,
    done: Checked,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    running: usize,
}

/// See the module.
pub(super) struct Checker {
    offload: Offload,
    jobs_max: usize,
    clock: Arc<dyn WallClock>,
    rules: WriteRules,
    queue: Mutex<Queue>,
    /// Signed values that were verified.
    pub(super) verified: AtomicU64,
    bytes: Arc<AtomicUsize>,
}

/// Bytes of a frame that waits, until its last message is taken; counted for its connection and for all together.
#[derive(Debug)]
pub(super) struct Lease {
    own: Arc<AtomicUsize>,
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.own.fetch_sub(self.bytes, Ordering::Relaxed);
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Checker {
    /// One that works on `jobs_max` batches at once.
    pub(super) fn new(offload: Offload, jobs_max: usize, clock: Arc<dyn WallClock>, rules: WriteRules) -> Self {
        let (queue, verified, bytes) = Default::default();
        Self { offload, jobs_max: jobs_max.max(1), clock, rules, queue, verified, bytes }
    }

    /// Room for a frame of one connection; `None` when too much waits on all of them.
    pub(super) fn lease(&self, own: &Arc<AtomicUsize>, bytes: usize) -> Option<Arc<Lease>> {
        let fits = |held: usize| held.checked_add(bytes).filter(|held| *held <= INBOX_TOTAL_BYTES_MAX);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        own.fetch_add(bytes, Ordering::Relaxed);
        Some(Arc::new(Lease { own: Arc::clone(own), all: Arc::clone(&self.bytes), bytes }))
    }

    /// Bytes of frames that wait on all connections.
    pub(super) fn waiting_bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed) as u64
    }

    /// Checks a batch in its turn.
    pub(super) fn check(self: &Arc<Self>, batch: VecDeque<Queued>, done: Checked) {
        self.lock().waiting.push_back(Job { batch, done });
        self.start();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch, when one more may be worked on.
    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        let job = (queue.running < self.jobs_max).then(|| queue.waiting.pop_front())??;
        queue.running += 1;
        Some(job)
    }

    fn start(self: &Arc<Self>) {
        while let Some(Job { batch, done }) = self.next() {
            let running = Running(Arc::clone(self));
            (self.offload)(Box::new(move || {
                let batch = running.0.work_off(batch);
                drop(running);
                done(batch);
            }));
        }
    }

    /// The batch with what was checked in front.
    fn work_off(&self, mut batch: VecDeque<Queued>) -> VecDeque<Queued> {
        let (mut checked, mut values_left) = (VecDeque::new(), CHECKED_VALUES_MAX);
        while values_left > 0 && checked.len() < CHECKED_MESSAGES_MAX {
            let Some(Queued { item, lease }) = batch.pop_front() else { break };
            let item = match item {
                Item::Frame(frame) => {
                    let messages = message::of_frame(&frame);
                    messages.into_iter().rev().for_each(|message| {
                        batch.push_front(Queued { item: Item::Message(message), lease: Arc::clone(&lease) });
                    });
                    continue;
                }
                Item::Message(mut message) => {
                    let values = rules::signed_values(&message.said);
                    values_left = values_left.saturating_sub(values);
                    self.verified.fetch_add(values as u64, Ordering::Relaxed);
                    message.said = self.judge(message.said);
                    Item::Checked(message)
                }
                item @ Item::Checked(_) => item,
            };
            checked.push_back(Queued { item, lease });
        }
        checked.append(&mut batch);
        checked
    }

    pub(super) fn judge(&self, said: Said) -> Said {
        match said {
            Said::Put { nodes, bytes, .. } => match rules::judge(nodes, self.rules, self.clock.now_ms()) {
                Ok((nodes, blocks)) => Said::Put { nodes, blocks, bytes },
                Err(why) => Said::WrongPut(why),
            },
            said => said,
        }
    }
}

/// A batch that is worked on; the next one begins when it ends, however it ends.
struct Running(Arc<Checker>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;

    impl WallClock for Still {
        fn now_ms(&self) -> u64 {
            0
        }
    }

    #[test]
    fn no_more_bytes_wait_on_all_connections_than_so_many() {
        let checker = Checker::new(Arc::new(|job| job()), 1, Arc::new(Still), WriteRules::default());
        let (one, other) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let held = checker.lease(&one, INBOX_TOTAL_BYTES_MAX - 1).unwrap();
        let last = checker.lease(&other, 1).unwrap();
        assert!(checker.lease(&other, 1).is_none());
        assert_eq!((other.load(Ordering::Relaxed), checker.waiting_bytes()), (1, INBOX_TOTAL_BYTES_MAX as u64));
        drop((held, last));
        assert_eq!((other.load(Ordering::Relaxed), checker.waiting_bytes()), (0, 0));
        assert!(checker.lease(&other, 1).is_some());
    }
}
