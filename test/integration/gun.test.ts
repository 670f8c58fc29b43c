// Stock GUN clients, unchanged, against the product: what they put is there, live, after a kill, and for every version.
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSoul, node, withGraphs } from '../conformance/gun/graph.js';
import { GunClient } from '../support/gun-client.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const LIBRARIES = ['gun', 'gun-0.2020.1239', 'gun-0.2019', 'gun-0.9'] as const;
/** Those that ask again after a connection ended. */
const RENEWING = LIBRARIES.slice(0, 3);

describe.skipIf(!productBuilt())('stock GUN clients (skipped unless the product is built)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-gun-'));
  const clients: GunClient[] = [];
  let relay: RelayProcess;

  const start = async (port: number): Promise<RelayProcess> => startRelay({ dataDir: join(dir, 'data'), port, env: { RELAY_COMPAT_PLURES: 'off' } });
  const client = async (library: string, token = ''): Promise<GunClient> => {
    const started = await GunClient.start(library, `http://127.0.0.1:${relay.port}/gun${token}`);
    clients.push(started);
    return started;
  };

  beforeAll(async () => {
    relay = await start(await freePort());
  });
  afterAll(async () => {
    for (const each of clients) each.end();
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it.each(LIBRARIES)('%s: puts, reads, subscribes, and fills sets', async (library) => {
    const [a, b] = [await client(library), await client(library)];
    const root = `basics-${library}`;
    await a.done('put', { path: [root, 'alice'], value: { name: 'Alice', age: 42, gone: null } });
    const read = await b.done('once', { path: [root, 'alice'] });
    expect(read.value).toEqual({ name: 'Alice', age: 42, gone: null });

    const live = b.begin('on', { path: [root, 'alice', 'name'] });
    await b.until(live, ({ value }) => value === 'Alice');
    await a.done('put', { path: [root, 'alice', 'name'], value: 'Alicia' });
    await b.until(live, ({ value }) => value === 'Alicia');

    for (const text of ['one', 'two', 'three']) await a.done('add', { path: [root, 'list'], value: { text } });
    const each = b.begin('map', { path: [root, 'list'] });
    for (const text of ['one', 'two', 'three']) await b.until(each, ({ value }) => (value as { text?: string } | null)?.text === text);
  });

  it('users sign up, sign in elsewhere, and nobody else writes in their graph', async () => {
    const [a, b] = [await client('gun'), await client('gun')];
    const alias = `alice${Date.now()}`;
    const { pub } = await a.done('create', { alias, password: 'a long password' });
    await a.done('auth', { alias, password: 'a long password' });
    await a.done('own', { path: ['profile'], value: { city: 'Bern' } });
    expect((await b.done('once', { path: [`~${pub}`, 'profile'] })).value).toEqual({ city: 'Bern' });
    await b.done('auth', { alias, password: 'a long password' });
    await b.done('own', { path: ['profile', 'city'], value: 'Basel' });
    const live = a.begin('on', { path: [`~${pub}`, 'profile', 'city'] });
    await a.until(live, ({ value }) => value === 'Basel');
  });

  it('graphs of different tokens are apart', async () => {
    const [one, same, two] = [await client('gun', '?t=one'), await client('gun', '/one'), await client('gun', '?t=two')];
    await one.done('put', { path: ['apart', 'x'], value: { secret: 1 } });
    expect((await same.done('once', { path: ['apart', 'x'] })).value).toEqual({ secret: 1 });
    expect((await two.done('once', { path: ['apart', 'x'] })).value).toBeNull();
  });

  it('what was acknowledged survives a kill, and clients that come back hear what lies beneath links', async () => {
    const [writer, listener] = [await client('gun'), await client('gun')];
    await writer.done('put', { path: ['chain'], value: { to: { the: { end: 'before' } } } });
    const listeners = await Promise.all(RENEWING.map((library) => client(library)));
    const chains = listeners.map((each) => each.begin('on', { path: ['chain', 'to', 'the', 'end'] }));
    await Promise.all(listeners.map((each, n) => each.until(chains[n]!, ({ value }) => value === 'before')));
    const live = listener.begin('on', { path: ['kill', 'room', 'topic'] });
    for (let n = 0; n < 50; n += 1) await writer.done('put', { path: ['kill', 'room'], value: { [`k${n}`]: n, topic: `t${n}` } });
    await listener.until(live, ({ value }) => value === 't49');
    const { port } = relay;
    await relay.kill();
    relay = await start(port);

    const fresh = await client('gun');
    const { value } = await fresh.done('once', { path: ['kill', 'room'] });
    expect(Object.keys(value as object)).toHaveLength(51);
    await fresh.done('put', { path: ['chain', 'to', 'the', 'end'], value: 'after' });
    await Promise.all(listeners.map((each, n) => each.until(chains[n]!, ({ value: heard }) => heard === 'after')));
  });

  it('of a stream of puts that a kill cuts off, everything acknowledged is there', async () => {
    const [soul, acknowledged] = [newSoul(), new Set<string>()];
    const url = new URL(`http://127.0.0.1:${relay.port}`);
    await withGraphs(url, 1, async (peer) => {
      const puts = new Map(Array.from({ length: 5000 }, (_, n) => [peer!.put(node(soul, { [`k${n}`]: n }, 1_700_000_000_000)), `k${n}`]));
      while (acknowledged.size < 1000) {
        const { '@': id, ok } = await peer!.first((heard) => heard['@'] !== undefined);
        if (ok === true) acknowledged.add(puts.get(id!)!);
      }
      await relay.kill();
      // What was said before the kill and is still on its way counts too.
      for (const { '@': id, ok } of await peer!.during()) if (ok === true && id !== undefined) acknowledged.add(puts.get(id)!);
    });
    relay = await start(relay.port);
    await withGraphs(url, 1, async (peer) => {
      const kept = (await peer!.read({ '#': soul }, acknowledged.size))[soul] ?? {};
      for (const key of acknowledged) expect(kept).toHaveProperty(key);
    });
  });

  it('a sealed container leaves nothing readable on the disk, and an open one does (control)', async () => {
    const a = await client('gun');
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', randomBytes(32), iv);
    const data = Buffer.concat([cipher.update('https://example.org/sealed-page'), cipher.final()]).toString('base64');
    const container = JSON.stringify({ data, iv: iv.toString('base64'), authTag: cipher.getAuthTag().toString('base64'), algorithm: 'AES-GCM', version: 1 });
    await a.done('put', { path: ['tabs', 'one'], value: { container } });
    await a.done('put', { path: ['tabs', 'two'], value: { open: 'https://example.org/open-page' } });
    const bytes = filesOf(join(dir, 'data')).map((file) => readFileSync(file, 'latin1')).join('\n');
    expect(bytes).toContain('open-page');
    expect(bytes).toContain(data);
    expect(bytes).not.toContain('sealed-page');
  });
});

function filesOf(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
