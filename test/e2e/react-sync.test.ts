// A page in strict mode, under React 18 and 19, with a real space at a real relay and another device on it. The relay takes new spaces with a token only, which no page has.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { live, type LiveSpace } from '../../src/client/live/index.js';
import { platformEnvironment } from '../../src/client/environment.js';
import { createSpace, NodeWebSocket, openSpace } from '../../src/client/node.js';
import { Mailbox } from '../../src/client/pairing/mailbox.js';
import { joinSpace, offerPairing } from '../../src/client/pairing/node.js';
import { parseCode } from '../../src/client/pairing/pairing-code.js';
import { PresenceStore } from '../../src/react/presence.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { otherSecret } from '../support/other-secret.js';
import type { ReactVersion } from '../support/react/bundle.js';
import { CHROMIUM, GalleryScene } from '../support/react/gallery-scene.js';
import type { GalleryHandles } from '../support/react/gallery.js';
import { inviteToken } from '../support/invite-token.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { until } from '../support/test-space.js';

declare const handles: GalleryHandles;

describe.skipIf(!productBuilt() || !existsSync(CHROMIUM))('a React app with a real relay (skipped without the built product and Chromium)', () => {
  const scene = new GalleryScene();
  let dir: string;
  let relay: RelayProcess;
  let space: LiveSpace;

  beforeAll(async () => {
    await scene.start();
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-react-'));
    const port = await freePort();
    const regions = [{ id: 'eu', name: 'EU', location: 'Loopback', endpoint: `http://127.0.0.1:${port}` }, { id: 'us', name: 'US', location: 'Nowhere', endpoint: 'http://127.0.0.1:1' }];
    relay = await startRelay({ dataDir: dir, port, env: { RELAY_ADMISSION: 'invite', RELAY_REGION: 'eu', RELAY_REGIONS: JSON.stringify(regions) } });
    space = await createSpace({ relay: relay.address, parts: [live], admission: { token: inviteToken(dir) } });
  });
  afterAll(async () => {
    await scene.close();
    await space?.close();
    await relay?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('a page of another origin reads the list of regions and measures them', async () => {
    const { page, context } = await scene.open('react=19');
    const { phase, error, regions, suggestedId } = await page.evaluate((origin) => handles.regions(origin), `http://127.0.0.1:${relay.port}`);
    expect({ phase, error, suggestedId }).toEqual({ phase: 'ready', error: null, suggestedId: 'eu' });
    expect(regions).toMatchObject([{ id: 'eu', status: 'online', latencyMs: expect.any(Number) }, { id: 'us', status: 'offline', latencyMs: null }]);
    await context.close();
  });

  test('a page comes into the space by the words of another device, after a slip and a wrong code', async () => {
    const offer = offerPairing({ space });
    const { page, context, troubles } = await scene.open('react=19');
    await page.evaluate((address) => handles.newcomer(address), relay.address);
    const type = async (code: string): Promise<void> => {
      await page.fill('textarea', code);
      await page.click('text="Join"');
    };
    const codeOf = async (): Promise<string> => {
      await offer.offer();
      return offer.getSnapshot().code ?? '';
    };
    await type('these are six words not listed');
    await page.waitForSelector('.sr-line:has-text("is not on the list")');
    // The mailbox of one code with the secret of another.
    await type(otherSecret((await codeOf()).split(' ')));
    await page.waitForSelector('.sr-line:has-text("The other device has another code")');
    await offer.settled();
    await type((await codeOf()).toUpperCase());
    await page.waitForSelector('.sr-line:has-text("This device is in.")');
    expect(await page.textContent('#space')).toBe(space.id);
    await until('the space knows the page', () => space.devices().some(({ name }) => name === 'Page'));
    expect(troubles).toEqual([]);
    await context.close();
    await offer.settled();
  });

  test('a page that is reloaded while it joins goes on by itself, as the device whose key the other side was told', async () => {
    const proxy = await CuttingProxy.to(relay.port);
    const desk = await openSpace({ link: proxy.over(space.link ?? '') });
    const offer = offerPairing({ space: desk });
    await offer.offer();
    const code = offer.getSnapshot().code ?? '';
    const said: string[] = [];
    const watcher = await Mailbox.open(relay.address, parseCode(code), { webSocket: NodeWebSocket }, {}, 'enter');
    watcher.listen({ take: async ({ type }) => void said.push(type), failed: () => undefined });
    // The page waits for an answer that does not come.
    proxy.swallowing = true;
    const { page, context, troubles } = await scene.open('react=18');
    await page.evaluate((address) => handles.newcomer(address), relay.address);
    await page.fill('textarea', code);
    await page.click('text="Join"');
    await until('the page said hello', () => said.includes('hello'));
    await page.reload();
    await page.evaluate((address) => handles.newcomer(address), relay.address);
    await page.waitForSelector('.sr-line:has-text("Joining")');
    expect(await page.inputValue('textarea')).toBe(code);
    proxy.swallowing = false;
    proxy.cut();
    await page.waitForSelector('.sr-line:has-text("This device is in.")');
    expect(await page.textContent('#space')).toBe(space.id);
    expect(said.filter((type) => type === 'hello')).toEqual(['hello']);
    // What is done with is not gone on with.
    await page.reload();
    await page.evaluate((address) => handles.newcomer(address), relay.address);
    await page.waitForSelector('textarea');
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    expect(troubles).toEqual([]);
    await context.close();
    await watcher.close(false, platformEnvironment());
    await offer.settled();
    await desk.close();
    await proxy.close();
  });

  test.each<ReactVersion>([18, 19])('a page in strict mode syncs with another device, one space open at a time (React %s)', async (react) => {
    const presence = new PresenceStore<{ name: string }>(space);
    presence.say({ name: 'the desk' });
    const stop = presence.subscribe(() => undefined);
    const { page, context, troubles } = await scene.open(`react=${react}`);
    await page.evaluate((link) => handles.app(link), space.link ?? '');
    await page.waitForSelector('h1:has-text("online")');
    expect(await page.textContent('#space')).toBe(space.id);
    await page.waitForSelector('#present:has-text("the desk")');
    await until('the desk sees the page', () => presence.getSnapshot().some(({ state }) => state.name === 'the page'));
    await page.click('text=Make a code');
    await page.waitForSelector('.sr-words li');
    const code = (await page.locator('.sr-words li').allTextContents()).join(' ');
    const joined = await joinSpace({ code, relay: relay.address, deviceName: `Tablet ${react}` });
    await page.waitForSelector(`.sr-pair [role=status]:has-text("Tablet ${react} is in.")`);
    await page.waitForSelector(`.sr-device:has-text("Tablet ${react}")`);
    await joined.whenSynced();
    await joined.close();
    await page.click('text=Push');
    await page.waitForSelector('.sr-sync-devices');
    expect(await page.locator('.sr-badge:has-text("This device")').count()).toBe(1);
    expect(await page.locator('.sr-badge:has-text("Here now")').count()).toBe(1);
    expect(await page.evaluate(() => [handles.mostOpen, handles.openNow])).toEqual([1, 1]);
    await page.evaluate(() => handles.unmount());
    await page.waitForFunction(() => handles.openNow === 0);
    expect(troubles).toEqual([]);
    stop();
    await context.close();
  });
});
