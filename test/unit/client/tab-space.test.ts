// A space in several tabs, on a lock and a channel in memory: one device, every entry in every tab, and nothing lost when the tab that leads goes.
import { expect, test } from 'vitest';
import { ClientError } from '../../../src/client/client-error.js';
import { live } from '../../../src/client/live/index.js';
import { openSpaceWith } from '../../../src/client/space/open.js';
import { TabSpace } from '../../../src/client/tabs/tab-space.js';
import { HeldWay } from '../../support/held-way.js';
import { syncStore } from '../../../src/react/sync-store.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { TabOrigin } from '../../support/tab-origin.js';
import { bytes, createDevice, until } from '../../support/test-space.js';

interface Tab {
  readonly space: TabSpace;
  readonly texts: string[];
  readonly errors: string[];
}

async function scene(): Promise<{ relay: HonestRelay; way: HeldWay; link: string; tab: (origin: TabOrigin) => Promise<Tab> }> {
  const relay = await new HonestRelay().start();
  const way = new HeldWay(relay);
  const home = await createDevice(relay);
  await home.space.whenSynced();
  const link = home.space.link ?? '';
  await home.space.close();
  const tab = async (origin: TabOrigin): Promise<Tab> => {
    const space = await TabSpace.open(
      { link, batchWindowMs: 0 },
      { ground: origin, open: (options) => openSpaceWith({ ...options, parts: [live] }, { openTransport: way.transport() }), openStorage: async () => Object.assign(origin.storage, { close: () => undefined }) },
    );
    const opened: Tab = { space, texts: [], errors: [] };
    space.subscribe(({ items }) => opened.texts.push(...items.map((item) => new TextDecoder().decode(item))));
    space.on('error', ({ code }) => opened.errors.push(code));
    return opened;
  };
  return { relay, way, link, tab };
}

test('tabs are one device: each hears every entry, may push, and learns how far its write came', async () => {
  const { relay, link, tab } = await scene();
  const origin = new TabOrigin();
  const [first, second] = [await tab(origin), await tab(origin)];
  const far = await openSpaceWith({ link, batchWindowMs: 0 }, { openTransport: relay.transport() });
  const heard: string[] = [];
  far.subscribe(({ items, own }) => own || heard.push(...items.map((item) => new TextDecoder().decode(item))));
  await far.whenSynced();
  expect(second.space.device).toBe(first.space.device);
  const write = second.space.push(bytes('from the second'));
  expect([write.state, second.space.hasUnsyncedChanges]).toEqual(['held', true]);
  first.space.push(bytes('from the first'));
  await write.durable('relay');
  await write.durable('device');
  expect(write.state).toBe('seen');
  await second.space.whenSynced();
  expect(second.space.hasUnsyncedChanges).toBe(false);
  far.push(bytes('from afar'));
  for (const { texts } of [first, second]) await until('every entry is in every tab', () => texts.length === 3);
  expect(first.texts).toEqual(second.texts);
  expect(heard.toSorted()).toEqual(['from the first', 'from the second']);
  expect([...first.errors, ...second.errors]).toEqual([]);
  for (const { space } of [second, first]) await space.close();
  await far.close();
});

test('in every tab whenSynced() asks the relay, and asks it again when another tab leads meanwhile', async () => {
  const { relay, way, link, tab } = await scene();
  const origin = new TabOrigin();
  const [first, second] = [await tab(origin), await tab(origin)];
  const far = await openSpaceWith({ link, batchWindowMs: 0 }, { openTransport: relay.transport() });
  await second.space.whenSynced();
  way.hold();
  await far.push(bytes('one')).durable('relay');
  let isSynced = false;
  const synced = second.space.whenSynced().then(() => (isSynced = true));
  const ofFirst = first.space.whenSynced();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isSynced).toBe(false);
  way.release();
  await Promise.all([synced, ofFirst]);
  expect([first.texts, second.texts]).toEqual([['one'], ['one']]);

  way.hold();
  await far.push(bytes('two')).durable('relay');
  const overALeader = second.space.whenSynced();
  await first.space.close();
  way.release();
  await overALeader;
  expect(second.texts).toEqual(['one', 'two']);
  await second.space.close();
  await far.close();
});

