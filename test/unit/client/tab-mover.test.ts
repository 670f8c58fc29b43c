// A space in tabs that a user takes to another region, from any tab: the tab that leads moves it, and the next one finishes what it did not.
import { expect, test } from 'vitest';
import { live } from '../../../src/client/live/index.js';
import { RegionClient, TabMover } from '../../../src/client/region/index.js';
import type { Region } from '../../../src/client/region/index.js';
import { openSpaceWith } from '../../../src/client/space/open.js';
import type { OpenSpaceOptions } from '../../../src/client/space/open.js';
import { TabSpace } from '../../../src/client/tabs/tab-space.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { TabOrigin } from '../../support/tab-origin.js';
import { bytes, createDevice, openDevice, until } from '../../support/test-space.js';

const MOVE_TIMEOUT_MS = 10_000;
/** Where the other relay is dead. */
const GIVEN_UP_MS = 300;
/** Whether it is verified depends on how much was read before. */
const MOVED = { verified: expect.any(Boolean) };
const EU: Region = { id: 'eu', name: 'EU', location: 'Frankfurt', endpoint: 'https://eu.example', status: 'online' };
const US: Region = { ...EU, id: 'us', name: 'US', location: 'Virginia', endpoint: 'https://us.example' };

interface Tab {
  readonly space: TabSpace;
  readonly mover: TabMover;
  readonly texts: string[];
  readonly errors: string[];
}

async function scene(timeoutMs = MOVE_TIMEOUT_MS) {
  const [eu, us] = [await new HonestRelay().start(), await new HonestRelay().start()];
  const relays = { eu: eu.address(8081), us: us.address(8082) };
  const home = await createDevice(eu);
  await home.space.whenSynced();
  const link = home.space.link ?? '';
  await home.space.close();
  const origin = new TabOrigin();
  const tab = async (): Promise<Tab> => {
    const mover = new TabMover({ relays, timeoutMs });
    const open = (options: OpenSpaceOptions) => openSpaceWith({ ...options, parts: [...(options.parts ?? []), live] }, { openTransport: (options.relay === relays.us ? us : eu).transport() });
    const space = await TabSpace.open({ link, batchWindowMs: 0, regions: mover }, { ground: origin, open, openStorage: async () => Object.assign(origin.storage, { close: () => undefined }) });
    const opened: Tab = { space, mover, texts: [], errors: [] };
    space.subscribe(({ items }) => opened.texts.push(...items.map((item) => new TextDecoder().decode(item))));
    space.on('error', ({ code }) => opened.errors.push(code));
    return opened;
  };
  return { eu, us, origin, tab };
}

test('any tab takes the space along, with what is pushed on the way; each knows where it is, also when all are opened again by the old link', async () => {
  const { us, tab } = await scene();
  const tabs = [await tab(), await tab()] as const;
  const [leader, follower] = tabs;
  await Promise.all(tabs.map(({ space }) => space.whenSynced()));
  expect(tabs.map(({ mover }) => [mover.isAt(EU), mover.isAt(US)])).toEqual([[true, false], [true, false]]);
  await follower.space.push(bytes('at eu')).durable('relay');
  const steps: string[] = [];
  const moving = follower.mover.move(US, (step) => {
    steps.push(step);
    for (const [at, { space }] of tabs.entries()) space.push(bytes(`${step} ${at}`));
  });
  expect(await moving).toEqual(MOVED);
  expect(steps).toEqual(['pausing', 'connecting', 'resuming']);
  await Promise.all(tabs.map(({ space }) => space.whenSynced()));
  const all = ['at eu', ...steps.flatMap((step) => [`${step} 0`, `${step} 1`])].toSorted();
  for (const { texts } of tabs) await until('all is in every tab', () => texts.length >= all.length);
  expect(tabs.map(({ texts }) => texts.toSorted())).toEqual([all, all]);
  const far = await openDevice(us, follower.space.link);
  await far.space.whenSynced();
  expect(far.texts().toSorted()).toEqual(all);
  await far.space.close();
  expect(tabs.map(({ mover }) => [mover.isAt(EU), mover.isAt(US)])).toEqual([[false, true], [false, true]]);
  expect((await leader.space.whenLeading()).relay).toBe(leader.mover.relay);
  for (const { space } of [follower, leader]) await space.close();
  const again = await tab();
  await again.space.push(bytes('at us again')).durable('relay');
  expect(again.mover.isAt(US)).toBe(true);
  await again.space.close();
  expect([leader, follower, again].flatMap(({ errors }) => errors)).toEqual([]);
});

