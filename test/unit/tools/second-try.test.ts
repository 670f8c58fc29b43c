import { describe, expect, it } from 'vitest';
import { countCargoWithSecondTry, countWithSecondTry, SECOND_TRY_MAX, type CargoRun, type VitestRun } from '../../../tools/lib/second-try.mjs';

const file = (name: string, ...statuses: string[]) => ({
  name: `/project/test/${name}`,
  status: statuses.includes('failed') ? 'failed' : 'passed',
  assertionResults: statuses.map((status) => ({ status })),
});
const run = (...testResults: unknown[]): VitestRun => {
  const json = JSON.stringify({ testResults });
  return { json, exitCode: json.includes('"failed"') ? 1 : 0 };
};

describe('the second look at tests that failed beside all others', () => {
  const first = run(file('a', 'passed', 'pending'), file('b', 'passed', 'failed', 'todo'));

  async function look(at: VitestRun, again: VitestRun) {
    const asked: string[][] = [];
    const counts = await countWithSecondTry(at, '/project', (files) => {
      asked.push(files);
      return Promise.resolve(again);
    });
    return { counts, asked };
  }

  it('runs their files alone, and counts what passes then, by name', async () => {
    const { counts, asked } = await look(first, run(file('b', 'passed', 'passed', 'todo')));
    expect(asked).toEqual([['/project/test/b']]);
    expect(counts).toEqual({ passed: 3, failed: 0, skipped: 2, note: 'failed at first and run again alone: test/b' });
  });

  it('leaves failed what fails again', async () => {
    const { counts } = await look(first, run(file('b', 'passed', 'failed', 'todo')));
    expect(counts).toMatchObject({ passed: 2, failed: 1, skipped: 2 });
  });

  it.each([
    ['that ends without a report', { json: null, exitCode: 1 }],
    ['that is killed', { json: JSON.stringify({ testResults: [file('b', 'passed')] }), exitCode: null }],
    ['that runs nothing', run()],
  ])('counts a second run %s as failed', async (_what, again) => {
    expect((await look(first, again)).counts.failed).toBe(1);
  });

  it('a file that could not be imported gets one too', async () => {
    const broken = run({ name: '/project/test/c', status: 'failed', assertionResults: [] });
    const { counts } = await look(broken, run(file('c', 'passed')));
    expect(counts).toMatchObject({ passed: 1, failed: 0 });
  });

  it.each([
    ['nothing failed', run(file('a', 'passed')), 0],
    ['the run broke in another way', { ...run(file('a', 'passed')), exitCode: 1 }, 1],
    ['the run was killed', { ...first, exitCode: null }, 1],
    ['there is no report', { json: null, exitCode: 1 }, 1],
    ['too many files failed', run(...Array.from({ length: SECOND_TRY_MAX + 1 }, (_, n) => file(`${n}`, 'failed'))), SECOND_TRY_MAX + 1],
  ])('does not look again when %s', async (_what, at, failed) => {
    const { counts, asked } = await look(at, run(file('a', 'passed')));
    expect(asked).toEqual([]);
    expect(counts.failed).toBe(failed);
  });
});

describe('the second look at Rust tests', () => {
  const result = (passed: number, failed: number): string => `test result: ${failed > 0 ? 'FAILED' : 'ok'}. ${passed} passed; ${failed} failed; 1 ignored;`;
  const first: CargoRun = { output: ['test a::b ... ok', 'test c::d ... FAILED', 'test e ... FAILED', result(5, 2)].join('\n'), exitCode: 101 };

  async function look(at: CargoRun, again: CargoRun) {
    const asked: string[][] = [];
    const counts = await countCargoWithSecondTry(at, (names) => {
      asked.push(names);
      return Promise.resolve(again);
    });
    return { counts, asked };
  }

  it('runs those that failed, and counts what passes then, by name', async () => {
    const { counts, asked } = await look(first, { output: [result(2, 0), result(0, 0)].join('\n'), exitCode: 0 });
    expect(asked).toEqual([['c::d', 'e']]);
    expect(counts).toEqual({ passed: 7, failed: 0, skipped: 1, note: 'failed at first and run again alone: c::d, e' });
  });

  it.each([
    ['one fails again', { output: result(1, 1), exitCode: 101 }, 1],
    ['one is not found', { output: result(1, 0), exitCode: 0 }, 2],
    ['it crashes', { output: '', exitCode: 139 }, 2],
    ['it crashes after all passed', { output: result(2, 0), exitCode: null }, 1],
  ])('counts as failed when %s', async (_what, again, failed) => {
    expect((await look(first, again)).counts).toMatchObject({ passed: 7 - failed, failed });
  });

  it.each([
    ['nothing failed', { output: result(5, 0), exitCode: 0 }, 0],
    ['it does not compile', { output: '', exitCode: 101 }, 1],
    ['a test program crashed besides', { output: ['test a ... FAILED', result(5, 1), result(1, 1)].join('\n'), exitCode: 101 }, 2],
  ])('does not look again when %s', async (_what, at, failed) => {
    const { counts, asked } = await look(at, first);
    expect(asked).toEqual([]);
    expect(counts.failed).toBe(failed);
  });
});
