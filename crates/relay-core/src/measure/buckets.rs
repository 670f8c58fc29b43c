//! Which bucket a duration is in: powers of two, each cut into 64 equal parts, as in HDR histograms. The unit is a 65,536th of
//! a millisecond (15 ns), so that from 1 µs to 131 s no bucket is wider than a 64th of what is in it, and every limit of
//! at most seven significant bits in milliseconds (0.5, 1, 2.5, 10, 100, 250 ms, 1 s, 8 s) is the end of a bucket: what is above it is
//! counted exactly. `src/server/latency-buckets.ts` is the twin; `test/vectors/latency-buckets.json` binds the two.

use std::time::Duration;

/// The name of this table, wherever counts by bucket are kept. Another table would need another name.
pub const TABLE: &str = "hdr64";

/// A power of two has 2 to the power of this many buckets.
const SUB_BUCKET_BITS: u32 = 6;
const SUB_BUCKETS: u64 = 1 << SUB_BUCKET_BITS;
/// Units of a millisecond, 65,536, to nanoseconds of one, 1,000,000, in lowest terms.
const UNITS: u64 = 1024;
const NANOS: u64 = 15_625;
/// The table ends with 2 to the power of this many units, 131.072 s.
const HIGHEST_BITS: u32 = 33;
const HIGHEST_UNITS: u64 = 1 << HIGHEST_BITS;

/// How many buckets the table has. What is longer than all of them is counted in the place behind.
pub const BUCKETS: usize = ((HIGHEST_BITS - SUB_BUCKET_BITS + 1) << SUB_BUCKET_BITS) as usize;

/// The bucket whose upper end is the first one that is not below this duration: what equals an end is in the bucket it ends.
#[must_use]
pub(super) fn place_of(took: Duration) -> usize {
    let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    let below = nanos.saturating_mul(UNITS).div_ceil(NANOS).saturating_sub(1);
    if below >= HIGHEST_UNITS {
        return BUCKETS;
    }
    let shift = (below | SUB_BUCKETS).ilog2() - SUB_BUCKET_BITS;
    let place = (u64::from(shift) << SUB_BUCKET_BITS) + (below >> shift);
    usize::try_from(place).unwrap_or(BUCKETS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Both ends of a bucket in nanoseconds, of which there are 15,625 in 1024 units; times 1024 to stay whole.
    fn ends(place: usize) -> (u128, u128) {
        let shift = (place / 64).max(1) - 1;
        let lower = (place - shift * 64) as u128;
        ((lower << shift) * 15_625, ((lower + 1) << shift) * 15_625)
    }

    #[test]
    fn the_buckets_follow_one_another_without_a_gap() {
        assert_eq!(ends(0).0, 0);
        assert!((1..BUCKETS).all(|place| ends(place).0 == ends(place - 1).1));
        assert_eq!(ends(BUCKETS - 1).1, 131_072_000_000 * 1024);
    }

    #[test]
    fn the_usual_limits_end_a_bucket() {
        for micros in [500, 1000, 2500, 5000, 10_000, 25_000, 100_000, 200_000, 500_000, 1_000_000, 8_000_000] {
            let limit = Duration::from_micros(micros);
            let place = place_of(limit);
            assert_eq!(ends(place).1, limit.as_nanos() * 1024, "{micros}");
            assert_eq!(place_of(limit + Duration::from_nanos(1)), place + 1, "{micros}");
        }
    }

    #[test]
    fn what_is_longer_than_all_of_them_has_a_place_of_its_own() {
        assert_eq!(place_of(Duration::ZERO), 0);
        assert_eq!(place_of(Duration::from_millis(131_072)), BUCKETS - 1);
        assert_eq!(place_of(Duration::from_nanos(131_072_000_001)), BUCKETS);
        assert_eq!(place_of(Duration::MAX), BUCKETS);
    }

    #[test]
    fn the_vectors_say_the_same() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors/latency-buckets.json");
        let text = std::fs::read_to_string(path).unwrap();
        let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((vectors["table"].as_str(), vectors["buckets"].as_u64()), (Some(TABLE), Some(BUCKETS as u64)));
        for row in vectors["places"].as_array().unwrap() {
            let (nanos, place) = (row["nanos"].as_u64().unwrap(), row["place"].as_u64().unwrap());
            assert_eq!(place_of(Duration::from_nanos(nanos)) as u64, place, "{nanos}");
        }
        assert!(vectors["places"].as_array().unwrap().len() >= 20);
    }

    proptest! {
        #[test]
        fn a_bucket_holds_the_duration_and_is_at_most_a_64th_of_it_wide(exponent in 0_u32..27, share in 0.0..1.0_f64) {
            let nanos = 1000 * (1_u64 << exponent) + (share * 1000.0 * f64::from(1_u32 << exponent)) as u64;
            prop_assume!(nanos <= 131_072_000_000);
            let (lower, upper) = ends(place_of(Duration::from_nanos(nanos)));
            let scaled = u128::from(nanos) * 1024;
            prop_assert!(lower < scaled && scaled <= upper);
            prop_assert!((upper - lower) * 64 <= scaled);
        }
    }
}
