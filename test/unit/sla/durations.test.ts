import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grown, highestMs, quantilesMs } from '../../../src/server/sla/durations.js';
import { decodeRecord, encodeRecord } from '../../../src/server/sla/sla-line.js';
import { emptySum } from '../../../src/server/sla/sla-record.js';

/** The bounds of the core: ten per decade, from 10 µs to 100 s. */
const BOUNDS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000].flatMap((decade) => [10, 12, 15, 20, 25, 30, 40, 50, 60, 80].map((step) => step * decade)).concat(100_000_000);

/** As the core counts them. */
function countsOf(micros: readonly number[]): number[] {
  const counts = [...BOUNDS, 0].map(() => 0);
  for (const each of micros) {
    const place = BOUNDS.findIndex((bound) => bound >= each);
    const bucket = place < 0 ? BOUNDS.length : place;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return counts;
}

describe('quantiles', () => {
  it('are in the bucket of the truth, whatever the durations are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 10, max: 90_000_000 }), { minLength: 1, maxLength: 300 }), fc.constantFrom(0.5, 0.95, 0.99), (micros, share) => {
        const durations = grown({ counts: countsOf(micros), micros: 0 }, null, BOUNDS);
        const sorted = micros.toSorted((a, b) => a - b);
        const truthMs = (sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0) / 1000;
        const [toldMs = 0] = quantilesMs(durations, [share]);
        expect(toldMs / truthMs).toBeGreaterThan(0.74);
        expect(toldMs / truthMs).toBeLessThan(1.34);
      }),
    );
  });

  it('are within 5 % of the exact percentiles of durations as requests have them', () => {
    const shares = [0.5, 0.95, 0.99];
    for (const [medianMicros, spread] of [[300, 0.3], [2100, 0.45], [2900, 0.2], [45_000, 0.6], [900_000, 0.35]] as const) {
      // Log-logistic, with a long tail, over an even grid: no chance, so the same figures every time.
      const micros = Array.from({ length: 20_000 }, (_, place) => {
        const share = (place + 0.5) / 20_000;
        return Math.min(90_000_000, Math.max(10, Math.round(medianMicros * Math.exp(spread * Math.log(share / (1 - share))))));
      });
      const sorted = micros.toSorted((a, b) => a - b);
      const told = quantilesMs(grown({ counts: countsOf(micros), micros: 0 }, null, BOUNDS), shares);
      for (const [place, share] of shares.entries()) {
        const exactMs = (sorted[Math.ceil(share * sorted.length) - 1] ?? 0) / 1000;
        expect(Math.abs((told[place] ?? 0) / exactMs - 1)).toBeLessThan(0.05);
      }
    }
  });

  it('of nothing are 0, and what is above all bounds counts as the last', () => {
    expect(quantilesMs(new Map(), [0.5])).toEqual([0]);
    const above = grown({ counts: [...BOUNDS.map(() => 0), 1], micros: 0 }, null, BOUNDS);
    expect(highestMs(above)).toBe(100_000);
  });
});

describe('a record as a line', () => {
  it('reads back', () => {
    const count = fc.nat(1_000_000);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('ok', 'clientErrors', 'relayErrors', 'messages', 'durationMicros'), count), fc.uniqueArray(fc.tuple(fc.constantFrom(...BOUNDS), count), { selector: ([bound]) => bound }), (counts, pairs) => {
        const record = { ...emptySum(5, 70), upMs: 60, downMs: 5, ...counts, durations: new Map(pairs) };
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
    );
  });

  it.each(['', '[]', '[[1,2,3,4,5],[],[],[]]', '[[9,2,3,4,5],[0,0,0,0,0,0,0],[],[]]', '[[1,2,3,4,"5"],[0,0,0,0,0,0,0],[],[]]', '{"a":1}', '[[1,2'])('or is not read: %s', (line) => {
    expect(decodeRecord(line)).toBeNull();
  });
});
