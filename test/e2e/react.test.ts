// The React components in a real browser, under React 18 and 19 in strict mode: accessible, usable by keyboard, in both directions of writing, on a narrow phone.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, GalleryScene, PICTURES, type OpenedPage } from '../support/react/gallery-scene.js';
import type { GalleryHandles } from '../support/react/gallery.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

declare const axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[]; passes: unknown[] }> };
declare const handles: GalleryHandles;

describe.skipIf(!existsSync(CHROMIUM))('the React components (skipped without Chromium)', () => {
  const scene = new GalleryScene();
  beforeAll(() => scene.start());
  afterAll(() => scene.close());

  async function gallery(query: string, options: Parameters<GalleryScene['open']>[1] = {}): Promise<OpenedPage> {
    const all = await scene.open(query, options);
    await all.page.evaluate(() => handles.gallery());
    await all.page.waitForSelector('#live .sr-badge-best');
    await all.page.waitForSelector('.sr-sync-devices');
    await all.page.waitForSelector('.sr-sync:has-text("No room at the relay")');
    return all;
  }

  /** Takes the tree away; nothing may go on listening. */
  async function expectQuietEnd({ page, context, troubles }: OpenedPage): Promise<void> {
    expect(await page.evaluate(() => handles.listening())).toBeGreaterThan(5);
    await page.evaluate(() => handles.unmount());
    await page.waitForFunction(() => handles.listening() === 0);
    expect(troubles).toEqual([]);
    await context.close();
  }

  const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');

  async function violations(page: Page): Promise<string[]> {
    if (await page.evaluate(() => typeof axe === 'undefined')) await page.evaluate(AXE);
    const found = await page.evaluate(async () => {
      const { violations, passes } = await axe.run();
      return { violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), passes: passes.length };
    });
    expect(found.passes).toBeGreaterThan(10);
    return found.violations;
  }

  test.each([
    { react: 19, dir: 'ltr', looks: [{ width: 1280, colorScheme: 'light' }, { width: 320, colorScheme: 'dark' }] },
    { react: 18, dir: 'rtl', looks: [{ width: 1280, colorScheme: 'dark' }, { width: 320, colorScheme: 'light' }] },
  ] as const)('are accessible and fit, wide and narrow, light and dark (React $react, $dir)', async ({ react, dir, looks }) => {
    const { page, context, troubles } = await gallery(`react=${react}&dir=${dir}`);
    await page.click('#pair .sr-button');
    await page.click('#devices [aria-label="Remove Kitchen tablet"]');
    await page.click('#live summary');
    await page.click('#live [role=radio]:has-text("Frankfurt")');
    await page.fill('#slip textarea', 'galaxy whisper auction mercy velvet canyn');
    await page.click('#slip .sr-button');
    await page.waitForSelector('#slip .sr-line:has-text("Word 6 is not on the list. Is it canyon")');
    await page.fill('#join textarea', 'galaxy whisper auction mercy velvet canyon');
    await page.click('#join .sr-button');
    await page.waitForSelector('#join .sr-line:has-text("Joining")');
    for (const { width, colorScheme } of looks) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
      const small = await page.evaluate(() => [...document.querySelectorAll('button, summary, textarea, [role=radio]')].filter((element) => element.getBoundingClientRect().height < 24).map(({ textContent }) => textContent));
      expect(small).toEqual([]);
      await page.screenshot({ path: join(PICTURES, `${width}-${colorScheme}-${dir}.png`), fullPage: true });
    }
    // Control: axe finds what is wrong.
    await page.evaluate(() => document.querySelectorAll<HTMLElement>('.sr-name').forEach((name) => (name.style.color = '#777')));
    expect((await violations(page)).join()).toContain('color-contrast');
    expect(troubles).toEqual([]);
    await context.close();
  });

  test('regions are chosen with the keyboard alone, in both directions of writing', async () => {
    const { page, context, troubles } = await gallery('react=19');
    const name = (): Promise<string> => page.evaluate(() => document.activeElement?.querySelector('.sr-name')?.textContent ?? document.activeElement?.textContent ?? '');
    const checked = (): Promise<string | null> => page.locator('#live [aria-checked=true] .sr-name').textContent();
    const press = async (key: string): Promise<[string, string | null]> => {
      await page.keyboard.press(key);
      return [await name(), await checked()];
    };
    await page.focus('#live .sr-link');
    expect(await press('Tab')).toEqual(['US East', 'US East']);
    for (const [dir, forth, back] of [['ltr', 'ArrowRight', 'ArrowLeft'], ['rtl', 'ArrowLeft', 'ArrowRight']] as const) {
      await page.evaluate((value) => (document.documentElement.dir = value), dir);
      // Oregon has no relay and Tokyo is down: both are passed over.
      expect(await press('ArrowDown')).toEqual(['EU Central', 'EU Central']);
      expect(await press('ArrowUp')).toEqual(['US East', 'US East']);
      expect(await press(back)).toEqual(['EU West', 'EU West']);
      expect(await press(forth)).toEqual(['US East', 'US East']);
      expect(await press('Home')).toEqual(['EU Central', 'EU Central']);
      expect(await press('End')).toEqual(['US East', 'US East']);
    }
    await press('Home');
    expect((await press('Tab'))[0]).toBe('Move to EU Central');
    expect((await press('Shift+Tab'))[0]).toBe('EU Central');
    expect(troubles).toEqual([]);
    await context.close();
  });

  test('a change of region is confirmed, shown step by step, and its end is said', async () => {
    const all = await gallery('react=19');
    const { page } = all;
    const said = (): Promise<string | null> => page.locator('#live .sr-said').textContent();
    await page.click('#live [role=radio]:has-text("Frankfurt")');
    await page.focus('#live .sr-button:has-text("Move to EU Central")');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toContain('EU Central');
    expect(await said()).toContain('Pausing');
    await page.screenshot({ path: join(PICTURES, 'switching.png') });
    for (const words of ['Connecting to EU Central', 'Comparing what EU Central holds', 'You are in EU Central now, with your whole history.']) {
      await page.evaluate(() => handles.arrive());
      await page.waitForSelector(`#live .sr-said:has-text("${words}")`);
    }
    expect(await violations(page)).toEqual([]);
    expect(await page.locator('#live [role=radio]:has-text("In use") .sr-name').textContent()).toBe('EU Central');
    await page.click('#live [role=radio]:has-text("Ireland")');
    await page.click('#live .sr-button');
    await page.evaluate(() => handles.arrive());
    await page.waitForSelector('#live .sr-said:has-text("Connecting")');
    await page.evaluate(() => handles.arrive());
    await page.waitForSelector('#live .sr-said:has-text("nothing is lost")');
    expect(await page.locator('#live [aria-checked=true] .sr-name').textContent()).toBe('EU Central');
    // Without a way to move, a region is only chosen, and the choice can be taken back.
    await page.click('#chosen [role=radio]:has-text("Virginia")');
    expect(await page.locator('#chosen .sr-button').count()).toBe(0);
    await page.click('#chosen .sr-link:has-text("Follow the recommendation")');
    expect(await page.locator('#chosen [aria-checked=true] .sr-name').textContent()).toBe('EU Central');
    await expectQuietEnd(all);
  });

  test('where a failover took the space is said, and that it is back only for a while', async () => {
    const all = await gallery('react=19');
    const { page } = all;
    const said = (): Promise<string> => page.locator('#failover [role=status]').innerText();
    const change = (state: Parameters<GalleryHandles['failover']>[0]): Promise<void> => page.evaluate((next) => handles.failover(next), state);
    const home = { regionId: 'frankfurt', failedOver: false } as const;
    expect(await said()).toBe('');
    expect(await page.locator('#where').textContent()).toBe('frankfurt well a space');
    await page.evaluate(() => handles.failover({ ...handles.inTokyo, phase: 'moving', space: null }));
    expect(await said()).toBe('Going to Tokyo … What you wrote is kept here.');
    expect(await page.locator('#where').textContent()).toBe('tokyo moving no space');
    await page.evaluate(() => handles.failover({ phase: 'settled', space: handles.double.space }));
    expect(await said()).toBe('Frankfurt does not answer. You are in Tokyo now; what is written reaches only devices that are there too.');
    expect(await page.locator('#failover .sr-icon-fair').count()).toBe(1);
    await change({ phase: 'unreachable' });
    expect(await said()).toBe('No region answers. What you write is kept here.');
    await page.clock.install();
    await change({ ...home, phase: 'moving' });
    await change({ ...home, phase: 'settled' });
    expect(await said()).toBe('Back in Frankfurt.');
    await page.clock.fastForward(9000);
    expect(await said()).toBe('Back in Frankfurt.');
    await page.clock.fastForward(1000);
    await page.waitForFunction(() => document.querySelector('#failover [role=status]')?.textContent === '');
    await expectQuietEnd(all);
  });

  test('this device is brought in with the keyboard alone, and each end is said', async () => {
    const all = await gallery('react=18');
    const { page } = all;
    const said = (): Promise<string> => page.locator('#join [role=status]').innerText();
    const isFocused = (selector: string): Promise<boolean> => page.locator(selector).evaluate((element) => element === document.activeElement);
    await page.focus('#join textarea');
    await page.keyboard.type(' galaxy whisper');
    await page.keyboard.press('Enter');
    expect(await said()).toBe('Joining … Leave the other device open.');
    // A second Enter and the button are no second try.
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Join');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => handles.endTry('word_count'))).toEqual({ code: 'galaxy whisper', aborted: false, tries: 1 });
    await page.waitForSelector('#join .sr-icon-fair');
    expect(await said()).toBe('A code has six words.');
    expect(await isFocused('#join textarea')).toBe(true);
    expect(await page.getAttribute('#join textarea', 'aria-invalid')).toBe('true');
    for (const [code, words] of [['pairing_wrong_code', 'The other device has another code'], ['pairing_expired', 'The code is too old'], ['relay_unreachable', 'The relay does not answer'], ['something_else', 'no words for it']] as const) {
      await page.keyboard.press('Enter');
      await page.evaluate((error) => handles.endTry(error), code);
      await page.waitForSelector('#join .sr-icon-bad');
      expect(await said()).toContain(words);
      expect(await page.getAttribute('#join textarea', 'aria-invalid')).toBe('false');
    }
    // A space that comes after the try was given up is closed, and not the app's.
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Cancel');
    await page.keyboard.press('Enter');
    expect(await said()).toBe('');
    expect(await isFocused('#join textarea')).toBe(true);
    expect(await page.evaluate(() => handles.endTry(null))).toMatchObject({ aborted: true, tries: 6 });
    await page.waitForFunction(() => handles.joined.closed === 1);
    await page.keyboard.press('Enter');
    await page.evaluate(() => handles.endTry(null));
    await page.waitForSelector('#join .sr-icon-good');
    expect(await said()).toBe('This device is in.');
    expect(await page.evaluate(() => handles.joined)).toEqual({ spaces: 1, closed: 1 });
    await expectQuietEnd(all);
  });

  test('a device is removed only after a second word, and a shown link is hidden again', async () => {
    const all = await gallery('react=18');
    const { page } = all;
    await page.focus('#devices [aria-label="Remove Kitchen tablet"]');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('Keep');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('Remove');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Shift+Tab');
    expect(await page.locator('#devices li').count()).toBe(4);
    expect(await page.locator('#devices li:has-text("Lost phone")').locator('button').count()).toBe(0);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('#devices li').length === 3);
    expect(await page.locator('#pair .sr-qr').count()).toBe(0);
    await page.clock.install();
    await page.click('#pair .sr-button');
    await page.waitForSelector('#pair .sr-qr');
    await page.clock.fastForward(60_000);
    await page.waitForFunction(() => document.querySelector('#pair .sr-qr') === null);
    await expectQuietEnd(all);
  });
});