test('every tab has the link and the devices, may name and remove them, and learns which devices have its write', async () => {
  const { relay, link, tab } = await scene();
  const origin = new TabOrigin();
  const [first, second] = [await tab(origin), await tab(origin)];
  const far = [0, 1].map(() => openSpaceWith({ link, batchWindowMs: 0 }, { openTransport: relay.transport() }));
  const [one, other] = await Promise.all(far);
  await Promise.all([first.space, one, other].map((space) => space?.whenSynced()));
  const others = (): number => second.space.devices().filter(({ own }) => !own).length;
  await until('the second tab hears of the devices', () => others() === 3);
  expect(second.space.status).toBe(second.space.status);
  expect([second.space.id, second.space.link, second.space.devices()]).toEqual([first.space.id, first.space.link, first.space.devices()]);

  const store = syncStore(second.space);
  const stop = store.subscribe(() => undefined);
  second.space.push(bytes('seen by both'));
  expect(store.getSnapshot()).toEqual({ saved: 'here', blocked: null, seenBy: 0, others: 3 });
  await until('both have it', () => store.getSnapshot().seenBy === 2);
  expect(store.getSnapshot()).toEqual({ saved: 'devices', blocked: null, seenBy: 2, others: 3 });
  stop();

  await second.space.nameDevice('The browser');
  await until('the name is there', () => second.space.devices().some(({ own, name }) => own && name === 'The browser'));
  await second.space.removeDevice(other?.device ?? '');
  await until('it is gone', () => others() === 2);
  await expect(second.space.removeDevice('00')).rejects.toMatchObject({ code: 'unknown_device' });
  const { roster } = await second.space.handover();
  expect(roster.keyring.length).toBeGreaterThan(0);
  for (const space of [second.space, first.space, one, other]) await space?.close();
});

test('a call that the tab which leads did not answer is given up when another one leads', async () => {
  const { tab } = await scene();
  const origin = new TabOrigin();
  const [first, second, third] = [await tab(origin), await tab(origin), await tab(origin)];
  await first.space.whenSynced();
  origin.lost = 'answer';
  const [ofSecond, ofThird] = [second.space.nameDevice('one'), third.space.nameDevice('two')];
  const given = Promise.all([ofSecond, ofThird].map((call) => expect(call).rejects.toMatchObject({ code: 'closed', temporary: true })));
  await first.space.close();
  await given;
  origin.lost = '';
  await third.space.nameDevice('three');
  for (const { space } of [third, second]) await space.close();
  await expect(third.space.nameDevice('four')).rejects.toMatchObject({ code: 'closed' });
});

test('a device that came in without a link is opened in tabs by the name of its storage', async () => {
  const { relay, tab } = await scene();
  const origin = new TabOrigin();
  const first = await tab(origin);
  const { device } = first.space;
  await first.space.close();
  const parts = { ground: origin, open: (options: object) => openSpaceWith({ ...options, parts: [live] }, { openTransport: relay.transport() }) };
  const storage = Object.assign(origin.storage, { close: () => undefined });
  const names: string[] = [];
  const opened = await TabSpace.open({ name: 'notes' }, { ...parts, openStorage: async (name) => (names.push(name), storage) });
  expect([opened.device, names]).toEqual([device, ['notes']]);
  await opened.close();
  await expect(TabSpace.open({}, { ...parts, openStorage: async () => storage })).rejects.toMatchObject({ code: 'bad_option' });
});

