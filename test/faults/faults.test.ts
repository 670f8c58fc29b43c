// Every fault once, briefly; the torture run does the same for as long as it is given, with all the controls. A fault that cannot be made here is skipped.
import { describe, expect, it } from 'vitest';
import { productBuilt } from '../support/relay-process.ts';
import { diskFull, failedSync, slowDisk } from './disk-scenarios.ts';
import { clockSteps, plainServerTellsNobody, stopped, tooManyFiles } from './process-scenarios.ts';
import type { Effort, FaultReport, FaultSkip } from './report.ts';

const BRIEF: Effort = { scale: 1 };

describe.skipIf(!productBuilt())('the product under faults (skipped unless it is built)', () => {
  const scenarios: [string, (effort: Effort) => Promise<FaultReport | FaultSkip>][] = [
    ['a full disk refuses by name and soon, is not ready, and is again soon after there is room', diskFull],
    ['a failed sync refuses what is pending and acknowledges nothing more', failedSync],
    ['a slow disk slows receipts by no more than itself', slowDisk],
    ['without file descriptors sessions live on and newcomers are told', tooManyFiles],
    ['a clock that jumps by a day changes nothing', clockSteps],
    ['clients of a stopped process notice and come back', stopped],
  ];
  it.each(scenarios)('%s', { timeout: 60_000 }, async (_, scenario) => {
    const report = await scenario(BRIEF);
    console.log(JSON.stringify(report));
    if ('violations' in report) expect(report.violations).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')('control: a server that keeps no descriptor back tells nobody', { timeout: 120_000 }, async () => {
    expect(await plainServerTellsNobody()).toBe(true);
  });
});
