// The native protocol over HTTP, through the built product: session, push, pull, wait, stream, and what is refused.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEd25519 } from '../../src/client/crypto/ed25519.js';
import { AttestationVerifier } from '../../src/client/log/attestation-verifier.js';
import { ReceiptBook } from '../../src/client/log/receipt-book.js';
import { nextRoster } from '../../src/client/roster/roster-build.js';
import { parseRelayAddress } from '../../src/protocol/address.js';
import type { ClientFrame } from '../../src/protocol/client-frame.js';
import { errorName } from '../../src/protocol/errors.js';
import { entryId } from '../../src/protocol/hash.js';
import { encodeRelayFrame } from '../../src/protocol/relay-frame-codec.js';
import type { EntriesFrame, ErrorFrame, ReceiptFrame, RelayFrame } from '../../src/protocol/relay-frame.js';
import { parseRoster } from '../../src/protocol/roster.js';
import { encoded, framed, HttpClient, HttpSession, type HttpAnswer } from '../support/http-client.js';
import { makeRawSpace, RawClient, type RawSpace } from '../support/raw-client.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const sealed = (text: string): Uint8Array => new TextEncoder().encode(text.padEnd(300, '.'));
const push = (pushSeqFirst: number, ...texts: readonly string[]): ClientFrame => ({ type: 'Push', pushSeqFirst, keyEpoch: 1, entries: texts.map(sealed) });
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).replaceAll('.', '');

function of<T extends RelayFrame['type']>(type: T, frame: RelayFrame | undefined): Extract<RelayFrame, { type: T }> {
  if (frame?.type !== type) throw new Error(`expected ${type}, got ${frame?.type}`);
  return frame as Extract<RelayFrame, { type: T }>;
}

const refusal = ({ status, frames }: HttpAnswer): [number, string | undefined] => [status, errorName((of('Error', frames[0]) satisfies ErrorFrame).code)];
const texts = ({ items }: EntriesFrame): string[] => items.map((item) => (item.kind === 'sealed' ? text(item.sealed) : '(own)'));

