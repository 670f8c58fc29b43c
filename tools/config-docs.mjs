// `npm run docs:config`: writes the reference page, `.env.example` and the JSON schema from the compiled option table.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, runTool } from './lib/project.mjs';
import { ensureInstalled, ensureTypeScript } from './lib/steps.mjs';

await runTool(async () => {
  ensureInstalled();
  ensureTypeScript();
  const compiled = (/** @type {string} */ name) => import(pathToFileURL(join(ROOT, 'dist', 'config', name)).href);
  const { renderDocs, renderEnvExample } = await compiled('render-docs.js');
  const { configSchema } = await compiled('schema.js');
  const folder = join(ROOT, 'docs', 'reference');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'configuration.md'), renderDocs());
  writeFileSync(join(folder, 'sealrelay.schema.json'), `${JSON.stringify(configSchema(), null, 2)}\n`);
  writeFileSync(join(ROOT, '.env.example'), renderEnvExample());
});
