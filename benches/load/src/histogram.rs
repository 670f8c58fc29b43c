//! Latencies in a log-linear histogram: 128 steps per power of two, so a value is off by less than 1 %.

use crate::number::to_f64;

const STEP_BITS: u32 = 7;
const STEPS: u64 = 1 << STEP_BITS;
const BUCKETS: usize = 58 << STEP_BITS;

/// Values in nanoseconds, counted.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }

    /// Counts one value.
    pub(crate) fn add(&mut self, value_ns: u64) {
        if let Some(count) = self.counts.get_mut(bucket_of(value_ns)) {
            *count = count.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
    }

    /// The value below which this share (per mille) of all values lies, in microseconds; 0 without values.
    pub(crate) fn quantile_us(&self, per_mille: u64) -> f64 {
        let wanted = self.total.saturating_mul(per_mille) / 1000;
        let mut seen = 0_u64;
        for (bucket, count) in (0_u64..).zip(&self.counts) {
            seen = seen.saturating_add(*count);
            if seen > wanted || (seen == self.total && seen > 0) {
                return to_f64(middle_of(bucket)) / 1000.0;
            }
        }
        0.0
    }
}

fn bucket_of(value: u64) -> usize {
    if value < STEPS {
        return usize::try_from(value).unwrap_or(0);
    }
    let shift = value.ilog2().saturating_sub(STEP_BITS);
    let bucket = ((u64::from(shift) + 1) << STEP_BITS) + (value >> shift) - STEPS;
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

fn middle_of(bucket: u64) -> u64 {
    if bucket < STEPS {
        return bucket;
    }
    let shift = (bucket >> STEP_BITS) - 1;
    let low = ((bucket & (STEPS - 1)) + STEPS) << shift;
    low.saturating_add((1 << shift) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_near_the_middle_of_its_bucket() {
        for value in [0, 1, 127, 128, 129, 1000, 123_456, 987_654_321, 1 << 40, u64::MAX] {
            let bucket = bucket_of(value);
            assert!(bucket < BUCKETS, "{value}");
            let middle = middle_of(bucket as u64);
            assert!(middle.abs_diff(value) <= value / 100, "{value} {middle}");
        }
    }

    #[test]
    fn quantiles_of_a_known_set() {
        let mut histogram = Histogram::new();
        assert!(histogram.quantile_us(500) < f64::EPSILON);
        for value in 1..=1000 {
            histogram.add(value * 1000);
        }
        assert!((histogram.quantile_us(500) - 500.0).abs() < 6.0);
        assert!((histogram.quantile_us(990) - 990.0).abs() < 10.0);
        assert!((histogram.quantile_us(1000) - 1000.0).abs() < 10.0);
    }
}
