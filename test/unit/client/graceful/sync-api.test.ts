import { describe, expect, test } from 'vitest';
import { createSyncApi, SharedSyncApi, MemoryJournal, type SyncApi, type SyncApiOptions, type SyncChange } from '../../../../src/client/graceful/index.js';
import { platformEnvironment } from '../../../../src/client/environment.js';
import { MARKS_MAX } from '../../../../src/client/graceful/limits.js';
import { RelayWorld } from '../../../support/graceful-relays.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { runClock } from '../../../support/run-clock.js';

const KEY = new Uint8Array(32).fill(7);
const EU = { id: 'eu', endpoint: 'https://eu.example' };
const US = { id: 'us', endpoint: 'https://us.example' };
const BASE = { protocol_version: '1.0.0', sync_vector: {} };

function change(id: string, fields: Partial<SyncChange> = {}): SyncChange {
  return { id, entity_type: 'TRANSACTION', entity_id: `entity of ${id}`, operation: 'CREATE', encrypted_payload: `payload of ${id}`, version_vector: { laptop: 3, phone: 1 }, timestamp: 500, ...fields };
}

function scene(hosts: readonly (typeof EU)[] = [EU]) {
  const clock = new ManualClock();
  const world = new RelayWorld(clock, ['eu.example', 'us.example']);
  const relays = hosts;
  const device = (options: Partial<SyncApiOptions> = {}): SyncApi => createSyncApi({ relays, key: KEY, fetch: world.fetch, environment: clock, retries: 0, ...options });
  const run = <T>(work: Promise<T>): Promise<T> => runClock(clock, work);
  const push = (api: SyncApi, changes: SyncChange[], device_id = 'laptop') => run(api.push({ ...BASE, device_id, timestamp: clock.now(), changes }));
  const pull = (api: SyncApi, since_timestamp = clock.now(), device_id = 'phone') => run(api.pull({ ...BASE, device_id, since_timestamp }));
  const [eu, us] = [world.relays['eu.example']!, world.relays['us.example']!];
  eu.latencyMs = 5;
  us.latencyMs = 50;
  const rest = async (ms: number): Promise<void> => {
    const stepMs = Math.max(1, ms / 1000);
    for (let at = 0; at < ms; at += stepMs) {
      clock.advance(stepMs);
      await new Promise(setImmediate);
    }
  };
  /** Sealing takes real time, so a virtual one says nothing about when something is done. */
  const until = async (isSo: () => boolean): Promise<void> => {
    for (const start = performance.now(); performance.now() - start < 30_000 && !isSo(); ) await rest(1);
    expect(isSo()).toBe(true);
  };
  return { clock, world, device, run, push, pull, eu, us, rest, until };
}

const ids = (changes: readonly SyncChange[]): string[] => changes.map(({ id }) => id);

