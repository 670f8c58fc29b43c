//! Admission: a push that would wait too long for its commit is refused before anything is done for it.
//!
//! How long it would wait is what waits already, over the rate of commits. That rate is measured only while so much waits that
//! the committer never rests: below that it says how much clients ask for, and nothing of what the disk can do.

use crate::counters::Counters;
use crate::endpoint::Moment;
use crate::limits::{
    PUSH_BYTES_WAITING_ADMITTED, PUSH_BYTES_WAITING_MEASURED, PUSH_RATE_KEPT_MS, PUSH_RATE_MS_MAX, PUSH_RATE_MS_MIN,
    PUSH_RETRY_AFTER_MS_MAX, PUSH_RETRY_AFTER_MS_MIN, PUSHES_WAITING_ADMITTED, PUSHES_WAITING_MEASURED,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Pushes and their sealed bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    pushes: u64,
    bytes: u64,
}

/// What was committed in a time.
#[derive(Clone, Copy, Debug)]
struct Rate {
    done: Work,
    ms: u64,
    at: Moment,
}

impl Rate {
    const fn is_faster_than(self, other: Self) -> bool {
        self.done.pushes.saturating_mul(other.ms) > other.done.pushes.saturating_mul(self.ms)
    }
}

#[derive(Debug, Default)]
struct Measure {
    from: Moment,
    done_before: Work,
    rate: Option<Rate>,
    /// Of the measure before this one. The faster of the two is believed: a pause of the disk is soon over, and would send all
    /// clients away for long.
    rate_before: Option<Rate>,
}

/// Decides whether one more push may wait.
#[derive(Debug)]
pub(crate) struct Admission {
    wait_ms_max: u64,
    counters: Arc<Counters>,
    /// Enough waits to measure, and did since the measure began.
    measuring: AtomicBool,
    measure: Mutex<Measure>,
}

/// Pushes that wait in the store, until this is dropped.
#[derive(Debug)]
pub(crate) struct WaitingPush {
    counters: Arc<Counters>,
    pushes: usize,
    bytes: usize,
}

impl Drop for WaitingPush {
    fn drop(&mut self) {
        self.counters.pushes_waiting.sub_len(self.pushes);
        self.counters.push_bytes_waiting.sub_len(self.bytes);
    }
}

impl Admission {
    pub(crate) fn new(wait_ms_max: u64, counters: Arc<Counters>) -> Self {
        Self { wait_ms_max, counters, measuring: AtomicBool::new(false), measure: Mutex::default() }
    }

    /// Counts pushes that go to the store together.
    pub(crate) fn enter(&self, pushes: usize, bytes: usize) -> WaitingPush {
        self.counters.pushes_total.add_len(pushes);
        self.counters.push_bytes_total.add_len(bytes);
        self.counters.pushes_waiting.add_len(pushes);
        self.counters.push_bytes_waiting.add_len(bytes);
        WaitingPush { counters: Arc::clone(&self.counters), pushes, bytes }
    }

    /// How long a push would wait, in milliseconds, when that is too long.
    pub(crate) fn excess_wait_ms(&self, now: Moment) -> Option<u64> {
        let waiting =
            Work { pushes: self.counters.pushes_waiting.get(), bytes: self.counters.push_bytes_waiting.get() };
        if !waiting.is_measured() {
            if self.measuring.load(Ordering::Relaxed) {
                self.measuring.store(false, Ordering::Relaxed);
            }
            return None;
        }
        let rate = self.rate(waiting, now);
        if waiting.is_admitted() {
            return None;
        }
        let wait_ms = waiting.ms_at(rate?);
        (wait_ms > self.wait_ms_max).then_some(wait_ms)
    }

    /// The rate of commits under load, once it is known.
    fn rate(&self, waiting: Work, now: Moment) -> Option<Rate> {
        let entered = Work { pushes: self.counters.pushes_total.get(), bytes: self.counters.push_bytes_total.get() };
        let done = entered.less(waiting);
        let mut measure = self.measure.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.measuring.swap(true, Ordering::Relaxed) {
            measure.begin(now, done);
        }
        measure.look(now, done)
    }
}

