// Durations in few numbers, each bucket named by its upper end in microseconds, as relays before the table `hdr64` kept them: ten bounds per
// decade. They are read for what was written then, and written beside the exact ones for a relay that is rolled back to that version.
import { BUCKETS, placeOf, upperMicros } from '../latency-buckets.js';
import { DurationsBuilder, eachBucket, type Durations } from './durations.js';

/** The name of the bucket above the last bound. */
const ABOVE_ALL = 0;
/** Bounds of a decade. */
const DECADE = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100];
/** Of a bucket with other bounds: those of a decade are at most this far apart. */
const LOWER_SHARE = 0.75;
/** Neighbours that are written as one: four of these buckets double. */
const JOINED = 16;
/** Digits of a name. */
const DIGITS = 4;

/** Name and count of each bucket, one after the other. */
export function toRough(durations: Durations): number[] {
  const rough = new Map<number, number>();
  eachBucket(durations, (place, count) => {
    const last = Math.floor(place / JOINED) * JOINED + JOINED - 1;
    const name = place === BUCKETS ? ABOVE_ALL : Number(upperMicros(last).toPrecision(DIGITS));
    rough.set(name, (rough.get(name) ?? 0) + count);
  });
  return [...rough].flat();
}

/** The durations of each bucket spread evenly over it. */
export function fromRough(pairs: readonly number[]): Durations {
  const builder = new DurationsBuilder();
  for (let at = 0; at + 1 < pairs.length; at += 2) spread(builder, pairs[at] ?? 0, pairs[at + 1] ?? 0);
  return builder.pack();
}

function spread(builder: DurationsBuilder, upper: number, count: number): void {
  if (upper === ABOVE_ALL) return builder.add(BUCKETS, count);
  const last = placeOf(upper);
  const first = Math.min(last, placeOf(lowerEnd(upper)) + 1);
  const parts = last - first + 1;
  const until = (part: number): number => Math.round((part * count) / parts);
  for (let part = 0; part < parts; part += 1) {
    const inPart = until(part + 1) - until(part);
    if (inPart > 0) builder.add(first + part, inPart);
  }
}

/** Where a bucket began: at the upper end of the one before it. */
function lowerEnd(upper: number): number {
  const scale = 10 ** (Math.floor(Math.log10(upper) + 1e-9) - 1);
  const place = DECADE.findIndex((step) => Math.abs(step * scale - upper) < scale / 1000);
  if (place < 0) return upper * LOWER_SHARE;
  return place === 0 ? 8 * scale : (DECADE[place - 1] ?? 0) * scale;
}
