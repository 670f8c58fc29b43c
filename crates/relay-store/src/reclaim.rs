//! Giving the disk back: a thread that compacts sealed segments when enough of the log is forgotten.
//!
//! Nothing is compacted while the forgotten share is small: what waits dies meanwhile, and what is wholly forgotten costs
//! nothing to drop. So the bytes written per byte pushed stay low, and the disk in use stays near what is held.

mod compact;
mod expiry;

use crate::checkpoint;
use crate::erase::Eraser;
use crate::sealed::Sealed;
use crate::shared::{Health, Shared, add};
use compact::{Compaction, NotNow};
use expiry::ExpiryGuard;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Share of the sealed segments' bytes that may be forgotten before something is compacted, in percent.
const FORGOTTEN_PERCENT_MAX: u64 = 12;
/// A segment of which so much is forgotten goes before that: next to nothing is copied, and nothing is won by waiting. Per mille.
const NEARLY_ALL_PERMILLE: u64 = 950;
/// But only when this many times what a checkpoint takes is forgotten in such segments: a compaction writes the spaces' states.
const STATES_SHARE: u64 = 16;
/// Segments compacted into one at a time.
const VICTIMS_MAX: usize = 64;
/// A segment shorter than this share of a full one joins its neighbours' compaction, in percent.
const SMALL_PERCENT: u64 = 25;
/// Segments' worth of bytes after which a checkpoint is written.
const CHECKPOINT_SEGMENTS: u64 = 4;
/// How many times its own bytes must have been written since the last checkpoint.
const CHECKPOINT_SHARE: u64 = 25;
/// Bytes of images besides the last checkpoint after which one is written that has them.
const COLD_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// How many times its own bytes they must be.
const COLD_FILE_SHARE: u64 = 2;
/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(1);
/// Looks that are left out after a compaction was given up.
const PERIODS_AFTER_FAILURE: u32 = 10;

/// What a call of [`Reclaimer::pass`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Compactions.
    pub compactions: u64,
    /// Segments that are gone.
    pub segments_gone: u64,
    /// Bytes given back.
    pub bytes: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Reclaimer {
    closing: Mutex<bool>,
    wake: Condvar,
    /// One pass at a time.
    pass: Mutex<()>,
    checkpoint_bytes: AtomicU64,
    written_then: AtomicU64,
    expiry: ExpiryGuard,
}

impl Reclaimer {
    /// Compacts from time to time until [`Self::stop`]; the body of the reclaim thread.
    pub(crate) fn run(&self, shared: &Shared, segment_bytes: u64, eraser: &Arc<Eraser>) {
        let mut pause = 0;
        loop {
            shared.reserve.keep(&*shared.vfs);
            let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.wake.wait_timeout_while(closing, PERIOD, |closing| !*closing);
            if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
            eraser.look();
            self.expire(shared);
            if pause > 0 {
                pause -= 1;
                continue;
            }
            let failures = shared.counters.reclaim_failures.load(Ordering::Relaxed);
            self.pass(shared, segment_bytes);
            if shared.counters.reclaim_failures.load(Ordering::Relaxed) != failures {
                pause = PERIODS_AFTER_FAILURE;
            }
            if self.checkpoint_is_due(shared, segment_bytes) {
                self.last_checkpoint(shared);
            }
        }
    }

    /// Removes what was kept long enough of what is gone.
    pub(crate) fn expire(&self, shared: &Shared) {
        if shared.writable().is_ok() {
            let now_ms = self.expiry.believed_ms(shared.wall_clock.now_ms());
            shared.tombstones.expire(shared, now_ms);
            shared.leaves.expire(&*shared.vfs, now_ms);
        }
    }

