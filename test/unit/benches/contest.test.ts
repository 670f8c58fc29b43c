import { describe, expect, it } from 'vitest';
import { figuresOf, ratioOf } from '../../../benches/lib/contest-row.mjs';
import type { Result } from '../../../benches/lib/measure.mjs';
import { ROWS } from '../../../benches/rows/index.mjs';

function result(server: string, rates: number[]): Result {
  const latencyUs = { p50: 1, p99: 2 };
  const raw = { latency_us: latencyUs, wall_seconds: 1, load_cpu_seconds: 0 };
  return { server, failure: null, absent: null, runs: rates.map((rate) => ({ rate, latencyUs, serverCpuUs: 0, loadCpuShare: 0, saturated: false, faults: 0, raw })) };
}

describe('a contest', () => {
  it('takes the median of the ratios of runs that came after each other, so a slow minute hits both', () => {
    const results = [result('relay', [90, 9, 80]), result('limit', [100, 10, 100])];
    expect(ratioOf(results, 'rate', 'relay', 'limit')).toBe(0.9);
  });

  it('has no figure for what was not measured, and tracks only what our own servers decide', () => {
    const results = [result('relay', [90]), result('limit', [100]), result('redis', [45]), result('uws', [])];
    const figures = figuresOf(results, [{ of: 'rate', target: 0.8 }, { of: 'rate', over: 'redis', target: 1 }, { of: 'rate', over: 'uws' }, { of: 'cpu' }]);
    expect(figures.map(({ id, value, tracked }) => [id, value, tracked])).toEqual([
      ['relay.rate/limit', 0.9, true],
      ['relay.rate/redis', 2, false],
    ]);
  });

  it('has rows whose names are unique', () => {
    const names = ROWS.flatMap(({ id, family }) => [id, family]);
    expect(new Set(ROWS.map(({ id }) => id)).size).toBe(ROWS.length);
    expect(names.every((name) => /^[a-z0-9-]+$/.test(name))).toBe(true);
  });
});