describe('what is pushed', () => {
  test('reaches the other device as it was, and the answer has the shape of the original', async () => {
    const { device, push, pull } = scene();
    const given = [change('a'), change('b', { operation: 'DELETE', encrypted_payload: '"é\u0000"', timestamp: 7.5 })];
    const answer = await push(device(), given);
    expect(answer).toEqual({ protocol_version: '1.0.0', success: true, accepted: ['a', 'b'], rejected: [], queued: [], stored_by: 'relay', timestamp: expect.any(Number) });
    const page = await pull(device(), 0);
    expect(page).toEqual({ protocol_version: '1.0.0', changes: given.map((one) => ({ ...one, device_id: 'laptop' })), has_more: false, timestamp: expect.any(Number) });
    expect((await pull(device(), 0, 'laptop')).changes).toEqual([]);
  });

  test('shows the relay nothing but times and sizes: neither words, ids, vectors, nor what is of the same kind', async () => {
    const { device, push, eu } = scene();
    await push(device(), [change('a'), change('b', { entity_type: 'ACCOUNT', operation: 'DELETE' }), change('c', { entity_id: 'entity of a' })]);
    const seen = eu.bodies.join('\n');
    for (const word of ['TRANSACTION', 'ACCOUNT', 'CREATE', 'DELETE', 'entity of', 'payload of', 'laptop', 'phone', '"a"']) expect(seen).not.toContain(word);
    const [a, b, c] = eu.stored;
    expect([a!.entity_type, a!.operation, a!.version_vector]).toEqual([b!.entity_type, b!.operation, b!.version_vector]);
    expect(new Set([a!.entity_id, b!.entity_id, c!.entity_id]).size).toBe(3);
    expect(new Set([a, b, c].map((one) => one!.encrypted_payload.length)).size).toBe(1);
  });

  test('may be compared by entity when a strict relay is to', async () => {
    const { device, push, eu } = scene();
    await push(device({ compareEntities: true }), [change('a', { entity_id: 'x' }), change('b', { entity_id: 'x' }), change('c', { entity_id: 'y' }), change('d', { entity_id: 'x', entity_type: 'ACCOUNT' })]);
    const [a, b, c, d] = eu.stored.map(({ entity_id }) => entity_id);
    expect([a === b, a === c, a === d]).toEqual([true, false, false]);
  });

  test('again is the same change, also by a device that forgot its queue, and is stored once', async () => {
    const { device, push, eu } = scene();
    const api = device();
    for (const one of [api, api, device()]) expect((await push(one, [change('a')])).accepted).toEqual(['a']);
    expect((await push(device(), [change('a', { version_vector: { phone: 1, laptop: 3 } })])).accepted).toEqual(['a']);
    expect(eu.stored.length).toBe(1);
    const other = await push(device(), [change('a', { encrypted_payload: 'something else' })]);
    expect(other).toMatchObject({ success: false, accepted: [], rejected: [{ id: 'a', reason: 'Duplicate or outdated change' }] });
  });

  test('and is no change is rejected by name, and the rest is taken', async () => {
    const { device, push } = scene();
    const bad = [change('a', { entity_id: '' }), change('b', { encrypted_payload: 'x'.repeat(7 * 1024 * 1024) }), change('c', { id: 'c'.repeat(2000) }), change('d', { timestamp: Number.NaN })];
    const { accepted, rejected, success } = await push(device(), [...bad, change('good')]);
    expect([success, accepted]).toEqual([false, ['good']]);
    expect(rejected.map(({ reason }) => reason)).toEqual(['Missing required fields', 'Change too large', 'Invalid fields', 'Missing required fields']);
  });

  test('250 changes come in order, page by page', async () => {
    const { device, push, pull } = scene();
    const given = Array.from({ length: 250 }, (_, n) => change(`n${n}`));
    expect((await push(device(), given)).accepted.length).toBe(250);
    const phone = device();
    const got: string[] = [];
    for (let since = 0, more = true; more; ) {
      const page = await pull(phone, since);
      got.push(...ids(page.changes));
      [since, more] = [page.timestamp, page.has_more];
    }
    expect(got).toEqual(ids(given));
  });
});