    /// Ends the thread; a compaction under way is finished first.
    pub(crate) fn stop(&self) {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
        drop(self.pass.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Writes a checkpoint at an orderly end; the reclaim thread has ended.
    pub(crate) fn last_checkpoint(&self, shared: &Shared) {
        let _one = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_checkpoint(shared);
    }

    /// Runs what no compaction may run beside.
    pub(crate) fn alone<T>(&self, run: impl FnOnce(&Self) -> T) -> T {
        let _one = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
        run(self)
    }

    /// One that cannot be written is missing at the next start, which takes longer then.
    pub(crate) fn write_checkpoint(&self, shared: &Shared) {
        if shared.health() == Health::Poisoned || shared.spaces.is_damaged() {
            return;
        }
        let since = shared.counters.written_bytes.load(Ordering::Relaxed);
        match checkpoint::write(shared) {
            Ok(bytes) => {
                add(&shared.counters.reclaim_written_bytes, bytes);
                shared.spaces.renew_cold_file();
                self.checkpoint_bytes.store(bytes, Ordering::Relaxed);
                self.written_then.store(since, Ordering::Relaxed);
            }
            Err(_) => add(&shared.counters.reclaim_failures, 1),
        }
    }

    /// Whether so much was written since the last checkpoint that a new one is worth its bytes.
    fn checkpoint_is_due(&self, shared: &Shared, segment_bytes: u64) -> bool {
        let written = shared.counters.written_bytes.load(Ordering::Relaxed);
        let since = written.saturating_sub(self.written_then.load(Ordering::Relaxed));
        let bytes = self.checkpoint_bytes.load(Ordering::Relaxed);
        let is_cold_file_long =
            shared.spaces.cold_file_bytes() > COLD_FILE_BYTES.max(bytes.saturating_mul(COLD_FILE_SHARE));
        is_cold_file_long
            || since > segment_bytes.saturating_mul(CHECKPOINT_SEGMENTS).max(bytes.saturating_mul(CHECKPOINT_SHARE))
    }

    fn is_closing(&self) -> bool {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compacts until the forgotten share is small.
    pub(crate) fn pass(&self, shared: &Shared, segment_bytes: u64) -> Reclaimed {
        let _one = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
        self.compact(shared, segment_bytes)
    }

    fn compact(&self, shared: &Shared, segment_bytes: u64) -> Reclaimed {
        let mut done = Reclaimed::default();
        while !self.is_closing() && shared.writable().is_ok() {
            let segments = shared.sealed.list();
            let states_bytes = self.checkpoint_bytes.load(Ordering::Relaxed);
            let chosen = choose(&segments, segment_bytes, states_bytes);
            let Some(victims) = chosen.and_then(|range| segments.get(range)) else { break };
            match Compaction::run(shared, victims) {
                Ok(outcome) => {
                    done.compactions += 1;
                    done.segments_gone += outcome.segments_gone;
                    done.bytes += outcome.bytes_before.saturating_sub(outcome.bytes_after);
                }
                Err(error) => {
                    give_up(shared, &error);
                    break;
                }
            }
        }
        add(&shared.counters.reclaimed_bytes, done.bytes);
        if done.compactions > 0 {
            // The one before names segments that are gone.
            self.write_checkpoint(shared);
        }
        done
    }
}

fn give_up(shared: &Shared, error: &NotNow) {
    add(&shared.counters.reclaim_failures, 1);
    if matches!(error, NotNow::Full) {
        shared.reserve.spend(&*shared.vfs);
    }
    if let NotNow::Damaged(segment) = error {
        // Its whole entries are still read where they are; the damaged ones are for whoever asks for them to hear of.
        shared.sealed.mark_stuck(&[*segment]);
    }
}

/// The neighbours to compact next; `None` when too little is forgotten.
fn choose(segments: &[Sealed], segment_bytes: u64, states_bytes: u64) -> Option<Range<usize>> {
    let share = |segment: &Sealed| segment.dead_bytes().saturating_mul(1000) / segment.bytes.max(1);
    let movable = || segments.iter().filter(|segment| !segment.stuck);
    let total: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let dead: u64 = movable().map(Sealed::dead_bytes).sum();
    let over = movable().filter(|segment| share(segment) >= NEARLY_ALL_PERMILLE).map(Sealed::dead_bytes).sum::<u64>();
    let is_much = dead.saturating_mul(100) > total.saturating_mul(FORGOTTEN_PERCENT_MAX);
    if dead == 0 || !(is_much || over > states_bytes.saturating_mul(STATES_SHARE)) {
        return None;
    }
    let (best, _) =
        segments.iter().enumerate().filter(|(_, segment)| !segment.stuck).max_by_key(|(_, segment)| share(segment))?;
    let worth = if is_much { segments.get(best).map_or(0, share) / 2 } else { NEARLY_ALL_PERMILLE };
    let mut live = segments.get(best).map_or(0, |segment| segment.bytes - segment.dead_bytes());
    let mut joins = |segment: &Sealed| {
        let is_small = segment.bytes.saturating_mul(100) < segment_bytes.saturating_mul(SMALL_PERCENT);
        let with = live.saturating_add(segment.bytes - segment.dead_bytes().min(segment.bytes));
        let fits = !segment.stuck && (is_small || share(segment) > worth) && with <= segment_bytes;
        if fits {
            live = with;
        }
        fits
    };
    let mut range = best..best + 1;
    while range.len() < VICTIMS_MAX && segments.get(range.end).is_some_and(&mut joins) {
        range.end += 1;
    }
    while range.len() < VICTIMS_MAX && range.start > 0 && segments.get(range.start - 1).is_some_and(&mut joins) {
        range.start -= 1;
    }
    Some(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::SegmentFile;
    use crate::segment::footer::Trailer;
    use crate::vfs::sim::SimVfs;
    use crate::vfs::{OpenMode, Vfs};
    use std::path::Path;
    use std::sync::Arc;

    const BYTES: u64 = 1000;

    /// Segments of which so many rows of a hundred are forgotten.
    fn segments(dead: &[u64]) -> Vec<Sealed> {
        let file = SimVfs::new().open(Path::new("/seg"), OpenMode::Create).unwrap();
        let sealed = |(segment, dead_rows): (u64, &u64)| Sealed {
            file: Arc::new(SegmentFile { segment, file: file.clone() }),
            trailer: Trailer { rows: 100, ..Trailer::default() },
            bytes: BYTES,
            dead_rows: *dead_rows,
            stuck: false,
        };
        (1..).zip(dead).map(sealed).collect()
    }

    #[test]
    fn little_that_is_forgotten_waits_unless_whole_segments_of_it_are() {
        let mut many = vec![0; 100];
        many[40] = 90;
        assert_eq!(choose(&segments(&many), BYTES, 0), None);
        many[40..43].copy_from_slice(&[100, 96, 60]);
        assert_eq!(choose(&segments(&many), BYTES, 0), Some(40..42), "what is held of the third is not copied yet");
        assert_eq!(choose(&segments(&many), BYTES, BYTES), None, "the states would cost more");
    }

    #[test]
    fn much_that_is_forgotten_goes_with_its_neighbours() {
        assert_eq!(choose(&segments(&[0, 80, 50, 0]), BYTES, BYTES), Some(1..3));
        assert_eq!(choose(&segments(&[5, 5, 5, 5]), BYTES, 0), None);
    }
}
