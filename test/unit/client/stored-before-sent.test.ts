// What a device that ends without a word leaves behind: no relay knows more of it than its storage, and a closed one touches it no more.
import { expect, test } from 'vitest';
import { Outbox } from '../../../src/client/outbox/outbox.js';
import { MemoryOutboxStore } from '../../../src/client/outbox/outbox-store.js';
import type { OutboxEntry, OutboxStore } from '../../../src/client/outbox/outbox-store.js';
import { MemoryDeviceStore } from '../../../src/client/store/device-store.js';
import type { DeviceState, DeviceStore } from '../../../src/client/store/device-store.js';
import { HonestRelay } from '../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';

/** A storage whose writes to the outbox wait while they are held. */
class HeldStore implements DeviceStore {
  readonly disk = new MemoryDeviceStore();
  writing = 0;
  /** The push_seq from which on nothing is put, and whether removing takes a while. */
  heldFrom = Number.POSITIVE_INFINITY;
  removesSlowly = false;
  readonly outbox: OutboxStore;

  constructor() {
    const disk = new MemoryOutboxStore();
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

test('a closed outbox has written everything, and writes nothing more into a storage that another may have opened', async () => {
  const storage = new HeldStore();
  storage.removesSlowly = true;
  const outbox = await Outbox.open(storage.outbox);
  await outbox.append({ pushSeq: 1, keyEpoch: 1, entryId: bytes('id'), sealed: bytes('sealed'), seq: 0 });
  await outbox.markStored([[1, 1]]);
  void outbox.release(1);
  await Promise.resolve();
  expect(storage.writing).toBe(1);
  await outbox.close();
  expect(storage.writing).toBe(0);
  await outbox.append({ pushSeq: 2, keyEpoch: 1, entryId: bytes('id'), sealed: bytes('late'), seq: 0 });
  expect(await storage.outbox.load()).toEqual([]);
});
