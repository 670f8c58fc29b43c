// A real browser for tests: how it is started, a page in a context of its own, and a server of one page with a bundled script.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const ROOT = join(import.meta.dirname, '../..');

export interface VisitedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained about. */
  readonly troubles: string[];
}

export interface TestBrowser {
  readonly browser: Browser;
  /** A page in a new context. */
  visit(url: string, options?: Parameters<Browser['newContext']>[0]): Promise<VisitedPage>;
  close(): Promise<void>;
}

export async function openBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  return {
    browser,
    visit: async (url, options) => {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const troubles: string[] = [];
      page.on('pageerror', ({ message }) => troubles.push(message));
      page.on('console', (message) => ['error', 'warning'].includes(message.type()) && troubles.push(message.text()));
      await page.goto(url);
      return { page, context, troubles };
    },
    close: () => browser.close(),
  };
}

export interface PageServer {
  /** `http://127.0.0.1:<port>/`. */
  readonly origin: string;
  close(): void;
}

/** Serves one page whose script is that program, bundled; imports are resolved from the root. */
export async function servePage(program: string): Promise<PageServer> {
  const bundle = await build({ stdin: { contents: program, resolveDir: ROOT, loader: 'ts' }, bundle: true, format: 'esm', platform: 'browser', define: { 'process.env.NODE_ENV': '"production"' }, write: false });
  const pages = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? bundle.outputFiles[0]?.text : '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>');
  }).listen(0, '127.0.0.1');
  await once(pages, 'listening');
  const address = pages.address();
  return { origin: `http://127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}/`, close: () => void pages.close() };
}
