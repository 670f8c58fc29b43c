//! A histogram of durations. Recording is some bit arithmetic and two relaxed additions, reading is sparse.

use super::buckets::{BUCKETS, place_of};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Durations, counted by bucket.
#[derive(Debug)]
pub struct Histogram {
    /// One for each bucket, and one for what is longer than all of them.
    counts: Box<[AtomicU64]>,
    micros: AtomicU64,
}

/// One moment of a histogram: the buckets that hold something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramFigures {
    /// Their places in the table, ascending.
    pub places: Vec<u16>,
    /// How many each of them holds, in the same order.
    pub counts: Vec<u64>,
    /// The sum of all durations in microseconds.
    pub micros: u64,
}

impl HistogramFigures {
    /// How many durations there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: (0..=BUCKETS).map(|_| AtomicU64::new(0)).collect(), micros: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts `times` things that took this long each.
    pub fn record(&self, took: Duration, times: u64) {
        if let Some(count) = self.counts.get(place_of(took)) {
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            count.fetch_add(times, Ordering::Relaxed);
            self.micros.fetch_add(micros.saturating_mul(times), Ordering::Relaxed);
        }
    }

    /// Reads it; each number is exact, together they are of about one moment.
    #[must_use]
    pub fn read(&self) -> HistogramFigures {
        let filled = (0_u16..).zip(&self.counts).map(|(place, count)| (place, count.load(Ordering::Relaxed)));
        let (places, counts) = filled.filter(|(_, count)| *count > 0).unzip();
        HistogramFigures { places, counts, micros: self.micros.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_buckets_that_hold_something_are_read() {
        let histogram = Histogram::default();
        for (micros, times) in [(0, 1), (100_000, 2), (100_001, 3), (u64::MAX / 2, 4)] {
            histogram.record(Duration::from_micros(micros), times);
        }
        let figures = histogram.read();
        let limit = u16::try_from(place_of(Duration::from_millis(100))).unwrap();
        assert_eq!(figures.places, [0, limit, limit + 1, u16::try_from(BUCKETS).unwrap()]);
        assert_eq!((figures.counts.as_slice(), figures.count()), ([1, 2, 3, 4].as_slice(), 10));
    }

    #[test]
    fn the_sum_is_of_all_of_them() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_millis(2), 3);
        histogram.record(Duration::from_micros(5), 1);
        assert_eq!(histogram.read().micros, 6005);
    }

    /// A table of buckets by their upper ends in nanoseconds.
    fn hdr_ends() -> Vec<f64> {
        let ends = |place: usize| {
            let shift = (place / 64).max(1) - 1;
            ((place - shift * 64 + 1) << shift) as f64 * 15.625 / 1.024
        };
        (0..BUCKETS).map(ends).collect()
    }

    /// What was here before: ten bounds a decade.
    fn decade_ends() -> Vec<f64> {
        let decades = (0..7).map(|decade| 10_f64.powi(decade) * 1000.0);
        decades
            .flat_map(|decade| [10, 12, 15, 20, 25, 30, 40, 50, 60, 80].map(|step| f64::from(step) * decade))
            .collect()
    }

    /// The largest error, as a share of the truth, of the middle of the bucket in which a percentile is.
    fn worst_error(ends: &[f64], counts: &[u64], sorted: &[u64]) -> f64 {
        [0.5, 0.9, 0.95, 0.99, 0.999].iter().fold(0.0, |worst: f64, share| {
            let rank = ((share * sorted.len() as f64).ceil() as u64).clamp(1, sorted.len() as u64);
            let (mut seen, mut place) = (0, 0);
            while seen + counts[place] < rank {
                seen += counts[place];
                place += 1;
            }
            let lower = if place == 0 { 0.0 } else { ends[place - 1] };
            let truth = sorted[rank as usize - 1] as f64;
            worst.max(((lower + ends[place]) / 2.0 / truth - 1.0).abs())
        })
    }

    /// Log-normal by the sum of twelve draws, or two of them, as a cache and a disk give.
    fn samples(seed: u64, median_nanos: f64, spread: f64, second: f64, count: usize) -> Vec<u64> {
        let mut state = seed | 1;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let one = |_| {
            let scale = if draw() < second { 30.0 } else { 1.0 };
            let normal = (0..12).map(|_| draw()).sum::<f64>() - 6.0;
            (median_nanos * scale * (spread * normal).exp()).clamp(1000.0, 100e9) as u64
        };
        let mut nanos: Vec<u64> = (0..count).map(one).collect();
        nanos.sort_unstable();
        nanos
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn percentiles_are_within_a_percent_of_the_exact_ones(
            seed: u64, median_exponent in 0_u32..5, spread in 0.05..1.5_f64, second in 0.0..0.1_f64, count in 1_usize..3000,
        ) {
            let sorted = samples(seed, 20_000.0 * 10_f64.powi(median_exponent.cast_signed()), spread, second, count);
            let histogram = Histogram::default();
            for nanos in &sorted {
                histogram.record(Duration::from_nanos(*nanos), 1);
            }
            let figures = histogram.read();
            let mut counts = vec![0; BUCKETS + 1];
            for (place, count) in figures.places.iter().zip(&figures.counts) {
                counts[usize::from(*place)] = *count;
            }
            prop_assert!(worst_error(&hdr_ends(), &counts, &sorted) < 0.01);
        }
    }

    #[test]
    fn control_ten_bounds_a_decade_would_not_do() {
        let sorted = samples(7, 2_000_000.0, 0.4, 0.02, 3000);
        let ends = decade_ends();
        let mut counts = vec![0; ends.len()];
        for nanos in &sorted {
            counts[ends.partition_point(|end| *end < *nanos as f64)] += 1;
        }
        assert!(worst_error(&ends, &counts, &sorted) > 0.02);
    }
}
