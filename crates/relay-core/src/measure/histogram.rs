//! A histogram of durations. Ten bounds per decade keep a quantile within a sixth of the truth, and make the usual limits
//! (100 ms, 200 ms, 500 ms, 1 s) exact. Recording is a search among 71 numbers and two additions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const PER_DECADE: [u64; 10] = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80];
const DECADES: usize = 7;
const BOUNDS: usize = PER_DECADE.len() * DECADES + 1;
/// One for each bound, and one for what is above the last.
const BUCKETS: usize = BOUNDS + 1;

/// Upper ends of the buckets in microseconds, from 10 µs to 100 s; what equals a bound is in its bucket.
pub const BOUNDS_MICROS: [u64; BOUNDS] = bounds();

#[allow(clippy::indexing_slicing)] // Evaluated by the compiler, which refuses a bad index.
const fn bounds() -> [u64; BOUNDS] {
    let mut bounds = [0; BOUNDS];
    let (mut place, mut decade) = (0, 1);
    while place < BOUNDS {
        bounds[place] = PER_DECADE[place % PER_DECADE.len()] * decade;
        place += 1;
        if place.is_multiple_of(PER_DECADE.len()) {
            decade *= 10;
        }
    }
    bounds
}

/// Durations, counted by bucket.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    micros: AtomicU64,
}

/// One moment of a histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramFigures {
    /// How many fell into each bucket (not into it or a lower one); the last is above all of [`BOUNDS_MICROS`].
    pub counts: Vec<u64>,
    /// Their sum in microseconds.
    pub micros: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [const { AtomicU64::new(0) }; BUCKETS], micros: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts `times` things that took this long each.
    pub fn record(&self, took: Duration, times: u64) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(times, Ordering::Relaxed);
            self.micros.fetch_add(micros.saturating_mul(times), Ordering::Relaxed);
        }
    }

    /// Reads it; each number is exact, together they are of about one moment.
    #[must_use]
    pub fn read(&self) -> HistogramFigures {
        HistogramFigures {
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            micros: self.micros.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise_and_the_usual_limits_are_among_them() {
        assert!(BOUNDS_MICROS.windows(2).all(|pair| pair[0] < pair[1] && pair[1] * 3 <= pair[0] * 4));
        for limit in [10, 1000, 100_000, 200_000, 500_000, 1_000_000, 100_000_000] {
            assert!(BOUNDS_MICROS.contains(&limit), "{limit}");
        }
    }

    #[test]
    fn a_duration_is_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for (micros, times) in [(0, 1), (10, 1), (11, 2), (100_000, 1), (100_001, 1), (u64::MAX / 2, 1)] {
            histogram.record(Duration::from_micros(micros), times);
        }
        let figures = histogram.read();
        let limit = BOUNDS_MICROS.iter().position(|bound| *bound == 100_000).unwrap();
        assert_eq!((figures.counts[0], figures.counts[1]), (2, 2));
        assert_eq!((figures.counts[limit], figures.counts[limit + 1]), (1, 1));
        assert_eq!((figures.counts.len(), figures.counts[BUCKETS - 1]), (BUCKETS, 1));
        assert_eq!(figures.counts.iter().sum::<u64>(), 7);
    }

    #[test]
    fn the_sum_is_of_all_of_them() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_millis(2), 3);
        histogram.record(Duration::from_micros(5), 1);
        assert_eq!(histogram.read().micros, 6005);
    }
}
