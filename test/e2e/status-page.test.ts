// The public status page in a real browser: readable at every width, in both schemes, for everybody, and without a script.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import pino from 'pino';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newApp, type App } from '../../src/server/fastify.js';
import { statusPageRoutes } from '../../src/server/routes/status-page.js';
import type { StatusFacts } from '../../src/server/status-page/status-facts.js';
import { OPEN_INCIDENT, PAST_INCIDENT, statusFixture } from '../support/status-fixtures.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** A folder to look at what the test looked at. */
const SHOTS = process.env['STATUS_PAGE_SHOTS'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

describe.skipIf(!existsSync(CHROMIUM))('the status page in a browser (needs Chromium)', () => {
  let app: App;
  let browser: Browser;
  let url: string;
  let facts: StatusFacts = statusFixture();

  beforeAll(async () => {
    app = newApp(pino({ level: 'silent' }), { trustProxy: false });
    statusPageRoutes(app, { facts: () => facts, incidents: () => [OPEN_INCIDENT, PAST_INCIDENT] });
    url = await app.listen({ host: '127.0.0.1', port: 0 });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await app?.close();
  });

  async function open(width: number, colorScheme: 'light' | 'dark'): Promise<{ page: Page; complaints: string[] }> {
    const complaints: string[] = [];
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('requestfailed', (request) => complaints.push(request.url()));
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) complaints.push(`asked ${request.url()}`);
    });
    await page.goto(`${url}/status/public`);
    return { page, complaints };
  }

  const axe = async (page: Page): Promise<string[]> => {
    // From outside of the page, which lets no script in.
    await page.context().newCDPSession(page).then((session) => session.send('Page.setBypassCSP', { enabled: true }));
    await page.evaluate(AXE);
    const { violations }: AxeResult = await page.evaluate('axe.run()');
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  };

  it.each([
    // Both schemes and both widths are looked at by axe, which takes its time.
    [320, 'light', false],
    [320, 'dark', true],
    [1440, 'light', true],
    [1440, 'dark', false],
  ] as const)('at %d px in %s: nothing sticks out, nothing is missing, axe (%s) finds nothing', async (width, scheme, withAxe) => {
    const { page, complaints } = await open(width, scheme);
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/status-${width}-${scheme}.png`, fullPage: true });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Graceful Relay status');
    expect(await page.locator('.bars > rect').count()).toBeGreaterThan(90);
    expect(await page.locator('script').count()).toBe(0);
    expect(complaints).toEqual([]);
    if (withAxe) expect(await axe(page)).toEqual([]);
    await page.close();
  });

  it('shows what an operator wrote as text', async () => {
    const { page } = await open(800, 'light');
    expect(await page.getByText('Power failure <script>alert(1)</script>').count()).toBe(1);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.getByRole('link', { name: 'how receipts work' }).getAttribute('href')).toBe('https://relay.example/receipts');
    await page.close();
  });

  it('is readable when all is well and nothing was measured yet', async () => {
    facts = statusFixture({ status: 'operational', open: [], past: [], measured_seconds: 0, days: statusFixture().days.map((day) => ({ ...day, measured_seconds: 0 })), regions: statusFixture().regions.slice(1, 2).map((region) => ({ ...region, here: true })) });
    const { page } = await open(320, 'light');
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/status-empty.png`, fullPage: true });
    expect(await page.getByText('All systems operational').count()).toBe(1);
    expect(await axe(page)).toEqual([]);
    facts = statusFixture();
    await page.close();
  });

  it('control: axe finds what is wrong', async () => {
    const { page } = await open(800, 'light');
    await page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=\"/status/public/badge.svg\">')");
    expect((await axe(page)).join()).toContain('image-alt');
    await page.close();
  });
});
