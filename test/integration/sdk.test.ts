// The SDK against the real relay, over a real socket.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSpace, openSpace } from '../../src/client/node.js';
import type { Misbehaviour, Space } from '../../src/client/node.js';
import { snapshots } from '../../src/client/snapshots/index.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import type { RelayProcess } from '../support/relay-process.js';
import { bytes, until } from '../support/test-space.js';

describe.skipIf(!productBuilt())('the SDK on the real relay (skipped unless the product is built)', () => {
  let dir: string;
  let port: number;
  let relay: RelayProcess;
  const spaces: Space[] = [];
  const findings: Misbehaviour[] = [];
  const errors: string[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-sdk-'));
    port = await freePort();
    relay = await startRelay({ dataDir: join(dir, 'data'), port });
  });

  afterEach(async () => {
    for (const space of spaces.splice(0)) await space.close();
    expect(findings.splice(0)).toEqual([]);
    expect(errors.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function read(space: Space): string[] {
    const texts: string[] = [];
    spaces.push(space);
    space.subscribe(({ items }) => texts.push(...items.map((item) => new TextDecoder().decode(item))));
    space.on('misbehaviour', (finding) => findings.push(finding));
    space.on('error', (error) => errors.push(`${error.code}: ${error.message}`));
    return texts;
  }

  test('two devices push, subscribe, and see receipts and acks', async () => {
    const a = await createSpace({ relay: relay.address });
    const atA = read(a);
    const write = a.push(bytes('hello'));
    await write.durable('relay');
    const b = await openSpace({ link: a.link! });
    const atB = read(b);
    await b.whenSynced();
    b.push(bytes('back'));
    await until('a reads', () => atA.length === 2);
    await write.durable('device');
    expect(write.seenBy).toEqual([b.device]);
    expect(atA).toEqual(['hello', 'back']);
    await until('b reads its own', () => atB.length === 2);
    expect(atB).toEqual(atA);
  });

  test('a relay that is killed and started again loses and doubles nothing', async () => {
    const a = await createSpace({ relay: relay.address, batchWindowMs: 1 });
    const atA = read(a);
    await a.whenSynced();
    const b = await openSpace({ link: a.link! });
    const atB = read(b);
    await b.whenSynced();
    const expected: string[] = [];
    for (let i = 0; i < 300; i += 1) {
      expected.push(String(i));
      a.push(bytes(String(i)));
      if (i % 10 === 0) {
        await new Promise((resolve) => {
          setTimeout(resolve, 2);
        });
      }
      if (i === 150) {
        await relay.kill();
        relay = await startRelay({ dataDir: join(dir, 'data'), port });
      }
    }
    await Promise.all([a.whenSynced(), b.whenSynced()]);
    await until('b has all', () => atB.length >= expected.length);
    expect(atB).toEqual(expected);
    expect(atA).toEqual(expected);
  });

  test('a removed device is out, a snapshot starts a new one, and a head can be compared', async () => {
    const a = await createSpace({ relay: relay.address, parts: [snapshots({ create: () => bytes('state'), load: () => undefined })] });
    read(a);
    await a.push(bytes('before')).durable('relay');
    const b = await openSpace({ link: a.link! });
    read(b);
    await b.whenSynced();
    await a.removeDevice(b.device);
    await until('b is out', () => b.status.status === 'failed');
    await a.push(bytes('after')).durable('relay');
    await a.whenSynced();
    expect(await a.snapshot()).toBe(2);
    const loaded: Uint8Array[] = [];
    const c = await openSpace({ link: a.link!, parts: [snapshots({ create: () => bytes(''), load: (state) => void loaded.push(state) })] });
    const atC = read(c);
    await c.whenSynced();
    expect(loaded.map((state) => new TextDecoder().decode(state))).toEqual(['state']);
    expect(atC).toEqual([]);
    await until('verified', () => a.head() !== null && c.head() !== null);
    expect(await c.checkHead(a.head()!)).toEqual({ verdict: 'consistent' });
  });
});
