// Many tabs of one origin in a real browser: one device, one connection, and a leader that is killed while somebody types.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as Y from 'yjs';
import * as Yjs from 'yjs';
import { createSpace } from '../../src/client/node.ts';
import type { WebsocketProvider } from '../../src/yjs/index.ts';
import { WebsocketProvider as NodeProvider } from '../../src/yjs/node.ts';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/test-space.ts';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const ROOT = join(import.meta.dirname, '../..');
const TABS = 10;
const WORDS_EACH = 30;
const PROGRAM = `
import * as Y from 'yjs';
import { WebsocketProvider } from './src/yjs/index.ts';
globalThis.page = {
  leads: false,
  errors: [],
  open(link) {
    this.doc = new Y.Doc();
    this.words = this.doc.getArray('words');
    this.provider = new WebsocketProvider(link, 'notes', this.doc);
    this.provider.on('connection-error', ({ code, message }) => this.errors.push(code + ': ' + message));
    this.provider.space.then(() => { this.leads = true; });
  },
  async type(name, count) {
    for (let at = 0; at < count; at += 1) {
      this.words.push([name + '-' + at]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
};`;

interface PageProgram {
  leads: boolean;
  errors: string[];
  open(link: string): void;
  type(name: string, count: number): Promise<void>;
  doc: Y.Doc;
  words: Y.Array<string>;
  provider: WebsocketProvider;
}
declare const page: PageProgram;

describe.skipIf(!productBuilt() || !existsSync(CHROMIUM))('tabs of one origin (skipped without the built product and Chromium)', () => {
  let dir: string;
  let relay: RelayProcess;
  let adminPort: number;
  let pages: Server;
  let origin: string;
  let browser: Browser;
  let context: BrowserContext;
  let link: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-tabs-'));
    const bundle = await build({ stdin: { contents: PROGRAM, resolveDir: ROOT, loader: 'ts' }, bundle: true, format: 'esm', platform: 'browser', write: false });
    pages = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? bundle.outputFiles[0]?.text : '<!doctype html><script type="module" src="/page.js"></script>');
    }).listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const address = pages.address();
    origin = `http://127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}/`;
    adminPort = await freePort();
    relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort(), adminPort });
    const home = await createSpace({ relay: relay.address });
    link = home.link!;
    await home.close();
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    context = await browser.newContext();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await relay?.stop();
    pages?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function visit(): Promise<Page> {
    const visited = await context.newPage();
    await visited.goto(origin);
    await visited.waitForFunction(() => 'page' in globalThis);
    await visited.evaluate((to) => page.open(to), link);
    return visited;
  }

  async function connections(): Promise<number> {
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return Number(/^relay_connections_open(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? Number.NaN);
  }

  /** Of what closes in this moment the relay hears a moment later. */
  async function connectionsBecome(count: number): Promise<void> {
    let open = Number.NaN;
    for (let tries = 0; tries < 50 && open !== count; tries += 1) {
      open = await connections();
      if (open !== count) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(open).toBe(count);
  }

  async function leaderOf(tabs: readonly Page[]): Promise<Page> {
    const leading = await Promise.all(tabs.map((tab) => tab.evaluate(() => page.leads)));
    expect(leading.filter((leads) => leads)).toHaveLength(1);
    return tabs[leading.indexOf(true)]!;
  }

  test('ten tabs are one connection; the leader is killed while all type: nothing lost, nothing doubled, the same everywhere', { timeout: 90_000 }, async () => {
    await connectionsBecome(0);
    const tabs: Page[] = [];
    for (let at = 0; at < TABS; at += 1) tabs.push(await visit());
    for (const tab of tabs) await tab.waitForFunction(() => page.provider.synced);
    await connectionsBecome(1);
    const leader = await leaderOf(tabs);
    const rest = tabs.filter((tab) => tab !== leader);
    const typing = rest.map((tab, at) => tab.evaluate(([name, count]) => page.type(name, count), [`tab${at}`, WORDS_EACH] as const));
    await leader.evaluate(() => void page.type('leader', 1000));
    await rest[0]!.waitForTimeout(250);
    await leader.close({ runBeforeUnload: false });
    await Promise.all(typing);
    for (const tab of rest) await tab.waitForFunction(() => page.provider.synced && !page.provider.hasUnsyncedChanges);
    await leaderOf(rest);
    await connectionsBecome(1);

    const doc = new Yjs.Doc();
    const far = new NodeProvider(link, 'notes', doc, { storage: null });
    const words = (): string[] => doc.getArray<string>('words').toArray();
    const typed = rest.flatMap((_, at) => Array.from({ length: WORDS_EACH }, (_unused, word) => `tab${at}-${word}`));
    await until('another device has every word', () => typed.every((word) => words().includes(word)), 10_000);
    // The control: another device is a connection of its own.
    await connectionsBecome(2);
    expect(new Set(words()).size).toBe(words().length);
    for (const tab of rest) {
      await tab.waitForFunction((count) => page.words.length === count, words().length);
      expect(await tab.evaluate(() => page.words.toArray())).toEqual(words());
      expect(await tab.evaluate(() => page.errors)).toEqual([]);
    }

    // A renderer that crashes says goodbye to nobody.
    const second = await leaderOf(rest);
    const left = rest.filter((tab) => tab !== second);
    const before = words().length;
    const late = left[0]!.evaluate(() => page.type('late', 20));
    const crash = await context.newCDPSession(second);
    crash.send('Page.crash').catch(() => undefined);
    await late;
    await until('the words typed while it crashed are there', () => words().length === before + 20, 15_000);
    await leaderOf(left);
    far.destroy();
  });
});
