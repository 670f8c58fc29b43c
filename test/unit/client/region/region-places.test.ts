// A device between two relays that do not copy each other: what it keeps for each, and what becomes of it when it ends on the way.
import { expect, test } from 'vitest';
import { MemoryDeviceStore } from '../../../../src/client/store/device-store.js';
import { HonestRelay } from '../../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../../support/test-space.js';
import type { TestDevice, TestOptions } from '../../../support/test-space.js';

interface Scene {
  readonly one: HonestRelay;
  readonly two: HonestRelay;
  readonly storage: MemoryDeviceStore;
  readonly first: TestDevice;
  /** Opens the device at a relay. */
  readonly at: (relay: HonestRelay, options?: TestOptions) => Promise<TestDevice>;
}

async function scene(): Promise<Scene> {
  const [one, two] = [await new HonestRelay().start(), await new HonestRelay().start()];
  const storage = new MemoryDeviceStore();
  const first = await createDevice(one, { storage, failsOver: true });
  const at = (relay: HonestRelay, options: TestOptions = {}): Promise<TestDevice> => openDevice(relay, null, { storage, relay: relay.address(), failsOver: true, ...options });
  return { one, two, storage, first, at };
}

test('a device that ends in the middle of a move goes on where it was, and pushes nothing twice', async () => {
  const { one, first, at, two } = await scene();
  await first.space.push(bytes('at one')).durable('relay');
  await first.space.close();
  // The move is stored, and the process ends before anything was said to the other relay.
  await at(two, { offline: true });
  const back = await at(one);
  await back.space.push(bytes('at one again')).durable('relay');
  await back.space.whenSynced();
  expect(one.disk().entries.map(({ pushSeq }) => pushSeq)).toEqual([1, 2]);
  expect([...kinds(back), ...back.errors]).toEqual([]);
  await back.space.close();
  const there = await at(two);
  await there.space.whenSynced();
  expect(two.disk().entries.map(({ pushSeq }) => pushSeq)).toEqual([1, 2]);
  expect([...kinds(there), ...there.errors]).toEqual([]);
  await there.space.close();
});

test('says carried_too_little when a relay lacks own entries that were let go of, and pushes nothing over the gap', async () => {
  const { one, two, first, storage, at } = await scene();
  await first.space.push(bytes('1')).durable('relay');
  await first.space.close();
  const there = await at(two);
  await there.space.push(bytes('2')).durable('relay');
  await there.space.close();
  const back = await at(one);
  for (const text of ['3', '4']) await back.space.push(bytes(text)).durable('relay');
  await back.space.close();
  // As after more was written at one than is kept for two.
  await storage.outbox.remove(3);
  const late = await at(two);
  await until('it is told', () => late.errors.length > 0);
  expect(late.errors).toEqual([expect.stringContaining('carried_too_little: the relay lacks own entries from 3 on')]);
  expect(two.disk().entries.map(({ pushSeq }) => pushSeq)).toEqual([1, 2]);
  expect(late.space.hasUnsyncedChanges).toBe(true);
  await late.space.close();
});
