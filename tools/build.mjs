// `npm run build`: install, native addon, TypeScript; each only when needed.
import { runTool } from './lib/project.mjs';
import { ensureAddon, ensureInstalled, ensureTypeScript } from './lib/steps.mjs';
import { requireNode } from './lib/toolchain.mjs';

await runTool(() => {
  requireNode();
  ensureInstalled();
  ensureAddon();
  ensureTypeScript();
});