test('a relay that is dead does not take it: the tab that asked is told, and all go on where they were; moves wait for each other', async () => {
  const { eu, us, tab } = await scene(GIVEN_UP_MS);
  us.up = false;
  const tabs = [await tab(), await tab()] as const;
  const [leader, follower] = tabs;
  const moves = [follower.mover.move(US, () => undefined), leader.mover.move(US, () => undefined)];
  const refused = Promise.all(moves.map((move) => expect(move).rejects.toMatchObject({ code: 'region_unreachable' })));
  const onTheWay = follower.space.push(bytes('on the way'));
  await refused;
  await onTheWay.durable('relay');
  expect(eu.disk().entries).toHaveLength(1);
  expect(tabs.map(({ mover }) => mover.isAt(EU))).toEqual([true, true]);
  for (const { space } of [follower, leader]) await space.close();
  await expect(follower.mover.move(US, () => undefined)).rejects.toMatchObject({ code: 'closed' });
});

test.each(['another tab', 'that tab'])('the tab that moves the space is closed on the way, asked by %s: the next one finishes it', async (who) => {
  const { us, tab } = await scene();
  const [leader, follower] = [await tab(), await tab()];
  us.up = false;
  const steps: string[] = [];
  const isLeft = who === 'another tab';
  const moving = (isLeft ? follower : leader).mover.move(US, (step) => steps.push(step));
  const answered = isLeft ? expect(moving).resolves.toEqual(MOVED) : expect(moving).rejects.toMatchObject({ code: 'closed' });
  await until('it is on the way', () => steps.includes('connecting'));
  const held = follower.space.push(bytes('on the way'));
  const closing = leader.space.close();
  us.up = true;
  await Promise.all([answered, closing, held.durable('relay')]);
  await until('the next one says so', () => follower.mover.isAt(US));
  expect(us.disk().entries).toHaveLength(1);
  expect(follower.errors).toEqual([]);
  await follower.space.close();
});

test('when there is no way back either, the tab that leads lets go of the storage, and goes on where that says', async () => {
  const { us, origin, tab } = await scene(GIVEN_UP_MS);
  us.up = false;
  const { space, mover, errors } = await tab();
  const load = origin.storage.load.bind(origin.storage);
  // Once it is open there.
  const stop = space.on('leading', () => (origin.storage.load = () => Promise.reject(new Error('not now'))));
  await expect(mover.move(US, () => undefined)).rejects.toMatchObject({ code: 'closed' });
  await until('it is told', () => errors.includes('closed'));
  const held = space.push(bytes('held meanwhile'));
  stop();
  origin.storage.load = load;
  us.up = true;
  await held.durable('relay');
  expect([mover.isAt(US), us.disk().entries.length]).toEqual([true, 1]);
  await space.close();
});

test('a region client shows in every tab where the space is, whichever tab moved it', async () => {
  const { tab } = await scene();
  const tabs = [await tab(), await tab()] as const;
  const fetch = (async (url: string) => (url.endsWith('/regions') ? Response.json({ regions: [EU, US] }) : new Response(null))) as typeof globalThis.fetch;
  const clients = tabs.map(({ mover }) => new RegionClient({ origin: EU.endpoint, mover, fetch }));
  await Promise.all(clients.map((client) => client.refresh()));
  expect(clients.map((client) => client.getSnapshot().currentId)).toEqual(['eu', 'eu']);
  await clients[1]?.switchTo('us');
  await until('the other one shows it', () => clients.every((client) => client.getSnapshot().currentId === 'us'));
  for (const { space } of tabs.toReversed()) await space.close();
});
