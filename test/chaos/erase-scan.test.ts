import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort, productBuilt } from '../support/relay-process.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startRelayPort } from '../../src/native/addon.ts';
import { relayAddress } from '../../src/server/address.ts';
import { toCoreConfig } from '../../src/server/core-config.ts';
import { DATA_PLANE_ROUTES } from '../../src/server/data-plane-routes.ts';
import { eraseScan, type ErasingRelay } from './erase-scan.ts';

/** The data plane in this process, with the operator's call at hand. */
async function startErasing(dataDir: string): Promise<ErasingRelay> {
  const { config } = loadConfig(['--port', '0', '--data-dir', dataDir], {});
  const port = await startRelayPort({ ...toCoreConfig(config, DATA_PLANE_ROUTES, { socketPath: '', secret: '' }), controlPlane: null }, () => undefined);
  // Liveness is nobody's concern here.
  return { address: relayAddress(port.info()), erase: (space) => port.eraseSpace(space), stop: () => port.stop({ drainMs: 1000 }) };
}

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

  test('the same when its operator erases it', { timeout: 120_000 }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sealrelay-erase-'));
    try {
      const dataDir = join(dir, 'data');
      const report = await eraseScan({ dataDir, port: 0, items: 60, itemBytes: 3000, operator: await startErasing(dataDir) });
      expect(report.foundBefore).toEqual(expect.arrayContaining(['blob', 'seg', 'snap']));
      expect(report).toMatchObject({ foundAfter: [], told: true, bystanderWhole: true });
      expect(report.cleanMs).toBeLessThan(60_000);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
