import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compare, renewed, type Baseline } from '../../../benches/lib/baseline.mjs';
import { isMet, worsening, type Figure } from '../../../benches/lib/figures.mjs';

const RATE: Figure = { id: 'relay.rate/limit', title: 'relay: rate ÷ limit', value: 0.9, better: 'higher', target: 0.8, tracked: true };
const CPU: Figure = { id: 'relay.cpu/limit', title: 'relay: cpu ÷ limit', value: 1.2, better: 'lower', target: 1.15, tracked: true };
const PEER: Figure = { id: 'relay.rate/redis', title: 'relay: rate ÷ redis', value: 2, better: 'higher', target: 1, tracked: false };
const EMPTY: Baseline = { about: '', rows: {} };

const baseline = renewed(EMPTY, [{ id: 'push-1', figures: [RATE, CPU, PEER] }], {});
const regressionsOf = (figures: Figure[], complete = true) => compare(baseline, [{ id: 'push-1', figures }], { complete });

describe('the baseline', () => {
  it('accepts the figures it was renewed with, and those within 10 %', () => {
    expect(regressionsOf([RATE, CPU, PEER])).toEqual({ compared: 2, regressions: [] });
    expect(regressionsOf([{ ...RATE, value: 0.82 }, { ...CPU, value: 1.31 }, PEER]).regressions).toEqual([]);
  });

  it('finds a rate that is 20 % lower and a cost that is 20 % higher', () => {
    const { regressions } = regressionsOf([{ ...RATE, value: 0.72 }, { ...CPU, value: 1.44 }, PEER]);
    expect(regressions.map(({ figure }) => figure)).toEqual([RATE.id, CPU.id]);
  });

  it('does not call an improvement a regression, nor what another version of a peer does', () => {
    expect(regressionsOf([{ ...RATE, value: 9 }, { ...CPU, value: 0.1 }, { ...PEER, value: 0.1 }]).regressions).toEqual([]);
  });

  it('finds a figure that is gone, unless only some servers took part', () => {
    expect(regressionsOf([CPU]).regressions).toEqual([{ row: 'push-1', figure: RATE.id, before: 0.9, now: null }]);
    expect(regressionsOf([CPU], false).regressions).toEqual([]);
  });

  it('keeps the rows that were not measured again', () => {
    const both = renewed(baseline, [{ id: 'fanout-1', figures: [RATE] }], {});
    expect(Object.keys(both.rows)).toEqual(['push-1', 'fanout-1']);
  });
});

describe('a figure', () => {
  it('is met at its target and not beyond it', () => {
    expect([isMet(RATE), isMet({ ...RATE, value: 0.8 }), isMet({ ...RATE, value: 0.79 })]).toEqual([true, true, false]);
    expect([isMet(CPU), isMet({ ...CPU, value: 1.15 }), isMet({ ...CPU, target: null })]).toEqual([false, true, null]);
    expect(worsening('lower', 1, 0)).toBe(Infinity);
  });
});

describe('bench --check', () => {
  let dir = '';
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'bench-check-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  function check(figures: Figure[], of: Baseline = baseline) {
    const [measured, kept] = [join(dir, 'measured.json'), join(dir, 'baseline.json')];
    const row = { id: 'push-1', title: '', text: '', figures, failures: [], saturated: false, raw: null };
    writeFileSync(measured, JSON.stringify({ rows: [row] }));
    writeFileSync(kept, JSON.stringify(of));
    return spawnSync(process.execPath, ['benches/run.mjs', '--check', '--from', measured, '--baseline', kept], { encoding: 'utf8' });
  }

  it('ends with 0 when nothing is worse, and says how much it compared', () => {
    const { status, stdout } = check([RATE, CPU]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('2 ratios') });
  });

  it('ends with 1 when a ratio is 20 % worse, and names it', () => {
    const { status, stderr } = check([{ ...RATE, value: RATE.value * 0.8 }, CPU]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('push-1: relay.rate/limit') });
  });

  it('ends with 1 when there was nothing to compare', () => {
    expect(check([RATE], EMPTY).status).toBe(1);
  });
});
