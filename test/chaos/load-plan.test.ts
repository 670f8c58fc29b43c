import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { productBuilt } from '../support/relay-process.ts';
import { brokenPromises, runLoadPlan, type PlanReport } from './load-plan.ts';

const SECONDS = 6;

async function plan(stopped: boolean): Promise<PlanReport> {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-plan-'));
  try {
    const report = await runLoadPlan({ dataDir: join(dir, 'data'), seconds: SECONDS, profile: 'dev', stopped });
    console.log(`load plan${stopped ? ', control' : ''}: ${JSON.stringify(report)}`);
    return report;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

// Linux only: memory is read from /proc, and the control stops a process.
const runs = productBuilt() && process.platform === 'linux';

describe.skipIf(!runs)('1,000 connections, 10,000 pushes a minute, 1 KiB to 10 MB (skipped unless built, and on Linux)', () => {
  test('every push is receipted within a second of being due', { timeout: 300_000 }, async () => {
    const report = await plan(false);
    expect(brokenPromises(report)).toEqual([]);
    expect(report.pushes).toBeGreaterThan(SECONDS * 100);
  });

  test('control: a relay that is stopped for a while is noticed', { timeout: 300_000 }, async () => {
    expect(brokenPromises(await plan(true))).not.toEqual([]);
  });
});
