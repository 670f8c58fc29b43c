// Bundles a page that the relay serves: scripts, a style sheet, documents and an icon, each also compressed. Everything it needs is in these files.
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { ROOT } from './project.mjs';

/**
 * Writes the files of a page into a folder.
 * @param {{source: string, entries: Readonly<Record<string, string>>, copied: readonly string[], outdir: string, alias?: Readonly<Record<string, string>>}} page `source` is a folder of `src`; `entries` names what to bundle and what becomes of it
 */
export function buildPage({ source, entries, copied, outdir, alias = {} }) {
  const folder = join(ROOT, 'src', source);
  mkdirSync(outdir, { recursive: true });
  // Required when it is needed: this file is read before anything is installed.
  /** @type {typeof import('esbuild')} */
  const { buildSync } = createRequire(import.meta.url)('esbuild');
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: Object.entries(entries).map(([path, out]) => ({ in: join(folder, path), out })),
    outdir,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    alias,
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'warning',
  });
  for (const name of copied) copyFileSync(join(folder, name), join(outdir, name));
  for (const name of readdirSync(outdir)) writeFileSync(join(outdir, `${name}.br`), brotliCompressSync(readFileSync(join(outdir, name))));
}