test('when the tab that leads is closed the next one goes on, with what was pushed meanwhile', async () => {
  const { tab } = await scene();
  const origin = new TabOrigin();
  const [first, second, third] = [await tab(origin), await tab(origin), await tab(origin)];
  await first.space.whenSynced();
  for (let at = 0; at < 20; at += 1) {
    second.space.push(bytes(`second-${at}`));
    third.space.push(bytes(`third-${at}`));
    if (at === 10) void first.space.close();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  for (const { space } of [second, third]) await space.whenSynced();
  const wanted = ['second', 'third'].flatMap((name) => Array.from({ length: 20 }, (_, at) => `${name}-${at}`)).toSorted();
  await until('all is in the third tab', () => third.texts.length >= wanted.length);
  expect(third.texts.toSorted()).toEqual(wanted);
  // Each tab's items keep their order.
  for (const name of ['second', 'third']) expect(third.texts.filter((text) => text.startsWith(name))).toEqual(wanted.filter((text) => text.startsWith(name)).toSorted((a, b) => Number(a.split('-')[1]) - Number(b.split('-')[1])));
  expect(await Promise.race([second.space.whenLeading().then(() => 'second'), third.space.whenLeading().then(() => 'third')])).toBe('second');
  for (const { space } of [third, second]) await space.close();
});

test('an item that the tab that leads never stored is sent to the next one; without that it would be lost', async () => {
  const { tab } = await scene();
  const origin = new TabOrigin();
  const [first, second] = [await tab(origin), await tab(origin)];
  await first.space.whenSynced();
  // The first tab dies before it takes what the second sends.
  origin.lost = 'push';
  const write = second.space.push(bytes('held'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(write.state).toBe('held');
  origin.lost = '';
  await first.space.close();
  await write.durable('relay');
  await until('it came', () => second.texts.includes('held'));
  expect(second.texts.filter((text) => text === 'held')).toHaveLength(1);
  await second.space.close();
});

test('of a write that the next leader brings to the relay the tab is told, in its events too', async () => {
  const { tab } = await scene();
  const origin = new TabOrigin();
  const [first, second] = [await tab(origin), await tab(origin)];
  await second.space.whenSynced();
  second.space.goOffline();
  await until('both are offline', () => second.space.status.status === 'offline');
  const store = syncStore(second.space);
  const stop = store.subscribe(() => undefined);
  const write = second.space.push(bytes('on this device'));
  await until('the first tab has it', () => write.state === 'queued');
  const seen = expect(write.durable('device')).rejects.toMatchObject({ code: 'closed', temporary: true });
  await first.space.close();
  expect(store.getSnapshot().saved).toBe('here');
  await second.space.whenLeading();
  second.space.goOnline();
  await write.durable('relay');
  await seen;
  await until('it is shown', () => store.getSnapshot().saved === 'relay');
  stop();
  await second.space.close();
});

test('a word of a leader that is gone is not followed when it comes late', async () => {
  const { tab } = await scene();
  const origin = new TabOrigin();
  const [first, second] = [await tab(origin), await tab(origin)];
  origin.holdsLate = true;
  const opening = tab(origin);
  await until('the first tab answers it, late', () => origin.late.length > 0);
  await first.space.close();
  const third = await opening;
  for (const deliver of origin.late) deliver();
  await third.space.push(bytes('to who leads now')).durable('relay', { signal: AbortSignal.timeout(5000) });
  await until('it is told how things stand', () => !third.space.hasUnsyncedChanges);
  for (const { space } of [third, second]) await space.close();
});

test('a tab that could not open the storage queues again, and leads when it can', async () => {
  const { tab } = await scene();
  const origin = new TabOrigin();
  const [first, second] = [await tab(origin), await tab(origin)];
  const load = origin.storage.load.bind(origin.storage);
  origin.storage.load = () => Promise.reject(new ClientError('storage_failed', 'not now', { temporary: true }));
  await first.space.close();
  await until('it failed to lead', () => second.errors.includes('storage_failed'));
  origin.storage.load = load;
  await second.space.push(bytes('held meanwhile')).durable('relay');
  await second.space.close();
});

test('what cannot be pushed is refused to the tab that pushed it; a closed one takes nothing', async () => {
  const { tab } = await scene();
  const origin = new TabOrigin();
  const [first, second] = [await tab(origin), await tab(origin)];
  const write = second.space.push(new Uint8Array(12 * 1024 * 1024));
  await expect(write.durable('relay')).rejects.toMatchObject({ code: 'item_too_large' });
  expect(second.space.hasUnsyncedChanges).toBe(false);
  second.space.goOffline();
  await until('both are offline', () => first.space.status.status === 'offline' && second.space.status.status === 'offline');
  await second.space.close();
  expect(() => second.space.push(bytes('late'))).toThrow('closed');
  await first.space.close();
});
