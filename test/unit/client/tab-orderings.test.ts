// Tabs whose messages overtake each other, and whose leader is killed or closed at any moment: nobody waits for ever, and nothing is lost.
import { expect, test } from 'vitest';
import { bytes, until } from '../../support/test-space.js';
import { TabWorld, seeded } from '../../support/tab-world.js';
import type { WorldTab } from '../../support/tab-world.js';

const TABS = 4;
const ITEMS = 10;
const SETTLE_MS_MAX = 20_000;
const SEEDS = [1, 2, 3, 4];

async function oneWorld(seed: number): Promise<void> {
  const world = await TabWorld.begin(seed);
  const random = seeded(seed ^ 0x5bd1e995);
  const tabs: WorldTab[] = [];
  while (tabs.length < TABS) tabs.push(await world.open());
  const gone = new Set<WorldTab>();
  const [killAt, endAt, joinAt] = [random(), random(), random()].map((share) => Math.floor(share * ITEMS));
  for (let item = 0; item < ITEMS; item += 1) {
    for (const [at, tab] of tabs.entries()) if (!gone.has(tab)) tab.space.push(bytes(`${at}:${item}`));
    await world.while();
    // The first of those that are left leads, or is about to.
    const leader = tabs.find((tab) => !gone.has(tab));
    if (leader !== undefined && (item === killAt || item === endAt)) {
      gone.add(leader);
      if (item === killAt) leader.kill();
      else void leader.space.close();
    }
    if (item === joinAt) tabs.push(await world.open());
  }
  const left = tabs.filter((tab) => !gone.has(tab));
  await until('all settle', () => left.every(({ space }) => space.status.status === 'online' && !space.hasUnsyncedChanges), SETTLE_MS_MAX);
  const far = await world.far();
  const read: string[] = [];
  far.subscribe(({ items }) => read.push(...items.map((text) => new TextDecoder().decode(text))));
  const wanted = left.flatMap((tab) => {
    const at = tabs.indexOf(tab);
    return Array.from({ length: ITEMS }, (_, item) => `${at}:${item}`).slice(at < TABS ? 0 : (joinAt ?? 0) + 1);
  });
  await until('a far device has what the tabs that are left pushed', () => wanted.every((text) => read.includes(text)), SETTLE_MS_MAX);
  expect(left.flatMap(({ told }) => told)).toEqual([]);
  await Promise.all([...left.map(({ space }) => space.close()), far.close()]);
}

test('the leader is killed, another one closed, a tab joins, in any order of what they say: all settle, and nothing of those left is lost', { timeout: 180_000 }, async () => {
  for (const seed of SEEDS) {
    await oneWorld(seed).catch((cause: unknown) => expect.fail(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`));
  }
});
