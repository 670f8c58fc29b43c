// A device kept in a real browser's IndexedDB: the contract of storages, and a page that is reloaded while it has something unsent.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as Y from 'yjs';
import { createSpace, roomLinkOf } from '../../src/client/node.ts';
import { joinSpace } from '../../src/client/pairing/node.ts';
import type { PairingOffer } from '../../src/client/pairing/node.ts';
import type { WebsocketProvider } from '../../src/yjs/index.ts';
import { DEVICE_STORE_CASES } from '../support/device-store-contract.ts';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.ts';
import { CHROMIUM, openBrowser, servePage, type PageServer, type TestBrowser } from '../support/test-browser.ts';

const PROGRAM = `
import * as Y from 'yjs';
import { IndexedDbDeviceStore } from './src/client/store/index.ts';
import { createSpace, openSpace } from './src/client/index.ts';
import { offerPairing } from './src/client/pairing/index.ts';
import { WebsocketProvider } from './src/yjs/index.ts';
import { DEVICE_STORE_CASES } from './test/support/device-store-contract.ts';
let number = 0;
globalThis.page = {
  async run(name) {
    number += 1;
    const database = 'case-' + number;
    await DEVICE_STORE_CASES[name](async () => {
      let store = await IndexedDbDeviceStore.open(database);
      return { store, reopen: async () => { store.close(); return (store = await IndexedDbDeviceStore.open(database)); } };
    });
  },
  async make(relay) {
    this.made = await createSpace({ relay, storage: await IndexedDbDeviceStore.open('made') });
  },
  /** As an app does that knows nothing of tabs; what it cannot is the answer. */
  async openMade() {
    const storage = await IndexedDbDeviceStore.open('made');
    return openSpace({ storage }).then((space) => (this.made = space, 'open'), ({ code, hint }) => code + ': ' + hint);
  },
  /** Offers a place in the room, as a tab that need not hold the connection. */
  async letIn(link) {
    this.provider = new WebsocketProvider(link, 'notes', new Y.Doc());
    this.offer = offerPairing({ space: await this.provider.members });
    await this.offer.offer();
    return this.offer.getSnapshot().code;
  },
  open(link, connect) {
    this.doc = new Y.Doc();
    this.provider = new WebsocketProvider(link, 'notes', this.doc, { connect });
    return this.provider.space.then(() => undefined);
  },
};`;

interface PageProgram {
  run(name: string): Promise<void>;
  letIn(link: string): Promise<string>;
  offer: PairingOffer;
  make(relay: string): Promise<void>;
  openMade(): Promise<string>;
  made: { close(): Promise<void> };
  open(link: string, connect: boolean): Promise<void>;
  doc: Y.Doc;
  provider: WebsocketProvider;
}
declare const page: PageProgram;

describe.skipIf(!productBuilt() || !existsSync(CHROMIUM))('a device in IndexedDB (skipped without the built product and Chromium)', () => {
  let dir: string;
  let relay: RelayProcess;
  let pages: PageServer;
  let browser: TestBrowser;
  let link: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-indexeddb-'));
    [relay, pages, browser] = await Promise.all([startRelay({ dataDir: join(dir, 'data'), port: await freePort() }), servePage(PROGRAM), openBrowser()]);
    const home = await createSpace({ relay: relay.address });
    link = home.link!;
    await home.close();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await relay?.stop();
    pages?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function visit(): Promise<Page> {
    const { page: visited } = await browser.visit(pages.origin);
    await visited.waitForFunction(() => 'page' in globalThis);
    return visited;
  }

  test.each(Object.keys(DEVICE_STORE_CASES))('%s', { timeout: 120_000 }, async (name) => {
    const visited = await visit();
    await visited.evaluate((which) => page.run(which), name);
    await visited.context().close();
  });

  test('one space at a time has a device: not two tabs, nor two spaces of a page; a closed, reloaded or killed one lets go', { timeout: 60_000 }, async () => {
    const first = await visit();
    await first.evaluate((to) => page.make(to), relay.address);
    const second = await first.context().newPage();
    await second.goto(pages.origin);
    await second.waitForFunction(() => 'page' in globalThis);
    expect(await Promise.all([second, first].map((tab) => tab.evaluate(() => page.openMade())))).toEqual([expect.stringMatching(/^storage_in_use: .*openSpaceInTabs/), expect.stringMatching(/^storage_in_use/)]);
    await first.reload();
    await first.waitForFunction(() => 'page' in globalThis);
    expect(await first.evaluate(() => page.openMade())).toBe('open');
    await first.evaluate(() => page.made.close());
    expect(await second.evaluate(() => page.openMade())).toBe('open');
    await second.close({ runBeforeUnload: false });
    expect(await first.evaluate(() => page.openMade())).toBe('open');
    await first.context().close();
  });

  test('a device is let into a room by a tab that does not hold the connection; when that one goes, the offer goes on', { timeout: 60_000 }, async () => {
    const first = await visit();
    await first.evaluate((to) => page.open(to, true), link);
    const second = await first.context().newPage();
    await second.goto(pages.origin);
    await second.waitForFunction(() => 'page' in globalThis);
    const code = await second.evaluate((to) => page.letIn(to), link);
    const phone = await joinSpace({ code, relay: relay.address, deviceName: 'Phone' });
    await second.waitForFunction(() => page.offer.getSnapshot().phase === 'paired');
    expect(await first.evaluate(async () => (await page.provider.space).id)).toBe(phone.id);
    expect(roomLinkOf(link, 'notes')).not.toBe(phone.link);
    const again = await second.evaluate(async () => {
      await page.offer.settled();
      await page.offer.offer();
      return page.offer.getSnapshot().code ?? '';
    });
    await first.close({ runBeforeUnload: false });
    const tablet = await joinSpace({ code: again, relay: relay.address });
    expect(tablet.id).toBe(phone.id);
    for (const space of [phone, tablet]) await space.close();
    await second.context().close();
  });

  test('a page that is reloaded keeps its device, its document, and what it had not sent', { timeout: 60_000 }, async () => {
    const visited = await visit();
    await visited.evaluate((to) => page.open(to, true), link);
    await visited.evaluate(() => page.doc.getText('t').insert(0, 'written online, '));
    await visited.waitForFunction(() => page.provider.synced);
    const device = await visited.evaluate(async () => (await page.provider.space).device);
    await visited.evaluate(() => {
      page.provider.disconnect();
      page.doc.getText('t').insert(16, 'and in a tunnel');
    });
    await visited.evaluate(() => page.provider.space.then((space) => space.flush()));
    await visited.waitForTimeout(300);
    await visited.reload();
    await visited.waitForFunction(() => 'page' in globalThis);
    await visited.evaluate((to) => page.open(to, false), link);
    expect(await visited.evaluate(() => page.doc.getText('t').toString())).toBe('written online, and in a tunnel');
    expect(await visited.evaluate(async () => (await page.provider.space).device)).toBe(device);
    const other = await visit();
    await other.evaluate((to) => page.open(to, true), link);
    await visited.evaluate(() => page.provider.connect());
    await other.waitForFunction(() => page.doc.getText('t').toString() === 'written online, and in a tunnel');
    await visited.context().close();
    await other.context().close();
  });
});
