// The admin page in a real browser: a one-time link, a passkey, every page, keyboard alone, no axe violation, nothing from elsewhere.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readLocalToken } from '../../src/server/admin-auth/local-token.js';
import { adminScene, type AdminScene } from '../support/admin-scene.js';
import { pushChange } from '../support/foreign-pushes.js';
import { CLI, ServeProcess } from '../support/serve-process.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FILES = join(import.meta.dirname, '../../dist/admin-ui');
const BROTLI_BYTES_MAX = 80 * 1024;
const PAGES = ['', 'spaces', 'foreign', 'slow', 'blindness', 'limits', 'invites', 'retention', 'regions', 'config', 'logs', 'audit', 'access'];

interface Axe {
  run(context?: Document, options?: { readonly runOnly?: readonly string[] }): Promise<{ violations: { id: string; nodes: { html: string }[] }[]; passes: unknown[] }>;
}
declare const axe: Axe;

describe.skipIf(!existsSync(CLI))('the files of the admin page (skipped unless the product is built)', () => {
  test('are at most 80 KiB together, compressed, and name no other address', () => {
    const names = readdirSync(FILES);
    const compressed = names.filter((name) => name.endsWith('.br')).map((name) => readFileSync(join(FILES, name)).length);
    expect(compressed).toHaveLength(names.length / 2);
    expect(compressed.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(BROTLI_BYTES_MAX);
    for (const name of names.filter((file) => !file.endsWith('.br'))) {
      const elsewhere = readFileSync(join(FILES, name), 'utf8').match(/https?:\/\/(?!localhost)[^\s"'`]+/g) ?? [];
      expect(elsewhere.filter((url) => !url.startsWith('http://www.w3.org/'))).toEqual([]);
    }
  });
});

describe.skipIf(!existsSync(CLI) || !existsSync(CHROMIUM))('the admin page in a browser (skipped without the built product and Chromium)', () => {
  let relay: ServeProcess;
  let scene: AdminScene;
  let browser: Browser;
  let origin: string;
  let token: string;

  beforeAll(async () => {
    relay = new ServeProcess([]);
    const { relayAddress, metricsUrl } = await relay.logLine('relay is listening');
    origin = `http://localhost:${new URL(String(metricsUrl)).port}`;
    token = (await readLocalToken(join(relay.dir, 'data'))) ?? '';
    [scene, browser] = await Promise.all([adminScene(String(relayAddress)), chromium.launch({ executablePath: CHROMIUM, args: FLAGS })]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await scene?.[Symbol.asyncDispose]();
    await relay?.[Symbol.asyncDispose]();
  });

  /** A new one-time link, as `relay admin-link` prints it. */
  async function link(): Promise<string> {
    const response = await fetch(`${origin}/admin/api/link`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    const { url }: { url: string } = await response.json();
    return url;
  }

  /** A page that is signed in; what it complained about and asked of other addresses is kept. */
  async function signedIn(options: Parameters<Browser['newContext']>[0] = {}): Promise<{ page: Page; context: BrowserContext; troubles: string[] }> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const troubles: string[] = [];
    page.on('pageerror', ({ message }) => troubles.push(message));
    page.on('console', (message) => message.type() === 'error' && !message.text().includes('404') && troubles.push(message.text()));
    page.on('request', (request) => !request.url().startsWith(origin) && troubles.push(`asked ${request.url()}`));
    await page.goto(await link());
    await page.waitForSelector('.rail');
    return { page, context, troubles };
  }

  test('a one-time link signs in once; a passkey signs in from then on', { timeout: 60_000 }, async () => {
    const { page, context, troubles } = await signedIn();
    expect(page.url()).not.toContain('link=');
    const devtools = await context.newCDPSession(page);
    await devtools.send('WebAuthn.enable');
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
    await page.click('text=Make one');
    await page.fill('#passkey-label', 'the key of a test');
    await page.click('text=Make a passkey');
    await page.waitForSelector('td:has-text("the key of a test")');
    await page.click('text=Sign out');
    await page.click('text=Sign in with a passkey');
    await page.waitForSelector('.rail');
    await page.goto(`${origin}/admin#/access`);
    await page.waitForSelector('text=You signed in with a passkey');
    await page.click('[aria-label="Remove the key of a test"]');
    await page.waitForSelector('text=No passkeys');
    expect(troubles).toEqual([]);
    await context.close();

    const used = await (await browser.newContext()).newPage();
    const once = await link();
    await used.goto(once);
    await used.waitForSelector('.rail');
    const again = await (await browser.newContext()).newPage();
    await again.goto(once);
    await again.waitForSelector('[role="alert"]:has-text("used up")');
    expect(await again.locator('.rail').count()).toBe(0);
  });

  test.each([1440, 320])('every page is accessible, light and dark, and fits: %i px', { timeout: 60_000 }, async (width) => {
    const { page, context, troubles } = await signedIn({ viewport: { width, height: 800 }, colorScheme: 'light' });
    await page.goto(`${origin}/admin#/spaces`);
    const space = (await page.getAttribute('td a', 'href')) ?? '';
    const addresses = [...PAGES.map((name) => `/admin#/${name}`), `/admin${space}`, '/docs'];
    let passes = 0;
    for (const address of addresses) {
      await page.goto(origin + address);
      await page.waitForSelector('h1');
      await page.waitForFunction(() => document.querySelector('dl, table, .empty, .fields, .log, details, .said') !== null);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect({ address, overflow }).toEqual({ address, overflow: 0 });
      // The pages of one document share it.
      if (await page.evaluate(() => typeof axe === 'undefined')) await page.evaluate(AXE);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        // All that the scheme changes is colours.
        const found = await page.evaluate(async (rules) => {
          const { violations, passes } = await axe.run(document, rules === null ? {} : { runOnly: rules });
          return { violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), passes: passes.length };
        }, colorScheme === 'light' ? null : ['color-contrast', 'link-in-text-block']);
        expect({ address, colorScheme, violations: found.violations }).toEqual({ address, colorScheme, violations: [] });
        passes += found.passes;
      }
    }
    expect(passes).toBeGreaterThan(PAGES.length * 6);
    expect(troubles).toEqual([]);
    await context.close();
  });

  test('shows alerts, reached limits, invites and the audit log of a relay that has them', { timeout: 60_000 }, async () => {
    const { page, context, troubles } = await signedIn();
    const invite = { id: 'inv-1', label: 'for a friend', usesMax: 3, used: 1, createdAtMs: 1_800_000_000_000, expiresAtMs: null };
    const answers: Record<string, unknown> = {
      alerts: { alerts: [{ key: 'a', severity: 'page', phase: 'firing', summary: 'The disk is nearly full.' }, { key: 'b', severity: 'page', phase: 'ok', summary: 'All is well.' }], targets: [] },
      limits: { limits: [{ option: 'limits.connections-max', reached: 42 }, { option: 'limits.entry-size-max', reached: null }] },
      tokens: { tokens: [invite] },
      audit: { entries: [{ seq: 1, time: '2026-11-28T10:00:00.000Z', action: 'relay.started', actor: 'relay', subject: null, outcome: 'done' }, { seq: 2, time: '2026-11-28T11:00:00.000Z', action: 'space.erased', actor: 'admin 0123456789', subject: 'a'.repeat(16), outcome: 'done' }], head: null },
    };
    await context.route(/\/admin\/api\/(alerts|limits|tokens|audit)(\?|$)/, (route) => {
      const [, name = ''] = /api\/([a-z]+)/.exec(route.request().url()) ?? [];
      return route.fulfill({ status: route.request().method() === 'POST' ? 201 : 200, json: route.request().method() === 'POST' ? { token: 'shown-once' } : answers[name] });
    });
    await page.reload();
    await page.waitForSelector('.note:has-text("The disk is nearly full.")');
    expect(await page.locator('.note:has-text("All is well.")').count()).toBe(0);
    await page.goto(`${origin}/admin#/limits`);
    await page.waitForSelector('div:has(> dt:has-text("limits.connections-max")) .origin:has-text("reached 42 times")');
    expect(await page.locator('.origin:has-text("reached")').count()).toBe(1);
    await page.goto(`${origin}/admin#/audit`);
    await page.waitForSelector('tbody tr');
    expect(await page.locator('tbody tr code').allTextContents()).toEqual(['space.erased', 'relay.started']);
    await page.goto(`${origin}/admin#/invites`);
    await page.waitForSelector('td:has-text("1 of 3")');
    await page.fill('#invite-label', 'for another');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.token:has-text("shown-once")');
    await page.evaluate(AXE);
    expect(await page.evaluate(async () => (await axe.run()).violations.map(({ id }) => id))).toEqual([]);
    expect(troubles).toEqual([]);
    await context.close();
  });

  test('shows what other protocols keep and leave readable, and erases a tenant of one', { timeout: 60_000 }, async () => {
    const port = Number(new URL(await relay.url()).port);
    for (const token of ['one', 'two']) expect(await pushChange(port, token, 'AAAA')).toBe(200);
    const { page, context, troubles } = await signedIn();
    await page.goto(`${origin}/admin#/foreign`);
    await page.waitForSelector('td:has-text("in clear")');
    const erasable = page.locator('button:has-text("Erase")');
    await erasable.first().waitFor();
    const before = await erasable.count();
    expect(before).toBeGreaterThanOrEqual(2);
    const name = ((await erasable.first().getAttribute('aria-label')) ?? '').replace('Erase the tenant ', '');
    await erasable.first().click();
    await page.waitForSelector('dialog[open]');
    expect(await page.locator('dialog button[type=submit]').isDisabled()).toBe(true);
    await page.keyboard.type(name);
    await page.keyboard.press('Enter');
    await page.waitForSelector('td:has-text("erased")');
    expect(await erasable.count()).toBe(before - 1);
    await page.evaluate(AXE);
    expect(await page.evaluate(async () => (await axe.run()).violations.map(({ id }) => id))).toEqual([]);
    expect(troubles).toEqual([]);
    await context.close();
  });

  test('control: axe finds what is wrong', { timeout: 120_000 }, async () => {
    const { page, context } = await signedIn();
    await page.evaluate(() => document.querySelector('main')?.append(document.createElement('input')));
    await page.evaluate(AXE);
    const found = await page.evaluate(async () => (await axe.run()).violations.map(({ id }) => id));
    expect(found).toContain('label');
    await context.close();
  });

  test('shows live figures, what a record holds, and erases a space with the keyboard alone', { timeout: 60_000 }, async () => {
    const { page, context, troubles } = await signedIn();
    await page.waitForSelector('.stream:has-text("Live")');
    await page.waitForFunction(() => /\d/.test(document.querySelector('.chart .figure')?.textContent ?? '') && (document.querySelector('.line')?.getAttribute('d') ?? '').includes('L'));
    await page.goto(`${origin}/admin#/blindness`);
    await page.waitForSelector('.fields pre');
    expect(await page.locator('.fields li').count()).toBe(11);

    const press = async (key: string, times = 1): Promise<void> => {
      for (let n = 0; n < times; n += 1) await page.keyboard.press(key);
    };
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
    await page.goto(`${origin}/admin#/`);
    await page.reload();
    await page.waitForSelector('.rail');
    // Past the way to the content and the first page.
    await press('Tab', 3);
    expect(await focused()).toBe('Spaces');
    await press('Enter');
    await page.waitForSelector('td a');
    expect(await focused()).toBe('Spaces');
    const before = await page.locator('tbody tr').count();
    await press('Tab', 2);
    const name = await focused();
    expect(name).toMatch(/^[a-z2-7]{16}$/);
    await press('Enter');
    await page.waitForSelector('text=Erase this space');
    await press('Tab', 2);
    expect(await focused()).toBe('Erase this space');
    await press('Enter');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.type('not its name');
    await press('Enter');
    expect(await page.locator('dialog[open]').count()).toBe(1);
    await press('Escape');
    await page.waitForFunction(() => document.querySelector('dialog') === null);
    await press('Enter');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.type(name);
    await press('Enter');
    await page.waitForFunction((rows) => document.querySelectorAll('tbody tr').length === rows, before - 1);
    expect(troubles).toEqual([]);
    await context.close();
  });
});
