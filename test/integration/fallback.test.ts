// A network that lets no WebSocket through: the same session over HTTP, against the real relay, and back when it does.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSpace, openSpace } from '../../src/client/node.js';
import { httpFallback } from '../../src/client/transport/index.js';
import type { Space } from '../../src/client/node.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { bytes, until } from '../support/test-space.js';

const ITEMS = 40;
/** From opening to the first sync; the aim is 2 s on a machine that has nothing else to do. */
const FIRST_SYNC_MS_MAX = 5000;
/** Shorter than a request that waits, which brings an ack by chance. */
const SEEN_MS_MAX = 15_000;

describe.skipIf(!productBuilt())('where WebSockets are blocked (skipped unless the product is built)', () => {
  let dir: string;
  let relay: RelayProcess;
  let proxy: CuttingProxy;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-fallback-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    proxy = await CuttingProxy.to(relay.port);
  });

  afterAll(async () => {
    await proxy.close();
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function read(space: Space): string[] {
    const texts: string[] = [];
    space.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    for (const name of ['misbehaviour', 'error'] as const) space.on(name, (event) => texts.push(`${name}: ${JSON.stringify(event)}`));
    return texts;
  }

  test('a device comes in, reads live and pushes over HTTP, loses nothing when it is cut, and goes back to a WebSocket', { timeout: 60_000 }, async () => {
    const home = await createSpace({ relay: relay.address, batchWindowMs: 1 });
    const atHome = read(home);
    await home.whenSynced();
    proxy.refusesUpgrades = true;
    const from = performance.now();
    const space = await openSpace({ link: proxy.over(home.link!), batchWindowMs: 1, parts: [httpFallback] });
    const there = read(space);
    await space.whenSynced();
    expect(performance.now() - from).toBeLessThan(FIRST_SYNC_MS_MAX);
    expect(proxy.upgrades).toBeGreaterThanOrEqual(1);
    const expected: string[] = [];
    for (let at = 0; at < ITEMS; at += 1) {
      for (const [device, name] of [[home, 'home'], [space, 'there']] as const) {
        expected.push(`${name} ${at}`);
        device.push(bytes(`${name} ${at}`));
      }
      if (at === ITEMS / 2) proxy.cut();
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    await until('all is read at both', () => atHome.length >= expected.length && there.length >= expected.length, 20_000);
    expect(atHome.toSorted()).toEqual(expected.toSorted());
    expect(there).toEqual(atHome);
    expect(proxy.upgraded).toBe(0);

    // Tried again by itself, in the middle of the session over HTTP.
    proxy.refusesUpgrades = false;
    await until('a WebSocket is open', () => proxy.upgraded === 1, 30_000);
    await space.whenSynced();
    await space.push(bytes('over a WebSocket')).durable('relay');
    expect(there.some((text) => text.startsWith('misbehaviour') || text.startsWith('error'))).toBe(false);
    await space.close();
    await home.close();
  });

  // That it costs all spaces together one head start is shown on a clock of its own (test/unit/client/fallback-transport.test.ts).
  test('a network that never answers a WebSocket costs a head start', async () => {
    const home = await createSpace({ relay: relay.address, batchWindowMs: 1 });
    await home.whenSynced();
    const other = await CuttingProxy.to(relay.port);
    other.swallowsUpgrades = true;
    const from = performance.now();
    const space = await openSpace({ link: other.over(home.link!), parts: [httpFallback] });
    await space.whenSynced();
    expect(performance.now() - from).toBeLessThan(FIRST_SYNC_MS_MAX);
    expect([other.upgrades > 0, other.upgraded]).toEqual([true, 0]);
    await space.close();
    await other.close();
    await home.close();
  });

  test('a network that holds back answers that stay open is read by requests that wait, each entry once, and tells what others acked', { timeout: 60_000 }, async () => {
    const home = await createSpace({ relay: relay.address, batchWindowMs: 1 });
    await home.push(bytes('before')).durable('relay');
    const other = await CuttingProxy.to(relay.port);
    other.refusesUpgrades = true;
    other.holdsOpenAnswers = true;
    const space = await openSpace({ link: other.over(home.link!), batchWindowMs: 1, parts: [httpFallback] });
    const there = read(space);
    await space.whenSynced();
    const expected = ['before'];
    for (let at = 0; at < 5; at += 1) {
      await space.push(bytes(`there ${at}`)).durable('relay');
      await home.push(bytes(`home ${at}`)).durable('relay');
      expected.push(`there ${at}`, `home ${at}`);
      await until(`the entry ${at} is there`, () => there.includes(`home ${at}`));
    }
    expect(there).toEqual(expected);
    await space.push(bytes('seen at home')).durable('device', { signal: AbortSignal.timeout(SEEN_MS_MAX) });
    expect(other.upgraded).toBe(0);
    await space.close();
    await home.close();
    await other.close();
  });
});
