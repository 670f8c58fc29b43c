// Names of devices, removals that are owed, and entries that can never be opened: what an app shows of its devices, and what must not hold it up.
import { afterEach, expect, test } from 'vitest';
import { MemoryDeviceStore } from '../../../src/client/store/device-store.js';
import type { DeviceState } from '../../../src/client/store/device-store.js';
import { entryId } from '../../../src/protocol/hash.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

const devices: TestDevice[] = [];

function tracked(device: TestDevice): TestDevice {
  devices.push(device);
  return device;
}

afterEach(async () => {
  for (const { space } of devices.splice(0)) await space.close();
});

/** Has no room for the first state in which nothing is owed any more. */
class FullOnce extends MemoryDeviceStore {
  owed = 0;
  refused = 0;

  override async save(state: DeviceState): Promise<void> {
    const owed = state.owed?.length ?? 0;
    if (owed < this.owed && this.refused === 0) {
      this.refused += 1;
      throw new Error('the storage is full');
    }
    await super.save(state);
    this.owed = owed;
  }
}

const namesAt = ({ space }: TestDevice): (string | null)[] => space.devices().map(({ name }) => name).toSorted();

test('devices know each other by name, also those that come when the relay has forgotten the words', async () => {
  const relay = await new HonestRelay().start();
  const snapshot = { create: () => bytes('state'), load: () => undefined };
  const a = tracked(await createDevice(relay, { deviceName: '  Ana’s\tlaptop ', snapshot }));
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link, { deviceName: 'Kitchen', snapshot }));
  await until('both are known', () => namesAt(a).join() === 'Ana’s laptop,Kitchen' && namesAt(b).join() === 'Ana’s laptop,Kitchen');
  expect(a.entries).toEqual([]);
  await a.space.whenSynced();
  await until('acked', () => relay.disk().acks.size === 2);
  await a.space.snapshot();
  relay.forget(relay.disk().entries.length);
  const c = tracked(await openDevice(relay, a.space.link, { snapshot }));
  await until('the newcomer knows them', () => namesAt(c).join() === 'Ana’s laptop,Kitchen,');
  b.space.nameDevice('Kitchen tablet');
  await until('the new name is known', () => namesAt(c).includes('Kitchen tablet'));
  expect(namesAt(b)).toContain('Kitchen tablet');
  expect([a, b, c].flatMap((device) => [...kinds(device), ...device.errors])).toEqual([]);
  expect(relay.failures).toEqual([]);
});

test('the relay sees neither a name nor its length', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay, { deviceName: 'Zanzibar laptop' }));
  await a.space.whenSynced();
  const [entry] = relay.disk().entries;
  expect(Buffer.from(entry!.sealed).includes('Zanzibar')).toBe(false);
  for (const name of ['Z', '🦘'.repeat(64)]) {
    a.space.nameDevice(name);
    await a.space.whenSynced();
    expect(namesAt(a)).toEqual([name]);
  }
  const sizes = relay.disk().entries.slice(1).map(({ sealed }) => sealed.length);
  expect(sizes).toHaveLength(2);
  expect(new Set(sizes).size).toBe(1);
});

test('a name survives a restart, and one that is no name is refused', async () => {
  const relay = await new HonestRelay().start();
  const storage = new MemoryDeviceStore();
  const a = await createDevice(relay, { storage, deviceName: 'Laptop' });
  await a.space.whenSynced();
  await a.space.close();
  const again = tracked(await openDevice(relay, null, { storage, deviceName: 'Laptop' }));
  expect(namesAt(again)).toEqual(['Laptop']);
  await again.space.whenSynced();
  expect(relay.disk().entries).toHaveLength(1);
  for (const name of ['', ' \n', 'x'.repeat(65)]) expect(() => again.space.nameDevice(name)).toThrowError(expect.objectContaining({ code: 'bad_option' }));
  const reader = tracked(await openDevice(relay, again.space.link, { rights: 'read', deviceName: 'Reader' }));
  expect(() => reader.space.nameDevice('Reader')).toThrowError(expect.objectContaining({ code: 'read_only' }));
});

