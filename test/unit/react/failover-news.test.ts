// What a person is told while a real RegionFailover goes from region to region: relays answer or not, and a clock goes on by hand.
import { expect, test } from 'vitest';
import { ClientError } from '../../../src/client/client-error.js';
import { RegionFailover } from '../../../src/client/region/index.js';
import { newsOf } from '../../../src/react/failover-store.js';
import { ManualClock } from '../../support/manual-clock.js';
import { SpaceDouble } from '../../support/react/space-double.js';

/** Any key that is sound: the base point of the curve. */
const KEY = 'WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY';
const IDS = ['frankfurt', 'tokyo'] as const;
const RETURN_AFTER_MS = 1000;
const STEP_MS = 50;

class World {
  readonly clock = new ManualClock();
  readonly down = new Set<string>();
  /** Regions that answer probes and do not open the space. */
  readonly locked = new Set<string>();
  /** Whether another tab has the device open. */
  isElsewhere = false;
  readonly failover: RegionFailover;
  /** Everything that was told, in its order, with the region in use. */
  readonly told: (string | null)[] = [];

  constructor() {
    const fetch = (async (url: string) => {
      if (this.down.has(idOf(url))) throw new TypeError('no answer');
      return new Response(null);
    }) as typeof globalThis.fetch;
    const open = async (relay: string) => {
      if (this.isElsewhere) throw new ClientError('storage_in_use', 'another tab has this device open', { temporary: true });
      if (this.locked.has(idOf(relay))) throw new Error('not now');
      return new SpaceDouble().space;
    };
    const regions = IDS.map((id) => ({ id, relay: `sealrelay://${id}.example/#k=${KEY}` }));
    this.failover = new RegionFailover({ regions, open, fetch, environment: this.clock, returnAfterMs: RETURN_AFTER_MS });
    const news = newsOf(this.failover);
    let last: string | null = null;
    news.subscribe(() => {
      const now = news.getSnapshot();
      expect(news.getSnapshot()).toBe(now);
      const text = now && `${now.kind} ${now.regionId}`;
      if (text !== last) this.told.push(text);
      last = text;
    });
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      this.clock.advance(STEP_MS);
      for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
    }
  }

  /** What was told since the last time. */
  async next(ms: number): Promise<(string | null)[]> {
    await this.pass(ms);
    return this.told.splice(0);
  }
}

const idOf = (url: string): string => /\/\/(\w+)/.exec(url)?.[1] ?? '';

test('nothing is told while the preferred region answers', async () => {
  const { failover, ...world } = await started();
  expect(world.told).toEqual([]);
  await failover.close();
});

test('a region that dies is left, answers again, and is returned to', async () => {
  const world = await started();
  world.down.add('frankfurt');
  expect(await world.next(4000)).toEqual(['moving tokyo', 'elsewhere tokyo']);
  world.down.delete('frankfurt');
  expect(await world.next(6000)).toEqual(['waiting tokyo', 'moving frankfurt', 'back frankfurt']);
  await world.failover.close();
  expect(await world.next(0)).toEqual([null]);
});

test('when no region answers the space waits, and what answers again was never left', async () => {
  const world = await started();
  for (const id of IDS) world.down.add(id);
  expect(await world.next(8000)).toEqual(['unreachable frankfurt']);
  world.down.delete('frankfurt');
  expect(await world.next(8000)).toEqual(['again frankfurt']);
  await world.failover.close();
});

test('a region that does not open the space is told of, until it does', async () => {
  const world = await started();
  world.locked.add('tokyo');
  world.down.add('frankfurt');
  expect(await world.next(4000)).toEqual(['moving tokyo', 'stuck tokyo']);
  world.locked.delete('tokyo');
  expect(await world.next(8000)).toEqual(['elsewhere tokyo']);
  await world.failover.close();
});

test('a device that starts where the preferred region does not answer says so, and not that it moved', async () => {
  const world = await started(['frankfurt']);
  expect(world.told).toEqual(['elsewhere tokyo']);
  await world.failover.close();
});

test('a tab whose device is open in another one waits for its turn, and says so', async () => {
  const world = new World();
  world.isElsewhere = true;
  const start = world.failover.start();
  await world.pass(3000);
  expect(world.told.splice(0).at(-1)).toBe('other-tab frankfurt');
  world.isElsewhere = false;
  await world.pass(2000);
  await start;
  expect(world.told).toEqual([null]);
  await world.failover.close();

  const ended = new World();
  ended.isElsewhere = true;
  const never = expect(ended.failover.start()).rejects.toMatchObject({ code: 'storage_in_use' });
  await ended.pass(500);
  await ended.failover.close();
  await ended.pass(2000);
  await never;
});

test('after a start that failed, the next one is no return', async () => {
  const world = new World();
  for (const id of IDS) world.locked.add(id);
  await expect(world.failover.start()).rejects.toThrow('could not be opened');
  expect(world.told.splice(0).at(-1)).toBe(null);
  world.locked.clear();
  await world.failover.start();
  expect(world.told.at(-1) ?? null).toBe(null);
  expect(world.told.join()).not.toContain('back');
  await world.failover.close();
});

async function started(down: readonly string[] = []): Promise<World> {
  const world = new World();
  for (const id of down) world.down.add(id);
  await world.failover.start();
  return world;
}
