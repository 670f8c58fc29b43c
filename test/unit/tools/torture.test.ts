import { describe, expect, it } from 'vitest';
import { page } from '../../../tools/torture/evidence.mjs';
import { HARNESSES } from '../../../tools/torture/harnesses.mjs';
import { schedule } from '../../../tools/torture/schedule.mjs';
import { judge } from '../../../tools/torture/verdict.mjs';

const report = (changes: object = {}): string =>
  JSON.stringify({ counts: { cycles: 3 }, violations: [], control: { caught: true, what: 'lost 4' }, ...changes });

describe('a torture report', () => {
  it('passes with counts, no violation and a caught control', () => {
    expect(judge(report(), 0)).toMatchObject({ verdict: 'passed', counts: { cycles: 3 } });
  });

  it.each([
    ['a control that got away', report({ control: { caught: false, what: '' } }), 0, 'void'],
    ['nothing tried', report({ counts: { cycles: 0 } }), 0, 'void'],
    ['a violation', report({ violations: [{ what: 'lost', replay: 'again' }] }), 0, 'failed'],
    ['a violation that hides behind a lost control', report({ violations: [{ what: 'lost', replay: 'again' }], control: { caught: false } }), 0, 'failed'],
    ['a bad exit', report(), 1, 'failed'],
    ['a signal', report(), null, 'failed'],
    ['no report', 'panicked', 0, 'failed'],
    ['a report without a control', JSON.stringify({ counts: { a: 1 }, violations: [] }), 0, 'failed'],
    ['a reason to skip', JSON.stringify({ skipped: 'needs root' }), 0, 'skipped'],
  ])('%s is not a pass', (_name, line, exitCode, verdict) => {
    expect(judge(line, exitCode)).toMatchObject({ verdict });
  });
});

describe('the page of evidence', () => {
  const [harness] = HARNESSES;
  const run = (verdict: 'passed' | 'failed' | 'void', cycles: number) => ({
    harness: harness?.name ?? '',
    seed: 1,
    seconds: 1,
    at: '',
    verdict,
    counts: { cycles },
    violations: [],
    control: { caught: true, what: '' },
  });

  it('sums what passed, over commits, and nothing else', () => {
    const text = page([
      { commit: 'a', runs: [run('passed', 3), run('void', 100)] },
      { commit: 'b', runs: [run('passed', 4), run('failed', 100)] },
    ]);
    expect(text).toContain('Runs: 2 passed on 2 commits, 1 failed, 1 void, 0 skipped.');
    expect(text).toContain('| cycles | 7 | 2,000 |');
    expect(page([{ commit: 'a', runs: [run('passed', 3)] }])).toContain('Runs: 1 passed on 1 commit, 0 failed');
  });

  it('adds up no rate: the lowest of a run is shown', () => {
    const rated = (receiptsPerSecond: number) => ({ ...run('passed', 1), counts: { cycles: 1, receiptsPerSecond } });
    const text = page([{ commit: 'a', runs: [rated(3000), rated(2000), run('passed', 1)] }, { commit: 'b', runs: [{ ...rated(1), verdict: 'failed' }] }]);
    expect(text).toContain('| receiptsPerSecond, lowest of a run | 2,000 |  |');
  });

  it('has a goal and a control for every harness', () => {
    expect(new Set(HARNESSES.map(({ name }) => name)).size).toBe(HARNESSES.length);
    for (const { control, goals, share } of HARNESSES) {
      expect(control.length).toBeGreaterThan(10);
      expect(Object.keys(goals).length).toBeGreaterThan(0);
      expect(share).toBeGreaterThan(0);
    }
  });
});

describe('the schedule of a torture run', () => {
  const harness = (name: string, share: number, sideBySide: boolean) => ({ name, share, sideBySide, proves: '', control: '', goals: {} });
  const harnesses = [harness('times', 2, false), harness('short', 1, true), harness('long', 3, true)];

  it('takes the minutes that were asked for', () => {
    const one = schedule(harnesses, 6, 1);
    expect([...one.alone, ...one.sideBySide].reduce((sum, { seconds }) => sum + seconds, 0)).toBe(360);
  });

  it('runs what judges times alone, and gives the others the time that running beside each other saves', () => {
    const { alone, sideBySide } = schedule(harnesses, 5, 2);
    expect(alone.map(({ harness: { name }, seconds }) => [name, seconds])).toEqual([['times', 120]]);
    expect(sideBySide.map(({ harness: { name }, seconds }) => [name, seconds])).toEqual([['long', 180], ['short', 60]]);
  });
});
