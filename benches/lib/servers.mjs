// The servers of a row, each its own process on a free port with its data in a folder of its own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../tools/lib/project.mjs';
import { startServer } from './processes.mjs';

/** @typedef {import('./processes.mjs').Server & {target: string}} Target */

const PORT_LINE = /^\{"port":(\d+)\}$/;
const ADDRESS_LINE = /(sealrelay:\/\/[^\s"]+#k=[A-Za-z0-9_-]{43})/;
const RELEASE_DIR = join(ROOT, 'target', 'release');

export const LOAD_PROGRAM = join(RELEASE_DIR, 'load');

/**
 * @param {import('./rows.mjs').ServerName} name
 * @param {string | null} cores
 * @param {string} dataDir
 * @returns {Promise<Target>}
 */
export async function startTarget(name, cores, dataDir) {
  mkdirSync(dataDir, { recursive: true });
  if (name === 'relay') return startRelay(cores, dataDir);
  const server = await startServer(cores, commandOf(name, dataDir), PORT_LINE);
  return { ...server, target: `${name === 'limit' ? 'limit' : 'ws'}:127.0.0.1:${server.found}` };
}

/**
 * @param {'limit' | 'ws' | 'ws-batched'} name
 * @param {string} dataDir
 */
function commandOf(name, dataDir) {
  if (name === 'limit') return [join(RELEASE_DIR, 'limit-server'), '--wal-dir', dataDir];
  const baseline = [process.execPath, join(ROOT, 'benches', 'baselines', 'ws-broadcast.mjs')];
  return name === 'ws-batched' ? [...baseline, '--batched'] : baseline;
}

/**
 * @param {string | null} cores
 * @param {string} dataDir
 * @returns {Promise<Target>}
 */
async function startRelay(cores, dataDir) {
  const program = join(ROOT, 'dist', 'cli', 'main.js');
  const flags = ['--port', '0', '--admin.port', 'off', '--data-dir', join(dataDir, 'relay')];
  const server = await startServer(cores, [process.execPath, program, 'serve', ...flags], ADDRESS_LINE);
  return { ...server, target: server.found };
}
