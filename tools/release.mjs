// `npm run release`: the packages to publish, made from this work tree and from addons that were built for other platforms.
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BUILD_DIR, ROOT, ToolError, runTool } from './lib/project.mjs';
import { ensureAddon, ensureInstalled, ensureTypeScript } from './lib/steps.mjs';
import { requireNode } from './lib/toolchain.mjs';

const HELP = `npm run release -- [--addons FOLDER] [--only-built] [--out FOLDER]

  --addons FOLDER   where the addons of other platforms are (sealrelay.<platform>.node), as \`npm run build\` leaves them there
  --only-built      publish for the platforms that have one, and no others
  --out FOLDER      where the packages go (default .build/release)`;

await runTool(async () => {
  const { values } = parseArgs({
    options: { addons: { type: 'string' }, 'only-built': { type: 'boolean' }, out: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    console.log(HELP);
    return;
  }
  requireNode();
  ensureInstalled();
  ensureAddon();
  ensureTypeScript();
  // It needs what was just installed.
  const { findAddons, makePackages } = await import('./lib/release.mjs');
  const { addons, missing } = findAddons([ROOT, ...(values.addons === undefined ? [] : [values.addons])]);
  if (missing.length > 0 && values['only-built'] !== true) {
    throw new ToolError(`no addon for ${missing.join(', ')}; build it there and name its folder with --addons, or leave them out with --only-built.`);
  }
  const files = makePackages(addons, resolve(values.out ?? join(BUILD_DIR, 'release')));
  console.log(`packages for ${addons.map(({ platform }) => platform).join(', ')}; publish them in this order:`);
  for (const file of files) console.log(`  npm publish --access public ${relative(process.cwd(), file)}`);
});
