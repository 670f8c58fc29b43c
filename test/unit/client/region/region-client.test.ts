import { expect, test } from 'vitest';
import { ClientError } from '../../../../src/client/client-error.js';
import { bestRegion } from '../../../../src/client/region/best-region.js';
import { RegionClient, type RegionClientOptions, type RegionsState } from '../../../../src/client/region/region-client.js';
import { parseRegions } from '../../../../src/client/region/region-list.js';
import { MemoryRegionStorage, WebRegionStorage } from '../../../../src/client/region/region-storage.js';
import { ManualClock } from '../../../support/manual-clock.js';

const REGIONS = [
  { id: 'eu', name: 'EU West', location: 'Ireland', endpoint: 'https://eu.example', status: 'online' },
  { id: 'us', name: 'US East', location: 'Virginia', endpoint: 'https://us.example', status: 'unknown' },
  { id: 'none', name: 'Asia East', location: 'Tokyo', endpoint: '', status: 'offline' },
];
const [EU] = REGIONS;

/** Relays that answer after so many milliseconds of a clock that goes on by itself; null never answers. */
class World {
  readonly clock = new ManualClock();
  readonly latency: Record<string, number | null> = { 'eu.example': 20, 'us.example': 80 };
  readonly asked: string[] = [];
  list: unknown = { regions: REGIONS };
  liveStatus = 200;

  readonly fetch = ((input: string, init?: RequestInit) => {
    const url = new URL(input);
    this.asked.push(`${url.host}${url.pathname}`);
    const after = url.pathname === '/regions' ? 1 : this.latency[url.host];
    return new Promise<Response>((resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
      if (after === null || after === undefined) return;
      this.clock.after(after, () => (url.pathname === '/regions' ? (this.list === null ? reject(new Error('no relay')) : resolve(Response.json(this.list))) : resolve(new Response(null, { status: this.liveStatus }))));
    });
  }) as typeof globalThis.fetch;

  client(options: Partial<RegionClientOptions> = {}): RegionClient {
    return new RegionClient({ origin: 'https://eu.example', current: 'eu', fetch: this.fetch, environment: this.clock, ...options });
  }

  async run<T>(work: Promise<T>): Promise<T> {
    const end = { isDone: false };
    const settled = work.finally(() => (end.isDone = true));
    settled.catch(() => undefined);
    for (let ms = 0; ms < 60_000 && !end.isDone; ms += 1) {
      this.clock.advance(1);
      await new Promise(setImmediate);
    }
    return settled;
  }
}

const brief = ({ regions }: RegionsState): unknown[] => regions.map(({ id, status, latencyMs }) => [id, status, latencyMs]);

test('lists the regions, measures each by the median of its answers, and suggests the nearest', async () => {
  const world = new World();
  const client = world.client();
  const phases: string[] = [];
  client.subscribe(() => phases.push(client.getSnapshot().phase));
  await world.run(client.refresh());
  expect(phases[0]).toBe('loading');
  expect(brief(client.getSnapshot())).toEqual([['eu', 'online', 20], ['us', 'online', 80], ['none', 'offline', null]]);
  expect(client.getSnapshot()).toMatchObject({ phase: 'ready', currentId: 'eu', suggestedId: 'eu', choiceId: null, error: null, canMove: false });
  expect(world.asked.filter((url) => url === 'us.example/health/live')).toHaveLength(5);
});

test('asks a region again after five minutes, or when told to, and not before', async () => {
  const world = new World();
  const client = world.client();
  await world.run(client.refresh());
  const probes = (): number => world.asked.filter((url) => url.endsWith('/live')).length;
  const first = probes();
  await world.run(client.refresh());
  expect(probes()).toBe(first);
  world.clock.advance(5 * 60_000);
  await world.run(client.refresh());
  expect(probes()).toBe(2 * first);
  await world.run(client.refresh({ force: true }));
  expect(probes()).toBe(3 * first);
});

test('calls a region offline that does not answer in time, and degraded one that answers with an error', async () => {
  const world = new World();
  world.latency['eu.example'] = null;
  const client = world.client({ origin: 'https://list.example' });
  await world.run(client.refresh());
  expect(brief(client.getSnapshot())).toEqual([['eu', 'offline', null], ['us', 'online', 80], ['none', 'offline', null]]);
  expect(client.getSnapshot().suggestedId).toBe('us');
  world.latency['eu.example'] = 5;
  world.liveStatus = 503;
  await world.run(client.refresh({ force: true }));
  expect(brief(client.getSnapshot())).toEqual([['eu', 'degraded', 5], ['us', 'degraded', 80], ['none', 'offline', null]]);
  expect(client.getSnapshot().suggestedId).toBe('eu');
});

