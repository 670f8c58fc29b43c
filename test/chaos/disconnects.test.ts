import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.ts';
import { runDisconnects } from './disconnects.ts';

const CUTS = 100;
const MS_MAX = 30_000;

describe.skipIf(!productBuilt())('connections cut at random (skipped unless the product is built)', () => {
  let dir: string;
  let relay: RelayProcess;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-disconnects-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
  });

  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test(`${CUTS} disconnects under pushes of four devices: nothing lost, nothing doubled, one order`, { timeout: 120_000 }, async () => {
    const report = await runDisconnects({ cuts: CUTS, endMs: Date.now() + MS_MAX, seed: 1, relay });
    expect(report).toMatchObject({ lost: 0, doubled: 0, otherOrders: 0, findings: [] });
    expect(report.cuts).toBeGreaterThanOrEqual(CUTS);
    expect(report.pushed).toBeGreaterThanOrEqual(CUTS);
  });
});
