// The table of buckets that durations are counted in, the twin of crates/relay-core/src/measure/buckets.rs (where it is said why
// it is as it is); test/vectors/latency-buckets.json binds the two.

/** Its name, wherever counts by bucket are kept. */
export const TABLE = 'hdr64';
/** How many buckets there are. What is longer than all of them is counted in the place behind. */
export const BUCKETS = 1792;

const SUB_BUCKET_BITS = 6;
const SUB_BUCKETS = 2 ** SUB_BUCKET_BITS;
const UNITS_PER_MS = 65_536;
const HIGHEST_UNITS = 2 ** 33;

/** The bucket of a duration; what equals the upper end of one is in it. */
export function placeOf(micros: number): number {
  const below = Math.max(0, Math.ceil((micros * UNITS_PER_MS) / 1000) - 1);
  if (below >= HIGHEST_UNITS) return BUCKETS;
  const highestBit = below >= 2 ** 32 ? 32 : 31 - Math.clz32(below);
  const shift = Math.max(0, highestBit - SUB_BUCKET_BITS);
  return shift * SUB_BUCKETS + Math.floor(below / 2 ** shift);
}

/** Where a bucket ends, in microseconds; exact. */
export function upperMicros(place: number): number {
  return endMicros(place, 1);
}

/** Where a bucket begins, in microseconds; what equals it is in the bucket before. */
export function lowerMicros(place: number): number {
  return endMicros(place, 0);
}

function endMicros(place: number, parts: 0 | 1): number {
  const shift = Math.max(1, place >> SUB_BUCKET_BITS) - 1;
  return ((place - shift * SUB_BUCKETS + parts) * 2 ** shift * 1000) / UNITS_PER_MS;
}
