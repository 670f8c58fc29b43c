// The client as bundlers and other runtimes take it: one small program, built by each, pushes an entry in a real page and in a worker, and, where they are there, in Deno and Bun.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import webpack from 'webpack';
import { ROOT, serveFiles, type ExampleSite } from '../support/example-site.js';
import { freePort, productBuilt, startRelay, type RelayProcess } from '../support/relay-process.js';
import { CHROMIUM, openBrowser, type TestBrowser } from '../support/test-browser.js';

/** Pushes one entry and tells what became of it, to whoever started the program. */
const PROGRAM = `
import { createSpace } from 'sealrelay/client';
export async function run(relay) {
  const space = await createSpace({ relay });
  const write = space.push(new TextEncoder().encode('hello'));
  await write.durable('relay');
  const { state } = write;
  await space.close();
  return state;
}
globalThis.run = run;
if (globalThis.WorkerGlobalScope !== undefined) globalThis.onmessage = ({ data }) => void run(data).then((state) => globalThis.postMessage(state));
`;
const RUNTIMES = [
  { name: 'deno', args: ['run', '--allow-all', '--no-lock'] },
  { name: 'bun', args: ['run'] },
] as const;

declare const run: (relay: string) => Promise<string>;
let dir: string;
let relay: RelayProcess;

beforeAll(async () => {
  if (!productBuilt()) return;
  dir = mkdtempSync(join(tmpdir(), 'sealrelay-bundlers-'));
  // As if it were installed.
  mkdirSync(join(dir, 'node_modules'));
  symlinkSync(ROOT, join(dir, 'node_modules/sealrelay'), 'junction');
  writeFileSync(join(dir, 'package.json'), '{"private":true,"type":"module"}');
  writeFileSync(join(dir, 'app.js'), PROGRAM);
  relay = await startRelay({ dataDir: join(dir, 'data'), port: await freePort() });
}, 60_000);
afterAll(async () => {
  await relay?.stop();
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
});

const BUNDLERS: Readonly<Record<string, (outdir: string) => Promise<unknown>>> = {
  esbuild: (outdir) => esbuild({ absWorkingDir: dir, entryPoints: ['app.js'], outdir, bundle: true, minify: true, splitting: true, format: 'esm', platform: 'browser', target: 'es2022' }),
  vite: (outdir) => vite({ root: dir, logLevel: 'silent', configFile: false, build: { outDir: outdir, emptyOutDir: false, target: 'es2022', lib: { entry: 'app.js', formats: ['es'], fileName: 'app' } } }),
  webpack: (outdir) =>
    new Promise<void>((resolve, reject) => {
      const compiler = webpack({ context: dir, mode: 'production', entry: './app.js', output: { path: outdir, filename: 'app.js', module: true, publicPath: 'auto' }, experiments: { outputModule: true }, target: ['es2022', 'web'], performance: false, optimization: { minimize: false } });
      compiler?.run((error, stats) => (error !== null || stats === undefined || stats.hasErrors() || stats.hasWarnings() ? reject(error ?? new Error(stats?.toString() ?? 'no compiler')) : resolve()));
    }),
};

describe.skipIf(!productBuilt() || !existsSync(CHROMIUM))('the client, built by (skipped without the built product and Chromium)', () => {
  let browser: TestBrowser;
  beforeAll(async () => {
    browser = await openBrowser();
  }, 120_000);
  afterAll(() => browser?.close());

  test.each(Object.keys(BUNDLERS))('%s: a page and a worker push an entry', { timeout: 60_000 }, async (name) => {
    const outdir = join(dir, `out-${name}`);
    await BUNDLERS[name]?.(outdir);
    const files = new Map(readdirSync(outdir).map((file) => [`/${file}`, readFileSync(join(outdir, file), 'utf8')]));
    expect([...files.keys()]).toContain('/app.js');
    for (const text of files.values()) expect(text).not.toMatch(/["']node:|\brequire\(["']/);
    const site: ExampleSite = await serveFiles(new Map([...files, ['/', '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/app.js"></script>']]));
    const { page, context, troubles } = await browser.visit(site.url);
    await page.waitForFunction(() => 'run' in globalThis);
    expect(await page.evaluate((address) => run(address), relay.address)).toBe('stored');
    const inWorker = await page.evaluate(
      (address) =>
        new Promise<unknown>((resolve, reject) => {
          const worker = new Worker('/app.js', { type: 'module' });
          worker.addEventListener('message', ({ data }) => resolve(data));
          worker.addEventListener('error', ({ message }) => reject(new Error(message)));
          const send = worker.postMessage.bind(worker);
          send(address);
        }),
      relay.address,
    );
    expect(inWorker).toBe('stored');
    expect(troubles).toEqual([]);
    await context.close();
    site.close();
  });
});

describe.each(RUNTIMES)('the client in $name', ({ name, args }) => {
  const program = process.env[name.toUpperCase()] ?? name;
  const isThere = spawnSync(program, ['--version']).status === 0;
  test.skipIf(!productBuilt() || !isThere)(`pushes an entry (skipped unless the product is built and ${name} is installed)`, { timeout: 60_000 }, async () => {
    const file = join(dir, `${name}.js`);
    writeFileSync(file, `import { run } from './app.js';\nconsole.log(await run(${JSON.stringify(relay.address)}));\n`);
    const { stdout } = await promisify(execFile)(program, [...args, file], { cwd: dir, env: { ...process.env, NO_COLOR: '1' } });
    expect(stdout.trim()).toBe('stored');
  });
});
