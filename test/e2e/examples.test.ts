// Every example in two real browsers, with the relay killed and started again in between: nothing is lost. And an example of others, with two lines changed.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSpace } from '../../src/client/node.js';
import { ROOT, ownPackage, serveExample, serveFiles, type ExampleSite } from '../support/example-site.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { importsOf } from '../architecture/import-rules.js';
import { CHROMIUM, openBrowser, type TestBrowser, type VisitedPage } from '../support/test-browser.js';

const EXAMPLES = join(ROOT, 'examples');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

declare const axe: { run(): Promise<{ violations: { id: string }[]; passes: unknown[] }> };

interface Manifest {
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
}
const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

test('the examples import entries of the package, what they depend on, and their own files', () => {
  const entries = Object.keys(manifestOf(ROOT).exports ?? {}).map((entry) => entry.replace('.', 'sealrelay'));
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).toSorted()).toEqual(['notes-yjs', 'todo-react', 'vanilla']);
  for (const { name } of folders) {
    const folder = join(EXAMPLES, name);
    const packages = Object.keys(manifestOf(folder).dependencies).filter((dependency) => dependency !== 'sealrelay');
    const isAllowed = (specifier: string): boolean => specifier.startsWith('./') || entries.includes(specifier) || packages.some((dependency) => specifier === dependency || specifier.startsWith(`${dependency}/`));
    const imported = readdirSync(folder).filter((file) => /\.[jt]sx?$/.test(file)).flatMap((file) => importsOf(readFileSync(join(folder, file), 'utf8')));
    expect(imported.length).toBeGreaterThan(0);
    expect({ name, wrong: imported.filter((specifier) => !isAllowed(specifier)) }).toEqual({ name, wrong: [] });
    expect(isAllowed('../../src/client/index.js')).toBe(false);
  }
});

test.skipIf(!productBuilt())('the example in TypeScript type-checks against the package (skipped unless the product is built)', { timeout: 60_000 }, async () => {
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  const dir = mkdtempSync(join(ROOT, '.build', 'example-'));
  try {
    const folder = join(EXAMPLES, 'todo-react');
    const entry = (name: string): string[] => [join(ROOT, `dist/${name}`)];
    const paths = { 'sealrelay/client': entry('client/index.d.ts'), 'sealrelay/client/tabs': entry('client/tabs/index.d.ts'), 'sealrelay/react': entry('react/index.d.ts'), 'sealrelay/react/*': entry('react/*.d.ts') };
    writeFileSync(join(dir, 'styles.d.ts'), "declare module '*.css';\n");
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ extends: join(folder, 'tsconfig.json'), compilerOptions: { paths }, include: [folder, 'styles.d.ts'] }));
    const tsc = join(ROOT, 'node_modules/typescript/lib/tsc.js');
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', dir]).catch((cause: { stdout: string }) => cause);
    expect(stdout).toBe('');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

