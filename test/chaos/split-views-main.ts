// The torture run's harness around ../support/fork-simulation.ts: forks and honest runs, several side by side, until the time is up.
import { parseArgs } from 'node:util';
import { workOnThisThread } from '../support/sync-subtle.ts';
import { SILENT_SEALER, forkRun, honestRuns, makeWorld, pickerOf } from '../support/fork-simulation.ts';

/** Honest runs for each fork, as in the goals. */
const HONEST_PER_FORK = 10;
const SIDE_BY_SIDE = 4;
const CONTROLS = 40;
const TELL_EVERY = 100;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: '0' } } });
const endMs = Date.now() + Number(values.seconds) * 1000;
workOnThisThread();
const world = await makeWorld();
const counts = { forks: 0, honestRuns: 0 };
const violations: { what: string; replay: string }[] = [];
let next = Number(values.seed);
let told = 0;

async function work(): Promise<void> {
  while (Date.now() < endMs && violations.length === 0) {
    const seed = next;
    next += 1;
    const replay = `npm run torture -- --only split-views --seed ${seed}`;
    const { findings, story } = await forkRun(world, pickerOf(seed));
    counts.forks += 1;
    if (findings.length === 0) violations.push({ what: `a fork that nobody noticed: ${story}`, replay });
    for (const honest of await honestRuns(world, pickerOf(seed), HONEST_PER_FORK)) {
      counts.honestRuns += 1;
      if (honest.findings.length > 0) violations.push({ what: `an honest relay was accused: ${honest.findings.join('; ')}: ${honest.story}`, replay });
    }
    if (counts.forks >= told + TELL_EVERY) {
      told = counts.forks;
      console.log(`${counts.forks} forks caught, ${counts.honestRuns} honest runs without a finding`);
    }
  }
}

await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => work()));
let missed = 0;
for (let seed = 0; seed < CONTROLS; seed += 1) missed += (await forkRun(world, pickerOf(seed), SILENT_SEALER)).findings.length === 0 ? 1 : 0;
console.log(JSON.stringify({ counts, violations, control: { caught: missed > 0, what: `devices that seal no heads: ${missed} of ${CONTROLS} forks went unnoticed` } }));
process.exit(0);
