// The client of Graceful Books on the real product: kills, restarts, two relays, and a search of the wire and the disks for what was written.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSyncApi, FileDeviceStore, RelayClient, SYNC_PROTOCOL_VERSION, type SyncApi, type SyncChange } from '../../src/client/graceful/node.js';
import { CanarySearch } from '../../src/verify/canary-search.js';
import { searchDirectory } from '../../src/verify/files.js';
import { Sink } from '../../src/verify/sink.js';
import { startTapProxy, type TapProxy } from '../../src/verify/tap-proxy.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const ENV = { RELAY_COMPAT_GRACEFUL_RATE_MAX: '100000' };
const CANARIES = 400;
const BASE = { protocol_version: SYNC_PROTOCOL_VERSION, sync_vector: {} };

const canaries = Array.from({ length: CANARIES }, () => randomBytes(24).toString('base64url'));
let planted = 0;
const canary = (): string => canaries[planted++ % CANARIES]!;

/** Every field that an app fills, with something that can be found again. */
function canaryChange(): SyncChange {
  return { id: canary(), entity_type: canary(), entity_id: canary(), operation: canary(), encrypted_payload: canary(), version_vector: { [canary()]: 3 }, timestamp: Date.now() };
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 1500; tries += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never: ${what}`);
}

async function pullAll(api: SyncApi, device: string): Promise<SyncChange[]> {
  const got: SyncChange[] = [];
  for (let since = 0, more = true; more; ) {
    const { changes, timestamp, has_more } = await api.pull({ ...BASE, device_id: device, since_timestamp: since });
    got.push(...changes);
    [since, more] = [timestamp, has_more];
  }
  return got;
}

describe.skipIf(!productBuilt())('on the product (skipped unless it is built)', () => {
  let dir: string;
  const key = Uint8Array.from(randomBytes(32));
  const [laptopId, phoneId] = [canary(), canary()];
  const push = (api: SyncApi, changes: SyncChange[], device_id = laptopId): ReturnType<SyncApi['push']> => api.push({ ...BASE, device_id, timestamp: Date.now(), changes });

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-graceful-client-'));
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('a relay killed in between and an app restarted lose nothing; neither wire nor disks show a word of it', async () => {
    const wanted = { search: new CanarySearch(canaries), fieldOf: () => 'field' };
    const sinks = { wire: new Sink('wire', wanted), relay: new Sink('relay', wanted), device: new Sink('device', wanted), logs: new Sink('logs', wanted) };
    const hits = (): Record<string, number> => Object.fromEntries(Object.entries(sinks).map(([name, sink]) => [name, sink.report().hits]));
    const dataDir = join(dir, 'one');
    const port = await freePort();
    const start = (): Promise<RelayProcess> => startRelay({ dataDir, port, env: ENV, onLine: (line) => sinks.logs.push(Buffer.from(line)) });
    let relay = await start();
    const tap: TapProxy = await startTapProxy(() => port, (connection, direction, piece) => sinks.wire.push(piece, `${connection} ${direction}`));
    const relays = `http://127.0.0.1:${tap.port}`;
    const device = async (name: string): Promise<{ api: SyncApi; store: FileDeviceStore }> => {
      const store = await FileDeviceStore.open(join(dir, name));
      return { api: createSyncApi({ relays, key, journal: store.journal, retries: 0, timeoutMs: 5000 }), store };
    };
    const end = async ({ api, store }: Awaited<ReturnType<typeof device>>): Promise<void> => {
      await api.close();
      await store.close();
    };
    try {
      let laptop = await device('laptop');
      const phone = await device('phone');
      const news: unknown[] = [];
      phone.api.on('sync_available', (event) => news.push(event));
      let isConnected = false;
      phone.api.on('connected', () => (isConnected = true));
      phone.api.connect(phoneId);
      await until(() => isConnected, 'the phone listens');

      const before = Array.from({ length: 20 }, canaryChange);
      expect(await push(laptop.api, before)).toMatchObject({ success: true, accepted: before.map(({ id }) => id), rejected: [], queued: [] });
      await until(() => news.length > 0, 'the phone hears of it');
      expect(await pullAll(phone.api, phoneId)).toEqual(before.map((change) => ({ ...change, device_id: laptopId })));

      await relay.kill();
      const during = Array.from({ length: 12 }, canaryChange);
      expect(await push(laptop.api, during)).toMatchObject({ success: false, accepted: [], queued: during.map(({ id }) => id) });
      await end(laptop);
      laptop = await device('laptop');
      relay = await start();
      await until(() => laptop.api.pending === 0, 'the queue is empty');
      expect((await push(laptop.api, during)).accepted).toEqual(during.map(({ id }) => id));
      const all = [...before, ...during].map(({ id }) => id);
      expect((await pullAll(phone.api, phoneId)).map(({ id }) => id)).toEqual(all);
      expect(await laptop.api.health()).toMatchObject({ status: 'ok' });

      await Promise.all([end(laptop), end(phone)]);
      searchDirectory(sinks.relay, dataDir);
      for (const name of ['laptop', 'phone']) searchDirectory(sinks.device, join(dir, name));
      expect(hits()).toEqual({ wire: 0, relay: 0, device: 0, logs: 0 });

      const bare = new RelayClient({ relays, token: 'control' });
      await bare.push({ ...BASE, device_id: canary(), timestamp: 1, changes: [canaryChange()] });
      searchDirectory(sinks.relay, dataDir);
      const { wire, relay: disk } = hits();
      expect(wire).toBeGreaterThan(6);
      expect(disk).toBeGreaterThan(6);
    } finally {
      await tap.close();
      await relay.kill();
    }
  });

  test('of two relays one is killed: the other takes over, nobody misses anything, and the first catches up', async () => {
    const ports = [await freePort(), await freePort()] as const;
    const start = (at: 0 | 1): Promise<RelayProcess> => startRelay({ dataDir: join(dir, `region-${at}`), port: ports[at], env: ENV });
    const processes = await Promise.all([start(0), start(1)]);
    const relays = ports.map((port, at) => ({ id: `r${at}`, endpoint: `http://127.0.0.1:${port}` }));
    const device = (region: string): SyncApi => createSyncApi({ relays, key, region, retries: 1, timeoutMs: 5000 });
    const [laptop, phone] = [device('r0'), device('r1')];
    const moves: string[] = [];
    laptop.client.on('region_changed', ({ from, to, why }) => moves.push(`${from ?? '-'} to ${to}: ${why}`));
    const pushed: string[] = [];
    const pushOne = async (api: SyncApi, device: string): Promise<void> => {
      const change = canaryChange();
      pushed.push(change.id);
      expect((await push(api, [change], device)).accepted).toEqual([change.id]);
    };
    const seen = async (api: SyncApi, device: string): Promise<Set<string>> => new Set((await pullAll(api, device)).map(({ id }) => id));
    try {
      await pushOne(laptop, laptopId);
      await pushOne(phone, phoneId);
      await until(async () => (await seen(device('r0'), 'reader')).size === 2 && (await seen(device('r1'), 'reader')).size === 2, 'both relays have both');
      await processes[0].kill();
      const killedAt = Date.now();
      await pushOne(laptop, laptopId);
      expect(Date.now() - killedAt).toBeLessThan(10_000);
      expect(moves).toEqual(['- to r0: chosen', 'r0 to r1: failover']);
      await pushOne(phone, phoneId);
      expect(await seen(phone, 'reader')).toEqual(new Set(pushed));

      processes[0] = await start(0);
      const back = device('r0');
      // Another start of the app, as the wait of a minute would be.
      laptop.setUseMock(false);
      phone.setUseMock(false);
      await until(async () => (await seen(back, 'reader')).size === pushed.length, 'the first relay has everything');
      await back.close();
    } finally {
      await Promise.all([laptop.close(), phone.close()]);
      await Promise.all(processes.map((process) => process.kill()));
    }
  });

  test('the relay that is full of strangers’ changes shows them to nobody with another key', async () => {
    const port = await freePort();
    const relay = await startRelay({ dataDir: join(dir, 'strangers'), port, env: ENV });
    const api = (own: Uint8Array): SyncApi => createSyncApi({ relays: `http://127.0.0.1:${port}`, key: own });
    const [ours, theirs] = [api(key), api(Uint8Array.from(randomBytes(32)))];
    await push(ours, [canaryChange()]);
    expect(await pullAll(theirs, phoneId)).toEqual([]);
    expect((await pullAll(ours, phoneId)).length).toBe(1);
    await Promise.all([ours.close(), theirs.close()]);
    await relay.stop();
  });
});
