// `npm run docs:cli`: writes the reference of the commands, and the page of troubles, from the compiled tables.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, runTool } from './lib/project.mjs';
import { ensureInstalled, ensureTypeScript } from './lib/steps.mjs';

await runTool(async () => {
  ensureInstalled();
  ensureTypeScript();
  const compiled = (/** @type {string} */ name) => import(pathToFileURL(join(ROOT, 'dist', 'cli', name)).href);
  const { renderReference } = await compiled('reference.js');
  const { COMMANDS } = await compiled('command-list.js');
  const folder = join(ROOT, 'docs', 'reference');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'cli.md'), renderReference(COMMANDS));
  const { renderTroubleshooting } = await compiled('troubleshooting.js');
  writeFileSync(join(ROOT, 'docs', 'operations', 'troubleshooting.md'), renderTroubleshooting());
});
