// `npm run conformance -- <system> [url]`: the table of cases of a foreign protocol, against any relay; without a URL against
// the built product.
import { readdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './lib/project.mjs';

const CASES = join(ROOT, 'test/conformance');
const systems = readdirSync(CASES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const [system, url, ...rest] = process.argv.slice(2);

if (system === undefined || !systems.includes(system) || rest.length > 0 || (url !== undefined && !URL.canParse(url))) {
  console.error(`usage: npm run conformance -- <${systems.join('|')}> [http://host:port]`);
  process.exit(2);
}
const { status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', `test/conformance/${system}`], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, ...(url === undefined ? {} : { RELAY_CONFORMANCE_URL: url }) },
});
process.exit(status ?? 1);
