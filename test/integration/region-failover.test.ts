// Three relays as processes, and devices that go from one to the next when it is killed, frozen, slow or cut off, and come back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestContext } from 'vitest';
import type { FailoverRegion } from '../../src/client/node.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { FailoverDevice } from '../support/failover-device.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { until } from '../support/test-space.js';

const RETURN_AFTER_MS = 400;
/** Shorter than an app's, which the torture run keeps to. */
const TIMING = { probeMs: 300, othersMs: 300, timeoutMs: 700, againMs: 50 };
const FAILOVER_MS_MAX = 15_000;
const IDS = ['one', 'two', 'three'] as const;

describe.skipIf(!productBuilt())('regions that fail (needs `npm run build`)', { timeout: 60_000 }, () => {
  let dir: string;
  let relays: RelayProcess[] = [];

  // One start of three processes for all tests, each with a space of its own: starting one is most of what such a test takes.
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-failover-'));
    relays = await Promise.all(IDS.map(async (id) => startRelay({ dataDir: join(dir, id), port: await freePort() })));
  });

  afterAll(async () => {
    await Promise.all(relays.map((relay) => relay.kill()));
    rmSync(dir, { recursive: true, force: true });
  });

  const regions = (): FailoverRegion[] => relays.map(({ address }, i) => ({ id: IDS[i] ?? '', relay: address }));
  const over = (...ways: readonly CuttingProxy[]): FailoverRegion[] => regions().map((region, i) => ({ ...region, relay: ways[i]?.over(region.relay) ?? region.relay }));
  const areAt = (id: string, ...at: readonly FailoverDevice[]): Promise<void> => until(`all are at ${id}`, () => at.every(({ regionId }) => regionId === id), FAILOVER_MS_MAX);
  const hold = (texts: readonly string[], ...by: readonly FailoverDevice[]): Promise<void> =>
    until(`all hold ${texts.join()}`, () => by.every((one) => one.texts.toSorted().join() === texts.toSorted().join()), FAILOVER_MS_MAX).catch(() => {
      expect(by.map((one) => one.texts.toSorted())).toEqual(by.map(() => texts.toSorted()));
    });

  /** The devices and proxies of one test, closed with it; no device may have complained. */
  function cast({ onTestFinished }: TestContext) {
    const devices: FailoverDevice[] = [];
    const proxies: CuttingProxy[] = [];
    onTestFinished(async () => {
      await Promise.all(devices.map(({ failover }) => failover.close()));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      expect(devices.flatMap(({ told }) => told)).toEqual([]);
    });
    return {
      device: (list = regions()): FailoverDevice => {
        const made = new FailoverDevice(list, RETURN_AFTER_MS, true, TIMING);
        devices.push(made);
        return made;
      },
      proxyOf: async (at: number): Promise<CuttingProxy> => {
        const proxy = await CuttingProxy.to(relays[at]?.port ?? 0);
        proxies.push(proxy);
        return proxy;
      },
      /** Its complaints are what the test is about; the test closes it. */
      mayComplain: (one: FailoverDevice): void => void devices.splice(devices.indexOf(one), 1),
    };
  }

  // The frozen relay is the one that no other test is at.
  it.concurrent('leaves a region that is frozen, and returns when it was well for a while', async (test) => {
    const { device } = cast(test);
    const list = regions().toReversed();
    const [a, b] = [device(list), device(list)];
    await a.found();
    await b.start(a.space.link ?? '');
    await a.push('0');
    process.kill(relays[2]?.pid ?? 0, 'SIGSTOP');
    await areAt('two', a, b);
    await a.push('at two, of a');
    await b.push('at two, of b');
    process.kill(relays[2]?.pid ?? 0, 'SIGCONT');
    await areAt('three', a, b);
    expect(a.failover.getSnapshot()).toMatchObject({ failedOver: false, regionId: 'three' });
    await a.push('at three');
    const all = ['0', 'at two, of a', 'at two, of b', 'at three'];
    await hold(all, a, b);
    const late = device(list);
    await late.start(a.space.link ?? '');
    await hold(all, late);
  });

  it.concurrent('leaves a slow region, alone when only its own way is slow, and merges what both sides wrote', async (test) => {
    const { device, proxyOf } = cast(test);
    const proxy = await proxyOf(0);
    const list = over(proxy);
    const [a, b] = [device(), device(list)];
    await a.found();
    await b.start(a.space.link ?? '');
    await a.push('0');
    await hold(['0'], a, b);
    proxy.delayMs = 2000;
    await areAt('two', b);
    expect(a.failover.getSnapshot().failedOver).toBe(false);
    await b.push('of b, apart');
    await a.push('of a, apart');
    await Promise.all([hold(['0', 'of a, apart'], a), hold(['0', 'of b, apart'], b)]);
    proxy.delayMs = 0;
    await areAt('one', a, b);
    await hold(['0', 'of a, apart', 'of b, apart'], a, b);
  });

  it.concurrent('waits where it is when all are down, says what is not safe, and goes on with the first that is back', async (test) => {
    const { device, proxyOf } = cast(test);
    const ways = await Promise.all(IDS.map((_, at) => proxyOf(at)));
    const [a, b] = [device(over(...ways)), device(over(...ways))];
    await a.found();
    await b.start(a.space.link ?? '');
    await b.failover.close();
    await a.push('receipted by one alone');
    expect(a.failover.hasUnsyncedChanges).toBe(false);
    for (const way of ways) {
      way.isDown = true;
      way.cut();
    }
    await until('a sees it', () => a.failover.getSnapshot().phase === 'unreachable', FAILOVER_MS_MAX);
    expect(a.failover.hasUnsyncedChanges).toBe(true);
    const isBack = (at: number): void => ways.forEach((way, i) => (way.isDown &&= i !== at));
    isBack(1);
    await areAt('two', a);
    await b.start();
    await hold(['receipted by one alone'], a, b);
    await until('it is safe', () => !a.failover.hasUnsyncedChanges);
    isBack(0);
    await areAt('one', a, b);
    await b.push('at one again');
    await hold(['receipted by one alone', 'at one again'], a, b);
  });

  it.concurrent('keeps a device out that was removed at the next region, and reads the new key epoch at both', async (test) => {
    const { device, proxyOf, mayComplain } = cast(test);
    const way = await proxyOf(0);
    const [a, b, c] = [device(over(way)), device(over(way)), device(over(way))];
    await a.found();
    for (const one of [b, c]) await one.start(a.space.link ?? '');
    await a.push('0');
    await hold(['0'], a, b, c);
    way.isDown = true;
    way.cut();
    await areAt('two', a, b, c);
    mayComplain(c);
    await a.space.removeDevice(c.space.device);
    await a.push('under the new key');
    await until('c is cut off', () => c.space.status.status === 'failed', FAILOVER_MS_MAX);
    await c.failover.close();
    way.isDown = false;
    await areAt('one', a, b);
    await b.push('under the new key, at one');
    await hold(['0', 'under the new key', 'under the new key, at one'], a, b);
    expect(a.space.devices().map(({ device: key }) => key).toSorted()).toEqual([a.space.device, b.space.device].toSorted());
    await c.start();
    await until('c stays out', () => c.failover.getSnapshot().space?.status.status === 'failed', FAILOVER_MS_MAX);
    expect(c.texts).toEqual(['0']);
    await c.failover.close();
  });

  it.concurrent('tells the devices of one side when the roster was changed in two regions at once, and accuses no relay', async (test) => {
    const { device, proxyOf, mayComplain } = cast(test);
    const proxy = await proxyOf(0);
    const list = over(proxy);
    const [a, b] = [device(), device(list)];
    await a.found();
    const link = a.space.link ?? '';
    await b.start(link);
    await a.push('0');
    await hold(['0'], a, b);
    proxy.delayMs = 2000;
    await areAt('two', b);
    const [ofA, ofB] = [device(), device(list)];
    await ofA.start(link);
    await ofB.start(link);
    await hold(['0'], ofA, ofB);
    for (const one of [b, ofB]) mayComplain(one);
    proxy.delayMs = 0;
    const codeOf = (one: FailoverDevice): string | undefined => one.failover.getSnapshot().space?.status.error?.code;
    // The relay knows nothing of a device that came in on the other side.
    await until('those of the other side are told', () => codeOf(b) === 'roster_conflict' && codeOf(ofB) === 'handshake_failed', FAILOVER_MS_MAX);
    expect([b, ofB].flatMap(({ told }) => told.filter((what) => /fork|rollback|omission/.test(what)))).toEqual([]);
    await a.push('a goes on');
    await hold(['0', 'a goes on'], a, ofA);
    await Promise.all([b, ofB].map(({ failover }) => failover.close()));
  });

  it('loses nothing when the first region is killed, not even what only one device had read, and returns when it is started again', async (test) => {
    const { device } = cast(test);
    const [a, b, c] = [device(), device(), device()];
    await a.found();
    await a.push('1', '2');
    const link = a.space.link ?? '';
    await b.start(link);
    await c.start(link);
    await hold(['1', '2'], a, b, c);
    await c.failover.close();
    await a.push('read by b alone');
    await b.push('of b');
    await hold(['1', '2', 'of b', 'read by b alone'], a, b);
    await a.failover.close();
    await relays[0]?.kill();
    // c comes while b is on its way, and before b can have brought anything there.
    await c.start();
    await areAt('two', b, c);
    expect(b.failover.getSnapshot()).toMatchObject({ failedOver: true, regionId: 'two', phase: 'settled' });
    expect(b.space.relay).toBe(relays[1]?.address);
    await b.push('at two');
    const d = device();
    await d.start(link);
    const all = ['1', '2', 'of b', 'read by b alone', 'at two'];
    await hold(all, b, c, d);
    // The author comes back: nobody gets again what was carried for it.
    await a.start();
    await a.push('a is back');
    await hold([...all, 'a is back'], a, b, c, d);
    await Promise.all([a, b, c, d].map(({ space }) => space.whenSynced()));
    expect([a, b, c, d].map(({ failover }) => failover.hasUnsyncedChanges)).toEqual([false, false, false, false]);
    relays[0] = await startRelay({ dataDir: join(dir, IDS[0]), port: relays[0]?.port ?? 0 });
    await areAt('one', a, b, c, d);
    await d.push('at one again');
    await hold([...all, 'a is back', 'at one again'], a, b, c, d);
  });
});
