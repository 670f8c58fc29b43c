// `npm run docs:config`: writes docs/reference/configuration.md from the compiled option table.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, runTool } from './lib/project.mjs';
import { ensureInstalled, ensureTypeScript } from './lib/steps.mjs';

await runTool(async () => {
  ensureInstalled();
  ensureTypeScript();
  const { renderDocs } = await import(pathToFileURL(join(ROOT, 'dist', 'config', 'render.js')).href);
  const folder = join(ROOT, 'docs', 'reference');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'configuration.md'), renderDocs());
});
