import { describe, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { CanarySearch } from '../../../src/verify/canary-search.ts';
import { unpacked } from '../../../src/verify/compressed.ts';
import { Unframer } from '../../../src/verify/tap-proxy.ts';

const canaries = Array.from({ length: 50 }, () => randomBytes(24).toString('base64url'));
const canary = canaries[17] ?? '';
const noise = (bytes: number): Buffer => randomBytes(bytes);

describe('the canary search', () => {
  const search = new CanarySearch(canaries);

  test('finds nothing in noise', () => {
    expect(search.scan(noise(100_000))).toEqual([]);
  });

  test.each([
    ['raw', Buffer.from(canary)],
    ['utf-16', Buffer.from(canary, 'utf16le')],
    ['hex', Buffer.from(Buffer.from(canary).toString('hex'))],
    ['base64+0', Buffer.from(Buffer.from(`${canary}xyz`).toString('base64'))],
    ['base64+1', Buffer.from(Buffer.from(`?${canary}xyz`).toString('base64'))],
    ['base64+2', Buffer.from(Buffer.from(`??${canary}xyz`).toString('base64'))],
    ['base64url+1', Buffer.from(Buffer.from(`?${canary}xyz`).toString('base64url'))],
  ])('finds a canary as %s', (_encoding, bytes) => {
    const hits = search.scan(Buffer.concat([noise(1000), bytes, noise(1000)]));
    expect(hits.map((hit) => hit.canary)).toContain(17);
  });

  test.each([
    ['hex', Buffer.from(Buffer.from(canary).toString('hex').toUpperCase())],
    ['utf-16be', Buffer.from(canary, 'utf16le').swap16()],
    ['percent', Buffer.from([...Buffer.from(canary)].map((byte) => `%${byte.toString(16)}`).join(''))],
    ['json', Buffer.from([...canary].map((character) => `\\u00${character.charCodeAt(0).toString(16)}`).join(''))],
  ])('finds a canary as %s, and any 16 bytes of it', (_encoding, bytes) => {
    const unit = bytes.length / canary.length;
    for (let from = 0; from + 16 <= canary.length; from += 1) {
      const window = bytes.subarray(from * unit, (from + 16) * unit);
      expect(search.scan(Buffer.concat([noise(100), window, noise(100)])).map((hit) => hit.canary)).toContain(17);
      expect(search.scan(Buffer.concat([noise(100), window.subarray(0, 15 * unit), noise(100)]))).toEqual([]);
    }
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('opens %s streams', (how, pack) => {
    const text = 'what was said before and after '.repeat(40);
    const packed = pack(Buffer.from(`${text}${canary}${text}`));
    const around = how === 'br' ? packed : Buffer.concat([noise(500), packed, noise(500)]);
    const found = unpacked(around).flatMap(({ bytes }) => search.scan(bytes));
    expect(found.map((hit) => hit.canary)).toContain(17);
  });

  test('finds a canary cut anywhere between two pieces of a stream', () => {
    const bytes = Buffer.concat([noise(300), Buffer.from(canary), noise(300)]);
    for (let cut = 290; cut < 340; cut += 1) {
      const stream = search.stream();
      stream.push(bytes.subarray(0, cut));
      stream.push(bytes.subarray(cut));
      expect([...stream.found]).toEqual([17]);
    }
  });
});

describe('the tap', () => {
  const head = 'GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n';
  const mask = Buffer.from([1, 2, 3, 4]);
  const masked = (payload: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from([0x82, 0xfe, payload.length >> 8, payload.length & 0xff]),
      mask,
      payload.map((byte, at) => byte ^ (mask[at & 3] ?? 0)),
    ]);

  test('shows masked frames in the clear, however they are cut', () => {
    const payload = noise(300);
    const wire = Buffer.concat([Buffer.from(head), masked(payload), masked(payload)]);
    for (const step of [1, 7, 64, wire.length]) {
      const seen: Uint8Array[] = [];
      const unframer = new Unframer((bytes) => seen.push(bytes));
      for (let at = 0; at < wire.length; at += step) unframer.push(wire.subarray(at, at + step));
      expect(Buffer.concat(seen)).toEqual(Buffer.concat([Buffer.from(head), payload, payload]));
    }
  });

  test('shows plain HTTP as it is', () => {
    const seen: Uint8Array[] = [];
    const unframer = new Unframer((bytes) => seen.push(bytes));
    unframer.push(Buffer.from('HTTP/1.1 200 OK\r\n\r\nbody'));
    expect(Buffer.concat(seen).toString()).toBe('HTTP/1.1 200 OK\r\n\r\nbody');
  });
});