test('a removal without a connection is owed, visible, and done after a restart: cut off at once, and a new key epoch for the rest', async () => {
  const relay = await new HonestRelay().start();
  const storage = new MemoryDeviceStore();
  const a = await createDevice(relay, { storage });
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link, { deviceName: 'Lost phone' }));
  const c = tracked(await openDevice(relay, a.space.link));
  await Promise.all([a, b, c].map(({ space }) => space.whenSynced()));
  await until('a knows all', () => a.space.devices().length === 3);
  a.space.goOffline();
  const told: string[] = [];
  a.space.on('devices', () => told.push(JSON.stringify(a.space.devices().map(({ leaving }) => leaving))));
  const removal = a.space.removeDevice(b.space.device);
  const ended = expect(removal).rejects.toMatchObject({ code: 'closed' });
  await until('it is owed', () => told.length > 0);
  expect(a.space.devices().find(({ device }) => device === b.space.device)).toMatchObject({ leaving: true, name: 'Lost phone' });
  await a.space.close();
  await ended;
  const again = tracked(await openDevice(relay, null, { storage, offline: true }));
  expect(again.space.devices().filter(({ leaving }) => leaving)).toHaveLength(1);
  expect(b.space.status.status).toBe('online');
  again.space.goOnline();
  await until('b is out', () => b.space.status.status === 'failed');
  await until('c knows', () => c.space.devices().length === 2);
  await until('nothing is owed', () => again.space.devices().every(({ leaving }) => !leaving));
  expect((await storage.load())!.owed).toEqual([]);
  await again.space.push(bytes('not for b')).durable('relay');
  await until('c reads it', () => c.texts().includes('not for b'));
  expect(relay.disk().entries.at(-1)!.keyEpoch).toBe(2);
  expect(b.texts()).toEqual([]);
  // The one that is out, asked again.
  await again.space.removeDevice(c.space.device);
  await expect(again.space.removeDevice(b.space.device)).rejects.toMatchObject({ code: 'unknown_device' });
});

test('a removal that is done is told as done where that could not be stored', async () => {
  const relay = await new HonestRelay().start();
  const storage = new FullOnce();
  const a = tracked(await createDevice(relay, { storage }));
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link));
  await until('a knows both', () => a.space.devices().length === 2);
  await a.space.removeDevice(b.space.device);
  expect(storage.refused).toBe(1);
  expect(a.errors).toEqual([expect.stringMatching(/^internal: /)]);
  expect(a.space.devices()).toHaveLength(1);
  await a.space.push(bytes('goes on')).durable('relay');
  await until('it is stored with what comes next', () => storage.owed === 0);
});

test('who may not remove is told at once, and owes nothing', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay));
  const storage = new MemoryDeviceStore();
  await a.space.whenSynced();
  const first = await openDevice(relay, a.space.link, { rights: 'write', storage });
  await first.space.close();
  // As a device that was let in without the root.
  const state = (await storage.load())!;
  await storage.save({ ...state, rootSecret: null });
  const member = tracked(await openDevice(relay, null, { storage }));
  await member.space.whenSynced();
  await expect(member.space.removeDevice(a.space.device)).rejects.toMatchObject({ code: 'not_admin' });
  expect(member.space.devices().every(({ leaving }) => !leaving)).toBe(true);
});

test('two admins that remove two devices at the same moment both have their way', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay));
  await a.space.whenSynced();
  const [b, c, d] = [tracked(await openDevice(relay, a.space.link)), tracked(await openDevice(relay, a.space.link)), tracked(await openDevice(relay, a.space.link))];
  await Promise.all([a, b, c, d].map(({ space }) => space.whenSynced()));
  await until('all know all', () => [a, b].every(({ space }) => space.devices().length === 4));
  await Promise.all([a.space.removeDevice(c.space.device), b.space.removeDevice(d.space.device)]);
  await until('both are out', () => [a, b].every(({ space }) => space.devices().length === 2));
  expect([...kinds(a), ...kinds(b), ...a.errors, ...b.errors]).toEqual([]);
});

test('an entry whose key never comes holds the others up for two heartbeats, and is told; nothing is begun anew', async () => {
  const relay = await new HonestRelay({ heartbeatMs: 60 }).start();
  const a = tracked(await createDevice(relay));
  await a.space.push(bytes('before')).durable('relay');
  const storage = new MemoryDeviceStore();
  const b = tracked(await openDevice(relay, a.space.link, { storage }));
  await b.space.whenSynced();
  const rejected: string[] = [];
  b.space.on('entry-rejected', ({ reason }) => rejected.push(reason));
  b.space.goOffline();
  // Nobody's key opens it: written into the log by whoever has the disk.
  const space = relay.disk();
  const sealed = new Uint8Array(256).fill(9);
  space.entries.push({ device: Uint8Array.from(Buffer.from(a.space.device, 'hex')), pushSeq: 2, keyEpoch: 77, sealed, id: entryId(sealed) });
  b.space.goOnline();
  b.space.push(bytes('after'));
  await until('what follows is handed on', () => b.texts().includes('after'));
  expect(b.texts()).toEqual(['before', 'after']);
  expect(rejected).toEqual(['no roster that the relay shows has its key']);
  await b.space.whenSynced();
  await b.space.close();
  expect((await storage.load())!.log!.tree.size).toBe(3);
  const again = tracked(await openDevice(relay, null, { storage }));
  await again.space.whenSynced();
  expect(again.texts()).toEqual([]);
  expect([...kinds(b), ...kinds(again)]).toEqual([]);
});
