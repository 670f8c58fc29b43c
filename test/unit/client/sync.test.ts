import { afterEach, expect, test } from 'vitest';
import type { ClientError } from '../../../src/client/client-error.js';
import type { PushFrame } from '../../../src/protocol/client-frame.js';
import { HonestRelay } from '../../support/honest-relay.js';
import type { RelaySession, SpaceRecord, StoredEntry } from '../../support/honest-relay.js';
import { bytes, createDevice, kinds, openDevice, until } from '../../support/test-space.js';
import type { TestDevice } from '../../support/test-space.js';

const devices: TestDevice[] = [];
function tracked(device: TestDevice): TestDevice {
  devices.push(device);
  return device;
}

afterEach(async () => {
  for (const device of devices.splice(0)) await device.space.close();
});

test('two devices exchange entries, receipts and acks', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay));
  const write = a.space.push(bytes('one'));
  await write.durable('relay');
  expect(write.state).toBe('stored');
  const b = tracked(await openDevice(relay, a.space.link));
  await b.space.whenSynced();
  expect(b.texts()).toEqual(['one']);
  b.space.push(bytes('two'));
  await until('a reads', () => a.texts().length === 2);
  expect(a.texts()).toEqual(['one', 'two']);
  expect(a.entries.map(({ own }) => own)).toEqual([true, false]);
  await write.durable('device');
  expect(write.seenBy).toEqual([b.space.device]);
  expect([...kinds(a), ...kinds(b), ...a.errors, ...b.errors]).toEqual([]);
  expect(relay.failures).toEqual([]);
});

function quiet(relay: HonestRelay, ...all: TestDevice[]): void {
  expect(all.flatMap((device) => [...kinds(device), ...device.errors])).toEqual([]);
  expect(relay.failures).toEqual([]);
}

test('a device that was offline catches up, and its own writes follow', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay));
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link));
  await b.space.whenSynced();
  b.space.goOffline();
  for (let i = 0; i < 30; i += 1) a.space.push(bytes(`a${i}`));
  const offline = b.space.push(bytes('b'));
  expect(b.space.hasUnsyncedChanges).toBe(true);
  await a.space.whenSynced();
  expect(offline.state).toBe('queued');
  b.space.goOnline();
  await b.space.whenSynced();
  await a.space.whenSynced();
  await until('a reads b', () => a.texts().includes('b'));
  expect(b.texts()).toEqual(a.texts());
  expect(b.texts()).toHaveLength(31);
  quiet(relay, a, b);
});

test('a space works before the relay was ever reached', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay, { offline: true }));
  const write = a.space.push(bytes('early'));
  await until('sealed', () => write.pushSeq === 1);
  expect(a.space.status.status).toBe('offline');
  a.space.goOnline();
  await write.durable('relay');
  quiet(relay, a);
});

class BusyRelay extends HonestRelay {
  readonly seen: { readonly first: number; readonly at: number }[] = [];
  /** The push_seq that is refused once, and for how long. */
  refuse = { at: 0, ms: 0 };

  get open(): number {
    return this.sessions.size;
  }

  protected override busyFor(frame: PushFrame): number {
    this.seen.push({ first: frame.pushSeqFirst, at: performance.now() });
    const { at, ms } = this.refuse;
    if (frame.pushSeqFirst !== at) return 0;
    this.refuse = { at: 0, ms: 0 };
    return ms;
  }
}

test('a push refused as busy comes again after the time the relay gave, what followed it behind it, on the same connection', async () => {
  const relay = await new BusyRelay().start();
  const a = tracked(await createDevice(relay));
  await a.space.push(bytes('0')).durable('relay');
  relay.seen.length = 0;
  relay.refuse = { at: 2, ms: 1500 };
  const expected = ['0'];
  for (let i = 1; i <= 5; i += 1) {
    expected.push(String(i));
    a.space.push(bytes(String(i)));
    await until(`push ${i} was sent`, () => relay.seen.length >= i);
  }
  await a.space.whenSynced();
  await until('a reads all', () => a.texts().length === expected.length);
  expect(a.texts()).toEqual(expected);
  const again = relay.seen.findIndex(({ first }, i) => first === 2 && i > 0);
  // Nothing was sent in between: what the first refusal found in flight was sent before it.
  const before = relay.seen.slice(0, again);
  expect(before.map(({ first }) => first)).toEqual(before.map((_, i) => i + 2));
  expect((relay.seen[again]?.at ?? 0) - (before[0]?.at ?? 0)).toBeGreaterThanOrEqual(1490);
  expect([relay.open, a.errors]).toEqual([1, []]);
  quiet(relay, a);
});

