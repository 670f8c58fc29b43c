import { describe, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { CanarySearch } from '../../support/canary-search.ts';
import { Unframer } from '../../support/tap-proxy.ts';

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
