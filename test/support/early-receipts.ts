// The control of the durability tests: the same addon, compiled with a feature that exists for this alone and completes a
// push before it is written. A test that does not catch it proves nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

// Where every command of the project runs: this file is also bundled, and then lies elsewhere.
const ROOT = resolve('.');
const LIBRARY: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'librelay_node.so',
  darwin: 'librelay_node.dylib',
  win32: 'relay_node.dll',
};

/** Builds the double (quick when nothing changed) and returns the path of the addon file. */
export async function earlyReceiptsAddon(): Promise<string> {
  // With `torture` beside it cargo takes the dependencies that the workspace's tests have compiled already.
  const args = ['build', '--locked', '-p', 'relay-node', '-p', 'torture', '--lib', '--features', 'relay-node/early-receipts'];
  const cargo = spawn('cargo', args, { cwd: ROOT, stdio: 'inherit' });
  const [code] = (await once(cargo, 'exit')) as [number | null];
  const library = LIBRARY[process.platform];
  if (code !== 0 || library === undefined) throw new Error('the early-receipts double could not be built');
  const built = join(ROOT, 'target', 'debug', library);
  if (!existsSync(built)) throw new Error(`${built} is missing`);
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  const addon = join(ROOT, '.build', 'early-receipts.node');
  copyFileSync(built, addon);
  return addon;
}
