// A browser with the gallery page, under either version of React.
import { mkdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { aliasesOf, bundled, ROOT } from './bundle.js';

export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
/** Where the tests leave their pictures, for people to look at. */
export const PICTURES = join(ROOT, '.build/react-gallery');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const PAGE_CSS = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; } body { margin: 0; background: light-dark(#f0f1ef, #101114); color: light-dark(#17191c, #eceef0); }
main { padding: clamp(12px, 3vw, 40px); } h1 { margin: 0 0 1rem; font-size: 1.4rem; } .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.25rem; align-items: start; } .pills { display: flex; flex-wrap: wrap; gap: 0.6rem; }`;

export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained about. */
  readonly troubles: string[];
}

export class GalleryScene {
  readonly #scripts = new Map<string, string>();
  readonly #css = readFileSync(join(ROOT, 'src/react/styles.css'), 'utf8');
  readonly #pages: Server = createServer(({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const script = this.#scripts.get(pathname);
    if (script !== undefined) return response.setHeader('content-type', 'text/javascript').end(script);
    const version = searchParams.get('react') === '18' ? 18 : 19;
    const dir = searchParams.get('dir') === 'rtl' ? 'rtl' : 'ltr';
    const head = `<title>Components</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>${PAGE_CSS}${this.#css}</style>`;
    return response.setHeader('content-type', 'text/html; charset=utf-8').end(`<!doctype html><html lang="en" dir="${dir}"><head>${head}</head><body><div id="root"></div><script type="module" src="/${version}.js"></script></body></html>`);
  });
  #browser: Browser | undefined;

  async start(): Promise<void> {
    mkdirSync(PICTURES, { recursive: true });
    for (const version of [18, 19] as const) {
      this.#scripts.set(`/${version}.js`, await bundled('test/support/react/gallery.tsx', { platform: 'browser', alias: aliasesOf(version), define: { 'process.env.NODE_ENV': '"development"' } }));
    }
    this.#pages.listen(0, 'localhost');
    await once(this.#pages, 'listening');
    this.#browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  }

  async open(query: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<OpenedPage> {
    if (this.#browser === undefined) throw new Error('the scene was not started');
    const context = await this.#browser.newContext({ reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    const troubles: string[] = [];
    page.on('pageerror', ({ message }) => troubles.push(message));
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && troubles.push(message.text()));
    const address = this.#pages.address();
    await page.goto(`http://localhost:${typeof address === 'object' ? address?.port : 0}/?${query}`);
    await page.waitForFunction(() => 'handles' in globalThis);
    return { page, context, troubles };
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    this.#pages.close();
  }
}