describe.skipIf(!productBuilt() || !existsSync(CHROMIUM))('an example (skipped without the built product and Chromium)', () => {
  let dir: string;
  let place: { readonly dataDir: string; readonly port: number };
  let relay: RelayProcess;
  let browser: TestBrowser;
  let site: ExampleSite | undefined;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sealrelay-examples-'));
    place = { dataDir: join(dir, 'data'), port: await freePort() };
    [relay, browser] = await Promise.all([startRelay(place), openBrowser()]);
  }, 60_000);
  afterEach(() => site?.close());
  afterAll(async () => {
    await browser?.close();
    await relay?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** The example in two browsers: the first makes the space, the second opens its link. */
  async function twoBrowsers(name: string, script: string): Promise<readonly [Page, Page, () => readonly string[]]> {
    site = await serveExample(join(EXAMPLES, name), script);
    const first = await browser.visit(site.url);
    // A slip is told of, and mended.
    await first.page.fill('[name=relay]', 'nonsense');
    await first.page.click('text=Start');
    await first.page.waitForSelector('[role=alert]:has-text("that is no relay address")');
    if (name === 'todo-react') {
      // Neither of the two says that it is on its way.
      await first.page.waitForSelector('.sr-state-failed:has-text("Not connected")');
      await first.page.waitForSelector('.sr-sync:has-text("Not opened")');
      await first.page.click('text=Try another');
    }
    await first.page.fill('[name=relay]', relay.address);
    await first.page.click('text=Start');
    await first.page.waitForFunction(() => location.hash.length > 1);
    const second = await browser.visit(first.page.url());
    return [first.page, second.page, () => troublesOf(first, second)];
  }

  /** What they complained about, but for the relay that was not there. */
  const troublesOf = (...pages: readonly VisitedPage[]): readonly string[] => pages.flatMap(({ troubles }) => troubles).filter((trouble) => !/WebSocket connection|ERR_CONNECTION_REFUSED/.test(trouble));

  /** `told`: pages that are told that the network is back; others come back when their pause is over. */
  async function restartRelay(told: readonly Page[], meanwhile: () => Promise<void>): Promise<void> {
    await relay.kill();
    await meanwhile();
    relay = await startRelay(place);
    for (const page of told) await page.evaluate(() => dispatchEvent(new Event('online')));
  }

  /** On a phone, from right to left and in the dark: nothing for axe to find, nothing that is cut off, and the first form gone. */
  async function looksRight(page: Page): Promise<void> {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 320, height: 640 });
    await page.evaluate(() => (document.documentElement.dir = 'rtl'));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    expect(await page.locator('[name=relay]:visible').count()).toBe(0);
    await page.evaluate(AXE);
    const { violations, passes } = await page.evaluate(() => axe.run());
    expect(violations.map(({ id }) => id)).toEqual([]);
    expect(passes.length).toBeGreaterThan(10);
  }

  async function addItem(page: Page, text: string): Promise<void> {
    await page.fill('[name=text]', text);
    await page.click('text=Add');
  }

  const hasItems = (page: Page, ...texts: string[]) => page.waitForFunction((wanted) => wanted.every((text) => [...document.querySelectorAll('li')].filter((row) => row.textContent.includes(text)).length === 1), texts);

  test.each([
    { name: 'vanilla', script: 'main.js', saved: '#status:has-text("relay’s disk")' },
    { name: 'todo-react', script: 'main.tsx', saved: '.sr-sync-devices' },
  ])('$name: a list on two devices', { timeout: 60_000 }, async ({ name, script, saved }) => {
    const [first, second, troubles] = await twoBrowsers(name, script);
    await addItem(first, 'bread');
    await hasItems(second, 'bread');
    await restartRelay(name === 'vanilla' ? [] : [first, second], async () => {
      await addItem(first, 'apricots');
      await addItem(second, 'candles');
      await first.locator('li:has-text("bread") input').check();
      // The control: there is no other way between the two.
      await first.waitForTimeout(300);
      expect(await first.locator('li').count()).toBe(2);
    });
    for (const page of [first, second]) await hasItems(page, 'bread', 'apricots', 'candles');
    await second.waitForSelector('li:has-text("bread") input:checked');
    await first.waitForSelector(saved);
    // The device, and what it had taken, are still there.
    await first.reload();
    await hasItems(first, 'bread', 'apricots', 'candles');
    await addItem(second, 'a letter');
    await hasItems(first, 'a letter');
    // Two tabs of one browser are one device.
    const tab = await first.context().newPage();
    await tab.goto(first.url());
    await hasItems(tab, 'bread', 'a letter');
    await addItem(tab, 'from a second tab');
    for (const page of [first, second]) await hasItems(page, 'from a second tab');
    await addItem(first, 'from the first one');
    for (const page of [tab, second]) await hasItems(page, 'from the first one');
    await tab.waitForSelector(saved);
    await looksRight(tab);
    expect(troubles()).toEqual([]);
    for (const page of [first, second]) await page.context().close();
  });

  test('notes-yjs: one note on two devices', { timeout: 60_000 }, async () => {
    const [first, second, troubles] = await twoBrowsers('notes-yjs', 'main.js');
    const noteIs = (page: Page, text: string) => page.waitForFunction((wanted) => (document.getElementById('note') as HTMLTextAreaElement).value === wanted, text);
    await first.locator('#note').pressSequentially('one');
    await noteIs(second, 'one');
    await first.waitForSelector('#status:has-text("1 others here")');
    await restartRelay([first, second], async () => {
      await first.locator('#note').pressSequentially(' left');
      await second.locator('#note').press('Home');
      await second.locator('#note').pressSequentially('right ');
      expect(await second.inputValue('#note')).toBe('right one');
    });
    for (const page of [first, second]) await noteIs(page, 'right one left');
    await first.waitForSelector('#status:has-text("relay’s disk")');
    await first.reload();
    await noteIs(first, 'right one left');
    await looksRight(first);
    expect(troubles()).toEqual([]);
    for (const page of [first, second]) await page.context().close();
  });

  test('the CodeMirror example of Yjs runs with two lines changed', { timeout: 60_000 }, async () => {
    const home = await createSpace({ relay: relay.address });
    await home.whenSynced();
    const upstream = readFileSync(join(ROOT, 'test/support/upstream/codemirror.next.js.txt'), 'utf8');
    const changed = upstream.replace("from 'y-websocket'", "from 'sealrelay/yjs'").replace("'wss://demos.yjs.dev/ws'", JSON.stringify(home.link));
    const linesChanged = changed.split('\n').filter((line, at) => line !== upstream.split('\n')[at]);
    expect(linesChanged).toHaveLength(2);
    await home.close();
    const { outputFiles } = await build({
      stdin: { contents: changed, resolveDir: ROOT },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      write: false,
      // The package of that name is gone; its exports are in two others now.
      plugins: [ownPackage, { name: 'basic setup', setup: (plugin) => {
        plugin.onResolve({ filter: /^@codemirror\/basic-setup$/ }, () => ({ path: 'basic-setup', namespace: 'moved' }));
        plugin.onLoad({ filter: /.*/, namespace: 'moved' }, () => ({ contents: "export { EditorView, basicSetup } from 'codemirror'; export { EditorState } from '@codemirror/state';", resolveDir: ROOT }));
      } }],
    });
    site = await serveFiles(new Map([['/', '<!doctype html><link rel="icon" href="data:,"><div id="editor"></div><script type="module" src="/main.js"></script>'], ['/main.js', outputFiles[0]?.text ?? '']]));
    const [first, second] = [await browser.visit(site.url), await browser.visit(site.url)];
    await first.page.click('.cm-content');
    await first.page.keyboard.type('const relay = "blind"');
    await second.page.waitForSelector('.cm-line:has-text("blind")');
    // Who is there goes over awareness.
    await second.page.waitForSelector('.cm-ySelectionInfo:has-text("Anonymous")', { state: 'attached' });
    await restartRelay([first.page, second.page], async () => {
      await first.page.keyboard.type('; // one');
      await second.page.click('.cm-content');
      await second.page.keyboard.press('Control+Home');
      await second.page.keyboard.type('/* two */ ');
    });
    for (const { page } of [first, second]) {
      await page.waitForFunction(() => {
        const text = document.querySelector('.cm-content')?.textContent ?? '';
        return text.includes('// one') && text.includes('/* two */');
      });
    }
    expect(troublesOf(first, second)).toEqual([]);
    for (const { context } of [first, second]) await context.close();
  });
});
