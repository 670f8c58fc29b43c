// An engine behind HTTP: its own server, a server of the app, and requests of fetch; statuses, tokens, origins, and peers that are slow.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, createServer as createTcpServer } from 'node:net';
import Fastify from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { EideticaSync, fetchHandler, httpAddress, HttpListener, MemoryEntryBackend, openTrees, requestListener } from '../../src/client/eidetica/node.js';
import type { AccessRule, EideticaSyncOptions } from '../../src/client/eidetica/node.js';
import { BODY_BYTES_MAX } from '../../src/client/eidetica/serve/limits.js';
import { history, Peer } from '../conformance/eidetica/client.js';

const opened: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function engine(options: Partial<EideticaSyncOptions> = {}): Promise<{ sync: EideticaSync; backend: MemoryEntryBackend }> {
  const backend = new MemoryEntryBackend();
  const sync = await EideticaSync.open({ backend, seed: randomBytes(32), queue: { maxQueueAgeSecs: 0 }, flush: { checkIntervalSecs: 0.02 }, pullIntervalSecs: 0, ...options });
  opened.push(sync);
  return { sync, backend };
}

async function fill(backend: MemoryEntryBackend, count: number) {
  const made = history('b', count);
  await backend.put(made.tree, made.ids.map((id, at) => ({ id, entry: made.entries[at]! })));
  return made;
}

async function untilTip(backend: MemoryEntryBackend, tree: string, id: string): Promise<void> {
  for (const end = Date.now() + 10_000; (await backend.tips(tree))[0] !== id; ) {
    if (Date.now() > end) throw new Error('it never came');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a server of its own', () => {
  test('two engines that both serve find each other by what they say of themselves', async () => {
    const [left, right] = [await engine(), await engine()];
    const { tree, ids } = await fill(left.backend, 3);
    const servers = [await left.sync.startServer(new HttpListener()), await right.sync.startServer(new HttpListener())];
    await left.sync.addPeer(right.sync.publicKey);
    right.sync.on('greeted', ({ listenAddresses: [address] }) => address !== undefined && void right.sync.connectToPeer(address).then(({ publicKey }) => right.sync.addTreeSync(publicKey, tree)));
    await left.sync.connectToPeer(servers[1]!.address);
    await left.sync.addTreeSync(right.sync.publicKey, tree);
    await untilTip(right.backend, tree, ids[2]!);
    expect([left.sync.stateOf(right.sync.publicKey), right.sync.peers()[0]?.addresses]).toEqual(['reachable', [servers[0]!.address]]);
  });

  test('a token before the host is what the app decides by', async () => {
    const access: AccessRule = ({ token }) => (token === 'a-long-token' ? 'write' : 'none');
    const [asked, asking] = [await engine({ serving: { access } }), await engine()];
    const { tree, ids } = await fill(asked.backend, 2);
    const { address } = (await asked.sync.startServer(new HttpListener())).address;
    const { publicKey } = await asking.sync.connectToPeer(httpAddress(`phone:a-long-token@${address}`));
    expect((await asking.sync.syncTree(publicKey, tree)).received).toEqual(ids);
    expect(await new Peer(new URL(`http://${address}`), 'another').error({ SyncTree: { tree_id: tree, our_tips: [] } })).toBe(`Tree not found: ${tree}`);
  });

  test('who asks too often or says too much is told so, and the others are served on', async () => {
    const { sync } = await engine({ serving: { access: openTrees, callsPerMinute: 1, callsBurst: 4 } });
    const { address } = (await sync.startServer(new HttpListener())).address;
    const ask = (body: BodyInit, more: RequestInit = {}): Promise<Response> => fetch(`http://${address}/api/v0`, { method: 'POST', headers: { 'content-type': 'application/json' }, body, ...more });
    expect((await ask(new Uint8Array(BODY_BYTES_MAX + 1))).status).toBe(413);
    expect((await ask('{}', { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await fetch(`http://${address}/elsewhere`)).status).toBe(404);
    // A path that is no URL ends no process.
    const [answer] = (await once(request(`http://${address}`, { path: '//', method: 'POST' }).end(), 'response')) as [IncomingMessage];
    expect(answer.resume().statusCode).toBe(404);
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await ask('{"SendEntries":[]}'));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(Number(answers[3]!.headers.get('retry-after'))).toBeGreaterThan(0);
    // The engine that asks knows that as a peer that is busy.
    const asking = await engine();
    await expect(asking.sync.connectToPeer(httpAddress(address))).rejects.toMatchObject({ code: 'peer_busy', temporary: true });
  });

  test('closing it ends connections that are kept, and a taken port is named', async () => {
    const { sync } = await engine({ serving: { access: openTrees } });
    const server = await sync.startServer(new HttpListener());
    const { hostname, port } = new URL(`http://${server.address.address}`);
    await expect(sync.startServer(new HttpListener({ port: Number(port) }))).rejects.toMatchObject({ code: 'cannot_listen' });
    // The connection is kept by who asked.
    expect((await fetch(`http://${hostname}:${port}/api/v0`)).status).toBe(405);
    await server.close();
    await expect(fetch(`http://${hostname}:${port}/api/v0`)).rejects.toThrow();
  });

  test('pages ask where their origin is named, and nowhere else', async () => {
    const { sync } = await engine({ serving: { access: openTrees } });
    const named = (await sync.startServer(new HttpListener({ origins: ['https://app.example'] }))).address.address;
    const unnamed = (await sync.startServer(new HttpListener())).address.address;
    const preflight = (at: string, origin: string): Promise<Response> => fetch(`http://${at}/api/v0`, { method: 'OPTIONS', headers: { origin } });
    const good = await preflight(named, 'https://app.example');
    expect([good.status, good.headers.get('access-control-allow-origin'), good.headers.get('access-control-allow-headers')]).toEqual([204, 'https://app.example', 'Content-Type, Authorization, sealrelay-proof']);
    for (const bad of [await preflight(named, 'https://other.example'), await preflight(unnamed, 'https://app.example')]) expect([bad.status, bad.headers.get('access-control-allow-origin')]).toEqual([405, null]);
  });
});

describe('a server of the app', () => {
  test('of Node, of Fastify, or of fetch serves the same', async () => {
    const { sync, backend } = await engine({ serving: { access: openTrees } });
    const { tree, entries } = await fill(backend, 3);
    const node = createServer(requestListener(sync.handler));
    await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
    opened.push({ close: () => new Promise((resolve) => node.close(resolve)) });
    const fastify = Fastify();
    const answer = requestListener(sync.handler);
    await fastify.register(async (app) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', (_request, _body, done) => done(null));
      app.post('/sync/api/v0', (request, reply) => {
        reply.hijack();
        answer(request.raw, reply.raw);
      });
    });
    opened.push(fastify);
    const mounted = await fastify.listen({ port: 0, host: '127.0.0.1' });
    const asking = await engine();
    for (const address of [`127.0.0.1:${(node.address() as AddressInfo).port}`, `${mounted}/sync`]) {
      expect(await asking.sync.connectToPeer(httpAddress(address))).toMatchObject({ publicKey: sync.publicKey, isMutual: true });
    }
    const serve = fetchHandler(sync.handler, { from: (request) => request.headers.get('x-real-ip') ?? 'nobody' });
    const asked = await serve(new Request('https://device.example/api/v0', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ SyncTree: { tree_id: tree, our_tips: [tree] } }) }));
    expect(await asked.json()).toMatchObject({ Incremental: { missing_entries: entries.slice(1) } });
    expect((await serve(new Request('https://device.example/api/v0'))).status).toBe(405);
  });
});

