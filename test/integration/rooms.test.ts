// Rooms on the real relay: spaces whose link follows from another one, made by whoever comes first.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSpace, openSpace, roomLinkOf } from '../../src/client/node.js';
import type { Space } from '../../src/client/node.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { bytes, until } from '../support/test-space.js';

describe.skipIf(!productBuilt())('rooms (skipped unless the product is built)', () => {
  let dir: string;
  let relay: RelayProcess;
  let home: Space;
  const spaces: Space[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-rooms-'));
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    home = await createSpace({ relay: relay.address });
  });

  afterEach(async () => {
    for (const space of spaces.splice(0)) await space.close();
  });

  afterAll(async () => {
    await home.close();
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function enter(name: string): Promise<{ space: Space; texts: string[] }> {
    const space = await openSpace({ link: roomLinkOf(home.link!, name), create: true, batchWindowMs: 0 });
    const texts: string[] = [];
    spaces.push(space);
    space.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    return { space, texts };
  }

  test('the first device makes a room, the second comes in', async () => {
    const a = await enter('notes');
    const b = await enter('notes');
    expect(b.space.id).toBe(a.space.id);
    await a.space.push(bytes('hello')).durable('relay');
    await until('b reads', () => b.texts.includes('hello'));
  });

  test('many devices that come first at the same time end in one room', async () => {
    const all = await Promise.all(['1', '2', '3', '4'].map(() => enter('crowd')));
    await Promise.all(all.map(({ space }, at) => space.push(bytes(`from ${at}`)).durable('relay')));
    await until('everybody has everything', () => all.every(({ texts }) => texts.length === 4));
    expect(all[0]?.space.devices().length).toBeGreaterThanOrEqual(1);
    await until('everybody knows everybody', () => all.every(({ space }) => space.devices().length === 4));
  });

  test('many devices that open one link at the same time all come in', async () => {
    await home.whenSynced();
    const all = await Promise.all(Array.from({ length: 6 }, () => openSpace({ link: home.link! })));
    spaces.push(...all);
    await until('everybody is in the roster', () => home.devices().length === 7);
  });

  test('rooms of other names and the space itself see nothing of each other', async () => {
    const a = await enter('one');
    const b = await enter('two');
    expect(new Set([a.space.id, b.space.id, home.id]).size).toBe(3);
    await a.space.push(bytes('private')).durable('relay');
    await b.space.whenSynced();
    expect(b.texts).toEqual([]);
  });

  test('without create, a link of a space that no relay knows is refused', async () => {
    await expect(openSpace({ link: roomLinkOf(home.link!, 'nobody was here') })).rejects.toMatchObject({ code: 'handshake_failed' });
  });
});
