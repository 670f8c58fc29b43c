// What a device that ends without a word leaves behind: no relay knows more of it than its storage, and a closed one touches it no more.
import { expect, test } from 'vitest';
import { ClientError } from '../../../src/client/client-error.js';
import { Outbox } from '../../../src/client/outbox/outbox.js';
import { MemoryOutboxStore } from '../../../src/client/outbox/outbox-store.js';
import type { OutboxEntry, OutboxStore } from '../../../src/client/outbox/outbox-store.js';
import { MemoryDeviceStore } from '../../../src/client/store/device-store.js';
import type { DeviceState, DeviceStore } from '../../../src/client/store/device-store.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';

/** A storage whose writes to the outbox wait while they are held. */
class HeldStore implements DeviceStore {
  readonly disk: MemoryDeviceStore;
  readonly entries: MemoryOutboxStore;
  saves = 0;
  writing = 0;
  /** The push_seq from which on nothing is put, and whether removing takes a while. */
  heldFrom = Number.POSITIVE_INFINITY;
  removesSlowly = false;
  readonly outbox: OutboxStore;

  /** What `before` left, as the next process finds it. */
  constructor(before?: HeldStore) {
    this.disk = before?.disk ?? new MemoryDeviceStore();
    const disk = before?.entries ?? new MemoryOutboxStore();
    this.entries = disk;
    this.outbox = {
      load: () => disk.load(),
      put: async (entries: readonly OutboxEntry[]) => {
        while (entries.some(({ pushSeq }) => pushSeq >= this.heldFrom)) await new Promise((resolve) => setTimeout(resolve, 1));
        await disk.put(entries);
      },
      remove: async (upTo: number) => {
        this.writing += 1;
        if (this.removesSlowly) await new Promise((resolve) => setTimeout(resolve, 50));
        await disk.remove(upTo);
        this.writing -= 1;
      },
    };
  }

  load(): Promise<DeviceState | null> {
    return this.disk.load();
  }

  save(state: DeviceState): Promise<void> {
    this.saves += 1;
    return this.disk.save(state);
  }
}

test('an entry is sent once the storage has it, so that a relay never holds one that a crash took from its device', async () => {
  const relay = await new HonestRelay().start();
  const storage = new HeldStore();
  storage.heldFrom = 2;
  const device = await createDevice(relay, { storage, environment: { random: () => 0.01 } });
  await device.space.push(bytes('one')).durable('relay');
  device.space.push(bytes('two'));
  // A new session begins with what the relay lacks.
  relay.crash();
  await until('it is back', () => device.space.status.status !== 'online');
  await until('it is back', () => device.space.status.status === 'online');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(relay.disk().entries).toHaveLength(1);

  // The process ends here; the next one opens what the storage has.
  const after = await openDevice(relay, null, { storage: { load: () => storage.load(), save: async () => undefined, outbox: storage.outbox } });
  await until('it is online', () => after.space.status.status === 'online');
  expect(kinds(after)).toEqual([]);
  await after.space.close();
  storage.heldFrom = Number.POSITIVE_INFINITY;
  await device.space.close();
});

test('what was sealed and never stored leaves no gap: the state is saved behind it at any time, and the next process goes on where the storage ends', async () => {
  const relay = await new HonestRelay().start();
  const storage = new HeldStore();
  const device = await createDevice(relay, { storage, environment: { random: () => 0.01 } });
  await device.space.push(bytes('one')).durable('relay');
  storage.heldFrom = 2;
  device.space.push(bytes('two'));
  const { saves } = storage;
  const far = await openDevice(relay, device.space.link);
  await far.space.push(bytes('far')).durable('relay');
  await until('the state is saved, with what the other device wrote', () => storage.saves > saves + 1);
  expect((await storage.disk.load())?.own.pushSeq).toBe(1);

  // The process ends here.
  for (const text of ['three', 'four']) {
    const next = await openDevice(relay, null, { storage: new HeldStore(storage) });
    await next.space.push(bytes(text)).durable('relay');
    expect(kinds(next)).toEqual([]);
    await next.space.close();
  }
  await until('the other device has them', () => ['one', 'three', 'four'].every((text) => far.texts().includes(text)));
  await far.space.close();
  storage.heldFrom = Number.POSITIVE_INFINITY;
  await device.space.close();
});

test('an entry that could not be stored is in no outbox, and the next one has its place', async () => {
  const disk = new MemoryOutboxStore();
  let fails = false;
  const put = async (entries: readonly OutboxEntry[]): Promise<void> => {
    if (fails) throw new Error('the quota is used up');
    await disk.put(entries);
  };
  const outbox = await Outbox.open({ load: () => disk.load(), put, remove: (upTo) => disk.remove(upTo) });
  const entry = (pushSeq: number): OutboxEntry => ({ pushSeq, keyEpoch: 1, entryId: bytes('id'), sealed: bytes('sealed'), seq: 0 });
  expect(await outbox.append(entry(1))).toBe(true);
  fails = true;
  await expect(outbox.append(entry(2))).rejects.toThrow('the quota is used up');
  expect([outbox.isKept(2), outbox.get(2), outbox.unsentBytes]).toEqual([false, undefined, entry(1).sealed.length]);
  fails = false;
  expect(await outbox.append(entry(2))).toBe(true);
  expect(outbox.isKept(2)).toBe(true);
  expect((await disk.load()).map(({ pushSeq }) => pushSeq)).toEqual([1, 2]);
  await outbox.close();
  expect(await outbox.append(entry(3))).toBe(false);
  expect(outbox.isKept(3)).toBe(false);
});

test('a write that was told to have failed is sent by nobody later, and those after it go on', async () => {
  const relay = await new HonestRelay().start();
  const storage = new HeldStore();
  const device = await createDevice(relay, { storage });
  await device.space.push(bytes('one')).durable('relay');
  const { put } = storage.outbox;
  storage.outbox.put = () => Promise.reject(new ClientError('storage_full', 'the disk of this device is full', { temporary: true }));
  const failed = device.space.push(bytes('two'));
  await expect(failed.durable('relay')).rejects.toMatchObject({ code: 'storage_full', temporary: true });
  expect(device.errors).toEqual(['storage_full: the disk of this device is full']);
  expect([failed.pushSeq, device.space.hasUnsyncedChanges]).toEqual([null, false]);
  storage.outbox.put = put;
  const next = device.space.push(bytes('three'));
  await next.durable('relay');
  expect([failed.state, next.state, next.pushSeq]).toEqual(['queued', 'stored', 2]);
  const far = await openDevice(relay, device.space.link);
  await far.space.whenSynced();
  expect(far.texts()).toEqual(['one', 'three']);
  expect([...kinds(device), ...kinds(far)]).toEqual([]);
  await far.space.close();
  await device.space.close();
});

test('a closed outbox has written everything, and writes nothing more into a storage that another may have opened', async () => {
  const storage = new HeldStore();
  storage.removesSlowly = true;
  const outbox = await Outbox.open(storage.outbox);
  await outbox.append({ pushSeq: 1, keyEpoch: 1, entryId: bytes('id'), sealed: bytes('sealed'), seq: 0 });
  await outbox.markStored([[1, 1]]);
  void outbox.release(1);
  await until('it is removing', () => storage.writing === 1);
  await outbox.close();
  expect(storage.writing).toBe(0);
  await outbox.append({ pushSeq: 2, keyEpoch: 1, entryId: bytes('id'), sealed: bytes('late'), seq: 0 });
  expect(await storage.outbox.load()).toEqual([]);
});
