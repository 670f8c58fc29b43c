import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort, productBuilt } from '../support/relay-process.ts';
import { eraseScan } from './erase-scan.ts';

describe.skipIf(!productBuilt())('an erased space on disk (skipped unless the product is built)', () => {
  test('nothing of it is in any file, its devices are told, and another space goes on', { timeout: 120_000 }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sealrelay-erase-'));
    try {
      const report = await eraseScan({ dataDir: join(dir, 'data'), port: await freePort(), items: 60, itemBytes: 3000 });
      console.log(JSON.stringify(report));
      // The control: the same search finds it before.
      expect(report.foundBefore).toEqual(expect.arrayContaining(['blob', 'seg', 'snap']));
      expect(report).toMatchObject({ foundAfter: [], told: true, bystanderWhole: true });
      expect(report.cleanMs).toBeLessThan(60_000);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