/// When a refused client is to come back, in milliseconds: after what waits is done, spread over as much time again.
pub(crate) fn retry_after_ms(wait_ms: u64, random: u32) -> u32 {
    let wait_ms = u32::try_from(wait_ms).unwrap_or(u32::MAX);
    let wait_ms = wait_ms.clamp(PUSH_RETRY_AFTER_MS_MIN, PUSH_RETRY_AFTER_MS_MAX / 2);
    wait_ms + random % wait_ms
}

impl Work {
    const fn is_measured(self) -> bool {
        self.pushes >= PUSHES_WAITING_MEASURED || self.bytes >= PUSH_BYTES_WAITING_MEASURED
    }

    const fn is_admitted(self) -> bool {
        self.pushes < PUSHES_WAITING_ADMITTED && self.bytes < PUSH_BYTES_WAITING_ADMITTED
    }

    const fn less(self, other: Self) -> Self {
        Self { pushes: self.pushes.saturating_sub(other.pushes), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    /// The longer of what its pushes and what its bytes take; what may wait anyway does not count.
    fn ms_at(self, rate: Rate) -> u64 {
        let ms = |waiting: u64, admitted: u64, done: u64| {
            if waiting < admitted { 0 } else { waiting.saturating_mul(rate.ms) / done.max(1) }
        };
        let pushes = ms(self.pushes, PUSHES_WAITING_ADMITTED, rate.done.pushes);
        pushes.max(ms(self.bytes, PUSH_BYTES_WAITING_ADMITTED, rate.done.bytes))
    }
}

impl Measure {
    fn begin(&mut self, now: Moment, done: Work) {
        self.from = now;
        self.done_before = done;
    }

    fn look(&mut self, now: Moment, done: Work) -> Option<Rate> {
        let ms = ms_between(self.from, now);
        let done_since = done.less(self.done_before);
        // A group under way has completed nothing yet; only a whole second without any says that nothing goes on.
        if ms >= PUSH_RATE_MS_MAX || (ms >= PUSH_RATE_MS_MIN && done_since.pushes > 0) {
            self.rate = Some(Rate { done: done_since, ms, at: now });
        }
        let known = [self.rate, self.rate_before].into_iter().flatten();
        let fresh = known.filter(|rate| ms_between(rate.at, now) <= PUSH_RATE_KEPT_MS);
        let believed = fresh.reduce(|a, b| if b.is_faster_than(a) { b } else { a });
        if ms >= PUSH_RATE_MS_MAX {
            self.rate_before = self.rate;
            self.begin(now, done);
        }
        believed
    }
}

fn ms_between(from: Moment, to: Moment) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const KIB: usize = 1024;
    /// What may wait anyway.
    const FREE: usize = 1024;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    struct Queue {
        admission: Admission,
        waiting: Vec<WaitingPush>,
    }

    impl Queue {
        fn new() -> Self {
            Self { admission: Admission::new(1000, Arc::default()), waiting: Vec::new() }
        }

        fn fill(&mut self, pushes: usize, bytes: usize) {
            self.waiting.extend((0..pushes).map(|_| self.admission.enter(1, bytes)));
        }

        fn excess_wait_ms(&self, now_ms: u64) -> Option<u64> {
            self.admission.excess_wait_ms(at(now_ms))
        }

        /// As many come as go, a hundred milliseconds long.
        fn commit(&mut self, pushes: usize) {
            self.waiting.drain(..pushes);
            self.fill(pushes, KIB);
        }
    }

    #[test]
    fn what_may_wait_anyway_is_never_refused() {
        let mut queue = Queue::new();
        queue.fill(FREE - 1, KIB);
        assert!((0..600).all(|second| queue.excess_wait_ms(second * 1000).is_none()), "even where nothing is done");
    }

    #[test]
    fn normal_bursts_are_admitted() {
        let mut queue = Queue::new();
        queue.fill(64 * 16 - 1, KIB);
        assert_eq!(queue.excess_wait_ms(0), None);
        let mut queue = Queue::new();
        queue.fill(256, 64 * KIB);
        assert_eq!(queue.excess_wait_ms(0), None, "16 MiB of one connection");
    }

    #[test]
    fn a_burst_is_admitted_until_the_rate_is_known() {
        let mut queue = Queue::new();
        queue.fill(2 * FREE, KIB);
        assert_eq!((queue.excess_wait_ms(0), queue.excess_wait_ms(99)), (None, None));
        queue.commit(100);
        assert_eq!(queue.excess_wait_ms(99), None);
        assert_eq!(queue.excess_wait_ms(100), Some(2048), "2,048 wait, 1,000 a second go");
    }

    #[test]
    fn a_fast_disk_admits_more_and_a_slow_one_is_given_its_time() {
        let mut queue = Queue::new();
        queue.fill(2 * FREE, KIB);
        for ms in (0..3000).step_by(100) {
            assert_eq!(queue.excess_wait_ms(ms), None, "{ms}");
            queue.commit(1000);
        }
        let mut stalled = Queue::new();
        stalled.fill(2 * FREE, KIB);
        assert!((0..1000).all(|ms| stalled.excess_wait_ms(ms).is_none()), "its first group is still under way");
        assert!(stalled.excess_wait_ms(1000).is_some());
    }

    #[test]
    fn bytes_count_beside_pushes() {
        let mut queue = Queue::new();
        queue.fill(48, 1024 * KIB);
        queue.excess_wait_ms(0);
        queue.waiting.truncate(40);
        assert_eq!(queue.excess_wait_ms(500), Some(2500), "40 MiB wait, 16 MiB a second go");
    }

    #[test]
    fn idle_time_is_no_rate() {
        let mut queue = Queue::new();
        queue.fill(2 * FREE, KIB);
        queue.excess_wait_ms(0);
        queue.waiting.truncate(10);
        assert_eq!(queue.excess_wait_ms(500), None);
        queue.fill(2 * FREE, KIB);
        assert_eq!(queue.excess_wait_ms(60_000), None);
        queue.commit(1000);
        assert_eq!(queue.excess_wait_ms(60_100), None);
    }

    #[test]
    fn a_pause_of_the_disk_sends_nobody_away_for_long() {
        let mut queue = Queue::new();
        queue.fill(FREE + FREE / 2, KIB);
        for ms in (0..=1000).step_by(100) {
            assert_eq!(queue.excess_wait_ms(ms), None, "{ms}");
            queue.commit(500);
        }
        // Nothing at all is done for almost as long again.
        assert_eq!(queue.excess_wait_ms(1900), None);
        assert_eq!(queue.excess_wait_ms(2000), None);
        // A second pause in a row is no pause any more.
        assert!(queue.excess_wait_ms(3000).is_some());
    }

    #[test]
    fn clients_come_back_after_the_backlog_and_spread() {
        let max = PUSH_RETRY_AFTER_MS_MAX;
        assert_eq!(
            (retry_after_ms(2000, 0), retry_after_ms(2000, 1999), retry_after_ms(2000, 2000)),
            (2000, 3999, 2000)
        );
        assert!(retry_after_ms(u64::MAX, u32::MAX) <= max);
        assert_eq!((retry_after_ms(0, 0), retry_after_ms(11, 199)), (200, 399), "never at once");
    }

    #[test]
    fn the_rate_is_known_when_the_limit_is_reached_slowly_and_while_pushes_are_refused() {
        let mut queue = Queue::new();
        queue.fill(FREE / 2, KIB);
        for ms in (0..500).step_by(100) {
            assert_eq!(queue.excess_wait_ms(ms), None);
            queue.commit(100);
        }
        queue.fill(FREE, KIB);
        assert_eq!(queue.excess_wait_ms(500), Some(1536), "1,536 wait, 1,000 a second go");
        // What was refused comes back later; meanwhile the queue falls below what may wait anyway, and not to nothing.
        queue.waiting.truncate(FREE - 10);
        assert_eq!(queue.excess_wait_ms(600), None);
        queue.fill(FREE, KIB);
        assert!(queue.excess_wait_ms(601).is_some());
    }
}
