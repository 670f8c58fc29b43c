// `npm start`: from a fresh clone to a running relay. Builds what is missing, then runs the command line in this same process.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, runTool } from './lib/project.mjs';
import { ensureAddon, ensureInstalled, ensureTypeScript } from './lib/steps.mjs';
import { requireNode } from './lib/toolchain.mjs';

await runTool(async () => {
  requireNode();
  ensureInstalled();
  ensureAddon();
  ensureTypeScript();
  const main = join(ROOT, 'dist', 'cli', 'main.js');
  process.argv.splice(1, 1, main);
  await import(pathToFileURL(main).href);
});
