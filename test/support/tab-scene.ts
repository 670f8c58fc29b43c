// A real relay, a page, and many tabs of one origin in a real browser.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { createSpace } from '../../src/client/node.js';
import { freePort, startRelay, type RelayProcess } from './relay-process.js';
import { openBrowser, servePage, type PageServer, type TestBrowser } from './test-browser.js';

/** What a program in a page gives to the test, as `page`. */
export interface TabProgram {
  /** Whether this tab holds the connection. */
  leads: boolean;
  errors: string[];
  /** Opens the link; `shared` is what `open` of the first tab gave. */
  open(link: string, shared: string): Promise<string>;
  type(name: string, count: number): Promise<void>;
  words(): string[];
  /** Whether everything is read, and everything typed is on the relay's disk. */
  settled(): boolean;
}
declare const page: TabProgram;

export class TabScene {
  readonly #dir = mkdtempSync(join(tmpdir(), 'sealrelay-tabs-'));
  #relay: RelayProcess | undefined;
  #adminPort = 0;
  #pages: PageServer | undefined;
  #browser: TestBrowser | undefined;
  #context: BrowserContext | undefined;
  link = '';

  async start(program: string): Promise<void> {
    this.#adminPort = await freePort();
    const options = { dataDir: join(this.#dir, 'data'), port: await freePort(), adminPort: this.#adminPort };
    [this.#relay, this.#pages, this.#browser] = await Promise.all([startRelay(options), servePage(program), openBrowser()]);
    const home = await createSpace({ relay: this.#relay.address });
    await home.whenSynced();
    this.link = home.link ?? '';
    await home.close();
    this.#context = await this.#browser.browser.newContext();
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await this.#relay?.stop();
    this.#pages?.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  get context(): BrowserContext {
    if (this.#context === undefined) throw new Error('the scene was not started');
    return this.#context;
  }

  /** Another tab of the origin, or a page in a browser of its own. */
  async visit(context: BrowserContext = this.context): Promise<Page> {
    const visited = await context.newPage();
    await visited.goto(this.#pages?.origin ?? '');
    await visited.waitForFunction(() => 'page' in globalThis);
    return visited;
  }

  async newContext(): Promise<BrowserContext> {
    if (this.#browser === undefined) throw new Error('the scene was not started');
    return this.#browser.browser.newContext();
  }

  /** Tabs that have the same link open and are settled. */
  async tabs(count: number): Promise<Page[]> {
    const tabs: Page[] = [];
    let shared = '';
    for (let at = 0; at < count; at += 1) {
      const tab = await this.visit();
      shared = await tab.evaluate(([link, given]) => page.open(link, given), [this.link, shared] as const);
      tabs.push(tab);
    }
    for (const tab of tabs) await tab.waitForFunction(() => page.settled());
    return tabs;
  }

  /** Of what closes in this moment the relay hears a moment later. */
  async connectionsBecome(count: number): Promise<void> {
    let open = Number.NaN;
    for (let tries = 0; tries < 50 && open !== count; tries += 1) {
      const metrics = await (await fetch(`http://127.0.0.1:${this.#adminPort}/metrics`)).text();
      open = Number(/^relay_connections_open(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? Number.NaN);
      if (open !== count) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(open).toBe(count);
  }

  async leaderOf(tabs: readonly Page[]): Promise<Page> {
    const leading = await Promise.all(tabs.map((tab) => tab.evaluate(() => page.leads)));
    expect(leading.filter((leads) => leads)).toHaveLength(1);
    return tabs[leading.indexOf(true)] ?? expect.fail('no tab leads');
  }

  /** The renderer ends without a word to anybody. */
  async crash(tab: Page): Promise<void> {
    const devtools = await this.context.newCDPSession(tab);
    devtools.send('Page.crash').catch(() => undefined);
  }
}
