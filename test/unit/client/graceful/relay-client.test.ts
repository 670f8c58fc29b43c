import { describe, expect, test } from 'vitest';
import { ClientError } from '../../../../src/client/client-error.js';
import { CallError } from '../../../../src/client/graceful/http-call.js';
import { RelayClient, type RelayClientOptions } from '../../../../src/client/graceful/relay-client.js';
import { MemoryRegionStorage } from '../../../../src/client/region/region-storage.js';
import { RelayWorld } from '../../../support/graceful-relays.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { runClock } from '../../../support/run-clock.js';

const CHANGE = { id: 'c', entity_type: 'T', entity_id: 'e', operation: 'CREATE', encrypted_payload: 'AA==', version_vector: { d: 1 }, timestamp: 5 };
const PUSH = { protocol_version: '1.0.0', device_id: 'd', timestamp: 5, changes: [CHANGE] };
const EU = { id: 'eu', endpoint: 'https://eu.example' };
const US = { id: 'us', endpoint: 'https://us.example' };

function scene(options: Partial<RelayClientOptions> = {}) {
  const clock = new ManualClock();
  const world = new RelayWorld(clock, ['eu.example', 'us.example']);
  const client = new RelayClient({ relays: [EU, US], token: 'secret', fetch: world.fetch, environment: clock, ...options });
  const events: string[] = [];
  client.on('region_changed', ({ from, to, why }) => events.push(`${from ?? '-'} to ${to}: ${why}`));
  client.on('retry', ({ region, delayMs }) => events.push(`${region} again after ${delayMs}`));
  const [eu, us] = [world.relays['eu.example']!, world.relays['us.example']!];
  eu.latencyMs = 20;
  us.latencyMs = 80;
  return { clock, world, client, events, eu, us, run: <T>(work: Promise<T>) => runClock(clock, work) };
}

const codeOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'no error', (cause: unknown) => (cause instanceof ClientError ? cause.code : cause));

describe('the relay that is asked', () => {
  test('is the nearest one that is well, and the answer has the shape of the original', async () => {
    const { client, run, events, eu, us } = scene();
    eu.latencyMs = 200;
    const pushed = await run(client.push(PUSH));
    expect(pushed).toEqual({ protocol_version: '1.0.0', success: true, accepted: ['c'], rejected: [], timestamp: 1 });
    expect([us.ids, eu.ids, client.getCurrentRegion()]).toEqual([['c'], [], 'us']);
    expect(events).toEqual(['- to us: nearest']);
    expect([...us.tokens]).toEqual(['Bearer secret']);
    const { changes, has_more } = await run(client.pull({ protocol_version: '1.0.0', device_id: 'other', since_timestamp: 0, sync_vector: {} }));
    expect([changes, has_more]).toEqual([[{ ...CHANGE, device_id: 'd' }], false]);
  });

  test('is the one the user chose, also in the next run; another choice takes effect at once', async () => {
    const storage = new MemoryRegionStorage();
    const { client, run, us, eu } = scene({ storage });
    await run(client.setRegion('us'));
    await run(client.push(PUSH));
    expect(us.ids).toEqual(['c']);
    const next = scene({ storage });
    await next.run(next.client.push(PUSH));
    expect([next.us.ids, next.client.getCurrentRegion()]).toEqual([['c'], 'us']);
    await run(client.setRegion(null));
    await run(client.push(PUSH));
    expect(eu.ids).toEqual(['c']);
    expect(await run(codeOf(client.setRegion('mars')))).toBe('unknown_region');
    expect(() => new RelayClient({ relays: [EU], region: 'mars' })).toThrow(/no region/);
  });

  test('comes from the list of the first one, but never over a way that is less safe', async () => {
    const { client, world, run, us, eu } = scene({ relays: 'https://eu.example' });
    world.regions = {
      regions: [
        { id: 'eu', name: 'Europe', location: 'Dublin', endpoint: 'https://eu.example', status: 'online' },
        { id: 'us', name: 'America', location: 'Ohio', endpoint: 'https://us.example', status: 'online' },
        { id: 'trap', name: 'Trap', location: 'Nowhere', endpoint: 'http://trap.example', status: 'online' },
      ],
    };
    eu.latencyMs = 90;
    const regions = await run(client.getAvailableRegions());
    expect(regions.map(({ id, latencyMs }) => [id, latencyMs])).toEqual([['eu', 90], ['us', 80]]);
    us.latencyMs = 30;
    await run(client.getAvailableRegions({ force: true }));
    await run(client.push(PUSH));
    expect(us.ids).toEqual(['c']);
  });
});

