import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKETS } from '../../../src/server/latency-buckets.js';
import { DurationsBuilder } from '../../../src/server/sla/durations.js';
import { decodeRecord, decodeRecords, encodeExact, encodeRecord, recordLines } from '../../../src/server/sla/sla-line.js';
import { emptySum, recordOf, stretch, type SlaRecord } from '../../../src/server/sla/sla-record.js';
import { builderOf, exactMs, latencies } from '../../support/latencies.js';
import { oldBuckets, oldLine, oldQuantileMs, readOldLine } from '../../support/sla-before-hdr.js';

const MINUTE = 1_795_894_440_000;
const SHAPE = { seed: 11, medianMicros: 1800, spread: 0.4, slowShare: 0.02, count: 3000 };

function recordWith(micros: readonly number[], change: Partial<SlaRecord> = {}): SlaRecord {
  return { ...recordOf({ ...emptySum(MINUTE, MINUTE + 60_000), upMs: 60_000, ok: micros.length, durations: builderOf(micros) }), ...change };
}

function quantileMs({ durations }: SlaRecord, share: number): number {
  const builder = new DurationsBuilder();
  builder.addPacked(durations);
  return builder.quantilesMs([share])[0] ?? 0;
}

describe('a record as lines', () => {
  it('reads back', () => {
    const buckets = fc.uniqueArray(fc.tuple(fc.nat(BUCKETS), fc.integer({ min: 1, max: 1_000_000 })), { selector: ([place]) => place });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('ok', 'clientErrors', 'relayErrors', 'messages', 'durationMicros'), fc.nat(1_000_000)), buckets, (counts, pairs) => {
        const sum = { ...emptySum(5, 70), upMs: 60, downMs: 5, ...counts };
        for (const [place, count] of pairs) sum.durations.add(place, count);
        const record = recordOf(sum);
        expect(decodeRecords(`${recordLines(record)}${recordLines(stretch(70, 80, 'down'))}`)).toEqual([record, stretch(70, 80, 'down')]);
      }),
      { numRuns: 60 },
    );
  });

  it.each(['', '[]', '[[1,2,3,4,5],[],[],[]]', '[[9,2,3,4,5],[0,0,0,0,0,0,0],[],[]]', '[[1,2,3,4,"5"],[0,0,0,0,0,0,0],[],[]]', '{"a":1}', '[[1,2'])('or is not read: %s', (line) => {
    expect(decodeRecord(line)).toBeNull();
  });

  it.each([
    ['is torn', (exact: string) => exact.slice(0, -9)],
    ['is of a table that is not known', (exact: string) => exact.replace('hdr64', 'hdr4096')],
    ['is of another stretch', (exact: string) => exact.replace(String(MINUTE), String(MINUTE + 1))],
    ['is nonsense', (exact: string) => exact.replace(/,"[^"]*",/, ',"////",')],
  ])('has its rough durations when the line behind it %s', (_, damage) => {
    const micros = latencies(SHAPE);
    const record = recordWith(micros);
    const [read] = decodeRecords(`${encodeRecord(record)}\n${damage(encodeExact(record) ?? '')}`);
    expect(read).toMatchObject({ fromMs: MINUTE, upMs: 60_000, ok: 3000 });
    for (const share of [0.5, 0.99]) expect(Math.abs(quantileMs(read ?? record, share) / exactMs(micros, share) - 1)).toBeLessThan(0.25);
    expect(read?.durations).not.toEqual(record.durations);
    expect(decodeRecords(recordLines(record))).toEqual([record]);
  });
});

describe('what the version before wrote', () => {
  it('is read, with the durations of a bucket spread over it', () => {
    // Of a relay of that version: its start, a minute with requests, a planned stop.
    const lines = [
      '[[1795894438206,1795894440000,1794,0,0],[0,0,0,0,0,0,0],[],[]]',
      '[[1795894440000,1795894500000,60000,0,0],[91,149,0,0,0,256682,0],[1200,3,2000,16,10000,1,100000,1,1000,6,800,9,1500,42,6000,1,4000,6,8000,2,2500,2,3000,2],[]]',
      '[[1795894560000,1795894577152,16279,0,873],[0,0,0,0,0,0,0],[],[]]',
    ];
    const [start, minute, stop] = decodeRecords(lines.join('\n'));
    expect([start?.upMs, minute?.upMs, stop?.plannedMs]).toEqual([1794, 60_000, 873]);
    expect(minute).toMatchObject({ ok: 91, clientErrors: 149, durationMicros: 256_682 });
    const builder = new DurationsBuilder();
    builder.addPacked(minute?.durations ?? new Uint8Array(0));
    const old = readOldLine(lines[1] ?? '')?.durations ?? new Map<number, number>();
    expect(builder.count).toBe(91);
    for (const share of [0.5, 0.9, 0.95]) expect(Math.abs((builder.quantilesMs([share])[0] ?? 0) / oldQuantileMs(old, share) - 1)).toBeLessThan(0.05);
  });

  it('gives the percentiles it gave there', () => {
    const durations = oldBuckets(latencies(SHAPE));
    const record = decodeRecord(oldLine({ times: [MINUTE, MINUTE + 60_000, 60_000, 0, 0], counts: [3000, 0, 0, 0, 0, 0, 0], durations, syncs: new Map() })) ?? recordWith([]);
    for (const share of [0.5, 0.95, 0.99]) expect(Math.abs(quantileMs(record, share) / oldQuantileMs(durations, share) - 1)).toBeLessThan(0.02);
  });
});

describe('a relay that is rolled back to the version before', () => {
  it('reads times, counts and rough durations, and overlooks the rest', () => {
    const micros = latencies(SHAPE);
    const read = recordLines(recordWith(micros, { syncs: builderOf([900, 200_000_000]).pack(), downMs: 7 }))
      .trim()
      .split('\n')
      .map(readOldLine);
    expect(read).toHaveLength(2);
    expect(read[1]).toBeNull();
    expect(read[0]?.times).toEqual([MINUTE, MINUTE + 60_000, 60_000, 7, 0]);
    expect(read[0]?.counts[0]).toBe(3000);
    for (const share of [0.5, 0.95, 0.99]) expect(Math.abs(oldQuantileMs(read[0]?.durations ?? new Map(), share) / exactMs(micros, share) - 1)).toBeLessThan(0.25);
    expect(oldQuantileMs(read[0]?.syncs ?? new Map(), 1)).toBe(100_000);
  });
});