describe('a relay that is away', () => {
  test('what is pushed is queued, told so, and stored when it is back, without another word of the app', async () => {
    const { device, push, eu, until } = scene();
    const api = device();
    const accepted: string[] = [];
    api.on('accepted', (event) => accepted.push(...event.ids));
    eu.mood = 'down';
    expect(await push(api, [change('a')])).toMatchObject({ success: false, accepted: [], rejected: [], queued: ['a'], stored_by: 'relay' });
    expect(api.pending).toBe(1);
    eu.mood = 'well';
    await until(() => accepted.length > 0);
    expect([eu.stored.length, accepted, api.pending]).toEqual([1, ['a'], 0]);
  });

  test('what is pushed again while it is being sent is accepted as soon as it is stored', async () => {
    // In real time: what is looked at is who is faster, the sender or the sealing.
    const { after } = platformEnvironment();
    const world = new RelayWorld({ after }, ['eu.example']);
    const relay = world.relays['eu.example']!;
    const journal = new MemoryJournal();
    const open = (): SyncApi => createSyncApi({ relays: [EU], key: KEY, journal, fetch: world.fetch, retries: 0, pushWaitMs: 5000 });
    const request = { ...BASE, device_id: 'laptop', timestamp: 1, changes: Array.from({ length: 150 }, (_, n) => change(`n${n}`)) };
    relay.mood = 'down';
    const before = open();
    expect((await before.push(request)).queued.length).toBe(150);
    await before.close();
    relay.mood = 'well';
    const next = open();
    expect((await next.push(request)).accepted.length).toBe(150);
    expect(relay.stored.length).toBe(150);
    await next.close();
  });

  test('the queue survives a restart in the journal, sealed', async () => {
    const { device, push, pull, eu, until, run } = scene();
    const journal = new MemoryJournal();
    const api = device({ journal });
    eu.mood = 'down';
    await push(api, [change('a'), change('b')]);
    await run(api.close());
    const kept = (await journal.load()).map((record) => new TextDecoder().decode(record)).join('\n');
    for (const word of ['TRANSACTION', 'CREATE', 'entity of', 'payload of', 'laptop', 'phone']) expect(kept).not.toContain(word);
    eu.mood = 'well';
    const next = device({ journal });
    const accepted: string[] = [];
    next.on('accepted', (event) => accepted.push(...event.ids));
    await until(() => accepted.length === 2);
    expect([accepted, next.pending]).toEqual([['a', 'b'], 0]);
    expect(ids((await pull(device(), 0)).changes)).toEqual(['a', 'b']);
  });

  test.each([false, true])('an answer that is lost costs nothing and doubles nothing (strict relay: %s)', async (isStrict) => {
    const { device, push, eu, until } = scene();
    const api = device();
    eu.isStrict = isStrict;
    eu.mood = 'lost';
    expect((await push(api, [change('a')])).queued).toEqual(['a']);
    eu.mood = 'well';
    await until(() => api.pending === 0);
    expect(eu.stored.length).toBe(1);
    expect((await push(api, [change('b')])).accepted).toEqual(['b']);
  });

  test('one that has no room is asked again, and one that says never is believed', async () => {
    const { device, push, eu, until } = scene();
    const api = device();
    const rejected: string[] = [];
    api.on('rejected', ({ id, reason }) => rejected.push(`${id}: ${reason}`));
    eu.refuses = 'Storage quota exceeded';
    expect((await push(api, [change('a')])).queued).toEqual(['a']);
    eu.refuses = null;
    await until(() => api.pending === 0);
    eu.refuses = 'Invalid fields';
    expect((await push(api, [change('b')])).rejected).toEqual([{ id: 'b', reason: 'Invalid fields' }]);
    expect([rejected, api.pending]).toEqual([['b: Invalid fields'], 0]);
  });

  test('one that asks for time is left alone that long, whatever the app pushes', async () => {
    const { device, push, eu, until, clock } = scene();
    const api = device();
    await push(api, []);
    eu.mood = { status: 429, code: 'RATE_LIMIT_EXCEEDED', retryAfter: 600 };
    const start = clock.now();
    await push(api, [change('a')]);
    const asked = eu.asked.length;
    for (const id of ['b', 'c', 'd']) expect((await push(api, [change(id)])).queued).toEqual([id]);
    expect(eu.asked.length).toBe(asked);
    eu.mood = 'well';
    clock.advance(Math.max(0, start + 599_000 - clock.now()));
    await new Promise(setImmediate);
    expect(eu.asked.length).toBe(asked);
    clock.advance(5000);
    await until(() => eu.stored.length === 4);
  });

  test('a full queue rejects by name', async () => {
    const { device, push, eu } = scene();
    eu.mood = 'down';
    const few = device({ queueLimits: { waitingMax: 3 } });
    expect(await push(few, ['a', 'b', 'c', 'd'].map((id) => change(id)))).toMatchObject({ queued: ['a', 'b', 'c'], rejected: [{ id: 'd', reason: 'outbox_full' }] });
    expect(await push(few, [change('a'), change('e')])).toMatchObject({ queued: ['a'], rejected: [{ id: 'e', reason: 'outbox_full' }] });
    const small = device({ queueLimits: { waitingBytesMax: 4000 } });
    expect(await push(small, [change('a'), change('b', { encrypted_payload: 'x'.repeat(4000) })])).toMatchObject({ queued: ['a'], rejected: [{ id: 'b', reason: 'outbox_full' }] });
  });

  test('pushes at the same time are queued in their order', async () => {
    const { device, run, eu, clock } = scene();
    const api = device();
    const given = Array.from({ length: 20 }, (_, n) => change(`n${n}`, { encrypted_payload: 'x'.repeat((20 - n) * 1000) }));
    await run(Promise.all(given.map((one) => api.push({ ...BASE, device_id: 'laptop', timestamp: clock.now(), changes: [one] }))));
    const got = await run(device().pull({ ...BASE, device_id: 'phone', since_timestamp: 0 }));
    expect([eu.stored.length, ids(got.changes)]).toEqual([20, ids(given)]);
  });

  test('a push that is too large for the relay goes change by change; a change that is, never', async () => {
    const { device, push, eu } = scene();
    const api = device();
    eu.changesMax = 1;
    expect((await push(api, [change('a'), change('b')])).accepted).toEqual(['a', 'b']);
    eu.changesMax = 0;
    expect((await push(api, [change('c')])).rejected).toEqual([{ id: 'c', reason: 'Change too large' }]);
  });
});

