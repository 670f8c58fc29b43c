// Own entries in the part of the log that a snapshot took the place of: the fold never meets them.
import { afterEach, expect, test } from 'vitest';
import { HonestRelay } from '../../support/honest-relay.js';
import type { RelaySession, Snapshot, SpaceRecord } from '../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

const devices: TestDevice[] = [];
const snapshot = { create: () => bytes('state'), load: () => undefined };

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

/** Loses one connection at a chosen moment, and lets nobody in until it is told to. */
class InterruptedRelay extends HonestRelay {
  losesAt: 'receipt' | 'snapshot' | undefined;

  protected override async receipt(...all: Parameters<HonestRelay['receipt']>): Promise<void> {
    if (!this.#loses('receipt', all[0])) await super.receipt(...all);
  }

  protected override snapshotsOf(session: RelaySession, space: SpaceRecord): readonly Snapshot[] {
    return this.#loses('snapshot', session) ? [] : super.snapshotsOf(session, space);
  }

  #loses(moment: 'receipt' | 'snapshot', session: RelaySession): boolean {
    if (this.losesAt !== moment) return false;
    this.losesAt = undefined;
    this.up = false;
    session.close(1006);
    return true;
  }
}

/** A backup takes the place of the log, after a second device pushed b1 to b3 and a read them; that device is offline then. */
async function loseHistory(relay: HonestRelay, a: TestDevice): Promise<[TestDevice, TestDevice]> {
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link, { snapshot }));
  // One that never acks, so that b keeps what it pushed.
  const idle = tracked(await openDevice(relay, a.space.link, { offline: true }));
  await b.space.whenSynced();
  const empty = relay.backup();
  for (const text of ['b1', 'b2', 'b3']) await b.space.push(bytes(text)).durable('relay');
  await until('a reads them', () => a.texts().length === 3);
  b.space.goOffline();
  await relay.restore(empty);
  return [b, idle];
}

test('an entry whose receipt was lost is stored when a snapshot covers it and the relay holds it', async () => {
  const relay = await new InterruptedRelay().start();
  const a = tracked(await createDevice(relay, { snapshot }));
  await a.space.push(bytes('one')).durable('relay');
  const b = tracked(await openDevice(relay, a.space.link, { snapshot, offline: true }));
  const write = b.space.push(bytes('two'));
  await until('sealed', () => write.pushSeq !== null);
  relay.losesAt = 'receipt';
  b.space.goOnline();
  await until('a reads it', () => a.texts().includes('two'));
  expect(write.state).toBe('queued');
  await a.space.whenSynced();
  expect(await a.space.snapshot()).toBe(2);
  relay.up = true;
  await write.durable('relay', { signal: AbortSignal.timeout(5000) });
  await b.space.whenSynced();
  expect(b.texts()).toEqual([]);
  expect(relay.disk().entries).toHaveLength(2);
  quiet(relay, a, b);
});

test('after a log reset, what the author of a snapshot had seen before it is pushed again by its device', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay, { snapshot }));
  const [b, c] = await loseHistory(relay, a);
  await a.space.push(bytes('a1')).durable('relay');
  await a.space.whenSynced();
  await a.space.snapshot();
  const more = b.space.push(bytes('b4'));
  b.space.goOnline();
  await more.durable('relay', { signal: AbortSignal.timeout(5000) });
  await b.space.whenSynced();
  const ofB = relay.disk().entries.filter(({ device }) => Buffer.from(device).toString('hex') === b.space.device);
  expect(ofB.map(({ pushSeq }) => pushSeq)).toEqual([1, 2, 3, 4]);
  quiet(relay, a, b, c);
});

test('who starts from a snapshot is not handed again what its author had from before a log reset and its device has still to push', async () => {
  class OneByOneRelay extends InterruptedRelay {
    protected override limits(): ReturnType<HonestRelay['limits']> {
      return { ...super.limits(), pushEntriesMax: 1 };
    }
  }
  const relay = await new OneByOneRelay().start();
  const shared = { create: () => bytes(a.texts().join()), load: () => undefined };
  const a = tracked(await createDevice(relay, { snapshot: shared }));
  const [b, idle] = await loseHistory(relay, a);
  await until('a is back', () => a.told['log-reset'] === 1);
  relay.losesAt = 'receipt';
  b.space.goOnline();
  await until('b lost its connection behind the first', () => !relay.up);
  b.space.goOffline();
  relay.up = true;
  await until('a reads it', () => a.space.size === 1);
  await a.space.whenSynced();
  expect(relay.disk().entries).toHaveLength(1);
  // One that was made for the reset alone covers nothing.
  for (let size = 0; size < 1; ) size = await a.space.snapshot();
  const states: string[] = [];
  const c = tracked(await openDevice(relay, a.space.link, { snapshot: { create: () => bytes('state'), load: (state) => void states.push(Buffer.from(state).toString()) } }));
  await c.space.whenSynced();
  expect(states).toEqual(['b1,b2,b3']);
  b.space.goOnline();
  await b.space.push(bytes('b4')).durable('relay', { signal: AbortSignal.timeout(5000) });
  await until('c reads it', () => c.texts().includes('b4'));
  expect(c.texts()).toEqual(['b4']);
  quiet(relay, a, b, c, idle);
});

test('a device that followed a log reset in an earlier session can start from a snapshot of the new log epoch', async () => {
  const relay = await new InterruptedRelay().start();
  const a = tracked(await createDevice(relay, { snapshot }));
  for (const text of ['one', 'two']) await a.space.push(bytes(text)).durable('relay');
  await a.space.whenSynced();
  await relay.restore(relay.backup());
  await until('a is back', () => a.told['log-reset'] === 1);
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link, { offline: true, snapshot }));
  relay.losesAt = 'snapshot';
  b.space.goOnline();
  await until('b lost its connection behind the reset', () => relay.losesAt === undefined);
  await a.space.push(bytes('three')).durable('relay');
  await a.space.whenSynced();
  await a.space.snapshot();
  relay.forget(3);
  relay.up = true;
  await b.space.whenSynced({ signal: AbortSignal.timeout(5000) });
  expect(b.space.size).toBe(3);
  quiet(relay, a, b);
});