describe.skipIf(!productBuilt())('sessions over HTTP (needs `npm run build`)', { timeout: 120_000 }, () => {
  let dir: string;
  let port: number;
  let relay: RelayProcess;
  let client: HttpClient;
  let space: RawSpace;
  let writer: HttpSession;

  const device = (at: number): RawSpace['devices'][number] => space.devices[at] ?? space.root;
  const session = (at: number): Promise<HttpSession> => HttpSession.open(client, relay.address, space, device(at));

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-http-'));
    port = await freePort();
    relay = await startRelay({ dataDir: dir, port });
  });

  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    client = new HttpClient(port);
    space = await makeRawSpace(['admin', 'write', 'read']);
    writer = await session(0);
  });

  afterEach(() => client.close());

  it('a push is answered by receipts that the verifier of the SDK accepts, and again by duplicates', async () => {
    const verifier = new AttestationVerifier({ space: space.id, logId: parseRelayAddress(relay.address).logId }, await createEd25519());
    const check = async (frame: ReceiptFrame, names: readonly string[]): Promise<void> => {
      await verifier.check(frame.attestation);
      const evidence = { frame, raw: encodeRelayFrame(frame) };
      new ReceiptBook().check(device(0).key, names.map((name) => entryId(sealed(name))), evidence);
    };
    const { status, headers, frames } = await writer.ask('/v1/push', push(1, 'a', 'b'), push(3, 'c'));
    expect({ status, type: headers['content-type'], count: frames.length }).toEqual({ status: 200, type: 'application/octet-stream', count: 2 });
    const [first, second] = frames.map((frame) => of('Receipt', frame));
    if (first === undefined || second === undefined) throw new Error('two receipts');
    await check(first, ['a', 'b']);
    await check(second, ['c']);
    await expect(check(second, ['d'])).rejects.toThrow('does not cover');
    const again = await writer.ask('/v1/push', push(1, 'a', 'b'));
    expect(of('Receipt', again.frames[0]).status).toBe('duplicate');
    expect(refusal(await writer.ask('/v1/push', push(2, 'x')))).toEqual([409, 'push_seq_conflict']);
    expect(refusal(await writer.ask('/v1/push', push(9, 'x')))).toEqual([409, 'push_seq_gap']);
    expect(refusal(await writer.ask('/v1/push', { type: 'Ping', nonce: 1 }))).toEqual([400, 'unexpected_frame']);
  });

  it('pages are pulled with the cursor of the WebSocket, in the query or as frames', async () => {
    await writer.ask('/v1/push', push(1, 'a', 'b', 'c'));
    const reader = await session(2);
    const page = of('Entries', (await reader.get('/v1/pull?log_epoch=1&after=0&entries_max=2')).frames[0]);
    expect([texts(page), page.more]).toEqual([['a', 'b'], true]);
    const pull: ClientFrame = { type: 'Pull', request: 9, logEpoch: 1, after: 2, entriesMax: 5, bytesMax: 1000 };
    const { frames } = await reader.ask('/v1/frames', pull, { type: 'Ping', nonce: 7 });
    expect([texts(of('Entries', frames[0])), of('Pong', frames[1]).nonce]).toEqual([['c'], 7]);
    expect(refusal(await reader.get('/v1/pull?log_epoch=1&after=4'))).toEqual([409, 'cursor_ahead']);
    expect(refusal(await reader.get('/v1/pull?log_epoch=1&after=-4'))).toEqual([400, 'request_invalid']);
    expect(refusal(await reader.ask('/v1/push', push(1, 'no')))).toEqual([403, 'read_only']);
    const wrongMethod = await client.exchange('POST', '/v1/pull', {}, new Uint8Array()).catch((error: unknown) => error);
    expect(wrongMethod).toBeInstanceOf(Error);
  });

  it('a pull that waits is answered by what another device pushes over a WebSocket', async () => {
    const reader = await session(2);
    const waiting = reader.get('/v1/pull?log_epoch=1&after=0&wait_ms=20000');
    const other = await RawClient.open(relay.address, space, device(1));
    other.send(push(1, 'news'));
    expect(texts(of('Entries', (await waiting).frames[0]))).toEqual(['news']);
    other.close();
    const start = performance.now();
    expect(texts(of('Entries', (await reader.get('/v1/pull?log_epoch=1&after=1&wait_ms=300')).frames[0]))).toEqual([]);
    expect(performance.now() - start).toBeGreaterThan(250);
  });

  it('a stream brings what is there and what comes', async () => {
    await writer.ask('/v1/push', push(1, 'a'));
    const reader = await session(2);
    const seen: string[] = [];
    for await (const frame of reader.stream('/v1/subscribe?log_epoch=1&after=0')) {
      seen.push(...texts(of('Entries', frame)));
      if (seen.length === 1) await writer.ask('/v1/push', push(2, 'b'));
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['a', 'b']);
  });

  it('one request streams pushes in and receipts out at the same time', async () => {
    const started = client.start('POST', '/v1/push', { ...writer.headers, 'transfer-encoding': 'chunked' });
    started.write(encoded(push(1, 'a')));
    const answer = await client.answerOf(started);
    const pieces = answer[Symbol.asyncIterator]();
    expect((await pieces.next()).done).toBe(false);
    started.end(encoded(push(2, 'b')));
    expect((await pieces.next()).done).toBe(false);
    expect((await pieces.next()).done).toBe(true);
  });

  it('a device that left the roster is cut off at once, also in the middle of a stream', async () => {
    const leaving = await session(1);
    const stream = leaving.stream('/v1/subscribe?log_epoch=1&after=0');
    const first = stream.next();
    const before = parseRoster(space.chain[0] ?? new Uint8Array());
    const tools = { ed25519: await createEd25519(), random: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
    const change = { remove: { key: device(1).key, pushSeqMax: 0 } };
    const follower = await nextRoster(before, new Map([[1, tools.random(32)]]), change, device(0), tools);
    const put = await writer.ask('/v1/frames', { type: 'RosterPut', ...follower });
    expect([put.status, put.frames[0]?.type]).toEqual([200, 'RosterUpdate']);
    expect(errorName(of('Error', (await first).value as RelayFrame).code)).toBe('device_revoked');
    expect(refusal(await leaving.get('/v1/pull?log_epoch=1&after=0'))).toEqual([403, 'device_revoked']);
    await expect(HttpSession.open(client, relay.address, { ...space, chain: [...space.chain, ...follower.chain], keyring: follower.keyring }, device(1))).rejects.toThrow('refused: 401');
  });

  it('a token that was changed, is missing, or is of an earlier start opens nothing', async () => {
    const path = '/v1/pull?log_epoch=1&after=0';
    const changed = (writer.token.startsWith('A') ? 'B' : 'A') + writer.token.slice(1);
    for (const authorization of ['', 'Bearer ', `Bearer ${changed}`, `Basic ${writer.token}`]) {
      const { answer, raw } = await client.exchange('GET', path, authorization === '' ? {} : { authorization }, new Uint8Array());
      expect([answer.statusCode, answer.headers['www-authenticate'], raw.length]).toEqual([401, 'Bearer', 1]);
    }
    client.close();
    await relay.stop();
    relay = await startRelay({ dataDir: dir, port });
    expect(refusal(await writer.get(path))).toEqual([401, 'session_expired']);
    const again = await session(0);
    expect((await again.get(path)).status).toBe(200);
  });

  it('a frame over the limit is refused by its length, and a body that ends inside a frame is malformed', async () => {
    const started = client.start('POST', '/v1/push', { ...writer.headers, 'content-length': 64_000_000 });
    started.on('error', () => undefined);
    started.write(Buffer.from([0x03, 0xc0, 0, 0]));
    const answer = await client.answerOf(started);
    expect(answer.statusCode).toBe(413);
    answer.resume();
    started.destroy();
    const half = await client.exchange('POST', '/v1/push', writer.headers, encoded(push(1, 'a')).subarray(0, 50));
    expect(half.answer.statusCode).toBe(400);
    const nothing = await client.exchange('POST', '/v1/session', {}, framed(new Uint8Array()));
    expect(nothing.answer.statusCode).toBe(400);
    expect((await writer.ask('/v1/push', push(1, 'a'))).status).toBe(200);
  });

  it('pushes that follow each other on one connection are answered in order, and other requests after them', async () => {
    const one = (frame: Buffer): Buffer =>
      Buffer.concat([Buffer.from(`POST /v1/push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${writer.token}\r\nContent-Length: ${frame.length}\r\n\r\n`), frame]);
    const socket = connect(port, '127.0.0.1');
    const received: Buffer[] = [];
    socket.on('data', (data) => received.push(data));
    const conflict = encoded(push(1, 'other'));
    const live = Buffer.from('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    socket.end(Buffer.concat([one(encoded(push(1, 'a'))), one(encoded(push(2, 'b'))), one(conflict), one(encoded(push(3, 'c'))), live]));
    await once(socket, 'close');
    const statuses = Buffer.concat(received).toString('latin1').match(/HTTP\/1\.1 \d{3}/gu);
    expect(statuses).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 409', 'HTTP/1.1 200', 'HTTP/1.1 200']);
  });

  it('a request that is sent slowly, piece by piece, is answered all the same, and others do not wait for it', async () => {
    const body = encoded(push(1, 'slow'));
    const socket = connect(port, '127.0.0.1');
    const received: Buffer[] = [];
    socket.on('data', (data) => received.push(data));
    socket.write(`POST /v1/push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${writer.token}\r\nContent-Length: ${body.length}\r\n\r\n`);
    for (let at = 0; at < body.length; at += 40) {
      socket.write(body.subarray(at, at + 40));
      expect((await writer.get('/v1/pull?log_epoch=1&after=0')).status).toBe(200);
    }
    await expect.poll(() => Buffer.concat(received).toString('latin1')).toContain('HTTP/1.1 200 OK');
    socket.destroy();
  });

  it('more pushes in one request than their receipts find room at once are all answered', async () => {
    // As many as the lane for small requests leaves to the general server, and far more than may be in flight.
    for (const [first, count] of [[1, 64], [65, 65], [130, 3000]] as const) {
      const { status, frames } = await writer.ask('/v1/push', ...Array.from({ length: count }, (_, n) => push(first + n, 'a')));
      // One receipt may answer several pushes, of one entry each.
      const answered = frames.flatMap((frame) => (frame.type === 'Receipt' ? Array.from({ length: frame.count }, (_, n) => frame.pushSeqFirst + n) : []));
      expect([status, answered]).toEqual([200, Array.from({ length: count }, (_, n) => first + n)]);
    }
  });

  it('a page of another origin may ask first, and read every answer', async () => {
    const asks = { origin: 'https://app.test', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
    for (const [path, methods] of [['/v1/session', 'POST'], ['/v1/push', 'POST'], ['/v1/pull', 'GET'], [`/v1/blobs/${'0'.repeat(64)}`, 'GET, HEAD, PUT, DELETE']] as const) {
      const { answer } = await client.exchange('OPTIONS', path, asks, new Uint8Array());
      const { 'access-control-allow-origin': origin, 'access-control-allow-methods': allowed, 'access-control-allow-headers': headers } = answer.headers;
      expect({ path, status: answer.statusCode, origin, allowed }).toEqual({ path, status: 204, origin: '*', allowed: methods });
      expect(headers).toContain('authorization');
    }
    const from = { ...writer.headers, origin: 'https://app.test' };
    const pushed = await client.exchange('POST', '/v1/push', from, encoded(push(1, 'a')));
    expect([pushed.answer.statusCode, pushed.answer.headers['access-control-allow-origin']]).toEqual([200, '*']);
    const refused = await client.exchange('POST', '/v1/push', { origin: 'null' }, encoded(push(2, 'b')));
    expect([refused.answer.statusCode, refused.answer.headers['access-control-allow-origin']]).toEqual([401, '*']);
    const metrics = await client.exchange('OPTIONS', '/metrics', asks, new Uint8Array()).catch(() => undefined);
    expect(metrics?.answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});
