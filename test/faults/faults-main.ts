// The torture run's harness: the faults in turn until the time is up, and the controls, each of which must be caught.
import { parseArgs } from 'node:util';
import { diskFull, failedSync, slowDisk } from './disk-scenarios.ts';
import { littleMemory, takerIsKilled } from './memory-scenario.ts';
import { clockSteps, plainServerTellsNobody, stopped, tooManyFiles } from './process-scenarios.ts';
import type { Effort, FaultReport, FaultSkip } from './report.ts';

const SCENARIOS: readonly ((effort: Effort) => Promise<FaultReport | FaultSkip>)[] = [diskFull, failedSync, slowDisk, tooManyFiles, clockSteps, stopped, littleMemory];
const LONG: Effort = { scale: 10 };
const BRIEF: Effort = { scale: 1 };
const LONG_ROUND = 1;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '0' }, only: { type: 'string' } } });
const endMs = Date.now() + Number(values.seconds) * 1000;
const counts: Record<string, number> = { rounds: 0, receipts: 0 };
const violations: { what: string; replay: string }[] = [];

async function round(effort: Effort): Promise<void> {
  for (const scenario of SCENARIOS) {
    if (Date.now() > endMs && (counts['rounds'] ?? 0) >= SCENARIOS.length) return;
    const report = await scenario(effort);
    console.log(JSON.stringify(report));
    if ('skipped' in report) continue;
    counts['rounds'] = (counts['rounds'] ?? 0) + 1;
    counts['receipts'] = (counts['receipts'] ?? 0) + (report.facts['receipts'] ?? 0);
    counts[report.name] = (counts[report.name] ?? 0) + 1;
    violations.push(...report.violations.map((what) => ({ what: `${report.name}: ${what}`, replay: 'npm run torture -- --only faults' })));
  }
}

/** What must be noticed, each by the scenario it belongs to; null where it cannot be made here. */
async function controls(): Promise<Record<string, boolean | null>> {
  const slower = await slowDisk(BRIEF, 1);
  return {
    'a disk slower than claimed': 'skipped' in slower ? null : slower.violations.length > 0,
    'a server that keeps no descriptor back': process.platform === 'linux' ? await plainServerTellsNobody() : null,
    'a process that takes all memory': await takerIsKilled(),
  };
}

// The long form once, for what only time shows; it takes eight minutes, the short one half a minute.
for (let rounds = 0; ; rounds += 1) {
  await round(rounds === LONG_ROUND ? LONG : BRIEF);
  if (Date.now() > endMs || violations.length > 0) break;
}
const caught = await controls();
const missed = Object.keys(caught).filter((name) => caught[name] === false);
const what = missed.length === 0 ? Object.keys(caught).filter((name) => caught[name] === true).join('; ') : `not caught: ${missed.join('; ')}`;
console.log(JSON.stringify({ counts, violations, control: { caught: missed.length === 0 && Object.values(caught).includes(true), what } }));
