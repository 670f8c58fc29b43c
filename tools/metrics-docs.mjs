// `npm run docs:metrics`: writes docs/reference/metrics.md from the compiled table of metrics.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, runTool } from './lib/project.mjs';
import { ensureInstalled, ensureTypeScript } from './lib/steps.mjs';

await runTool(async () => {
  ensureInstalled();
  ensureTypeScript();
  const { renderMetrics } = await import(pathToFileURL(join(ROOT, 'dist', 'server', 'telemetry', 'render-metrics.js')).href);
  const folder = join(ROOT, 'docs', 'reference');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'metrics.md'), renderMetrics());
});
