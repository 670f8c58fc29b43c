// `npm run conformance -- <system> [--real] [url]`: the table of cases of a foreign protocol, against any relay; without a URL
// against the built product. With --real the published client of that system too, which is built first (test/peers/<system>).
import { existsSync, readdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './lib/project.mjs';

/** Exit code when the published client could not be built here: nothing was checked. */
const NOT_BUILT = 3;
const BUILD_MS_MAX = 15 * 60_000;
const CASES = join(ROOT, 'test/conformance');
const PEERS = join(ROOT, 'test/peers');
const systems = readdirSync(CASES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const hasPeer = (/** @type {string} */ system) => existsSync(join(PEERS, system, 'Cargo.toml'));

const args = process.argv.slice(2);
const isReal = args.includes('--real');
const [system, url, ...rest] = args.filter((arg) => arg !== '--real');

if (system === undefined || !systems.includes(system) || rest.length > 0 || (url !== undefined && !URL.canParse(url)) || (isReal && !hasPeer(system))) {
  console.error(`usage: npm run conformance -- <${systems.join('|')}> [http://host:port]`);
  console.error(`       npm run conformance -- <${systems.filter(hasPeer).join('|')}> --real [http://host:port]`);
  process.exit(2);
}

/** Builds the published client in its own workspace; where it is. */
function buildPeer(/** @type {string} */ name) {
  const dir = join(PEERS, name);
  const started = Date.now();
  const { status, error } = spawnSync('cargo', ['build', '--locked', '--manifest-path', join(dir, 'Cargo.toml')], { stdio: 'inherit', timeout: BUILD_MS_MAX });
  if (status !== 0) {
    console.error(`conformance: the published client of ${name} cannot be built here${error === undefined ? '' : ` (${error.message})`}; skipped`);
    process.exit(NOT_BUILT);
  }
  console.log(`conformance: built the published client in ${Math.round((Date.now() - started) / 1000)} s`);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return join(dir, 'target/debug', `${name}-peers${suffix}`);
}

const env = {
  ...process.env,
  ...(url === undefined ? {} : { RELAY_CONFORMANCE_URL: url }),
  ...(isReal ? { CONFORMANCE_PEER_PROGRAM: buildPeer(system) } : {}),
};
const { status } = spawnSync(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', `test/conformance/${system}`], { cwd: ROOT, stdio: 'inherit', env });
process.exit(status ?? 1);
