import { describe, expect, it } from 'vitest';
import { DAY_MS, HOURS_KEPT_DAYS, HOUR_MS, MINUTE_MS, RECORDS_MAX, SlaHistory } from '../../../src/server/sla/sla-history.js';
import { decodeRecords, recordLines } from '../../../src/server/sla/sla-line.js';
import { addRecord, emptySum, recordOf, type SlaRecord } from '../../../src/server/sla/sla-record.js';
import { builderOf, exactMs, latencies } from '../../support/latencies.js';

const NOW = Date.UTC(2026, 10, 28, 9, 41);

/** Records of a length, each with some durations of its own. */
function past(fromMs: number, toMs: number, lengthMs: number): { records: SlaRecord[]; micros: number[] } {
  const all: number[] = [];
  const records: SlaRecord[] = [];
  for (let at = fromMs; at < toMs; at += lengthMs) {
    const micros = latencies({ seed: at / MINUTE_MS, medianMicros: 1500 + (at / MINUTE_MS) % 700, spread: 0.4, slowShare: 0.02, count: 8 });
    for (const each of micros) all.push(each);
    records.push(recordOf({ ...emptySum(at, at + lengthMs), upMs: lengthMs - 3, downMs: 3, ok: 8, durations: builderOf(micros), syncs: builderOf(micros.slice(0, 2)) }));
  }
  return { records, micros: all };
}

function plainSum(records: readonly SlaRecord[], fromMs: number, toMs: number): SlaRecord {
  const sum = emptySum(fromMs, toMs);
  for (const record of records) if (record.fromMs >= fromMs && record.toMs <= toMs) addRecord(sum, record);
  return recordOf(sum);
}

function filled(records: readonly SlaRecord[], nowMs: number): SlaHistory {
  const history = new SlaHistory();
  history.load([], nowMs);
  for (const record of records) history.add(record);
  history.tidy(nowMs);
  return history;
}

describe('durations over minutes, hours and days', () => {
  it('add up exactly through lines, hours and days, and give the percentiles of all of them within a 64th', () => {
    const nowMs = Math.floor(NOW / DAY_MS) * DAY_MS + 7 * HOUR_MS;
    // The first hours are older than minutes are kept.
    const [early, late] = [past(nowMs - 30 * HOUR_MS, nowMs - 26 * HOUR_MS, MINUTE_MS), past(nowMs - 3 * HOUR_MS, nowMs, MINUTE_MS)];
    const micros = [...early.micros, ...late.micros];
    const history = filled(decodeRecords([...early.records, ...late.records].map(recordLines).join('')), nowMs);
    expect(history.size).toBe(4 + 180);
    const sum = history.sum(nowMs - 2 * DAY_MS, nowMs);
    expect(sum.durations.pack()).toEqual(builderOf(micros).pack());
    for (const share of [0.5, 0.95, 0.99, 0.999]) expect(Math.abs((sum.durations.quantilesMs([share])[0] ?? 0) / exactMs(micros, share) - 1)).toBeLessThanOrEqual(1 / 64 + 1e-9);
    // Asked again, from the sums of hours that are remembered by now.
    expect(recordOf(history.sum(nowMs - 2 * DAY_MS, nowMs))).toEqual(recordOf(sum));
  });

  it('are the same for every period, whatever is remembered of it, and follow what is added', () => {
    const midnightMs = Math.floor(NOW / DAY_MS) * DAY_MS;
    const { records } = past(midnightMs - 3 * HOUR_MS, midnightMs + 3 * HOUR_MS, MINUTE_MS);
    const history = new SlaHistory();
    history.load([], midnightMs);
    for (const [place, record] of records.entries()) {
      history.add(record);
      // At and around the ends of hours, and of the day.
      if (place % 97 !== 0 && record.toMs % HOUR_MS > 2 * MINUTE_MS) continue;
      for (const spanMs of [30 * MINUTE_MS, HOUR_MS, 90 * MINUTE_MS, 3 * HOUR_MS]) expect(recordOf(history.sum(record.toMs - spanMs, record.toMs))).toEqual(plainSum(records.slice(0, place + 1), record.toMs - spanMs, record.toMs));
    }
  });

  it('of whole days are the same after a year, in one record each', () => {
    const fromMs = Math.floor(NOW / DAY_MS) * DAY_MS;
    const { records } = past(fromMs, fromMs + 3 * DAY_MS, HOUR_MS);
    const history = filled(records, fromMs + 3 * DAY_MS);
    const before = recordOf(history.sum(fromMs, fromMs + 2 * DAY_MS));
    expect(history.size).toBe(72);
    history.tidy(fromMs + (HOURS_KEPT_DAYS + 3) * DAY_MS);
    expect(history.size).toBe(3);
    history.tidy(fromMs + 390 * DAY_MS);
    expect(recordOf(history.sum(fromMs, fromMs + 2 * DAY_MS))).toEqual(before);
    expect(before.ok).toBe(2 * 24 * 8);
  });

  it('are joined early where there are too many pieces, and none is lost', () => {
    const [one] = past(NOW - 2 * HOUR_MS, NOW - 2 * HOUR_MS + 1000, 1000).records;
    const history = new SlaHistory();
    history.load([], NOW);
    let most = 0;
    for (let second = 0; second < RECORDS_MAX + 500; second += 1) {
      if (one !== undefined) history.add({ ...one, fromMs: one.fromMs + second * 1000, toMs: one.toMs + second * 1000 });
      most = Math.max(most, history.size);
    }
    expect(most).toBe(RECORDS_MAX);
    expect(history.size).toBeLessThan(RECORDS_MAX / 2);
    expect(history.sum(NOW - DAY_MS, NOW).ok).toBe((RECORDS_MAX + 500) * 8);
  });
});
