// A short form of the torture harness `split-views`: see ../../support/fork-simulation.ts.
import { expect, test } from 'vitest';
import { SILENT_SEALER, forkRun, honestRuns, makeWorld, pickerOf, resetRun } from '../../support/fork-simulation.js';
import { workOnThisThread } from '../../support/sync-subtle.js';

const FORKS = 20;
const HONEST_RUNS = 60;
const CONTROLS = 10;
const RESETS = 3;
workOnThisThread();
const world = await makeWorld();

test(`${FORKS} forks: each is caught by the first entry that crosses it`, async () => {
  for (let seed = 1; seed <= FORKS; seed += 1) {
    const { findings, story } = await forkRun(world, pickerOf(seed));
    expect(findings, `seed ${seed}: ${story}`).not.toEqual([]);
  }
});

test(`${HONEST_RUNS} honest runs: nobody is accused`, async () => {
  for (const { findings, story } of await honestRuns(world, pickerOf(1), HONEST_RUNS)) expect(findings, story).toEqual([]);
});

test('a log reset that one device alone is shown is caught by the first entry it writes afterwards', async () => {
  for (let seed = 1; seed <= RESETS; seed += 1) {
    const { findings, story } = await resetRun(world, pickerOf(seed));
    expect(findings.join(), `seed ${seed}: ${story}`).toContain('fork: an author saw a later log epoch');
    expect((await resetRun(world, pickerOf(seed), SILENT_SEALER)).findings, `control, seed ${seed}`).toEqual([]);
  }
});

test('control: devices that do not seal what they have seen let forks through', async () => {
  let missed = 0;
  for (let seed = 1; seed <= CONTROLS; seed += 1) missed += (await forkRun(world, pickerOf(seed), SILENT_SEALER)).findings.length === 0 ? 1 : 0;
  expect(missed).toBeGreaterThan(0);
});
