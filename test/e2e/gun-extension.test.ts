// The browser build of stock GUN in the page of an extension, under the policy that browsers give to those: what one page puts another
// one reads, with and without a signature, and after the relay was killed.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Stricter than what browsers ask of an extension: no other hosts, nothing inline, nothing evaluated. */
const policy = (port: number): string => `default-src 'self'; script-src 'self'; object-src 'none'; connect-src http://127.0.0.1:${port} ws://127.0.0.1:${port}`;
const PAGE = '<!doctype html><title>GUN</title><script src="gun.js"></script><script src="sea.js"></script><script src="page.js"></script>';
const SCRIPT = `
globalThis.violations = [];
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => globalThis.violations.push(violatedDirective + ' ' + blockedURI));
globalThis.gun = Gun({ peers: [new URL(location.href).searchParams.get('relay')], localStorage: false });
`;

interface Chain {
  get(key: string): Chain;
  put(value: unknown, done: (ack: { err?: string }) => void): Chain;
  on(heard: (value: unknown) => void): Chain;
  user(): Chain & { create(alias: string, password: string, done: (ack: { err?: string; pub?: string }) => void): void; auth(alias: string, password: string, done: (ack: { err?: string }) => void): void };
}
declare const gun: Chain;
declare const violations: string[];
declare const heard: unknown[] | undefined;

describe.skipIf(!productBuilt() || !existsSync(CHROMIUM))('stock GUN in the page of an extension (skipped without the built product and Chromium)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-gun-extension-'));
  let relay: RelayProcess;
  let context: BrowserContext;

  const start = (port: number): Promise<RelayProcess> => startRelay({ dataDir: join(dir, 'data'), port });
  const open = async (): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(`chrome-extension://${extensionId(context)}/page.html?relay=${encodeURIComponent(`http://127.0.0.1:${relay.port}/gun`)}`);
    return page;
  };

  beforeAll(async () => {
    relay = await start(await freePort());
    const extension = join(dir, 'extension');
    mkdirSync(extension);
    for (const file of ['gun.js', 'sea.js']) cpSync(resolve('node_modules/gun', file), join(extension, file));
    const manifest = { manifest_version: 3, name: 'GUN', version: '1.0', background: { service_worker: 'idle.js' }, content_security_policy: { extension_pages: policy(relay.port) } };
    writeFileSync(join(extension, 'manifest.json'), JSON.stringify(manifest));
    for (const [file, text] of [['page.html', PAGE], ['page.js', SCRIPT], ['idle.js', '']] as const) writeFileSync(join(extension, file), text);
    const args = [...FLAGS, '--headless=new', `--disable-extensions-except=${extension}`, `--load-extension=${extension}`];
    context = await chromium.launchPersistentContext(join(dir, 'profile'), { executablePath: CHROMIUM, headless: false, args });
    if (context.serviceWorkers().length === 0) await context.waitForEvent('serviceworker');
  }, 120_000);
  afterAll(async () => {
    await context?.close();
    await relay.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('puts, hears, signs up, and goes on after the relay was killed; the policy is broken by nothing', { timeout: 120_000 }, async () => {
    const [a, b] = [await open(), await open()];
    const put = (page: Page, value: string): Promise<string | null> =>
      page.evaluate((text) => new Promise((done) => gun.get('extension').get('chain').get('value').put(text, ({ err }) => done(err ?? null))), value);
    await put(a, 'one');
    await b.evaluate(() => {
      Object.assign(globalThis, { heard: [] });
      gun.get('extension').get('chain').get('value').on((value) => heard?.push(value));
    });
    await b.waitForFunction(() => heard?.includes('one'));
    expect(await put(a, 'two')).toBeNull();
    await b.waitForFunction(() => heard?.includes('two'));

    const signed = await a.evaluate(() => new Promise((done) => gun.user().create('somebody', 'a long password', ({ err, pub }) => done(err ?? typeof pub))));
    expect(signed).toBe('string');

    const { port } = relay;
    await relay.kill();
    relay = await start(port);
    await b.waitForTimeout(3000);
    expect(await put(a, 'three')).toBeNull();
    await b.waitForFunction(() => heard?.includes('three'), undefined, { timeout: 60_000 });
    for (const page of [a, b]) expect(await page.evaluate(() => violations)).toEqual([]);
  });

  it('and the policy is one: what it does not name is blocked (control)', async () => {
    const page = await open();
    expect(await page.evaluate(() => fetch('http://127.0.0.2:1/').then(() => 'reached', () => 'blocked'))).toBe('blocked');
    await page.waitForFunction(() => violations.some((violation) => violation.startsWith('connect-src')));
  });
});

function extensionId(context: BrowserContext): string {
  const [worker] = context.serviceWorkers();
  if (worker === undefined) throw new Error('the extension did not start');
  return new URL(worker.url()).host;
}