/** Has no room for what is pushed until somebody makes some. */
class FullRelay extends HonestRelay {
  isFull = true;

  protected override lacking(): { used: number; allowed: number; needed: number } | null {
    return this.isFull ? { used: 90, allowed: 100, needed: 50 } : null;
  }
}

test('what a quota refuses waits where the app sees it, says what is needed, and goes by itself once there is room', async () => {
  const relay = await new FullRelay().start();
  const a = tracked(await createDevice(relay));
  const refusals: ClientError[] = [];
  a.space.on('error', (error) => refusals.push(error));
  const writes = [a.space.push(bytes('one')), a.space.push(bytes('two'))];
  await until('the app is told', () => refusals.length > 0);
  expect(refusals[0]).toMatchObject({ code: 'quota_exceeded', temporary: true, quota: 'space_bytes', used: 90, allowed: 100, needed: 50 });
  expect([writes.map(({ state }) => state), a.space.hasUnsyncedChanges, a.space.status.status]).toEqual([['queued', 'queued'], true, 'online']);
  relay.isFull = false;
  await Promise.all(writes.map((write) => write.durable('relay', { signal: AbortSignal.timeout(20_000) })));
  await until('a reads all', () => a.texts().length === 2);
  expect([a.texts(), a.space.hasUnsyncedChanges]).toEqual([['one', 'two'], false]);
  expect(kinds(a)).toEqual([]);
});

/** Answers pushes that come within some milliseconds with one receipt. */
class JoiningRelay extends HonestRelay {
  pushes = 0;
  receipts = 0;
  #waiting: { frame: PushFrame; seqFirst: number; entries: readonly StoredEntry[] }[] = [];

  // What it answers it sends later, so that more comes meanwhile.
  protected override receipt(session: RelaySession, view: SpaceRecord, frame: PushFrame, seqFirst: number, entries: readonly StoredEntry[]): Promise<void> {
    this.pushes += 1;
    this.#waiting.push({ frame, seqFirst, entries });
    const count = this.#waiting.length;
    setTimeout(() => {
      const [first] = this.#waiting;
      if (first === undefined || this.#waiting.length !== count) return;
      const all = this.#waiting.flatMap((waiting) => waiting.entries);
      this.#waiting = [];
      this.receipts += 1;
      super.receipt(session, view, first.frame, first.seqFirst, all).catch((cause: unknown) => this.failures.push(String(cause)));
    }, 100);
    return Promise.resolve();
  }
}

test('one receipt may answer several pushes', async () => {
  const relay = await new JoiningRelay().start();
  const a = tracked(await createDevice(relay));
  await a.space.whenSynced();
  // More in all than may be in flight: what a receipt answered must not count as under way.
  for (let i = 1; i <= 100; i += 1) {
    a.space.push(bytes(String(i)));
    await until(`push ${i} was sent`, () => relay.pushes >= i);
    if (i % 20 === 0) await a.space.whenSynced();
  }
  await until('a reads all', () => a.texts().length === 100);
  expect(relay.receipts).toBeLessThan(relay.pushes / 2);
  quiet(relay, a);
});

test('many pushes in flight survive crashes of the relay without loss or doubles', async () => {
  const relay = await new HonestRelay({ entriesPerFrame: 7 }).start();
  const a = tracked(await createDevice(relay));
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link));
  const expected: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    for (let i = 0; i < 40; i += 1) {
      expected.push(`${round}/${i}`);
      a.space.push(bytes(`${round}/${i}`));
      if (i % 4 === 0) await new Promise(setImmediate);
    }
    relay.crash();
  }
  await a.space.whenSynced();
  await b.space.whenSynced();
  await until('b has all', () => b.texts().length === expected.length);
  expect(b.texts()).toEqual(expected);
  expect(a.texts()).toEqual(expected);
  quiet(relay, a, b);
});

