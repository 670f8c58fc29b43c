// Two relays as processes, and tabs that are one device: the relay of the tab that leads is killed, then that tab is closed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenSpaceOptions } from '../../src/client/index.js';
import { live } from '../../src/client/live/index.js';
import { openSpace } from '../../src/client/node.js';
import type { FailoverRegion } from '../../src/client/node.js';
import { TabFailover } from '../../src/client/region/index.js';
import { snapshots } from '../../src/client/snapshots/index.js';
import { TabSpace } from '../../src/client/tabs/tab-space.js';
import type { TabWrite } from '../../src/client/tabs/tab-write.js';
import { FailoverDevice } from '../support/failover-device.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { TabOrigin } from '../support/tab-origin.js';
import { bytes, until } from '../support/test-space.js';

const RETURN_AFTER_MS = 400;
/** So long that nothing returns by itself. */
const NEVER_MS = 600_000;
/** Shorter than an app's. */
const TIMING = { probeMs: 300, othersMs: 300, timeoutMs: 700, againMs: 50 };
const MOVE_MS_MAX = 15_000;

interface Tab {
  readonly space: TabSpace;
  readonly regions: TabFailover | undefined;
  readonly texts: string[];
  /** Errors and findings. */
  readonly told: string[];
  /** What its failover showed, phase and region. */
  readonly shown: string[];
}

