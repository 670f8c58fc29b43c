// The clients of Graceful Books and PluresDB in a page of another origin: what browsers forbid (headers, WebSocket tokens, reading answers) is in their way here.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as books from '../../src/client/graceful/index.js';
import { createSyncApi } from '../../src/client/graceful/node.js';
import type * as plures from '../../src/client/plures/index.js';
import { createTransport } from '../../src/client/plures/node.js';
import { bundled } from '../support/react/bundle.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const PAGE = `<!doctype html><script type="module">
import * as books from '/books.js';
import * as plures from '/plures.js';
globalThis.clients = { books, plures, api: null, news: 0, heard: [] };
</script>`;
const KEY = Array.from({ length: 32 }, (_, at) => at);
const CHANGE = { id: 'c1', entity_type: 'TRANSACTION', entity_id: 'txn', operation: 'CREATE', encrypted_payload: 'x', version_vector: { page: 1 }, timestamp: 5 };
const BASE = { protocol_version: '1.0.0', sync_vector: {} };

declare const clients: { books: typeof books; plures: typeof plures; api: books.SyncApi | null; news: number; heard: string[] };

describe.skipIf(!productBuilt() || !existsSync(CHROMIUM))('in a browser (skipped without the built product and Chromium)', () => {
  let dir: string;
  let relay: RelayProcess;
  let pages: Server;
  let browser: Browser;
  let page: Page;
  let relayUrl: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-browser-clients-'));
    const scripts: Record<string, string> = {};
    for (const [name, folder] of [['books', 'graceful'], ['plures', 'plures']] as const) scripts[`/${name}.js`] = await bundled(`src/client/${folder}/index.ts`, { platform: 'browser' });
    pages = createServer((request, response) => {
      const script = scripts[request.url ?? ''];
      response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
      response.end(script ?? PAGE);
    }).listen(0, '127.0.0.1');
    await once(pages, 'listening');
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort(), env: { RELAY_COMPAT_GRACEFUL_RATE_MAX: '1000' } });
    relayUrl = `http://127.0.0.1:${relay.port}`;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    page = await (await browser.newContext()).newPage();
    await openPage();
  });

  afterAll(async () => {
    await browser?.close();
    await relay?.kill();
    pages?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function openPage(): Promise<void> {
    const address = pages.address();
    await page.goto(`http://127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}/`);
    await page.waitForFunction(() => typeof clients !== 'undefined');
  }

  const openApi = (): Promise<void> =>
    page.evaluate(
      async ([url, key]) => {
        const { journal } = await clients.books.IndexedDbDeviceStore.open('books');
        clients.api = clients.books.createSyncApi({ relays: url, key: new Uint8Array(key), journal, retries: 0 });
        clients.api.on('sync_available', () => (clients.news += 1));
        clients.api.connect('page');
      },
      [relayUrl, KEY] as const,
    );

  test('Graceful Books: pushes, pulls and news; what was pushed while the relay was away is sent after the page was loaded again', async () => {
    const laptop = createSyncApi({ relays: relayUrl, key: new Uint8Array(KEY) });
    await openApi();
    const push = (id: string): Promise<books.SyncApiPushResponse> =>
      page.evaluate(([change, base]) => clients.api!.push({ ...base, device_id: 'page', timestamp: Date.now(), changes: [change] }), [{ ...CHANGE, id }, BASE] as const);
    expect(await push('c1')).toMatchObject({ success: true, accepted: ['c1'] });
    expect(await page.evaluate(() => clients.api!.health())).toMatchObject({ status: 'ok' });
    expect((await laptop.pull({ ...BASE, device_id: 'laptop', since_timestamp: 0 })).changes).toEqual([{ ...CHANGE, device_id: 'page' }]);
    await expect
      .poll(async () => {
        await laptop.push({ ...BASE, device_id: 'laptop', timestamp: 1, changes: [{ ...CHANGE, id: `l${Date.now()}` }] });
        return page.evaluate(() => clients.news);
      }, { timeout: 10_000 })
      .toBeGreaterThan(0);
    expect((await page.evaluate((base) => clients.api!.pull({ ...base, device_id: 'page', since_timestamp: 0 }), BASE)).changes.length).toBeGreaterThan(0);

    await relay.kill();
    expect(await push('c2')).toMatchObject({ accepted: [], queued: ['c2'] });
    await openPage();
    relay = await startRelay({ dataDir: join(dir, 'data'), port: relay.port });
    await openApi();
    await page.waitForFunction(() => clients.api!.pending === 0);
    const { changes } = await laptop.pull({ ...BASE, device_id: 'laptop', since_timestamp: 0 });
    expect(changes.map(({ id }) => id)).toEqual(['c1', 'c2']);
    await laptop.close();
  });

  test('PluresDB: a page and a Node process meet by the relay; the direct way, which a page has not, is skipped', async () => {
    const config = { topic: 'page and node', syncKey: 'secret', azureRelayUrl: relayUrl.replace('http', 'ws') };
    const heard: string[] = [];
    const listening = createTransport({ mode: 'azure-relay', ...config });
    await listening.listen(async (connection) => {
      for await (const message of connection.receive()) {
        heard.push(new TextDecoder().decode(message));
        await connection.send(message);
      }
    });
    const outcome = await page.evaluate(async (config) => {
      const attempts: string[] = [];
      const transport = clients.plures.createTransport({ mode: 'auto', ...config, observe: (event) => event.type === 'attempt' && attempts.push(`${event.transport} ${event.outcome}`) });
      const connection = await transport.connect('page');
      await connection.send(new TextEncoder().encode('from the page'));
      for await (const message of connection.receive()) {
        await transport.close();
        return { attempts, echo: new TextDecoder().decode(message) };
      }
      return null;
    }, config);
    expect(outcome).toEqual({ attempts: ['direct skipped', 'azure-relay connected'], echo: 'from the page' });
    expect(heard).toEqual(['from the page']);
    await listening.close();
  });
});
