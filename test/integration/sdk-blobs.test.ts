// Blobs by the SDK, against the real relay: sealed on one device, opened on another, continued after the relay was gone.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSpace, openSpace } from '../../src/client/node.js';
import { blobs } from '../../src/client/blobs/index.js';
import type { BlobCalls } from '../../src/client/blobs/index.js';
import type { Space } from '../../src/client/node.js';
import { BLOB_HEADER_BYTES, BLOB_CHUNK_BYTES } from '../../src/client/crypto/blob-seal.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';

describe.skipIf(!productBuilt())('blobs by the SDK (skipped unless the product is built)', () => {
  let dir: string;
  let port: number;
  let relay: RelayProcess;
  const spaces: Space[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-sdk-blobs-'));
    port = await freePort();
    relay = await startRelay({ dataDir: join(dir, 'data'), port });
  });
  afterEach(async () => {
    for (const space of spaces.splice(0)) await space.close();
  });
  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function pair(): Promise<[Space & BlobCalls, Space & BlobCalls]> {
    const a = await createSpace({ relay: relay.address, parts: [blobs] });
    spaces.push(a);
    await a.whenSynced();
    const b = await openSpace({ link: a.link!, parts: [blobs] });
    spaces.push(b);
    await b.whenSynced();
    return [a, b];
  }

  test('are sealed on one device and opened on another', async () => {
    const [a, b] = await pair();
    for (const content of [new Uint8Array(), Uint8Array.from(randomBytes(1000)), Uint8Array.from(randomBytes(3 * BLOB_CHUNK_BYTES + 5))]) {
      const id = await a.blobs.put(content);
      expect(await b.blobs.has(id)).toBe(true);
      expect(Buffer.from(await b.blobs.get(id)).equals(content)).toBe(true);
    }
    const id = await a.blobs.put(new Blob([randomBytes(2_000_000)]));
    let bytes = 0;
    for await (const piece of b.blobs.read(id)) bytes += piece.length;
    expect(bytes).toBe(2_000_000);
    await a.blobs.delete(id);
    expect(await b.blobs.has(id)).toBe(false);
    await expect(b.blobs.get(id)).rejects.toMatchObject({ code: 'blob_unknown' });
  });

  test('go on where they stood when the relay was killed, with a new session', async () => {
    const [a, b] = await pair();
    const content = Uint8Array.from(randomBytes(8 * BLOB_CHUNK_BYTES));
    const seen: number[] = [];
    let restarting: Promise<void> | undefined;
    const id = await a.blobs.put(content, {
      progress: (done) => {
        seen.push(done);
        if (done < 4 * BLOB_CHUNK_BYTES || restarting !== undefined) return;
        restarting = relay.kill().then(async () => {
          relay = await startRelay({ dataDir: join(dir, 'data'), port });
        });
      },
    });
    await restarting;
    expect(seen[0]).toBe(0);
    expect(seen.filter((done) => done === 0)).toHaveLength(1);
    expect(seen).toContain(BLOB_HEADER_BYTES + BLOB_CHUNK_BYTES);
    expect(Buffer.from(await b.blobs.get(id)).equals(content)).toBe(true);
  }, 60_000);

  test('a content that changes while it is put never leaves the device', async () => {
    const [a] = await pair();
    let reads = 0;
    const source = { size: 100, slice: () => ({ arrayBuffer: () => Promise.resolve(new Uint8Array(100).fill((reads += 1)).buffer) }) };
    await expect(a.blobs.put(source)).rejects.toMatchObject({ code: 'content_changed' });
  });

  test('what a relay changed is rejected', async () => {
    const [a, b] = await pair();
    const id = await a.blobs.put(Uint8Array.from(randomBytes(1000)));
    const other = await a.blobs.put(Uint8Array.from(randomBytes(1000)));
    const honest = globalThis.fetch;
    globalThis.fetch = (url, init) => honest(url instanceof Request ? url : String(url).replace(id, other), init);
    try {
      await expect(b.blobs.get(id)).rejects.toMatchObject({ code: 'blob_rejected' });
    } finally {
      globalThis.fetch = honest;
    }
  });
});