describe.skipIf(!productBuilt())('tabs of a space whose relay dies (needs `npm run build`)', { timeout: 60_000 }, () => {
  let dir: string;
  let relays: RelayProcess[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-tab-failover-'));
    relays = await Promise.all(['one', 'two'].map(async (id) => startRelay({ dataDir: join(dir, id), port: await freePort() })));
  });

  afterAll(async () => {
    await Promise.all(relays.map((relay) => relay.kill()));
    rmSync(dir, { recursive: true, force: true });
  });

  const regionList = (): FailoverRegion[] => relays.map(({ address }, at) => ({ id: at === 0 ? 'one' : 'two', relay: address }));
  const restart = async (): Promise<void> => {
    relays[0] = await startRelay({ dataDir: join(dir, 'one'), port: relays[0]?.port ?? 0 });
  };

  /** `returnAfterMs` undefined: a tab that stays at the relay of its space. */
  async function tabOf(origin: TabOrigin, link: string, returnAfterMs?: number): Promise<Tab> {
    const regions = returnAfterMs === undefined ? undefined : new TabFailover({ regions: regionList(), returnAfterMs, timing: TIMING });
    const [texts, told, shown]: [string[], string[], string[]] = [[], [], []];
    const handler = {
      create: () => bytes(JSON.stringify(texts)),
      load: (state: Uint8Array) => {
        for (const text of JSON.parse(new TextDecoder().decode(state)) as string[]) if (!texts.includes(text)) texts.push(text);
      },
    };
    regions?.subscribe(() => {
      const { phase, regionId } = regions.getSnapshot();
      const now = `${phase} ${regionId}`;
      if (shown.at(-1) !== now) shown.push(now);
    });
    const space = await TabSpace.open(
      { link, batchWindowMs: 0, parts: [snapshots(handler)], ...(regions === undefined ? {} : { regions }) },
      {
        ground: origin,
        open: (options: OpenSpaceOptions) => openSpace({ ...options, parts: [...(options.parts ?? []), live] }),
        openStorage: async () => Object.assign(origin.storage, { close: () => undefined }),
      },
    );
    space.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    space.on('error', ({ code, message }) => told.push(`${code}: ${message}`));
    space.on('misbehaviour', ({ kind, detail }) => told.push(`${kind}: ${detail}`));
    return { space, regions, texts, told, shown };
  }

  const isAt = (id: string, tab: Tab): boolean => {
    const { regionId, phase } = tab.regions?.getSnapshot() ?? {};
    return regionId === id && phase === 'settled' && tab.space.status.status === 'online';
  };
  const hold = (texts: readonly string[], ...by: readonly { readonly texts: readonly string[] }[]): Promise<void> =>
    until(`all hold ${texts.join()}`, () => by.every((one) => one.texts.toSorted().join() === texts.toSorted().join()), MOVE_MS_MAX).catch(() => {
      expect(by.map((one) => one.texts.toSorted())).toEqual(by.map(() => texts.toSorted()));
    });

  it('both go on at the next relay with all they pushed, and the one that is left stays there', async () => {
    const far = new FailoverDevice(regionList(), NEVER_MS, true, TIMING);
    const link = (await far.found()).link ?? '';
    const origin = new TabOrigin();
    const [leader, follower] = [await tabOf(origin, link, NEVER_MS), await tabOf(origin, link, NEVER_MS)];
    const tabs = [leader, follower] as const;
    await leader.space.push(bytes('of the leader')).durable('relay');
    await follower.space.push(bytes('of the follower')).durable('device');
    await hold(['of the leader', 'of the follower'], ...tabs, far);
    expect(tabs.map(({ regions }) => regions?.getSnapshot())).toMatchObject(tabs.map(({ space }) => ({ phase: 'settled', regionId: 'one', failedOver: false, space, error: null })));

    const before = await leader.space.whenLeading();
    const onTheWay: TabWrite[] = [];
    const stop = follower.regions?.subscribe(() => {
      if (follower.regions?.getSnapshot().phase !== 'moving') return;
      stop?.();
      onTheWay.push(...tabs.map(({ space }, at) => space.push(bytes(`on the way ${at}`))));
    });
    await relays[0]?.kill();
    const underWay = tabs.map(({ space }, at) => space.push(bytes(`under way ${at}`)));
    const synced = tabs.map(({ space }) => space.whenSynced());
    const seen = Promise.all(underWay.map((write) => expect(write.durable('device')).rejects.toMatchObject({ code: 'closed', temporary: true })));
    expect(follower.space.hasUnsyncedChanges).toBe(true);
    await Promise.all([...underWay.map((write) => write.durable('relay')), ...synced]);
    await seen;
    await Promise.all(onTheWay.map((write) => write.durable('device')));
    expect(tabs.every((tab) => isAt('two', tab))).toBe(true);
    expect(tabs.map(({ regions }) => regions?.getSnapshot())).toMatchObject(tabs.map(({ space }) => ({ failedOver: true, space })));
    for (const { shown } of tabs) expect(shown.slice(-2)).toEqual(['moving two', 'settled two']);
    const after = await leader.space.whenLeading();
    expect([after === before, after.relay]).toEqual([false, relays[1]?.address]);
    const all = ['of the leader', 'of the follower', 'under way 0', 'under way 1', 'on the way 0', 'on the way 1'];
    await hold(all, ...tabs, far);

    // The first of the list answers again; who leads next stays all the same, as nothing returns so soon.
    await restart();
    await leader.space.close();
    await follower.space.whenLeading();
    await follower.space.push(bytes('of the one that is left')).durable('device');
    expect(isAt('two', follower)).toBe(true);
    // That another tab leads is no news of the region.
    expect(follower.shown.slice(-2)).toEqual(['moving two', 'settled two']);
    await hold([...all, 'of the one that is left'], follower, far);
    expect([...leader.told, ...follower.told, ...far.told]).toEqual([]);
    await Promise.all([follower.space.close(), far.failover.close()]);
    expect(follower.regions?.getSnapshot()).toMatchObject({ phase: 'closed', space: null });
  });

  it('control: tabs without it wait for their relay, and return late; with it they return when it was well for a while', async () => {
    const founder = new FailoverDevice(regionList(), RETURN_AFTER_MS, true, TIMING);
    const link = (await founder.found()).link ?? '';
    await founder.failover.close();
    const [here, stays] = [new TabOrigin(), new TabOrigin()];
    const [leader, follower] = [await tabOf(here, link, RETURN_AFTER_MS), await tabOf(here, link, RETURN_AFTER_MS)];
    const staying = await tabOf(stays, link);
    await follower.space.push(bytes('0')).durable('relay');
    await hold(['0'], leader, follower, staying);
    await relays[0]?.kill();
    const waits = staying.space.push(bytes('waits'));
    await follower.space.push(bytes('goes on')).durable('relay');
    await leader.space.whenSynced();
    expect([follower, leader].every((tab) => isAt('two', tab))).toBe(true);
    expect([waits.state, staying.space.status.status === 'online']).toEqual(['queued', false]);
    await restart();
    staying.space.goOnline();
    await until('the tabs return', () => [leader, follower].every((tab) => isAt('one', tab)), MOVE_MS_MAX);
    await waits.durable('relay');
    await hold(['0', 'goes on', 'waits'], leader, follower, staying);
    expect([leader, follower, staying].flatMap(({ told }) => told)).toEqual([]);
    for (const { space } of [follower, leader, staying]) await space.close();
  });
});
