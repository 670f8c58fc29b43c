// The demo in a real browser: what is written on one side comes to the other, the relay between them shows none of it, and a lie of it is caught.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, openBrowser, type TestBrowser } from '../support/test-browser.js';
import { CLI, ServeProcess } from '../support/serve-process.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FILES = join(import.meta.dirname, '../../dist/demo');
const BROTLI_BYTES_MAX = 150 * 1024;
const CANARY = 'zanzibarian';

declare const axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[]; passes: unknown[] }> };

describe.skipIf(!existsSync(CLI))('the files of the demo (skipped unless the product is built)', () => {
  test('are at most 150 KiB together, compressed', () => {
    const names = readdirSync(FILES);
    const compressed = names.filter((name) => name.endsWith('.br'));
    expect(compressed).toHaveLength(names.length / 2);
    expect(compressed.reduce((sum, name) => sum + readFileSync(join(FILES, name)).length, 0)).toBeLessThanOrEqual(BROTLI_BYTES_MAX);
  });
});

describe.skipIf(!existsSync(CLI) || !existsSync(CHROMIUM))('the demo (skipped without the built product and Chromium)', () => {
  let relay: ServeProcess;
  let browser: TestBrowser;
  let origin: string;

  beforeAll(async () => {
    relay = new ServeProcess(['--limits.requests-per-minute', '0']);
    [origin, browser] = await Promise.all([relay.url(), openBrowser()]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await relay?.[Symbol.asyncDispose]();
  });

  /** The page, once the sample is on both devices; what it complained about, asked elsewhere, and sent in clear is kept. */
  async function demo(options: Parameters<TestBrowser['visit']>[1] = {}): Promise<{ page: Page; troubles: string[]; leaks: string[]; frames: () => number }> {
    const { page, troubles } = await browser.visit('about:blank', { reducedMotion: 'reduce', ...options });
    const leaks: string[] = [];
    let frames = 0;
    page.on('request', (request) => !request.url().startsWith(origin) && troubles.push(`asked ${request.url()}`));
    page.on('websocket', (socket) => {
      const look = ({ payload }: { readonly payload: string | Buffer }): void => {
        frames += 1;
        if (payload.includes(CANARY)) leaks.push(String(payload));
      };
      socket.on('framesent', look);
      socket.on('framereceived', look);
    });
    await page.goto(`${origin}/demo`);
    await page.waitForFunction(() => document.querySelectorAll('.device-phone path.stroke-laptop').length >= 16);
    return { page, troubles, leaks, frames: () => frames };
  }

  const noteHas = (page: Page, device: string, text: string) => page.waitForFunction(([id, wanted]) => (document.getElementById(`${id}-note`) as HTMLTextAreaElement).value.includes(wanted ?? ''), [device, text]);

  async function violations(page: Page): Promise<string[]> {
    if (await page.evaluate(() => typeof axe === 'undefined')) await page.evaluate(AXE);
    const found = await page.evaluate(async () => {
      const { violations, passes } = await axe.run();
      return { violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), passes: passes.length };
    });
    expect(found.passes).toBeGreaterThan(20);
    return found.violations;
  }

  test('what one device writes the other has, and nothing on the way shows it', { timeout: 60_000 }, async () => {
    const { page, troubles, leaks, frames } = await demo();
    await page.locator('#laptop-note').press('ControlOrMeta+End');
    await page.locator('#laptop-note').pressSequentially(` ${CANARY} left`);
    await noteHas(page, 'phone', `${CANARY} left`);
    await page.locator('#phone-note').press('ControlOrMeta+End');
    await page.locator('#phone-note').pressSequentially(' and right');
    await noteHas(page, 'laptop', `${CANARY} left and right`);
    await page.waitForSelector('.entry-facts:has-text("seq 2")');
    expect(await page.textContent('.relay')).not.toContain(CANARY);
    // The words are searched for, and found where they are in clear.
    expect(await page.textContent('.words b:first-of-type')).not.toBe('0');
    expect(await page.textContent('.words .none')).toBe('0');
    expect(frames()).toBeGreaterThan(20);
    expect(leaks).toEqual([]);
    // A reload makes two new devices, which have everything from the relay.
    await page.waitForSelector('.device-phone .sr-sync-devices');
    await page.reload();
    await noteHas(page, 'phone', `${CANARY} left and right`);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('offline, and with the relay killed, both go on, and nothing is lost', { timeout: 60_000 }, async () => {
    const { page, troubles } = await demo();
    await page.click('.device-phone [role=switch]');
    await page.waitForSelector('.device-phone .sr-pill:has-text("Offline")');
    await page.locator('#phone-note').pressSequentially('tunnel ');
    expect(await page.inputValue('#laptop-note')).not.toContain('tunnel');
    await page.click('.device-phone [role=switch]');
    await noteHas(page, 'laptop', 'tunnel');

    await page.click('text=Kill relay');
    await page.waitForSelector('.device-laptop .sr-pill:has-text("Offline")');
    await page.locator('#laptop-note').pressSequentially('desk ');
    await page.locator('#phone-note').pressSequentially('pocket ');
    await page.waitForSelector('.device-laptop .sr-sync-here');
    expect(await page.inputValue('#laptop-note')).not.toContain('pocket');
    await page.click('text=Start relay');
    await noteHas(page, 'laptop', 'pocket');
    await noteHas(page, 'phone', 'desk');
    expect(await page.inputValue('#laptop-note')).toBe(await page.inputValue('#phone-note'));
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('a relay that lies is caught by the phone, whatever the lie', { timeout: 60_000 }, async () => {
    const { page, troubles } = await demo();
    // The control: an honest relay is believed.
    await page.locator('#laptop-note').pressSequentially('nothing ');
    await noteHas(page, 'phone', 'nothing');
    expect(await page.locator('[role=alert]').count()).toBe(0);
    for (const [lie, finding] of [['omit', 'omission'], ['replay', 'replayed_entry'], ['alter', 'fork']] as const) {
      await page.selectOption('#lie-kind', lie);
      await page.click('text=Lying relay');
      await page.locator('#laptop-note').pressSequentially(`but the truth (${lie}) `, { delay: 20 });
      await page.waitForSelector(`[role=alert]:has-text("${finding}")`);
      await page.waitForSelector('.device-phone .sr-pill:has-text("Refuses the relay")');
      await page.click('text=Go on with an honest relay');
      await noteHas(page, 'phone', `but the truth (${lie})`);
      await page.waitForSelector('.device-phone .sr-pill:has-text("Online")');
    }
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('a slow and lossy network loses nothing; a region is chosen by keyboard, and so is a line drawn', { timeout: 120_000 }, async () => {
    const { page, troubles } = await demo();
    // Losses are drawn by chance, and each holds up what is behind it.
    page.setDefaultTimeout(90_000);
    await page.waitForSelector('.sr-row:has-text("Tokyo") .sr-latency:not(:empty)');
    await page.fill('#loss', '30');
    await page.fill('#latency', '60');
    await page.locator('#laptop-note').pressSequentially('through the storm');
    await noteHas(page, 'phone', 'through the storm');
    await page.fill('#loss', '0');
    await page.focus('.sr-regions [aria-checked=true]');
    await page.keyboard.press('End');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.sr-said:has-text("You are in Tokyo now")');
    expect(await page.inputValue('#latency')).toBe('240');
    const before = await page.locator('.device-laptop path.stroke-phone').count();
    await page.focus('.device-phone [role=application]');
    for (const key of [' ', 'ArrowRight', 'ArrowDown', 'ArrowRight', ' ']) await page.keyboard.press(key);
    await page.waitForFunction((count) => document.querySelectorAll('.device-laptop path.stroke-phone').length === count, before + 1);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test.each([
    { width: 1440, colorScheme: 'light', dir: 'ltr' },
    { width: 320, colorScheme: 'dark', dir: 'rtl' },
  ] as const)('is accessible and fits: $width px, $colorScheme, $dir', { timeout: 60_000 }, async ({ width, colorScheme, dir }) => {
    const { page, troubles } = await demo({ viewport: { width, height: 900 }, colorScheme });
    await page.evaluate((to) => (document.documentElement.dir = to), dir);
    expect(await violations(page)).toEqual([]);
    await page.click('text=Lying relay');
    await page.locator('#laptop-note').pressSequentially('one two three', { delay: 60 });
    await page.waitForSelector('[role=alert]');
    await page.click('text=Kill relay');
    await page.waitForSelector('.device-laptop .sr-pill:has-text("Offline")');
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    const small = await page.evaluate(() => [...document.querySelectorAll('button, summary, select, input, [role=radio]')].filter((element) => element.getBoundingClientRect().height < 24).map(({ textContent }) => textContent));
    expect(small).toEqual([]);
    expect(troubles).toEqual([]);
    await page.context().close();
  });
});