describe('two relays', () => {
  test('get every change, so that devices that are near to different ones meet', async () => {
    const { device, push, pull, eu, us, until } = scene([EU, US]);
    await push(device({ region: 'eu' }), [change('a')]);
    await push(device({ region: 'us' }), [change('b')], 'tablet');
    await until(() => eu.stored.length === 2 && us.stored.length === 2);
    expect(new Set(ids((await pull(device({ region: 'us' }), 0)).changes))).toEqual(new Set(['a', 'b']));
  });

  test('of which one is away: the other one takes over at once, and the first gets what it missed when it is back', async () => {
    const { device, push, pull, eu, us, rest } = scene([EU, US]);
    const [laptop, phone] = [device(), device()];
    await push(laptop, [change('before')]);
    eu.mood = 'down';
    expect((await push(laptop, [change('during')])).accepted).toEqual(['during']);
    expect(ids((await pull(phone, 0)).changes)).toEqual(['before', 'during']);
    expect([eu.stored.length, us.stored.length]).toEqual([1, 2]);
    eu.mood = 'well';
    await rest(61_000);
    expect(eu.stored.length).toBe(2);
    await push(laptop, [change('after')]);
    await rest(500);
    expect(ids((await pull(phone)).changes)).toEqual(['after']);
  });

  test('of which one stays away: what it lacks survives a restart of the app', async () => {
    const { device, push, us, eu, rest, run, until } = scene([EU, US]);
    const journal = new MemoryJournal();
    const api = device({ journal });
    await push(api, []);
    us.mood = 'down';
    await push(api, [change('a')]);
    await rest(200);
    await run(api.close());
    us.mood = 'well';
    const next = device({ journal });
    await until(() => us.stored.length === 1);
    expect(eu.stored.length).toBe(1);
    await run(next.close());
    const kept = device({ journal });
    expect((await push(kept, [change('a')])).accepted).toEqual(['a']);
  });

  test('that share a store get nothing twice', async () => {
    const { device, push, us, rest } = scene([EU, US]);
    await push(device({ relaysShareStore: true }), [change('a')]);
    await rest(500);
    expect(us.stored).toEqual([]);
  });

  test('of which one has a change and the other refuses it: it is stored, and not offered again', async () => {
    const { device, push, us, rest } = scene([EU, US]);
    const api = device();
    const rejected: string[] = [];
    api.on('rejected', ({ id }) => rejected.push(id));
    us.refuses = 'Invalid fields';
    expect((await push(api, [change('a')])).accepted).toEqual(['a']);
    await rest(500);
    const asked = us.bodies.length;
    await rest(120_000);
    expect([us.bodies.length, rejected]).toEqual([asked, []]);
  });
});

describe('pulls', () => {
  test('since an earlier time give the same again, since a later one what is new, and since 0 everything', async () => {
    const { device, push, pull, clock } = scene();
    const [laptop, phone] = [device(), device()];
    await push(laptop, [change('a')]);
    const first = await pull(phone, 0);
    const before = clock.now() - 1000;
    await push(laptop, [change('b')]);
    const second = await pull(phone, first.timestamp);
    expect([ids(first.changes), ids(second.changes)]).toEqual([['a'], ['b']]);
    expect(ids((await pull(phone, first.timestamp)).changes)).toEqual(['b']);
    expect(ids((await pull(phone, before)).changes)).toEqual(['a', 'b']);
    expect(ids((await pull(phone)).changes)).toEqual([]);
    expect(ids((await pull(phone, 0)).changes)).toEqual(['a', 'b']);
  });

  test('lose nothing to a clock that is far ahead of the relay or goes back', async () => {
    const { device, push, pull, clock } = scene();
    const [laptop, phone] = [device(), device()];
    clock.advance(10_000_000);
    await pull(phone);
    await push(laptop, [change('late', { timestamp: 3 })]);
    expect(ids((await pull(phone)).changes)).toEqual(['late']);
    expect(ids((await pull(phone, 5)).changes)).toEqual(['late']);
  });

  test('go on after a restart where they were', async () => {
    const { device, push, pull, clock } = scene();
    const journal = new MemoryJournal();
    const laptop = device();
    await push(laptop, [change('a')]);
    await pull(device({ journal }), 0);
    await push(laptop, [change('b')]);
    expect(ids((await pull(device({ journal }), clock.now())).changes)).toEqual(['b']);
  });

  test('remember a bounded number of answers; who goes back further gets everything', async () => {
    const { device, push, pull, clock } = scene();
    const [laptop, phone] = [device(), device()];
    const start = clock.now();
    for (let n = 0; n < MARKS_MAX + 5; n += 1) {
      await push(laptop, [change(`n${n}`)]);
      await pull(phone);
    }
    expect((await pull(phone, start + 1)).changes.length).toBe(MARKS_MAX + 5);
  });

  test('of a relay without cursors go by the newest time', async () => {
    const { device, push, pull, eu } = scene();
    eu.sendsCursors = false;
    const [laptop, phone] = [device(), device()];
    await push(laptop, [change('a', { timestamp: 10 })]);
    expect(ids((await pull(phone, 0)).changes)).toEqual(['a']);
    await push(laptop, [change('b', { timestamp: 20 })]);
    expect(ids((await pull(phone)).changes)).toEqual(['b']);
  });

  test('leave out, and tell of, what was not made with the key or is shown as something else', async () => {
    const { device, push, pull, eu } = scene();
    await push(device({ key: new Uint8Array(32).fill(8), token: 'same' }), [change('strange')]);
    await push(device({ token: 'same' }), [change('good'), change('moved'), change('torn')]);
    eu.stored[2]!.timestamp += 1;
    eu.stored[3]!.encrypted_payload = 'not base64';
    eu.stored.push({ ...eu.stored[1]!, id: 'forged' });
    const phone = device({ token: 'same' });
    const errors: string[] = [];
    phone.on('unreadable', ({ error }) => errors.push((error as Error & { code: string }).code));
    expect(ids((await pull(phone, 0)).changes)).toEqual(['good']);
    expect(errors).toEqual(['commitment', 'header', 'layout', 'header']);
  });
});

