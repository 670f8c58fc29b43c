// Runs before `npm pack`: a package without its compiled files must not be made.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, ToolError, runTool } from './lib/project.mjs';

await runTool(() => {
  for (const name of ['index.js', 'index.d.ts', 'dist/cli/main.js', 'dist/client/index.js', 'dist/react/styles.css', 'dist/demo/index.html', 'dist/index.js']) {
    if (!existsSync(join(ROOT, name))) throw new ToolError(`${name} is missing from the package; run \`npm run build\` first.`);
  }
});