test('after a restored backup own receipted entries are pushed again and nobody is accused', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay));
  a.space.push(bytes('kept'));
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link));
  await b.space.whenSynced();
  const backup = relay.backup();
  await a.space.push(bytes('lost')).durable('device');
  await relay.restore(backup);
  await until('a follows the reset', () => a.told['log-reset'] === 1 && b.told['log-reset'] === 1);
  const after = b.space.push(bytes('after'));
  await after.durable('relay');
  await a.space.whenSynced();
  await b.space.whenSynced();
  await until('both read on', () => a.texts().length === 3 && b.texts().length === 3);
  expect(a.texts()).toEqual(['kept', 'lost', 'after']);
  const c = tracked(await openDevice(relay, a.space.link));
  await c.space.whenSynced();
  expect(new Set(c.texts())).toEqual(new Set(['kept', 'after']));
  quiet(relay, a, b, c);
});

test('removing a device makes a new key epoch, and entries sealed before are sealed again', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay));
  await a.space.whenSynced();
  const b = tracked(await openDevice(relay, a.space.link));
  const c = tracked(await openDevice(relay, a.space.link));
  await Promise.all([b.space.whenSynced(), c.space.whenSynced()]);
  expect(a.space.devices()).toHaveLength(3);
  b.space.goOffline();
  const waiting = [b.space.push(bytes('sealed')), b.space.push(bytes('under')), b.space.push(bytes('the old epoch'))];
  await until('sealed', () => waiting.every(({ pushSeq }) => pushSeq !== null));
  await a.space.removeDevice(c.space.device);
  await until('c is out', () => c.space.status.status === 'failed');
  expect(c.space.status.error?.code).toBe('removed');
  b.space.goOnline();
  await Promise.all(waiting.map((write) => write.durable('relay')));
  await until('a opens them', () => a.texts().length === 3);
  expect(a.texts()).toEqual(['sealed', 'under', 'the old epoch']);
  expect(relay.disk().entries.every(({ keyEpoch }) => keyEpoch === 2)).toBe(true);
  quiet(relay, a, b);
});

test('a new device starts from a snapshot, and an expired cursor proves the forgotten history', async () => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay, { snapshot: { create: () => bytes(a.texts().join()), load: () => undefined } }));
  await a.space.whenSynced();
  const loaded: string[] = [];
  const load = (state: Uint8Array): void => {
    loaded.push(new TextDecoder().decode(state));
  };
  const b = tracked(await openDevice(relay, a.space.link, { snapshot: { create: () => bytes(''), load } }));
  await b.space.whenSynced();
  b.space.goOffline();
  const queued = b.space.push(bytes('mine'));
  for (let i = 0; i < 20; i += 1) a.space.push(bytes(`x${i}`));
  await a.space.whenSynced();
  const size = await a.space.snapshot();
  expect(size).toBe(a.space.size);
  relay.forget(size);
  a.space.push(bytes('tail'));
  await a.space.whenSynced();
  const c = tracked(await openDevice(relay, a.space.link, { snapshot: { create: () => bytes(''), load } }));
  await c.space.whenSynced();
  expect(c.texts()).toEqual(['tail']);
  b.space.goOnline();
  await queued.durable('relay');
  await b.space.whenSynced();
  const state = Array.from({ length: 20 }, (_, i) => `x${i}`).join();
  expect(loaded).toEqual([state, state]);
  await until('c reads b', () => c.texts().includes('mine'));
  quiet(relay, a, b, c);
});

test.each([1, 2])('%i changes of a roster that was put back, beside a change this device knows, accuse nobody', async (changes) => {
  const relay = await new HonestRelay().start();
  const a = tracked(await createDevice(relay));
  await a.space.whenSynced();
  const backup = relay.backup();
  // Made before the change, so it names no newer roster than the backup has.
  const { link } = a.space;
  await (await openDevice(relay, link)).space.close();
  await until('a knows two devices', () => a.space.devices().length === 2);
  a.space.goOffline();
  await relay.restore(backup);
  const others = [];
  for (let n = 0; n < changes; n += 1) others.push(tracked(await openDevice(relay, link)));
  a.space.goOnline();
  await until('a gave up', () => a.space.status.status === 'failed');
  expect(a.space.status.error).toMatchObject({ code: 'roster_conflict', temporary: false });
  quiet(relay, a, ...others);
});