test('who stands between two devices can pass on what they say, and can neither change it nor ask for anything', async () => {
  const [asked, asking] = [await engine(), await engine()];
  const { tree, ids } = await fill(asked.backend, 3);
  const { address } = (await asked.sync.startServer(new HttpListener())).address;
  const heard: string[] = [];
  const between = createTcpServer((socket) => {
    const on = connect(Number(address.split(':')[1]), '127.0.0.1');
    socket.on('data', (bytes) => heard.push(bytes.toString('latin1'))).pipe(on).pipe(socket);
    for (const one of [socket, on]) one.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  opened.push({ close: () => new Promise((resolve) => between.close(resolve)) });
  await asked.sync.addPeer(asking.sync.publicKey);
  await asked.sync.addTreeSync(asking.sync.publicKey, tree);
  const { publicKey } = await asking.sync.connectToPeer(httpAddress(`127.0.0.1:${(between.address() as AddressInfo).port}`));
  expect((await asking.sync.syncTree(publicKey, tree)).received).toEqual(ids);
  const proof = /sealrelay-proof: (\S+ \S+ \S+ \S+)\r\n/i.exec(heard.join(''))?.[1] ?? '';
  expect(proof.split(' ')).toHaveLength(4);
  const asks = (body: object): Promise<unknown> =>
    fetch(`http://${address}/api/v0`, { method: 'POST', headers: { 'content-type': 'application/json', 'sealrelay-proof': proof }, body: JSON.stringify(body) }).then((answer) => answer.json() as Promise<unknown>);
  expect(await asks({ SyncTree: { tree_id: tree, our_tips: [tree] } })).toEqual({ Error: 'Authentication failed: invalid request signature' });
  // A key that is only named is nobody's.
  const stolen = await fetch(`http://${address}/api/v0`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ SyncTree: { tree_id: tree, our_tips: [], peer_pubkey: asking.sync.publicKey } }) });
  expect(await stolen.json()).toEqual({ Error: 'Authentication required: this device gives trees to peers that prove their key' });
});
