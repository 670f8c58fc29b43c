// Bundles TypeScript programs of the tests (device processes, doubles) so that plain Node runs them.
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ROOT } from './project.mjs';

/**
 * One file per program, named after it, in `outdir`, which lies directly below the root (the version is read from `../package.json`). Packages and the native addon stay outside.
 * @param {string[]} programs
 * @param {string} outdir
 */
export async function bundlePrograms(programs, outdir) {
  const addon = pathToFileURL(join(ROOT, 'index.js')).href;
  await build({
    absWorkingDir: ROOT,
    entryPoints: programs.map((path) => ({ in: path, out: basename(path, '.ts') })),
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
    plugins: [
      {
        name: 'addon',
        setup: (plugin) => plugin.onResolve({ filter: /^\.\.\/\.\.\/index\.js$/ }, () => ({ path: addon, external: true })),
      },
    ],
  });
}