describe('a relay that fails', () => {
  test('is tried again with growing waits, and then the next one is asked, and it again when it is well', async () => {
    const { client, run, events, clock, eu, us } = scene();
    await run(client.push({ ...PUSH, changes: [] }));
    eu.mood = 'down';
    expect((await run(client.push(PUSH))).accepted).toEqual(['c']);
    expect(events).toEqual(['- to eu: nearest', 'eu again after 125', 'eu again after 250', 'eu to us: failover']);
    expect(us.ids).toEqual(['c']);
    const asked = eu.asked.length;
    await run(client.push(PUSH));
    expect(eu.asked.length).toBe(asked);
    eu.mood = 'well';
    clock.advance(60_000);
    // That it is well again is looked for beside the work.
    await run(client.push({ ...PUSH, changes: [] }));
    await run(new Promise<void>((resolve) => clock.after(1000, resolve)));
    await run(client.push(PUSH));
    expect([eu.ids, client.getCurrentRegion(), events.at(-1)]).toEqual([['c'], 'eu', 'us to eu: nearest']);
  });

  test('is given up when it says nothing in time', async () => {
    const { client, run, clock, eu, us } = scene({ timeoutMs: 2000, retries: 0 });
    await run(client.push({ ...PUSH, changes: [] }));
    eu.mood = 'silent';
    const before = clock.now();
    await run(client.push(PUSH));
    expect(us.ids).toEqual(['c']);
    expect(clock.now() - before).toBeLessThan(2200);
  });

  test('and says nothing costs its time once, and no request after it waits for it again', async () => {
    const { client, run, clock, eu, us } = scene();
    await run(client.push({ ...PUSH, changes: [] }));
    eu.mood = 'silent';
    const took = async (): Promise<number> => {
      const before = clock.now();
      await run(client.push({ ...PUSH, changes: [] }));
      return clock.now() - before;
    };
    const first = await took();
    expect(first).toBeGreaterThan(10_000);
    expect(first).toBeLessThan(30_000);
    for (let minutes = 0; minutes < 5; minutes += 1) {
      await run(new Promise<void>((resolve) => clock.after(61_000, resolve)));
      expect(await took()).toBeLessThan(1000);
    }
    expect(client.getCurrentRegion()).toBe('us');
    // The only one that is left has all the time there is.
    us.mood = 'silent';
    expect(await took().catch((cause: unknown) => (cause as ClientError).code)).toBe('relay_unreachable');
  });

  test('when it drains, the next one answers at once', async () => {
    const { client, run, clock, eu, us } = scene();
    await run(client.push({ ...PUSH, changes: [] }));
    eu.mood = { status: 503, retryAfter: 5 };
    const before = clock.now();
    await run(client.push(PUSH));
    expect(us.ids).toEqual(['c']);
    expect(clock.now() - before).toBeLessThan(500);
  });

  test('that answers something else is one that fails', async () => {
    const { client, run, eu, us } = scene({ retries: 0 });
    eu.answerInstead = { protocol_version: '1.0.0', accepted: 'everything' };
    await run(client.push(PUSH));
    expect(us.ids).toEqual(['c']);
    us.answerInstead = [];
    expect(await run(codeOf(client.push(PUSH)))).toBe('relay_misbehaved');
  });

  test('all of them: the error says so and that it may pass', async () => {
    const { client, run, eu, us } = scene();
    eu.mood = us.mood = 'down';
    const error = await run(client.push(PUSH).catch((cause: unknown) => cause));
    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject({ code: 'relay_unreachable', temporary: true });
  });
});

describe('a refusal', () => {
  test.each([
    [{ status: 401, code: 'UNAUTHORIZED' }, 'unauthorized', false],
    [{ status: 413, code: 'PAYLOAD_TOO_LARGE' }, 'payload_too_large', false],
    [{ status: 400, code: 'INVALID_REQUEST' }, 'relay_refused', false],
    [{ status: 429, code: 'RATE_LIMIT_EXCEEDED', retryAfter: 40 }, 'rate_limited', true],
  ])('%j is the caller’s, and no other relay is asked', async (mood, code, temporary) => {
    const { client, run, eu, us } = scene();
    await run(client.push({ ...PUSH, changes: [] }));
    eu.mood = mood;
    const asked = us.asked.length;
    const error = await run(client.push(PUSH).catch((cause: unknown) => cause));
    expect(error).toMatchObject({ code, temporary, relayCode: mood.code, retryAfterMs: (mood as { retryAfter?: number }).retryAfter === undefined ? 0 : 40_000 });
    expect(us.asked.length).toBe(asked);
  });

  test('that names a short time is waited out', async () => {
    const { client, run, clock, eu } = scene();
    await run(client.push({ ...PUSH, changes: [] }));
    eu.mood = { status: 429, code: 'RATE_LIMIT_EXCEEDED', retryAfter: 3 };
    clock.after(2000, () => (eu.mood = 'well'));
    const before = clock.now();
    await run(client.push(PUSH));
    expect(clock.now() - before).toBeGreaterThanOrEqual(3000);
  });
});

test('health is asked of the relay in use, without the token; what a page may not read it sees from outside', async () => {
  const { client, run, eu, us } = scene();
  expect(await run(client.health())).toEqual({ status: 'ok', timestamp: 1, region: 'here' });
  expect([...eu.tokens]).toEqual(['']);
  eu.hidesHealth = true;
  expect(await run(client.health())).toEqual({ status: 'ok', timestamp: expect.any(Number), region: 'eu' });
  eu.mood = us.mood = 'down';
  expect(await run(codeOf(client.health()))).toBe('relay_unreachable');
});

test('a closed client rejects, also what was waiting', async () => {
  const { client, run, eu, us } = scene();
  eu.mood = us.mood = 'down';
  const waiting = codeOf(client.push(PUSH));
  client.on('retry', () => client.close());
  expect(await run(waiting)).toBe('closed');
  expect(await run(codeOf(client.push(PUSH)))).toBe('closed');
});

test.each([{ retries: -1 }, { timeoutMs: 0 }, { relays: [] }, { relays: 'ftp://x' }])('options that make no sense are refused: %j', (options) => {
  expect(() => scene(options)).toThrow(ClientError);
});