test('keeps a suggestion until another region is clearly nearer', () => {
  const at = (eu: number, us: number) => [{ id: 'eu', status: 'online', latencyMs: eu }, { id: 'us', status: 'online', latencyMs: us }] as const;
  expect(bestRegion(at(20, 80), null)).toBe('eu');
  expect(bestRegion(at(25, 20), 'eu')).toBe('eu');
  expect(bestRegion(at(31, 20), 'eu')).toBe('us');
  expect(bestRegion([{ id: 'eu', status: 'offline', latencyMs: null }], 'eu')).toBeNull();
});

test('remembers the choice and the list for a start without a relay', async () => {
  const items = new Map<string, string>();
  const storage = () => new WebRegionStorage({ getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) });
  const world = new World();
  const client = world.client({ storage: storage() });
  await world.run(client.refresh());
  await client.choose('us');
  await expect(client.choose('mars')).rejects.toMatchObject({ code: 'unknown_region' });
  world.list = null;
  const later = world.client({ storage: storage() });
  await world.run(later.refresh());
  expect(later.getSnapshot()).toMatchObject({ phase: 'ready', choiceId: 'us', error: { code: 'regions_unavailable', temporary: true } });
  expect(brief(later.getSnapshot())).toEqual([['eu', 'online', 20], ['us', 'online', 80], ['none', 'unknown', null]]);
  await later.choose(null);
  expect((await storage().load())?.choice).toBeNull();

  const fresh = world.client({ storage: new MemoryRegionStorage() });
  await world.run(fresh.refresh());
  expect(fresh.getSnapshot()).toMatchObject({ phase: 'failed', regions: [] });
  items.set('sealrelay.regions', '{damaged');
  expect(await storage().load()).toBeNull();
});

test('switches in steps, one switch at a time, and says what came of it', async () => {
  const world = new World();
  const steps: unknown[] = [];
  let arrive: (() => void) | undefined;
  const client = world.client({
    mover: {
      async move(_region, step) {
        step('connecting');
        await new Promise<void>((resolve) => (arrive = resolve));
        step('resuming');
        return { verified: true };
      },
    },
  });
  await world.run(client.refresh());
  client.subscribe(() => steps.push(client.getSnapshot().switching?.step));
  const moving = client.switchTo('us');
  await expect(client.switchTo('us')).rejects.toMatchObject({ code: 'region_busy' });
  arrive?.();
  await moving;
  expect([...new Set(steps)]).toEqual(['pausing', 'connecting', 'resuming', undefined]);
  expect(client.getSnapshot()).toMatchObject({ currentId: 'us', choiceId: 'us', moved: { to: 'us', verified: true }, switching: null });
});

test('stays where it is when the other region does not take the space', async () => {
  const world = new World();
  const client = world.client({ mover: { move: () => Promise.reject(new ClientError('region_unreachable', 'no')) } });
  await world.run(client.refresh());
  await expect(client.switchTo('us')).rejects.toMatchObject({ code: 'region_unreachable' });
  await expect(client.switchTo('none')).rejects.toMatchObject({ code: 'region_unreachable' });
  expect(client.getSnapshot()).toMatchObject({ currentId: 'eu', choiceId: null, switching: null, error: { code: 'region_unreachable' } });
});

test('takes only what is a region', () => {
  const bad = [null, 7, { ...EU, id: '' }, { ...EU, id: 'x', endpoint: 'javascript:alert(1)' }, { ...EU, id: 'y', name: 'n'.repeat(101) }, EU];
  expect(parseRegions({ regions: [EU, ...bad, { ...EU, id: 'z', status: 'splendid' }] })).toEqual([EU, { ...EU, id: 'z', status: 'unknown' }]);
  expect(parseRegions({ regions: Array.from({ length: 100 }, (_, id) => ({ ...EU, id: `r${id}` })) })).toHaveLength(64);
  expect(() => parseRegions({})).toThrow('no list of regions');
});
