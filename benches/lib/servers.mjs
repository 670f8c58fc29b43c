// Who takes part: the relay, the limit server, the baselines; each in its own process on a free port, with its data in a
// folder of its own. The peers, which may be absent, are in peers.mjs.
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ROOT } from '../../tools/lib/project.mjs';
import { startServer } from './processes.mjs';

/**
 * @typedef {import('./processes.mjs').Server & {
 *   target: string,
 *   flags: Record<string, string | number>,
 *   inProcess?: (flags: Record<string, string | number>) => string[],
 * }} Target  `flags` go to the generator; `inProcess` measures without one
 */
/** @typedef {{name: string, start: (cores: string | null, dataDir: string) => Promise<Target>}} Contestant */

export const PORT_LINE = /^\{"port":(\d+)\}$/;
const ADDRESS_LINE = /(sealrelay:\/\/[^\s"]+#k=[A-Za-z0-9_-]{43})/;
const RELEASE_DIR = join(ROOT, 'target', 'release');
const RELAY_PROGRAM = join(ROOT, 'dist', 'cli', 'main.js');

export const LOAD_PROGRAM = join(RELEASE_DIR, 'load');

/** @type {Contestant} */
export const RELAY = { name: 'relay', start: (cores, dataDir) => startRelay(cores, dataDir) };
const RATES_OFF = ['limits.requests-per-minute', 'limits.native-requests-per-minute', 'limits.connections-per-minute', 'limits.address-connections-max', 'compat.address-writes-per-minute'].flatMap((key) => [`--${key}`, '0']);
/** Above any rate that is measured: by default a session may send 2,000 ephemeral frames a second. */
const EPHEMERAL_RATE_MAX = '1000000';
/** The same product, asked for frames that are never stored. @type {Contestant} */
export const EPHEMERAL = {
  name: 'ephemeral',
  start: async (cores, dataDir) => {
    const target = await startRelay(cores, dataDir, ['--limits.ephemeral-rate-max', EPHEMERAL_RATE_MAX]);
    return { ...target, flags: { '--ephemeral': 'yes' } };
  },
};
/** @type {Contestant} */
export const LIMIT = { name: 'limit', start: (cores, dataDir) => startPlain(cores, dataDir, 'limit', [join(RELEASE_DIR, 'limit-server'), '--wal-dir', dataDir]) };
/** @type {Contestant} */
export const WS = { name: 'ws', start: (cores, dataDir) => startPlain(cores, dataDir, 'ws', baseline('ws-broadcast.mjs')) };
/** @type {Contestant} */
export const WS_BATCHED = { name: 'ws-batched', start: (cores, dataDir) => startPlain(cores, dataDir, 'ws', [...baseline('ws-broadcast.mjs'), '--batched']) };

/**
 * @param {'relay' | 'limit' | 'ws' | 'ws-batched'} name
 * @param {string | null} cores
 * @param {string} dataDir
 */
export function startTarget(name, cores, dataDir) {
  return { relay: RELAY, limit: LIMIT, ws: WS, 'ws-batched': WS_BATCHED }[name].start(cores, dataDir);
}

/**
 * The product as it is started by everybody, with a fresh data folder (or the one that is there) and these further flags; only
 * the rates of client addresses are off, because one generator plays all clients.
 * @param {string | null} cores
 * @param {string} dataDir
 * @param {readonly string[]} [further]
 * @returns {Promise<Target>}
 */
export async function startRelay(cores, dataDir, further = []) {
  mkdirSync(dataDir, { recursive: true });
  const port = further.includes('--port') ? [] : ['--port', '0'];
  const admin = further.includes('--admin.port') ? [] : ['--admin.port', 'off'];
  const flags = [...port, ...RATES_OFF, ...admin, '--data-dir', join(dataDir, 'relay'), ...further];
  const server = await startServer(cores, [process.execPath, RELAY_PROGRAM, 'serve', ...flags], ADDRESS_LINE);
  return { ...server, target: server.found, flags: {} };
}

/** @param {string} file */
export function baseline(file) {
  return [process.execPath, join(ROOT, 'benches', 'baselines', file)];
}

/**
 * @param {string | null} cores
 * @param {string} dataDir
 * @param {string} dialect
 * @param {string[]} command
 * @returns {Promise<Target>}
 */
async function startPlain(cores, dataDir, dialect, command) {
  mkdirSync(dataDir, { recursive: true });
  const server = await startServer(cores, command, PORT_LINE);
  return { ...server, target: `${dialect}:127.0.0.1:${server.found}`, flags: {} };
}

/**
 * A baseline that is told its folder and prints its port.
 * @param {string | null} cores
 * @param {string} dataDir
 * @param {string} dialect
 * @param {string} file
 */
export function startBaseline(cores, dataDir, dialect, file) {
  return startPlain(cores, dataDir, dialect, [...baseline(file), dataDir]);
}

/** A port that nobody listens on at this moment. */
export function freePort() {
  return /** @type {Promise<number>} */ (new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  }));
}
