// Bundles the admin page: two scripts, one style sheet, two documents, one icon. Everything it needs is in these files.
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { ROOT } from './project.mjs';

const SOURCE = join(ROOT, 'src', 'admin-ui');

/**
 * Writes the files of the admin page into a folder.
 * @param {string} outdir
 */
export function buildAdminUi(outdir) {
  mkdirSync(outdir, { recursive: true });
  // Required when it is needed: this file is read before anything is installed.
  /** @type {typeof import('esbuild')} */
  const { buildSync } = createRequire(import.meta.url)('esbuild');
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: [
      { in: join(SOURCE, 'main.ts'), out: 'app' },
      { in: join(SOURCE, 'docs.ts'), out: 'docs' },
      { in: join(SOURCE, 'styles', 'app.css'), out: 'app' },
    ],
    outdir,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
  });
  for (const name of ['index.html', 'docs.html', 'icon.svg']) copyFileSync(join(SOURCE, name), join(outdir, name));
  for (const name of readdirSync(outdir)) writeFileSync(join(outdir, `${name}.br`), brotliCompressSync(readFileSync(join(outdir, name))));
}
