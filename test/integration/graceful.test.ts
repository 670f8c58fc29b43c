// Graceful Books on the real product: what was answered survives a kill, limits and switches come from the configuration.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newChange, Tenant } from '../conformance/graceful/client.js';
import { Peer } from '../conformance/socket.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';

describe.skipIf(!productBuilt())('Graceful Books on the product (skipped unless it is built)', () => {
  let dir: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-graceful-'));
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const start = async (name: string, env: Readonly<Record<string, string>> = {}): Promise<{ url: URL; kill: () => Promise<void>; stop: () => Promise<number | null> }> => {
    const relay = await startRelay({ dataDir: join(dir, name), port: await freePort(), env });
    return { url: new URL(`http://127.0.0.1:${relay.port}`), kill: () => relay.kill(), stop: () => relay.stop() };
  };

  test('what was answered is there after a kill, under load, and after an orderly restart', async () => {
    const before = await start('kill');
    const answered: string[] = [];
    const run = { isOver: false };
    const push = async (): Promise<void> => {
      const tenant = new Tenant(before.url, 'the-token');
      while (!run.isOver) {
        const change = newChange();
        const pushed = await tenant.push('a', [change]).catch(() => null);
        answered.push(...(pushed?.accepted ?? []));
      }
    };
    const pushing = Array.from({ length: 8 }, push);
    while (answered.length < 200) await new Promise((resolve) => setTimeout(resolve, 5));
    await before.kill();
    run.isOver = true;
    await Promise.all(pushing);
    for (const moment of ['after the kill', 'after a stop']) {
      const after = await start('kill');
      const held = new Set(await new Tenant(after.url, 'the-token').pullAll('b', ({ cursor }) => ({ cursor })));
      assert.deepEqual(answered.filter((id) => !held.has(id)), [], moment);
      expect(await after.stop()).toBe(0);
    }
  });

  test('the rate comes from the configuration', async () => {
    const relay = await start('rate', { RELAY_COMPAT_GRACEFUL_RATE_MAX: '3' });
    const tenant = new Tenant(relay.url);
    const pull = (): Promise<{ status: number; headers: Headers; body: unknown }> => tenant.post('/sync/pull', { device_id: 'a', since_timestamp: 0 });
    const statuses: number[] = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await pull()).status);
    const last = await pull();
    // A minute may have begun in between.
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
    if (last.status === 429) {
      expect((last.body as { error: { code: string } }).error.code).toBe('RATE_LIMIT_EXCEEDED');
      expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    await relay.stop();
  });

  test('without a token there is one tenant on loopback, and none where that is off', async () => {
    const open = await start('open');
    const closed = await start('closed', { RELAY_COMPAT_GRACEFUL_TOKENLESS: 'off' });
    const body = JSON.stringify({ device_id: 'a', since_timestamp: 0 });
    const status = async (url: URL): Promise<number> => (await fetch(new URL('/sync/pull', url), { method: 'POST', body })).status;
    expect([await status(open.url), await status(closed.url)]).toEqual([200, 401]);
    await Promise.all([open.stop(), closed.stop()]);
  });

  test('a protocol that is off is not there', async () => {
    const relay = await start('off', { RELAY_COMPAT_GRACEFUL: 'off', RELAY_COMPAT_PLURES: 'off' });
    expect((await fetch(new URL('/sync/pull', relay.url), { method: 'POST', body: '{}' })).status).toBe(404);
    await expect(Peer.open(relay.url, '/')).rejects.toThrow(/status (200|400|404|426)/);
    await relay.stop();
  });

  test('a PluresDB token is asked for', async () => {
    writeFileSync(join(dir, 'token.txt'), 'let me in\n');
    const relay = await start('token', { RELAY_COMPAT_PLURES_TOKEN_FILE: join(dir, 'token.txt') });
    await expect(Peer.open(relay.url, '/')).rejects.toThrow(/401/);
    const peer = await Peer.open(relay.url, '/?token=let%20me%20in');
    peer.close();
    await relay.stop();
  });
});