describe('without the relay', () => {
  test('pushes are kept on the device and counted, pulls bring nothing, nothing leaves; switched on, everything does', async () => {
    const { device, push, pull, eu, rest, until } = scene();
    const api = device({ enabled: false });
    expect(await push(api, [change('a'), change('b', { entity_type: 'ACCOUNT' })])).toMatchObject({ success: true, accepted: ['a', 'b'], queued: [], stored_by: 'device' });
    expect((await pull(api, 0)).changes).toEqual([]);
    expect(api.getMockStats()).toEqual({ total_changes: 2, by_type: { TRANSACTION: 1, ACCOUNT: 1 }, by_device: { laptop: 2 } });
    expect(await api.health()).toMatchObject({ status: 'ok' });
    expect(eu.asked).toEqual([]);
    api.setUseMock(false);
    await until(() => api.pending === 0);
    expect(eu.stored.length).toBe(2);
    expect(() => api.getMockStats()).toThrow(/in use/);
    api.setUseMock(true);
    await push(api, [change('c')]);
    expect(eu.stored.length).toBe(2);
    api.clearMock();
    await rest(1);
    expect(api.getMockStats().total_changes).toBe(0);
  });
});

test('the shared API rejects until it is configured, and then is what was configured', async () => {
  const { world, clock, run, eu } = scene();
  const shared = new SharedSyncApi(createSyncApi);
  await expect(shared.push({ ...BASE, device_id: 'd', timestamp: 1, changes: [] })).rejects.toMatchObject({ code: 'bad_option' });
  expect(() => shared.setUseMock(true)).toThrow(/not configured/);
  shared.configure({ relays: [EU], key: KEY, fetch: world.fetch, environment: clock });
  expect((await run(shared.push({ ...BASE, device_id: 'd', timestamp: 1, changes: [change('a')] }))).accepted).toEqual(['a']);
  expect(await run(shared.health())).toMatchObject({ status: 'ok' });
  eu.mood = 'down';
  expect(await run(shared.health())).toMatchObject({ status: 'error' });
});

test('the shared API reads a journal once whoever had it before has stopped writing to it', async () => {
  const { world, clock, eu, run, until } = scene();
  let finish: () => void = () => undefined;
  const calls: string[] = [];
  const journal = new (class extends MemoryJournal {
    override async load() {
      calls.push('load');
      return super.load();
    }
    override async append(records: readonly Uint8Array[]) {
      calls.push('append');
      if (calls.length === 2) await new Promise<void>((resolve) => (finish = resolve));
      await super.append(records);
      calls.push('appended');
    }
  })();
  const shared = new SharedSyncApi(createSyncApi);
  const options = { relays: [EU], key: KEY, journal, fetch: world.fetch, environment: clock, retries: 0 };
  shared.configure({ ...options, enabled: false });
  const pushing = shared.push({ ...BASE, device_id: 'd', timestamp: 1, changes: [change('a')] });
  await until(() => calls.length === 2);
  const next = shared.configure(options);
  const pushed = shared.push({ ...BASE, device_id: 'd', timestamp: 1, changes: [change('b')] });
  for (let turns = 0; turns < 50; turns += 1) await new Promise(setImmediate);
  expect(calls).toEqual(['load', 'append']);
  finish();
  expect((await run(pushing)).accepted).toEqual(['a']);
  expect((await run(pushed)).accepted).toEqual(['b']);
  await until(() => next.pending === 0);
  expect([calls.slice(0, 4), eu.stored.length]).toEqual([['load', 'append', 'appended', 'load'], 2]);
});

