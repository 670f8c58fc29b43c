// Durations counted by bucket, sparse: most buckets of a minute are empty. Each bucket is named by its upper end, so that what
// was written with other bounds can still be read.
import type { RelayMeasures } from '../../native/relay-port.js';

/** The bucket above the last bound. */
export const ABOVE_ALL = 0;
/** What the bucket above the last bound is taken for, in microseconds. */
const ABOVE_ALL_MICROS = 100_000_000;
/** Bounds of a decade, as the core has them. */
const DECADE = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100];
/** Of a bucket with other bounds: those of a decade are at most this far apart. */
const LOWER_SHARE = 0.75;

/** Upper end in microseconds to count. */
export type Durations = ReadonlyMap<number, number>;
export type DurationsBuilder = Map<number, number>;

/** What came since the last look. A core that was started anew counts from 0 again. */
export function grown(now: RelayMeasures['syncs'], before: RelayMeasures['syncs'] | null, boundsMicros: readonly number[]): DurationsBuilder {
  const builder: DurationsBuilder = new Map();
  for (const [place, count] of now.counts.entries()) {
    const fresh = count - (before?.counts[place] ?? 0);
    if (fresh > 0) builder.set(boundsMicros[place] ?? ABOVE_ALL, fresh);
  }
  return builder;
}

export function addDurations(to: DurationsBuilder, durations: Durations, share = 1): void {
  for (const [bound, count] of durations) to.set(bound, (to.get(bound) ?? 0) + count * share);
}

export function countOf(durations: Durations): number {
  let count = 0;
  for (const each of durations.values()) count += each;
  return count;
}

/** Values below which these shares (0 to 1) of the durations are, in milliseconds, interpolated inside a bucket; 0 when there are none. */
export function quantilesMs(durations: Durations, shares: readonly number[]): number[] {
  const buckets = [...durations].map(([bound, count]) => ({ upper: bound === ABOVE_ALL ? ABOVE_ALL_MICROS : bound, count })).toSorted((a, b) => a.upper - b.upper);
  const total = countOf(durations);
  return shares.map((share) => {
    let below = 0;
    const wanted = share * total;
    for (const { upper, count } of buckets) {
      if (below + count >= wanted && count > 0) {
        const lower = lowerEnd(upper);
        return (lower + ((upper - lower) * (wanted - below)) / count) / 1000;
      }
      below += count;
    }
    return 0;
  });
}

/** Where a bucket begins: at the upper end of the one before it. */
function lowerEnd(upper: number): number {
  const scale = 10 ** (Math.floor(Math.log10(upper) + 1e-9) - 1);
  const place = DECADE.findIndex((step) => Math.abs(step * scale - upper) < scale / 1000);
  if (place < 0) return upper * LOWER_SHARE;
  return place === 0 ? 8 * scale : (DECADE[place - 1] ?? 0) * scale;
}

/** The upper end of the highest bucket that holds anything, in milliseconds. */
export function highestMs(durations: Durations): number {
  let highest = 0;
  for (const [bound, count] of durations) if (count > 0) highest = Math.max(highest, bound === ABOVE_ALL ? ABOVE_ALL_MICROS : bound);
  return highest / 1000;
}
