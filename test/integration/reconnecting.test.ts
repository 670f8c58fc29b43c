// Networks that go and come, against the real relay over a real socket.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSpace, openSpace } from '../../src/client/node.js';
import { platformEnvironment } from '../../src/client/environment.js';
import type { Environment } from '../../src/client/environment.js';
import { PROBE_MS } from '../../src/client/limits.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { ManualNetwork } from '../support/manual-network.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { bytes, until } from '../support/test-space.js';

const ROUNDS = 9;
const AWAY_MS = 150;
const BACK_MS_P50 = 300;
/** Long enough for an answer on a busy machine, and shorter than an app waits for one. */
const SHORT_PROBE_MS = 1000;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

describe.skipIf(!productBuilt())('a network that goes and comes (skipped unless the product is built)', () => {
  let dir: string;
  let relay: RelayProcess;
  let proxy: CuttingProxy;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-network-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    proxy = await CuttingProxy.to(relay.port);
  });

  afterAll(async () => {
    await proxy.close();
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('nothing is tried while there is none, and what was written meanwhile is synced within 300 ms of its return', { timeout: 120_000 }, async () => {
    const network = new ManualNetwork();
    const space = await createSpace({ relay: proxy.over(relay.address), environment: { network }, batchWindowMs: 1 });
    await space.whenSynced();
    const took: number[] = [];
    /** What connecting and syncing takes on this machine now, when nobody waits for anything. */
    const least: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      network.tell('lost');
      proxy.cut();
      expect(space.status.status).toBe('offline');
      const accepted = proxy.accepted;
      const write = space.push(bytes(`round ${round}`));
      await new Promise((resolve) => {
        setTimeout(resolve, AWAY_MS);
      });
      expect(proxy.accepted).toBe(accepted);
      const from = performance.now();
      network.tell('back');
      await write.durable('relay');
      await space.whenSynced();
      took.push(performance.now() - from);
      space.goOffline();
      const again = performance.now();
      space.goOnline();
      await space.whenSynced();
      least.push(performance.now() - again);
    }
    await space.close();
    expect(network.listeners).toBe(0);
    expect(median(took)).toBeLessThanOrEqual(BACK_MS_P50 + median(least));
  });

  test('a connection that died without a word is noticed when the network changes', { timeout: 120_000 }, async () => {
    const network = new ManualNetwork();
    const home = await createSpace({ relay: relay.address, batchWindowMs: 1 });
    await home.whenSynced();
    const { after } = platformEnvironment();
    const environment: Partial<Environment> = { network, after: (ms, call) => after(ms === PROBE_MS ? SHORT_PROBE_MS : ms, call) };
    const space = await openSpace({ link: proxy.over(home.link!), environment });
    await space.whenSynced();
    const statuses: string[] = [];
    space.on('status', ({ status }) => statuses.push(status));
    network.tell('back');
    await new Promise((resolve) => {
      setTimeout(resolve, SHORT_PROBE_MS + 200);
    });
    // The control: a connection that lives answers, and stays.
    expect(statuses).toEqual([]);
    proxy.swallowing = true;
    network.tell('back');
    await until('the silence is noticed', () => statuses.includes('offline'), PROBE_MS + 5000);
    proxy.swallowing = false;
    const write = home.push(bytes('after'));
    await write.durable('device', { signal: AbortSignal.timeout(15_000) });
    expect(write.seenBy).toEqual([space.device]);
    await space.close();
    await home.close();
  });
});
