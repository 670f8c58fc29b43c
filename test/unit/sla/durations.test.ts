import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKETS, TABLE, lowerMicros, placeOf, upperMicros } from '../../../src/server/latency-buckets.js';
import { DurationsBuilder, NO_DURATIONS, eachBucket, readDurations } from '../../../src/server/sla/durations.js';
import { builderOf, exactMs, latencies } from '../../support/latencies.js';
import { oldBuckets, oldQuantileMs } from '../../support/sla-before-hdr.js';

const SHARES = [0.5, 0.9, 0.95, 0.99, 0.999] as const;
/** No bucket is wider than this share of what is in it. */
const WIDTH = 1 / 64;

const shapes = fc.record({
  seed: fc.nat(),
  medianMicros: fc.constantFrom(20, 300, 2100, 45_000, 900_000),
  spread: fc.double({ min: 0.05, max: 1.5, noNaN: true }),
  slowShare: fc.double({ min: 0, max: 0.1, noNaN: true }),
  count: fc.integer({ min: 1, max: 2000 }),
});

describe('the table of buckets', () => {
  it('is the one of the core', () => {
    const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors/latency-buckets.json'), 'utf8')) as { table: string; buckets: number; places: { nanos: number; place: number }[] };
    expect([vectors.table, vectors.buckets]).toEqual([TABLE, BUCKETS]);
    expect(vectors.places.map(({ nanos }) => placeOf(nanos / 1000))).toEqual(vectors.places.map(({ place }) => place));
    expect(vectors.places.length).toBeGreaterThan(20);
  });

  it('has no gap, and no bucket above a microsecond wider than a 64th of what is in it', () => {
    for (let place = 0; place < BUCKETS; place += 1) {
      const [lower, upper] = [lowerMicros(place), upperMicros(place)];
      expect([placeOf(upper), lowerMicros(place + 1)]).toEqual([place, upper]);
      if (lower >= 1) expect((upper - lower) / lower).toBeLessThanOrEqual(WIDTH);
    }
    expect([lowerMicros(0), upperMicros(BUCKETS - 1)]).toEqual([0, 131_072_000]);
  });
});

describe('quantiles', () => {
  it('are within a 64th of the exact ones, whatever the durations are', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const micros = latencies(shape);
        for (const [place, toldMs] of builderOf(micros).quantilesMs(SHARES).entries()) {
          expect(Math.abs(toldMs / exactMs(micros, SHARES[place] ?? 0) - 1)).toBeLessThanOrEqual(WIDTH + 1e-9);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('control: with ten bounds a decade they were not', () => {
    const micros = latencies({ seed: 7, medianMicros: 2100, spread: 0.4, slowShare: 0.02, count: 2000 });
    const errors = SHARES.map((share) => Math.abs(oldQuantileMs(oldBuckets(micros), share) / exactMs(micros, share) - 1));
    expect(Math.max(...errors)).toBeGreaterThan(WIDTH);
  });

  it('of nothing are 0, and what is above all buckets counts as the end of the last', () => {
    expect(new DurationsBuilder().quantilesMs([0.5])).toEqual([0]);
    const above = builderOf([500_000_000]);
    expect([above.highestMs, ...above.quantilesMs([0.5])]).toEqual([131_072, 131_072]);
  });
});

describe('packed durations', () => {
  it('are the ones that were packed, and add up exactly', () => {
    const buckets = fc.uniqueArray(fc.tuple(fc.nat(BUCKETS), fc.integer({ min: 1, max: 2 ** 40 })), { selector: ([place]) => place, maxLength: 200 });
    fc.assert(
      fc.property(buckets, fc.integer({ min: 1, max: 5 }), (pairs, times) => {
        const builder = new DurationsBuilder();
        for (const [place, count] of pairs) builder.add(place, count);
        const read = readDurations(builder.pack()) ?? NO_DURATIONS;
        const sum = new DurationsBuilder();
        for (let time = 0; time < times; time += 1) sum.addPacked(read);
        const told: [number, number][] = [];
        eachBucket(sum.pack(), (place, count) => told.push([place, count]));
        expect(told).toEqual(pairs.map(([place, count]) => [place, count * times]).toSorted(([a = 0], [b = 0]) => a - b));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['end in the middle', [5]],
    ['end in a number', [5, 200]],
    ['name a bucket that is none', [...[0x81, 0x0e], 1]],
    ['name one twice', [5, 1, 0, 1]],
    ['hold a number without an end', [5, ...Array.from({ length: 9 }, () => 255), 1]],
  ])('are refused when they %s', (_, bytes) => {
    expect(readDurations(Uint8Array.from(bytes))).toBeNull();
    expect(readDurations(Uint8Array.from([5, 1, 3, 200, 1]))).not.toBeNull();
  });

  it('of a minute are what the core counted since the last look', () => {
    const at = (pairs: readonly (readonly [number, number])[]): { places: Uint16Array; counts: Float64Array } => ({ places: Uint16Array.from(pairs.map(([place]) => place)), counts: Float64Array.from(pairs.map(([, count]) => count)) });
    const builder = new DurationsBuilder();
    builder.addGrown(at([[3, 2], [9, 5], [40, 1]]), at([[3, 2], [40, 1]]));
    builder.addGrown(at([[1, 1], [3, 4]]), at([[3, 2]]));
    builder.addGrown(at([[7, 6]]), null);
    const told: [number, number][] = [];
    eachBucket(builder.pack(), (place, count) => told.push([place, count]));
    expect(told).toEqual([[1, 1], [3, 2], [7, 6], [9, 5]]);
  });
});
