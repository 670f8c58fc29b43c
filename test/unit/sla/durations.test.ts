import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grown, highestMs, quantilesMs } from '../../../src/server/sla/durations.js';
import { decodeRecord, encodeRecord } from '../../../src/server/sla/sla-line.js';
import { emptySum } from '../../../src/server/sla/sla-record.js';

/** The bounds of the core: ten per decade, from 10 µs to 100 s. */
const BOUNDS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000].flatMap((decade) => [10, 12, 15, 20, 25, 30, 40, 50, 60, 80].map((step) => step * decade)).concat(100_000_000);

describe('quantiles', () => {
  it('are within a sixth of the truth', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 10, max: 90_000_000 }), { minLength: 1, maxLength: 300 }), fc.constantFrom(0.5, 0.95, 0.99), (micros, share) => {
        const counts = [...BOUNDS, 0].map(() => 0);
        for (const each of micros) {
          const place = BOUNDS.findIndex((bound) => bound >= each);
          counts[place] = (counts[place] ?? 0) + 1;
        }
        const durations = grown({ counts, micros: 0 }, null, BOUNDS);
        const sorted = micros.toSorted((a, b) => a - b);
        const truthMs = (sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0) / 1000;
        const [toldMs = 0] = quantilesMs(durations, [share]);
        expect(toldMs / truthMs).toBeGreaterThan(0.74);
        expect(toldMs / truthMs).toBeLessThan(1.34);
      }),
    );
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
