// Blobs through the built product: what is stored is there after a kill, what was cut goes on, nobody else sees it, and a
// blob larger than the memory it may take passes through.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEd25519 } from '../../src/client/crypto/ed25519.ts';
import { nextRoster } from '../../src/client/roster/roster-build.ts';
import { parseRoster } from '../../src/protocol/roster.ts';
import { blobRequest, hashLarge, LargeBlob, sendLarge, type BlobAnswer, type BlobTarget } from '../support/blob-client.ts';
import { HttpClient, HttpSession } from '../support/http-client.ts';
import { makeRawSpace, type RawSpace } from '../support/raw-client.ts';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.ts';

const MIB = 1 << 20;
/** The long form (`SEALRELAY_BLOB_MIB=1024`) is for the torture run. */
const LARGE_BYTES = Number(process.env['SEALRELAY_BLOB_MIB'] ?? 64) * MIB + 12_345;
/** What a passing blob may add to the relay's memory, whatever its size. */
const RSS_GROWTH_BYTES_MAX = 24 * MIB;

/** Of the relay: how long an upload may bring nothing. */
const SILENCE_MS = 10_000;

const idOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function rssBytes(pid: number): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
}

describe.skipIf(!productBuilt())('blobs', () => {
  let dataDir = '';
  let port = 0;
  let relay: RelayProcess;
  let space: RawSpace;
  const client = (): HttpClient => new HttpClient(port);

  async function session(device: number, of: RawSpace = space): Promise<BlobTarget> {
    const http = client();
    const keys = of.devices[device];
    if (keys === undefined) throw new Error('no such device');
    const opened = await HttpSession.open(http, relay.address, of, keys);
    http.close();
    return { port, token: opened.token };
  }

  async function restart(): Promise<void> {
    await relay.kill();
    relay = await startRelay({ dataDir, port });
  }

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'sealrelay-blobs-'));
    port = await freePort();
    relay = await startRelay({ dataDir, port });
    space = await makeRawSpace(['admin', 'write', 'write', 'read']);
  }, 60_000);

  afterAll(async () => {
    await relay.kill();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('are stored once, read whole and in part, and are there after a kill', async () => {
    const bytes = randomBytes(300_000);
    const id = idOf(bytes);
    const writer = await session(1);
    expect((await blobRequest(writer, 'PUT', id, {}, bytes)).status).toBe(201);
    const again = await blobRequest(writer, 'PUT', id, {}, bytes);
    expect([again.status, again.headers.etag]).toEqual([200, `"${id}"`]);
    await restart();
    const reader = await session(3);
    const whole = await blobRequest(reader, 'GET', id);
    expect([whole.status, whole.headers['content-length'], whole.headers['accept-ranges']]).toEqual([200, '300000', 'bytes']);
    expect(whole.body.equals(bytes)).toBe(true);
    const head = await blobRequest(reader, 'HEAD', id);
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '300000', 0]);
    const part = await blobRequest(reader, 'GET', id, { range: 'bytes=65530-65545', 'if-range': `"${id}"` });
    expect([part.status, part.headers['content-range']]).toEqual([206, 'bytes 65530-65545/300000']);
    expect(part.body.equals(bytes.subarray(65_530, 65_546))).toBe(true);
    expect((await blobRequest(reader, 'GET', id, { range: 'bytes=-5' })).body.equals(bytes.subarray(299_995))).toBe(true);
    expect((await blobRequest(reader, 'GET', id, { range: 'bytes=1-2', 'if-range': '"other"' })).status).toBe(200);
    const unchanged = await blobRequest(reader, 'GET', id, { 'if-none-match': `"${id}"` });
    expect([unchanged.status, unchanged.headers['cache-control']]).toEqual([304, whole.headers['cache-control']]);
    for (const range of ['bytes=0-1,4-5', 'bytes=300000-']) {
      const missed = await blobRequest(reader, 'GET', id, { range });
      expect([missed.status, missed.headers['content-range'], code(missed)]).toEqual([416, 'bytes */300000', 'blob_range_invalid']);
    }
  }, 60_000);

  it('go on after the client, and after the relay, was gone', async () => {
    const blob = new LargeBlob(24 * MIB + 7, 1);
    const id = blob.id();
    let writer = await session(1);
    await sendLarge(writer, blob, id, 0, 9 * MIB);
    const first = await offsetOf(writer, id);
    expect(first).toBeGreaterThan(4 * MIB);
    expect((await blobRequest(await session(2), 'HEAD', id)).headers['upload-offset']).toBeUndefined();
    const kill = sendLarge(writer, blob, id, first).catch(() => 0);
    await restart();
    expect(await kill).toBe(0);
    writer = await session(1);
    const second = await offsetOf(writer, id);
    expect(second).toBeGreaterThanOrEqual(first);
    const wrong = await blobRequest(writer, 'PUT', id, { 'content-range': `bytes 5-9/${blob.bytes}` }, Buffer.alloc(5));
    expect([wrong.status, code(wrong), wrong.headers['upload-offset']]).toEqual([409, 'blob_offset_unexpected', String(second)]);
    expect(await sendLarge(writer, blob, id, second)).toBe(201);
    expect(await hashLarge(await session(3), id)).toBe(id);
  }, 60_000);

  it('are taken in pieces', async () => {
    const bytes = randomBytes(10_000);
    const id = idOf(bytes);
    const writer = await session(1);
    const piece = (from: number, to: number): Promise<BlobAnswer> =>
      blobRequest(writer, 'PUT', id, { 'content-range': `bytes ${from}-${to - 1}/10000` }, bytes.subarray(from, to));
    const first = await piece(0, 4000);
    expect([first.status, first.headers['upload-offset']]).toEqual([202, '4000']);
    expect((await blobRequest(writer, 'GET', id)).status).toBe(404);
    expect((await piece(4000, 10_000)).status).toBe(201);
  });

  it('are refused when their bytes are others, or their sender may not', async () => {
    const [writer, reader] = [await session(1), await session(3)];
    const bytes = randomBytes(1000);
    const mismatch = await blobRequest(writer, 'PUT', idOf(randomBytes(4)), {}, bytes);
    expect([mismatch.status, code(mismatch)]).toEqual([422, 'blob_mismatch']);
    expect(code(await blobRequest(reader, 'PUT', idOf(bytes), {}, bytes))).toBe('read_only');
    const nobody = await blobRequest({ port, token: 'AAAA' }, 'PUT', idOf(bytes), {}, bytes);
    expect([nobody.status, code(nobody)]).toEqual([401, 'session_expired']);
    expect(code(await blobRequest(writer, 'PUT', idOf(bytes), { 'transfer-encoding': 'chunked' }))).toBe('request_invalid');
    expect((await blobRequest(writer, 'POST', idOf(bytes))).status).toBe(405);
    const many = await Promise.all(Array.from({ length: 5 }, (_, at) => blobRequest(writer, 'PUT', idOf(Buffer.from([at])), { 'content-range': 'bytes 0-0/9' }, Buffer.alloc(1))));
    expect(many.map(({ status }) => status).toSorted()).toEqual([202, 202, 202, 202, 507]);
    const dropped = await Promise.all(many.map((_, at) => blobRequest(writer, 'DELETE', idOf(Buffer.from([at])))));
    expect(dropped.map(({ status }) => status).toSorted()).toEqual([204, 204, 204, 204, 404]);
  });

  it('are deleted by their author or an admin', async () => {
    const bytes = randomBytes(1000);
    const [admin, author, other] = [await session(0), await session(1), await session(2)];
    for (const by of [author, admin]) {
      expect((await blobRequest(author, 'PUT', idOf(bytes), {}, bytes)).status).toBe(201);
      expect(code(await blobRequest(other, 'DELETE', idOf(bytes)))).toBe('not_admin');
      expect((await blobRequest(by, 'DELETE', idOf(bytes))).status).toBe(204);
      expect((await blobRequest(author, 'GET', idOf(bytes))).status).toBe(404);
    }
  });

  it('of another space are answered as unknown ones, byte for byte', async () => {
    const bytes = randomBytes(1000);
    await blobRequest(await session(1), 'PUT', idOf(bytes), {}, bytes);
    const stranger = await session(0, await makeRawSpace(['admin']));
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      const [there, nowhere] = [await blobRequest(stranger, method, idOf(bytes)), await blobRequest(stranger, method, idOf(randomBytes(9)))];
      // What differs between any two answers.
      for (const { headers } of [there, nowhere]) for (const name of ['date', 'x-response-time']) delete headers[name];
      expect(there).toEqual(nowhere);
      expect(there.status).toBe(404);
    }
  });

  it('stop moving when their device is removed, and are not stored by it any more', async () => {
    const own = await makeRawSpace(['admin', 'write']);
    const [admin, leaving] = [await session(0, own), await session(1, own)];
    const blob = new LargeBlob(64 * MIB, 7);
    const id = blob.id();
    expect(await sendLarge(admin, blob, id)).toBe(201);
    const bearer = { authorization: `Bearer ${leaving.token}` };
    const download = request({ host: '127.0.0.1', port, path: `/v1/blobs/${id}`, headers: bearer });
    const answered = once(download, 'response');
    download.end();
    const [answer] = (await answered) as [IncomingMessage];
    answer.pause();
    const bytes = randomBytes(MIB);
    const upload = request({ host: '127.0.0.1', port, method: 'PUT', path: `/v1/blobs/${idOf(bytes)}`, headers: { ...bearer, 'content-length': bytes.length } });
    upload.write(bytes.subarray(0, MIB / 2));
    await expect.poll(() => offsetOf(leaving, idOf(bytes))).toBeGreaterThan(0);
    await remove(own, 1);
    const refused = once(upload, 'response');
    upload.end(bytes.subarray(MIB / 2));
    const [{ statusCode }] = (await refused) as [IncomingMessage];
    expect(statusCode).toBe(403);
    expect((await blobRequest(admin, 'HEAD', idOf(bytes))).status).toBe(404);
    let received = 0;
    answer.on('data', (piece: Buffer) => (received += piece.length));
    await new Promise((resolve) => answer.once('close', resolve).once('error', () => undefined).resume());
    expect(answer.complete).toBe(false);
    expect(received).toBeLessThan(blob.bytes / 2);
  }, 60_000);

  it('that bring nothing for ten seconds are cut then, and what came is kept', async () => {
    const writer = await session(1);
    const bytes = randomBytes(5000);
    const socket = connect(port, '127.0.0.1');
    const begun = Date.now();
    socket.write(`PUT /v1/blobs/${idOf(bytes)} HTTP/1.1\r\nHost: relay.test\r\nAuthorization: Bearer ${writer.token}\r\nContent-Length: 5000\r\n\r\n`);
    socket.write(bytes.subarray(0, 1000));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1.1 408 /);
    expect(Date.now() - begun).toBeLessThan(SILENCE_MS + 6000);
    expect(await offsetOf(writer, idOf(bytes))).toBe(1000);
  }, 60_000);

  it('that are not wanted are not asked for', async () => {
    const writer = await session(1);
    const bytes = randomBytes(1000);
    await blobRequest(writer, 'PUT', idOf(bytes), {}, bytes);
    for (const [length, status] of [[1000, 200], [3 * 1024 * MIB, 413]] as const) {
      const socket = connect(port, '127.0.0.1');
      const id = status === 200 ? idOf(bytes) : idOf(randomBytes(4));
      socket.write(`PUT /v1/blobs/${id} HTTP/1.1\r\nHost: relay.test\r\nAuthorization: Bearer ${writer.token}\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`);
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(first.toString().split('\r\n', 1)).toEqual([expect.stringMatching(new RegExp(`^HTTP/1.1 ${status} `))]);
      socket.destroy();
    }
  });

  it(`of ${LARGE_BYTES} bytes pass through a few megabytes of memory`, async () => {
    const blob = new LargeBlob(LARGE_BYTES, 2);
    const id = blob.id();
    const writer = await session(1);
    const before = rssBytes(relay.pid);
    let peak = before;
    const pid = relay.pid;
    const watch = setInterval(() => (peak = Math.max(peak, rssBytes(pid))), 20);
    try {
      expect(await sendLarge(writer, blob, id)).toBe(201);
      expect(await hashLarge(writer, id)).toBe(id);
    } finally {
      clearInterval(watch);
    }
    console.log(`blob of ${Math.round(LARGE_BYTES / MIB)} MiB: the relay grew by ${((peak - before) / MIB).toFixed(1)} MiB`);
    expect(peak - before).toBeLessThan(RSS_GROWTH_BYTES_MAX);
  }, 600_000);

  /** The admin of a space removes a device of it. */
  async function remove(from: RawSpace, at: number): Promise<void> {
    const [admin, gone] = [from.devices[0], from.devices[at]];
    if (admin === undefined || gone === undefined) throw new Error('no such device');
    const tools = { ed25519: await createEd25519(), random: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
    const before = parseRoster(from.chain[0] ?? new Uint8Array());
    const follower = await nextRoster(before, new Map([[1, tools.random(32)]]), { remove: { key: gone.key, pushSeqMax: 0 } }, admin, tools);
    const http = client();
    const put = await (await HttpSession.open(http, relay.address, from, admin)).ask('/v1/frames', { type: 'RosterPut', ...follower });
    http.close();
    expect([put.status, put.frames[0]?.type]).toEqual([200, 'RosterUpdate']);
  }

  async function offsetOf(target: BlobTarget, id: string): Promise<number> {
    const head = await blobRequest(target, 'HEAD', id);
    expect(head.status).toBe(404);
    return Number(head.headers['upload-offset']);
  }
});

function code(answer: BlobAnswer): string {
  return (JSON.parse(answer.body.toString()) as { code: string }).code;
}
