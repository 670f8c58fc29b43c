// A few power cuts, so that every change of the store meets them; the torture run makes a thousand, on three file systems.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Faults, shimMissing } from '../faults/shim.ts';
import { productBuilt } from '../support/relay-process.ts';
import { LoopDisks, missingFor } from './loop-disks.ts';
import { cutPower, nothingCut } from './power-cuts.ts';

describe.skipIf(!productBuilt())('power cuts under load (skipped unless the product is built)', () => {
  let disks: LoopDisks | string = missingFor('ext4') ?? '';

  beforeAll(() => {
    if (disks === '') disks = LoopDisks.open();
  });
  afterAll(async () => {
    if (typeof disks !== 'string') await disks.close();
  });

  test('a disk whose power was cut holds everything that was receipted before', { timeout: 60_000 }, async ({ skip }) => {
    if (typeof disks === 'string') return skip(disks);
    const report = nothingCut();
    await cutPower({ disks, kind: 'ext4', cuts: 2, sessions: 2 }, report);
    console.log(`power cuts: ${JSON.stringify(report)}`);
    expect(report).toMatchObject({ broken: [], badCuts: 0, cutsOfStarts: 1 });
    expect(report.cuts + report.idleCuts).toBe(4);
    expect(report.entriesCompared).toBeGreaterThan(0);
  });

  test('control: a relay whose syncs do nothing loses something at every cut', { timeout: 60_000 }, async ({ skip }) => {
    if (typeof disks === 'string') return skip(disks);
    const missing = shimMissing();
    if (missing !== null) return skip(missing);
    const faults = new Faults();
    faults.skipSyncs();
    const report = nothingCut();
    await cutPower({ disks, kind: 'ext4', cuts: 2, sessions: 1, env: faults.env }, report).finally(() => faults.close());
    expect(report.badCuts).toBe(2);
  });
});
