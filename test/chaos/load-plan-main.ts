// The torture run's harness around load-plan.ts: the plan for as long as it is told, and a relay that is stopped meanwhile as control.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { brokenPlan, runLoadPlan, type PlanOptions, type PlanReport } from './load-plan.ts';

/** Below a minute, memory is still growing to what the largest entries need. */
const SECONDS_MIN = 60;
const CONTROL_SECONDS = 8;

async function plan(options: Omit<PlanOptions, 'dataDir' | 'profile'>): Promise<PlanReport> {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-plan-'));
  try {
    const report = await runLoadPlan({ dataDir: join(dir, 'data'), profile: 'torture', ...options });
    console.log(JSON.stringify(report));
    return report;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '0' } } });
const seconds = Math.max(SECONDS_MIN, Number(values.seconds));
const report = await plan({ seconds });
const control = await plan({ seconds: CONTROL_SECONDS, stopped: true });
const violations = brokenPlan(report).map((what) => ({ what, replay: 'npm run torture -- --only load-plan' }));
const caught = brokenPlan(control).some((what) => what.startsWith('a push waited'));
console.log(
  JSON.stringify({
    counts: { minutes: Math.floor(seconds / 60), pushes: report.pushes, megabytes: report.megabytes },
    violations,
    control: { caught, what: `a relay that was stopped for a while: a push waited ${control.longestMs.toFixed(0)} ms` },
  }),
);
