// Snapshots of many chunks, snapshots made while others write, and entries whose key comes late.
import { afterEach, expect, test } from 'vitest';
import { MemoryDeviceStore } from '../../../src/client/store/device-store.js';
import { parseManifest } from '../../../src/protocol/snapshot.js';
import { toHex } from '../../../src/protocol/hex.js';
import { HonestRelay } from '../../support/honest-relay.js';
import type { RelaySession, SpaceRecord } from '../../support/honest-relay.js';
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

function quiet(relay: HonestRelay, ...all: TestDevice[]): void {
  expect(all.flatMap((device) => [...kinds(device), ...device.errors])).toEqual([]);
  expect(relay.failures).toEqual([]);
}

/** Some bytes that no part of a transfer repeats. */
function largeState(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff);
}

test('a snapshot of more than two windows of chunks goes up, also over a crash, and comes down', async () => {
  const relay = await new HonestRelay().start();
  const state = largeState(40 * 65_536);
  const a = tracked(await createDevice(relay, { snapshot: { create: () => state, load: () => undefined } }));
  await a.space.push(bytes('one')).durable('relay');
  await a.space.whenSynced();
  const stored = a.space.snapshot();
  await until('half of it is there', () => (relay.disk().snapshots[0]?.chunks.length ?? 0) >= 16);
  relay.crash();
  expect(await stored).toBe(1);
  expect(relay.disk().snapshots[0]!.chunks.length).toBeGreaterThan(32);
  const loaded: Uint8Array[] = [];
  const b = tracked(await openDevice(relay, a.space.link, { snapshot: { create: () => bytes(''), load: (got) => void loaded.push(got) } }));
  await b.space.whenSynced();
  expect(loaded).toHaveLength(1);
  expect(Buffer.compare(loaded[0]!, state)).toBe(0);
  expect(b.texts()).toEqual([]);
  quiet(relay, a, b);
});

test('what is read while the app makes its state is not claimed to be in the snapshot', async () => {
  const relay = await new HonestRelay().start();
  let finish: (state: Uint8Array) => void = () => undefined;
  let asked = false;
  const create = (): Promise<Uint8Array> => {
    asked = true;
    return new Promise((resolve) => {
      finish = resolve;
    });
  };
  const a = tracked(await createDevice(relay, { snapshot: { create, load: () => undefined } }));
  await a.space.push(bytes('in it')).durable('relay');
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link));
  const stored = a.space.snapshot();
  await until('asked', () => asked);
  b.space.push(bytes('meanwhile'));
  await until('a read it', () => a.texts().includes('meanwhile'));
  finish(bytes('in it'));
  expect(await stored).toBe(1);
  expect(parseManifest(relay.disk().snapshots[0]!.manifest).size).toBe(1);
  const c = tracked(await openDevice(relay, a.space.link, { snapshot: { create: () => bytes(''), load: () => undefined } }));
  await c.space.whenSynced();
  expect(c.texts()).toEqual(['meanwhile']);
  quiet(relay, a, b, c);
});

test('a log reset ends the snapshot under way, and the next one holds', async () => {
  const relay = await new HonestRelay().start();
  const finish: ((state: Uint8Array) => void)[] = [];
  const create = (): Promise<Uint8Array> =>
    new Promise((resolve) => {
      finish.push(resolve);
    });
  const a = tracked(await createDevice(relay, { snapshot: { create, load: () => undefined } }));
  await a.space.push(bytes('kept')).durable('relay');
  await a.space.whenSynced();
  const backup = relay.backup();
  const ended = expect(a.space.snapshot()).rejects.toMatchObject({ code: 'snapshot_rejected', temporary: true });
  await until('asked', () => finish.length === 1);
  await relay.restore(backup);
  await until('reset', () => a.told['log-reset'] === 1);
  finish[0]!(bytes('old'));
  await ended;
  await a.space.whenSynced();
  const again = a.space.snapshot();
  await until('asked again', () => finish.length === 2);
  finish[1]!(bytes('new'));
  expect(await again).toBe(1);
  quiet(relay, a);
});

