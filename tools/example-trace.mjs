// `npm run example:trace`: builds what is missing, bundles the example's programs, runs the conductor.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { BUILD_DIR, ROOT, runTool } from './lib/project.mjs';
import { ensureAddon, ensureInstalled, ensureTypeScript } from './lib/steps.mjs';
import { requireNode } from './lib/toolchain.mjs';

const PROGRAMS = ['test/e2e/trace/main.ts', 'test/e2e/trace/device-main.ts', 'test/support/leaky-relay-main.ts'];

await runTool(async () => {
  requireNode();
  ensureInstalled();
  ensureAddon();
  ensureTypeScript();
  const { bundlePrograms } = await import('./lib/bundle.mjs');
  await bundlePrograms(PROGRAMS, BUILD_DIR);
  const result = spawnSync(process.execPath, [join(BUILD_DIR, 'main.js'), ...process.argv.slice(2)], { stdio: 'inherit', cwd: ROOT });
  process.exitCode = result.status ?? 1;
});
