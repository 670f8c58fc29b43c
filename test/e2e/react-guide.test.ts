// The code of docs/guides/react.md, as it stands there, in a real browser with a real relay and another device.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { createSpace } from '../../src/client/node.js';
import { joinSpace, offerPairing } from '../../src/client/pairing/node.js';
import { ROOT, ownPackage, serveFiles } from '../support/example-site.js';
import { freePort, productBuilt, startRelay } from '../support/relay-process.js';
import { CHROMIUM, openBrowser } from '../support/test-browser.js';

/** What the guide leaves to the app: where its components go. */
const SHOWN = `
import { createRoot } from 'react-dom/client';
import { IndexedDbDeviceStore as DeviceStorage } from 'sealrelay/client/storage';
let root = createRoot(document.body.appendChild(document.createElement('div')));
Object.assign(globalThis, {
  showApp: () => root.render(<App />),
  showSettings: () => root.render(<SpaceProvider open={open}><Settings /></SpaceProvider>),
  showPairing: () => root.render(<WithPairing />),
  showRegions: async () => {
    root.unmount();
    root = createRoot(document.body.appendChild(document.createElement('div')));
    const storage = await DeviceStorage.open('regions');
    root.render(withRegions(await openSpace({ link: location.hash.slice(1), storage }), storage));
  },
  showWelcome: async (relay) => root.render(<Welcome relay={relay} storage={await DeviceStorage.open('joined')} onJoined={({ id }) => (document.title = id)} />),
  showFailover: async () => {
    root.unmount();
    root = createRoot(document.body.appendChild(document.createElement('div')));
    const link = location.hash.slice(1);
    // The first of the list is nobody's address.
    const relays = [{ id: 'frankfurt', relay: link.replace(/\\/\\/[^/]*\\//, '//127.0.0.1:9/').replace(/&.*/, '') }, { id: 'tokyo', relay: link.replace(/&.*/, '') }];
    root.render(withFailover(link, await DeviceStorage.open('failover'), relays));
  },
});`;
declare const showApp: () => void;
declare const showSettings: () => void;
declare const showPairing: () => void;
declare const showRegions: () => Promise<void>;
declare const showFailover: () => Promise<void>;
declare const showWelcome: (relay: string) => Promise<void>;

test.skipIf(!productBuilt() || !existsSync(CHROMIUM))('the React guide runs (skipped without the built product and Chromium)', { timeout: 60_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-react-guide-'));
  const blocks = [...readFileSync(join(ROOT, 'docs/guides/react.md'), 'utf8').matchAll(/^```tsx\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const { outputFiles } = await build({ stdin: { contents: [...blocks, SHOWN].join('\n'), resolveDir: ROOT, loader: 'tsx' }, outdir: '/', bundle: true, format: 'esm', platform: 'browser', jsx: 'automatic', define: { 'process.env.NODE_ENV': '"production"' }, write: false, plugins: [ownPackage] });
  const script = outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? '';
  const site = await serveFiles(new Map([['/', '<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/main.js"></script>'], ['/main.js', script]]));
  const [relay, browser] = await Promise.all([startRelay({ dataDir: join(dir, 'data'), port: await freePort() }), openBrowser()]);
  const space = await createSpace({ relay: relay.address });
  try {
    await space.whenSynced();
    const { page, context, troubles } = await browser.visit(`${site.url}#${space.link}`);
    await context.route(/eu\.example/, (route) => route.abort());
    await page.waitForFunction(() => 'showRegions' in globalThis);
    await page.evaluate(() => showApp());
    await page.click('button:has-text("online, relay")');
    await page.waitForSelector('button:has-text("devices, seen by 1 of 1, with 0 others here")');
    await page.evaluate(() => showSettings());
    await page.waitForSelector('text=Remove');
    await page.waitForSelector('text=This device');
    // Another tab of the same device, which does not hold the connection, lets a device in and sees it come.
    const tab = await context.newPage();
    await tab.goto(page.url());
    await tab.waitForFunction(() => 'showPairing' in globalThis);
    await tab.evaluate(() => showPairing());
    await tab.click('text=Make a code');
    await tab.waitForSelector('.sr-words');
    const joined = await joinSpace({ code: (await tab.locator('.sr-words li').allInnerTexts()).join(' '), relay: relay.address, deviceName: 'Phone' });
    expect(joined.id).toBe(space.id);
    await tab.waitForSelector('text=Phone is in.');
    await tab.waitForSelector('.sr-device:has-text("Phone")');
    await page.waitForSelector('.sr-device:has-text("Device")');
    await joined.close();
    await tab.close();
    await page.evaluate(() => showRegions());
    await page.waitForSelector('.sr-regions');
    await page.waitForSelector('text=Prefer');
    await page.evaluate(() => showFailover());
    await page.waitForSelector('text=for now in tokyo');
    await page.waitForSelector('text=Frankfurt does not answer. You are in Tokyo now');
    // A storage has one space at a time: a second tab waits for its turn.
    const second = await context.newPage();
    await second.goto(page.url());
    await second.waitForFunction(() => 'showFailover' in globalThis);
    await second.evaluate(() => showFailover());
    await second.waitForSelector('text=This app is open in another tab');
    await page.reload();
    await second.waitForSelector('text=for now in tokyo');
    await second.close();
    await page.waitForFunction(() => 'showWelcome' in globalThis);
    const offer = offerPairing({ space });
    await offer.offer();
    await page.evaluate((address) => showWelcome(address), relay.address);
    await page.fill('textarea', offer.getSnapshot().code ?? '');
    await page.click('.sr-join .sr-button');
    await page.waitForSelector('text=This device is in.');
    expect(await page.title()).toBe(space.id);
    expect(troubles.filter((trouble) => !/ERR_(FAILED|CONNECTION_REFUSED|UNSAFE_PORT)/.test(trouble))).toEqual([]);
  } finally {
    await browser.close();
    await space.close();
    await relay.stop();
    site.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