test('options that are refused leave the shared API as it was', async () => {
  const { world, clock, run } = scene();
  const shared = new SharedSyncApi(createSyncApi);
  shared.configure({ relays: [EU], key: KEY, fetch: world.fetch, environment: clock });
  expect(() => shared.configure({ relays: [EU], key: new Uint8Array(16) })).toThrow(/32 bytes/);
  expect((await run(shared.push({ ...BASE, device_id: 'd', timestamp: 1, changes: [change('a')] }))).accepted).toEqual(['a']);
});

test('acknowledgements and devices go out as tokens, in parts', async () => {
  const { device, run, eu, push } = scene();
  const api = device();
  await push(api, [change('a')]);
  await run(api.acknowledge({ protocol_version: '1.0.0', device_id: 'phone', acknowledged_ids: ['a', ...Array.from({ length: 1500 }, (_, n) => `x${n}`)], timestamp: 1 }));
  expect([eu.acknowledged.length, eu.acknowledged[0]]).toEqual([1501, eu.stored[0]!.id]);
  await run(api.declareDevices(['laptop', 'phone']));
  expect(eu.bodies.at(-1)).not.toMatch(/laptop|phone/);
});

test('a device without a name, a key of the wrong size and a closed API are refused', async () => {
  const { device, push, run } = scene();
  await expect(push(device(), [change('a')], '')).rejects.toMatchObject({ code: 'bad_option' });
  expect(() => device({ key: new Uint8Array(16) })).toThrow(/32 bytes/);
  const api = device();
  await run(api.close());
  await expect(push(api, [change('a')])).rejects.toMatchObject({ code: 'closed' });
});

test('a journal that holds something else is not taken for an empty one', async () => {
  const { device, push } = scene();
  const journal = new MemoryJournal();
  await journal.append([new TextEncoder().encode('{"type":"other"}')]);
  await expect(push(device({ journal }), [change('a')])).rejects.toMatchObject({ code: 'state_damaged' });
});

/** The calls of the original, with types that have its words for types and operations. */
interface OriginalChange extends SyncChange {
  entity_type: 'ACCOUNT' | 'TRANSACTION';
  operation: 'CREATE' | 'UPDATE' | 'DELETE';
}
interface OriginalApi {
  push(request: { protocol_version: string; device_id: string; timestamp: number; changes: OriginalChange[] }): Promise<{ protocol_version: string; success: boolean; accepted: string[]; rejected: Array<{ id: string; reason: string }>; timestamp: number }>;
  pull(request: { protocol_version: string; device_id: string; since_timestamp: number; sync_vector: Record<string, number> }): Promise<{ protocol_version: string; changes: OriginalChange[]; has_more: boolean; timestamp: number }>;
  health(): Promise<{ status: 'ok' | 'error'; timestamp: number }>;
  getMockStats(): { total_changes: number; by_type: Record<string, number>; by_device: Record<string, number> };
  clearMock(): void;
  setUseMock(useMock: boolean): void;
}

test('both APIs can stand where the original stood, as the compiler sees it', () => {
  const apis: readonly OriginalApi[] = [createSyncApi<OriginalChange>({ relays: [EU], key: KEY }), new SharedSyncApi(createSyncApi)];
  expect(apis.length).toBe(2);
});

test('close() does not wait for a relay that says nothing', async () => {
  const { device, clock, eu } = scene();
  const api = device();
  eu.mood = 'silent';
  const pushing = api.push({ ...BASE, device_id: 'laptop', timestamp: 1, changes: [change('a')] });
  while (!eu.asked.includes('/sync/push')) {
    clock.advance(1);
    await new Promise(setImmediate);
  }
  await api.close();
  expect(await pushing).toMatchObject({ queued: ['a'] });
});
