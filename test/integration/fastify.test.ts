// The relay inside a Fastify app with the plugins that apps have: SDK devices on its sockets, and what a close leaves behind.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { blobs, type BlobCalls } from '../../src/client/blobs/index.js';
import { createSpace, openSpace, type Space } from '../../src/client/node.js';
import { sealrelay } from '../../src/fastify/index.js';
import { freePort, productBuilt } from '../support/relay-process.js';
import { bytes, until } from '../support/test-space.js';

const MIB = 1024 * 1024;
/** More than the buffers of two sockets hold. */
const BLOB_BYTES = 16 * MIB;

describe.skipIf(!productBuilt())('sealrelay/fastify (needs `npm run build`)', () => {
  let dir: string;
  const apps: FastifyInstance[] = [];
  const spaces: Space[] = [];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-fastify-'));
  });
  afterEach(async () => {
    for (const space of spaces.splice(0)) await space.close();
    for (const app of apps.splice(0)) await app.close();
    rmSync(dir, { recursive: true, force: true });
  });

  function newApp(): FastifyInstance {
    const app = Fastify({ forceCloseConnections: 'idle' });
    apps.push(app);
    return app;
  }

  async function listening(app: FastifyInstance, port = 0): Promise<string> {
    await app.listen({ host: '127.0.0.1', port });
    return new URL(app.listeningOrigin).host;
  }

  async function device(address: string): Promise<Space & BlobCalls> {
    const space = await createSpace({ relay: address, batchWindowMs: 0, parts: [blobs] });
    spaces.push(space);
    await space.whenSynced();
    return space;
  }

  async function joined(space: Space): Promise<{ space: Space & BlobCalls; texts: string[] }> {
    const other = await openSpace({ link: space.link ?? '', parts: [blobs] });
    spaces.push(other);
    const texts: string[] = [];
    other.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    await other.whenSynced();
    return { space: other, texts };
  }

  it('syncs devices through an app with helmet, rate limits and a description of its routes', async () => {
    const app = newApp();
    await app.register(helmet);
    await app.register(swagger);
    await app.register(rateLimit, { max: 1000 });
    await app.register(sealrelay, { dataDir: join(dir, 'data') });
    app.get('/mine', async () => ({ ok: true }));
    const host = await listening(app);
    const address = app.sealrelay.address(host);

    const a = await device(address);
    const writes = Array.from({ length: 200 }, (_, index) => a.push(bytes(String(index))));
    await Promise.all(writes.map((write) => write.durable('relay')));
    const { space: b, texts } = await joined(a);
    await until('the other device reads everything', () => texts.length === 200);
    expect(texts).toEqual(writes.map((_, index) => String(index)));
    const atA: string[] = [];
    a.subscribe(({ items }) => atA.push(...items.map((item) => new TextDecoder().decode(item))));
    b.push(bytes('back'));
    await until('what comes back arrives', () => atA.includes('back'));
    expect(app.sealrelay.stats()).toMatchObject({ websocketsOpen: 2, storePoisoned: 0 });

    const content = Uint8Array.from(randomBytes(3_000_000));
    const blob = await a.blobs.put(content);
    expect(Buffer.from(await b.blobs.get(blob)).equals(content)).toBe(true);

    const answer = await fetch(`http://${host}/v1/pull?log_epoch=1&after=0`);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(Number(answer.headers.get('x-ratelimit-limit'))).toBe(1000);
    expect(await (await fetch(`http://${host}/mine`)).json()).toEqual({ ok: true });
    expect(Object.keys(app.swagger().paths ?? {})).toContain('/v1/push');
  });

  it('reads no more of a blob from the disk than the client and the sockets between take', async () => {
    const app = newApp();
    await app.register(sealrelay, { dataDir: join(dir, 'data') });
    const a = await device(app.sealrelay.address(await listening(app)));
    let authorization = '';
    const honest = globalThis.fetch;
    globalThis.fetch = (url, init) => {
      authorization = new Headers(init?.headers).get('authorization') ?? authorization;
      return honest(url, init);
    };
    const blob = await a.blobs.put(Uint8Array.from(randomBytes(BLOB_BYTES))).finally(() => (globalThis.fetch = honest));
    const answer = await new Promise<IncomingMessage>((resolve) => {
      get(new URL(`/v1/blobs/${blob}`, app.listeningOrigin), { headers: { authorization } }, resolve);
    });
    expect(answer.statusCode).toBe(200);
    // Nobody reads the answer: it fills the buffers between, and no more.
    await new Promise((resolve) => {
      setTimeout(resolve, 1000);
    });
    const readBytes = (): number => app.sealrelay.stats()?.blobReadBytesTotal ?? 0;
    expect(readBytes()).toBeLessThan(BLOB_BYTES - 4 * MIB);
    let received = 0;
    for await (const piece of answer) received += (piece as Buffer).length;
    expect(received).toBeGreaterThan(BLOB_BYTES);
    expect(readBytes()).toBe(received);
  });

  it('loses nothing that was receipted when it closes under load, and serves the same directory again', async () => {
    const app = newApp();
    await app.register(sealrelay, { dataDir: join(dir, 'data') });
    const port = await freePort();
    const address = app.sealrelay.address(await listening(app, port));
    const a = await device(address);
    const findings: string[] = [];
    a.on('misbehaviour', ({ kind }) => findings.push(kind));
    const receipted = new Set<string>();
    let pushed = 0;
    const typing = setInterval(() => {
      const text = String((pushed += 1));
      void a.push(bytes(text)).durable('relay').then(() => receipted.add(text));
    }, 2);
    await until('receipts flow', () => receipted.size > 50);
    const startedMs = performance.now();
    await app.close();
    expect(performance.now() - startedMs).toBeLessThan(5000);
    clearInterval(typing);
    const held = [...receipted];

    const again = newApp();
    await again.register(sealrelay, { dataDir: join(dir, 'data') });
    await listening(again, port);
    await until('the device is back', () => receipted.size === pushed, 20_000);
    const { texts } = await joined(a);
    await until('a late device reads everything', () => texts.length >= pushed);
    for (const text of held) expect(texts).toContain(text);
    expect(findings).toEqual([]);
  });

  it('stands below a prefix, and beside WebSocket routes of the app', async () => {
    const app = newApp();
    await app.register(websocket);
    await app.register(sealrelay, { dataDir: join(dir, 'data'), prefix: '/relay' });
    await app.register(async (scope) => {
      scope.get('/echo', { websocket: true }, (socket) => void socket.on('message', (data) => socket.send(data)));
    });
    const host = await listening(app);
    expect((await fetch(`http://${host}/relay/v1/push`, { method: 'POST' })).status).toBe(401);
    expect((await fetch(`http://${host}/v1/push`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`http://${host}/relay/v1/push`)).status).toBe(405);
    const echo = new WebSocket(`ws://${host}/echo`);
    echo.on('open', () => echo.send('hello'));
    const [said] = await new Promise<[Buffer]>((resolve) => echo.once('message', (data: Buffer) => resolve([data])));
    expect(said.toString()).toBe('hello');
    echo.close();
    const silent = new WebSocket(`ws://${host}/relay/v1/connect`);
    const code = await new Promise<number>((resolve) => {
      silent.on('open', () => silent.send('text'));
      silent.on('close', resolve);
    });
    expect(code).toBe(1003);
  });

  it('says what is wrong with its options, and that another relay holds the directory', async () => {
    const app = newApp();
    await app.register(sealrelay, { dataDir: join(dir, 'data') });
    const other = newApp();
    await expect(other.register(sealrelay, { dataDir: join(dir, 'data') })).rejects.toMatchObject({ code: 'data_dir_locked' });
    const wrong = newApp();
    await expect(wrong.register(sealrelay, { dataDir: join(dir, 'x'), config: { heartbeat: 1 } })).rejects.toMatchObject({ code: 'config_invalid' });
    const port = { port: 1 } as object;
    await expect(newApp().register(sealrelay, { dataDir: join(dir, 'x'), config: port })).rejects.toThrow('"port" means nothing');
  });
});
