// Relays of GUN that are linked with each other and with a stock relay: a write at one is at all of them, and is not told for ever.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type GraphPeer, newSoul, node, withGraphs } from '../conformance/gun/graph.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const STATE = 1_700_000_000_000;
const PATIENCE_MS = 10_000;
const STOCK_RELAY = resolve('test/support/gun-relay.mjs');

interface Started {
  readonly relay: RelayProcess;
  readonly url: URL;
  readonly adminPort: number;
}

describe.skipIf(!productBuilt())('linked GUN relays (skipped unless the product is built)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-gun-relays-'));
  const ends: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    await Promise.all(ends.map((end) => end()));
    rmSync(dir, { recursive: true, force: true });
  });

  const start = async (port: number, peers: readonly number[]): Promise<Started> => {
    const adminPort = await freePort();
    const env = { GUN_PEERS: peers.map((peer) => `http://127.0.0.1:${peer}/gun`).join(' ') };
    const relay = await startRelay({ dataDir: join(dir, String(port)), port, adminPort, env });
    ends.push(() => relay.stop());
    return { relay, url: new URL(`http://127.0.0.1:${port}`), adminPort };
  };
  const ports = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, () => freePort()));

  it.each([2, 3])('of a ring of %d each is told of every write, and no more often than it has links', async (size) => {
    const ring = await ports(size);
    const relays = await Promise.all(ring.map((port, n) => start(port, [ring[(n + 1) % size]!])));
    for (const { adminPort } of relays) await figure(adminPort, 'relay_gun_links', (links) => links >= size - 1);
    const [soul, writes] = [newSoul(), 30];
    await withGraphs(relays[0]!.url, 1, async (writer) => {
      for (let n = 0; n < writes; n += 1) await writer!.stored(node(soul, { [`k${n}`]: n }, STATE));
    });
    for (const { url } of relays) await withGraphs(url, 1, (reader) => untilRead(reader!, soul, writes));
    // As many as came with every link at most; a storm would go on.
    await new Promise((wait) => setTimeout(wait, 300));
    for (const [n, { adminPort }] of relays.entries()) {
      const puts = await figure(adminPort, 'relay_gun_puts_total', () => true);
      expect(puts, `relay ${n}`).toBeGreaterThanOrEqual(writes);
      expect(puts, `relay ${n}`).toBeLessThanOrEqual(writes * size);
    }
  });

  it('a relay that was killed is connected again, and caught up in both directions', async () => {
    const [a, b] = await ports(2);
    const first = await start(a!, [b!]);
    let second = await start(b!, []);
    await figure(first.adminPort, 'relay_gun_links', (links) => links === 1);
    await second.relay.kill();
    await figure(first.adminPort, 'relay_gun_links', (links) => links === 0);
    const [missed, own] = [newSoul(), newSoul()];
    await withGraphs(first.url, 1, (peer) => peer!.stored(node(missed, { k: 'missed' }, STATE)));
    second = await start(b!, []);
    await withGraphs(second.url, 1, (peer) => peer!.stored(node(own, { k: 'own' }, STATE)));
    await withGraphs(second.url, 1, (peer) => untilRead(peer!, missed, 1));
    await withGraphs(first.url, 1, (peer) => untilRead(peer!, own, 1));
    expect(await figure(first.adminPort, 'relay_dials_total', () => true)).toBe(2);
  });

  it.each([
    ['axe', true],
    ['plain', true],
    ['plain', false],
  ] as const)('a stock relay (%s; dialed by ours: %s) reads and hears what is written at ours, and the other way round', async (kind, isDialed) => {
    const [a, b] = await ports(2);
    const ours = isDialed ? null : await start(a!, []);
    const stock = await startStock(kind, b!, join(dir, `stock-${b}`), isDialed ? [] : [`http://127.0.0.1:${a}/gun`]);
    ends.push(stock.end);
    await exchange(ours ?? (await start(a!, [b!])), new URL(`http://127.0.0.1:${b}`), isDialed);
  });

  const exchange = async (ours: Started, theirs: URL, isDialed: boolean): Promise<void> => {
    if (isDialed) await figure(ours.adminPort, 'relay_gun_links', (links) => links === 1);
    const [fromOurs, fromTheirs] = [newSoul(), newSoul()];
    await withGraphs(ours.url, 1, (writer) => writer!.stored(node(fromOurs, { k: 'ours' }, STATE)));
    await withGraphs(theirs, 1, async (reader) => {
      await untilRead(reader!, fromOurs, 1);
      await withGraphs(ours.url, 1, (writer) => writer!.stored(node(fromOurs, { k: 'newer' }, STATE + 1)));
      await reader!.first(({ put }) => put?.[fromOurs]?.['k'] === 'newer');
    });
    if (!isDialed) return;
    await withGraphs(theirs, 1, (writer) => writer!.stored(node(fromTheirs, { k: 'theirs' }, STATE)));
    await withGraphs(ours.url, 1, async (reader) => {
      expect(await reader!.read({ '#': fromTheirs }, 1)).toEqual({ [fromTheirs]: { k: 'theirs' } });
      await withGraphs(theirs, 1, (writer) => writer!.stored(node(fromTheirs, { k: 'newer' }, STATE + 1)));
      await reader!.first(({ put }) => put?.[fromTheirs]?.['k'] === 'newer');
    });
    // What both relays tell each other ends.
    await new Promise((wait) => setTimeout(wait, 300));
    const before = await figure(ours.adminPort, 'relay_gun_puts_total', () => true);
    await new Promise((wait) => setTimeout(wait, 500));
    expect(await figure(ours.adminPort, 'relay_gun_puts_total', () => true)).toBe(before);
    expect(before).toBeLessThan(20);
  };
});

/** Reads until so many properties are there. */
async function untilRead(peer: GraphPeer, soul: string, keys: number): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    // So few come in one part, and what is not there yet is not waited for.
    const { _: _meta, ...values } = (await peer.answerTo(peer.get({ '#': soul }))).put?.[soul] ?? {};
    const read = Object.keys(values).length;
    if (read >= keys) return;
    if (Date.now() > end) throw new Error(`${read} of ${keys} properties are there`);
    await new Promise((wait) => setTimeout(wait, 100));
  }
}

/** A figure, once it is as it should be. */
async function figure(adminPort: number, name: string, fits: (value: number) => boolean): Promise<number> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    const value = Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
    if (fits(value)) return value;
    if (Date.now() > end) throw new Error(`${name} is ${value}`);
    await new Promise((wait) => setTimeout(wait, 100));
  }
}

async function startStock(kind: 'axe' | 'plain', port: number, directory: string, peers: readonly string[]): Promise<{ end: () => Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, [STOCK_RELAY, kind, String(port), directory, ...peers], { stdio: ['pipe', 'pipe', 'ignore'], cwd: tmpdir() });
  await once(child.stdout!, 'data');
  return {
    end: async () => {
      if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
    },
  };
}
