// Tabs whose relay dies while all push, in any order of what they say: they go on at the next relay, also when the tab that moves them ends on the way.
import { expect, test } from 'vitest';
import { TabFailover } from '../../../src/client/region/index.js';
import type { Space } from '../../../src/client/space/space.js';
import { bytes, until } from '../../support/test-space.js';
import { TabWorld, seeded } from '../../support/tab-world.js';
import type { WorldTab } from '../../support/tab-world.js';

const TABS = 3;
const ITEMS = 12;
const SETTLE_MS_MAX = 20_000;
const SEEDS = [1, 2];

const isAt = (id: string) => ({ regions, space }: WorldTab): boolean => {
  const { regionId, phase } = regions?.getSnapshot() ?? {};
  return regionId === id && phase === 'settled' && space.status.status === 'online' && !space.hasUnsyncedChanges;
};

/** What a relay gives to a device that comes. */
async function readOf(far: Space): Promise<string[]> {
  const read: string[] = [];
  far.subscribe(({ items }) => read.push(...items.map((text) => new TextDecoder().decode(text))));
  await far.whenSynced();
  await far.close();
  return read.toSorted();
}

/** All push, and the first relay dies in the midst of it; `end` is called with the one that leads when another one hears that they are on their way. */
async function moved(seed: number, end?: (leader: WorldTab) => void): Promise<{ readonly world: TabWorld; readonly tabs: readonly WorldTab[]; readonly wanted: readonly string[] }> {
  const world = await TabWorld.begin(seed, 2);
  const random = seeded(seed ^ 0x5bd1e995);
  const tabs: WorldTab[] = [];
  while (tabs.length < TABS) tabs.push(await world.open());
  const [leader = expect.fail('no tab'), follower = expect.fail('no tab')] = tabs;
  await until('all are at the first', () => tabs.every(isAt('0')));
  const gone = new Set<WorldTab>();
  const stop = follower.regions?.subscribe(() => {
    if (follower.regions?.getSnapshot().phase !== 'moving') return;
    stop?.();
    for (const [at, { space }] of tabs.entries()) space.push(bytes(`${at}:on the way`));
    if (end === undefined) return;
    gone.add(leader);
    end(leader);
  });
  const dieAt = Math.floor(random() * (ITEMS / 2));
  for (let item = 0; item < ITEMS; item += 1) {
    for (const [at, tab] of tabs.entries()) if (!gone.has(tab)) tab.space.push(bytes(`${at}:${item}`));
    await world.while();
    if (item === dieAt) world.die(0);
  }
  const wanted = tabs.flatMap((_, at) => [...Array.from({ length: ITEMS }, (_none, item) => `${at}:${item}`), `${at}:on the way`]);
  return { world, tabs, wanted: wanted.toSorted() };
}

test('the relay dies and comes back: every item is once at each relay and in every tab, and every tab says where it is', { timeout: 60_000 }, async () => {
  for (const seed of SEEDS) {
    const { world, tabs, wanted } = await moved(seed);
    await until(`seed ${seed}: all go on at the next`, () => tabs.every(isAt('1')), SETTLE_MS_MAX);
    await Promise.all(tabs.map(({ space }) => space.whenSynced()));
    expect(await readOf(await world.far(1)), `seed ${seed}`).toEqual(wanted);
    world.revive(0);
    await until(`seed ${seed}: all return`, () => tabs.every(isAt('0')), SETTLE_MS_MAX);
    expect(await readOf(await world.far(0)), `seed ${seed}`).toEqual(wanted);
    await until(`seed ${seed}: every tab has it`, () => tabs.every(({ texts }) => texts.length >= wanted.length));
    for (const { texts, told } of tabs) expect([texts.toSorted(), told], `seed ${seed}`).toEqual([wanted, []]);
    for (const { space } of tabs.toReversed()) await space.close();
  }
});

test.each(['killed', 'closed'] as const)('the tab that moves the space is %s on the way: the next one is where it went, and nothing of those left is lost', { timeout: 60_000 }, async (how) => {
  for (const seed of SEEDS) {
    const { world, tabs, wanted } = await moved(seed, (leader) => (how === 'killed' ? leader.kill() : void leader.space.close()));
    const left = tabs.slice(1);
    await until(`seed ${seed}: those left go on at the next`, () => left.every(isAt('1')), SETTLE_MS_MAX);
    await Promise.all(left.map(({ space }) => space.whenSynced()));
    const read = await readOf(await world.far(1));
    expect(wanted.filter((text) => !text.startsWith('0:') && !read.includes(text)), `seed ${seed}`).toEqual([]);
    expect(left.flatMap(({ told }) => told), `seed ${seed}`).toEqual([]);
    for (const { space } of left.toReversed()) await space.close();
  }
});

test('a failover is for one space at a time, and for the next one when that is closed', async () => {
  const world = await TabWorld.begin(1, 2);
  const { space, regions } = await world.open();
  await expect(world.open(regions)).rejects.toMatchObject({ code: 'bad_option' });
  expect(regions?.getSnapshot()).toMatchObject({ regionId: '0', space });
  await space.close();
  expect(regions?.getSnapshot()).toMatchObject({ phase: 'closed', space: null });
  const next = await world.open(regions);
  await until('it settles', () => isAt('0')(next));
  expect(regions?.getSnapshot().space).toBe(next.space);
  await next.space.close();
  expect(() => new TabFailover({ regions: [] })).toThrow(expect.objectContaining({ code: 'bad_option' }));
});
