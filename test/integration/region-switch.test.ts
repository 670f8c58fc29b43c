// A space goes to the relay of another region and on; and comes back to where it was when that relay is dead.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSpace, MemoryDeviceStore, openSpace, type Space } from '../../src/client/node.js';
import { RegionClient, SpaceMover } from '../../src/client/region/index.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { CLI } from '../support/serve-process.js';
import { bytes, until } from '../support/test-space.js';

const MOVE_TIMEOUT_MS = 1500;

describe.skipIf(!productBuilt())('changing the region (needs `npm run build`)', { timeout: 60_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-regions-'));
  const admin = { eu: 0, us: 0 };
  const relays: Partial<Record<'eu' | 'us', RelayProcess>> = {};
  const storage = new MemoryDeviceStore();
  const texts: string[] = [];
  let mover: SpaceMover;
  let regions: RegionClient;
  const spaceOf = (held: SpaceMover): Space => {
    const space = held.getSnapshot();
    if (space === null) throw new Error('the space is on its way');
    return space;
  };

  const cli = (house: 'eu' | 'us', ...args: readonly string[]): void => {
    const ran = spawnSync(process.execPath, [CLI, ...args, '--url', `http://127.0.0.1:${admin[house]}`], { encoding: 'utf8', cwd: dir, env: { ...process.env, RELAY_DATA_DIR: join(dir, house) } });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
  };
  const live = (space: Space): Space => {
    space.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    return space;
  };

  beforeAll(async () => {
    const ports = { eu: await freePort(), us: await freePort() };
    const list = (['eu', 'us'] as const).map((id) => ({ id, name: id.toUpperCase(), location: 'Loopback', endpoint: `http://127.0.0.1:${ports[id]}` }));
    for (const id of ['eu', 'us'] as const) {
      admin[id] = await freePort();
      relays[id] = await startRelay({ dataDir: join(dir, id), port: ports[id], adminPort: admin[id], env: { RELAY_REGION: id, RELAY_REGIONS: JSON.stringify(list) } });
    }
    const relay = relays.eu?.address ?? '';
    const space = live(await createSpace({ relay, storage }));
    await space.push(bytes('from the start')).durable('relay');
    mover = new SpaceMover({
      space,
      relay,
      open: async (address) => live(await openSpace({ relay: address, storage })),
      relayOf: ({ id }) => relays[id as 'eu' | 'us']?.address,
      timeoutMs: MOVE_TIMEOUT_MS,
    });
    regions = new RegionClient({ origin: `http://127.0.0.1:${ports.eu}`, current: 'eu', mover });
  });

  afterAll(async () => {
    await mover?.getSnapshot()?.close();
    await Promise.all(Object.values(relays).map((relay) => relay.stop()));
    rmSync(dir, { recursive: true, force: true });
  });

  it('reads the list of a real relay and measures both', async () => {
    await regions.refresh();
    const { phase, regions: shown, suggestedId, error } = regions.getSnapshot();
    expect({ phase, error }).toEqual({ phase: 'ready', error: null });
    expect(shown.map(({ id, status, latencyMs }) => [id, status, typeof latencyMs])).toEqual([['eu', 'online', 'number'], ['us', 'online', 'number']]);
    expect(suggestedId).not.toBeNull();
    // Through the core, too: pages of other origins read the list.
    const { headers } = await fetch(`${shown[0]?.endpoint}/regions`);
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  it('takes the space along, with what was pushed while it was under way, and finds its history whole', async () => {
    const space = spaceOf(mover);
    cli('eu', 'space', 'export', space.id, '--out', 'space.srspace');
    cli('us', 'space', 'import', 'space.srspace');
    space.goOffline();
    space.push(bytes('not sent yet'));
    await regions.switchTo('us');
    expect(regions.getSnapshot()).toMatchObject({ currentId: 'us', choiceId: 'us', moved: { to: 'us', verified: true }, error: null });
    const moved = spaceOf(mover);
    expect(moved).not.toBe(space);
    expect(moved.link).toContain(`#k=${/#k=(.*)$/.exec(relays.us?.address ?? '')?.[1] ?? 'none'}&`);
    await moved.whenSynced();
    await until('both are there', () => texts.includes('from the start') && texts.includes('not sent yet'));
  });

  it('takes a space to a relay that never had it, and does not call that verified', async () => {
    const store = new MemoryDeviceStore();
    const relay = relays.eu?.address ?? '';
    const space = await createSpace({ relay, storage: store });
    await space.push(bytes('one')).durable('relay');
    await space.whenSynced();
    const other = new SpaceMover({ space, relay, open: (address) => openSpace({ relay: address, storage: store }), relayOf: () => relays.us?.address, timeoutMs: MOVE_TIMEOUT_MS });
    expect(await other.move({ id: 'us', name: 'US', location: 'Loopback', endpoint: '', status: 'online' }, () => undefined)).toEqual({ verified: false });
    const moved = spaceOf(other);
    await moved.push(bytes('two')).durable('relay');
    const read: string[] = [];
    const second = await openSpace({ link: moved.link ?? '' });
    second.subscribe(({ items }) => read.push(...items.map((item) => new TextDecoder().decode(item))));
    await until('a new device reads both there', () => read.join() === 'one,two');
    await Promise.all([second.close(), moved.close()]);
  });

  it('stays when the other relay is dead: the space is where it was and goes on', async () => {
    await relays.eu?.kill();
    await regions.refresh({ force: true });
    expect(regions.getSnapshot()).toMatchObject({ regions: [{ id: 'eu', status: 'offline' }, { id: 'us', status: 'online' }], suggestedId: 'us' });
    await expect(regions.switchTo('eu')).rejects.toMatchObject({ code: 'region_unreachable' });
    expect(regions.getSnapshot()).toMatchObject({ currentId: 'us', choiceId: 'us', switching: null });
    await spaceOf(mover).push(bytes('after the failure')).durable('relay');
    await until('it is read', () => texts.includes('after the failure'));
  });
});
