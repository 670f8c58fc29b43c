import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as client from '../../src/client/index.ts';
import { openSpace } from '../../src/client/node.ts';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.ts';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const CLIENT = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url));
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP insecure.test 127.0.0.1',
];
// Runs in the page: the SDK as `device.client`, the open space as `device.space`, what it received as `device.seen`.
const PAGE = `<!doctype html><script type="module">
import * as client from '/client.js';
globalThis.device = {
  client,
  seen: [],
  troubles: [],
  watch(space) {
    this.space = space;
    space.subscribe((entry) => entry.own || entry.items.forEach((item) => this.seen.push(new TextDecoder().decode(item))));
    for (const name of ['misbehaviour', 'entry-rejected', 'error']) space.on(name, () => this.troubles.push(name));
    return space.whenSynced();
  },
};
</script>`;

interface PageDevice {
  client: typeof client;
  watch: (space: unknown) => Promise<void>;
  space: client.Space;
  seen: string[];
  troubles: string[];
}
declare const device: PageDevice | undefined;

describe.skipIf(!productBuilt() || !existsSync(CHROMIUM))('the SDK in a browser (skipped without the built product and Chromium)', () => {
  let dir: string;
  let relay: RelayProcess;
  let pages: Server;
  let origin: string;
  let browser: Browser;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-browser-'));
    const bundle = await build({ entryPoints: [CLIENT], bundle: true, format: 'esm', platform: 'browser', write: false, minify: true });
    const script = bundle.outputFiles[0]?.text ?? '';
    pages = createServer((request, response) => {
      const isScript = request.url === '/client.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? script : PAGE);
    }).listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const address = pages.address();
    origin = `127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}`;
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await relay?.stop();
    pages?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function openPage(url: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(url);
    await page.waitForFunction(() => typeof device !== 'undefined');
    return page;
  }

  const waitSeen = (page: Page, text: string) => page.waitForFunction((wanted) => device!.seen.includes(wanted), text);
  const push = (page: Page, text: string) =>
    page.evaluate(async (item) => {
      const write = device!.space.push(new TextEncoder().encode(item));
      await write.durable('relay');
      return write.state;
    }, text);

  test('two pages and a Node process share a space: push, live, acks, offline and back', { timeout: 60_000 }, async () => {
    const [a, b] = [await openPage(`http://${origin}/`), await openPage(`http://${origin}/`)];
    const link = await a.evaluate(async (address) => {
      const space = await device!.client.createSpace({ relay: address });
      await device!.watch(space);
      return space.link;
    }, relay.address);
    if (link === null) throw new Error('the first device has the link');
    await b.evaluate(async (spaceLink) => device!.watch(await device!.client.openSpace({ link: spaceLink })), link);
    expect(await push(a, 'from a')).not.toBe('queued');
    await waitSeen(b, 'from a');

    await b.evaluate(() => device!.space.goOffline());
    await push(a, 'while b was away');
    await b.evaluate(() => void device!.space.push(new TextEncoder().encode('written offline')));
    expect(await b.evaluate(() => device!.space.hasUnsyncedChanges)).toBe(true);
    await b.evaluate(() => device!.space.goOnline());
    await waitSeen(b, 'while b was away');
    await waitSeen(a, 'written offline');

    const node = await openSpace({ link });
    const seen: string[] = [];
    node.subscribe((entry) => entry.items.forEach((item) => seen.push(new TextDecoder().decode(item))));
    await node.whenSynced();
    expect(seen).toEqual(expect.arrayContaining(['from a', 'while b was away', 'written offline']));
    const write = node.push(new TextEncoder().encode('from node'));
    await write.durable('device');
    await waitSeen(a, 'from node');
    await node.close();
    for (const page of [a, b]) expect(await page.evaluate(() => device!.troubles)).toEqual([]);
  });

  test('a page over plain http from another host gets insecure_context', { timeout: 120_000 }, async () => {
    const page = await openPage(`http://insecure.test:${origin.split(':')[1]}/`);
    const code = await page.evaluate(async (address) => {
      try {
        await device!.client.createSpace({ relay: address });
        return 'no error';
      } catch (error) {
        return error instanceof device!.client.ClientError ? error.code : String(error);
      }
    }, relay.address);
    expect(code).toBe('insecure_context');
  });
});