/** Keeps roster changes from one device until it is told to show them. */
class SlowRosterRelay extends HonestRelay {
  keptFrom: string | undefined;

  protected override rosterNews(session: RelaySession, space: SpaceRecord): ReturnType<HonestRelay['rosterNews']> {
    return toHex(session.device) === this.keptFrom ? null : super.rosterNews(session, space);
  }

  show(): void {
    const [kept] = [...this.sessions].filter(({ device }) => toHex(device) === this.keptFrom);
    this.keptFrom = undefined;
    const { chain, keyring } = this.disk();
    kept!.send({ type: 'RosterUpdate', chain, keyring });
  }
}

test('an entry of an unknown key epoch waits for its key, and neither it nor what follows is acked or stored before', async () => {
  const relay = await new SlowRosterRelay().start();
  const a = tracked(await createDevice(relay));
  await a.space.push(bytes('one')).durable('relay');
  const storage = new MemoryDeviceStore();
  const b = tracked(await openDevice(relay, a.space.link, { storage }));
  const c = await openDevice(relay, a.space.link);
  await Promise.all([b.space.whenSynced(), c.space.whenSynced()]);
  const removed = c.space.device;
  await c.space.close();
  await until('b stored its position', () => relay.disk().acks.has(b.space.device));
  relay.keptFrom = b.space.device;
  await a.space.removeDevice(removed);
  const write = a.space.push(bytes('under the new key'));
  await write.durable('relay');
  await a.space.push(bytes('and after it')).durable('relay');
  await until('b folded them', () => b.space.size === 3);
  await new Promise((resolve) => {
    setTimeout(resolve, 1200);
  });
  expect(b.texts()).toEqual(['one']);
  expect(write.state).toBe('stored');
  expect((await storage.load())!.log!.tree.size).toBe(1);
  relay.show();
  await write.durable('device', { signal: AbortSignal.timeout(5000) });
  expect(b.texts()).toEqual(['one', 'under the new key', 'and after it']);
  expect((await storage.load())!.log!.tree.size).toBe(3);
  quiet(relay, a, b);
});

test('a snapshot whose author was removed is not used', async () => {
  const relay = await new HonestRelay().start();
  const snapshot = { create: () => bytes('poisoned'), load: () => undefined };
  const a = tracked(await createDevice(relay));
  await a.space.push(bytes('one')).durable('relay');
  const b = await openDevice(relay, a.space.link, { snapshot });
  await b.space.whenSynced();
  await b.space.snapshot();
  await b.space.close();
  await a.space.removeDevice(b.space.device);
  const loaded: Uint8Array[] = [];
  const c = tracked(await openDevice(relay, a.space.link, { snapshot: { create: () => bytes(''), load: (state) => void loaded.push(state) } }));
  await c.space.whenSynced();
  expect([loaded.length, c.texts()]).toEqual([0, ['one']]);
  expect(c.errors).toEqual([expect.stringContaining('snapshot_rejected')]);
});

test('a snapshot that ends below the floor is no start', async () => {
  const relay = await new HonestRelay().start();
  const snapshot = { create: () => bytes('old'), load: () => undefined };
  const a = tracked(await createDevice(relay, { snapshot }));
  await a.space.push(bytes('one')).durable('relay');
  await a.space.whenSynced();
  await a.space.snapshot();
  for (const text of ['two', 'three', 'four']) await a.space.push(bytes(text)).durable('relay');
  relay.forget(3);
  const c = tracked(await openDevice(relay, a.space.link, { snapshot }));
  await until('c gave up', () => c.space.status.status === 'failed');
  expect(c.space.status.error).toMatchObject({ code: 'snapshot_rejected' });
  expect(kinds(c)).toEqual([]);
});
