// Other people's servers, where they are installed: Redis, NATS, PostgreSQL, SQLite. Each is set to the strongest durability
// it has unless its name says otherwise, and is skipped with a reason where it is absent.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT } from '../../tools/lib/project.mjs';
import { Absent, startServer } from './processes.mjs';
import { freePort } from './servers.mjs';

/** @typedef {import('./servers.mjs').Contestant} Contestant */
/** @typedef {import('./servers.mjs').Target} Target */

const SBIN = ['/usr/sbin', '/usr/local/sbin'];
const POSTGRES_PARENT = '/usr/lib/postgresql';
const INIT_MS_MAX = 60_000;

/** Stores with SET, durable before it answers. @type {Contestant} */
export const REDIS = { name: 'redis', start: (cores, dataDir) => startRedis(cores, dataDir, ['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0']) };
/** Only pub/sub: nothing is stored. @type {Contestant} */
export const REDIS_PUBSUB = { name: 'redis', start: (cores, dataDir) => startRedis(cores, dataDir, ['--appendonly', 'no']) };
/** Only pub/sub: nothing is stored. @type {Contestant} */
export const NATS = { name: 'nats', start: (cores, dataDir) => startNats(cores, dataDir, false) };
/** JetStream with a file store as it comes: it syncs every two minutes, so its acknowledgement promises less. @type {Contestant} */
export const JETSTREAM = { name: 'nats-js', start: (cores, dataDir) => startNats(cores, dataDir, true) };
/** synchronous_commit on, one INSERT per transaction. @type {Contestant} */
export const POSTGRES = { name: 'postgres', start: startPostgres };
/** WAL, synchronous FULL, in process and without a network: one transaction per group. @type {Contestant} */
export const SQLITE = { name: 'sqlite', start: startSqlite };

/**
 * @param {string} name
 * @param {readonly string[]} [folders]
 */
function programOrAbsent(name, folders = []) {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), ...SBIN, ...folders];
  const found = places.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Absent(`${name} is not installed`);
  return found;
}

/**
 * @param {string | null} cores
 * @param {string} dataDir
 * @param {string[]} flags
 * @returns {Promise<Target>}
 */
async function startRedis(cores, dataDir, flags) {
  const program = programOrAbsent('redis-server');
  mkdirSync(dataDir, { recursive: true });
  const port = await freePort();
  const command = [program, '--bind', '127.0.0.1', '--port', String(port), '--dir', dataDir, '--save', '', '--maxclients', '12000', ...flags];
  const limits = ['--client-output-buffer-limit', 'pubsub', '0', '0', '0'];
  const server = await startServer(cores, [...command, ...limits], /(Ready to accept connections)/);
  return { ...server, target: `redis:127.0.0.1:${port}`, flags: {} };
}

/**
 * @param {string | null} cores
 * @param {string} dataDir
 * @param {boolean} stored
 * @returns {Promise<Target>}
 */
async function startNats(cores, dataDir, stored) {
  const program = programOrAbsent('nats-server');
  mkdirSync(dataDir, { recursive: true });
  const port = await freePort();
  const flags = stored ? ['--jetstream', '--store_dir', dataDir] : [];
  const server = await startServer(cores, [program, '--addr', '127.0.0.1', '--port', String(port), ...flags], /(Server is ready)/);
  return { ...server, target: `${stored ? 'jetstream' : 'nats'}:127.0.0.1:${port}`, flags: {} };
}

/**
 * @param {string | null} cores
 * @param {string} dataDir
 * @returns {Promise<Target>}
 */
async function startPostgres(cores, dataDir) {
  const versions = existsSync(POSTGRES_PARENT) ? readdirSync(POSTGRES_PARENT) : [];
  const folders = versions.map((version) => join(POSTGRES_PARENT, version, 'bin'));
  const [initdb, postgres] = [programOrAbsent('initdb', folders), programOrAbsent('postgres', folders)];
  const owner = serverUser();
  const folder = join(dataDir, 'pg');
  mkdirSync(folder, { recursive: true });
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  const asOwner = owner === null ? [] : ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
  const [program = '', ...args] = [...asOwner, initdb, '-D', folder, '-A', 'trust', '-U', 'bench', '-E', 'UTF8', '--no-locale'];
  const made = spawnSync(program, args, { encoding: 'utf8', timeout: INIT_MS_MAX, cwd: '/' });
  if (made.status !== 0) throw new Absent(`initdb refuses: ${made.stderr.trim().split('\n').at(-1) ?? ''}`);
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'synchronous_commit=on', 'fsync=on', 'max_connections=200'];
  const command = [...asOwner, postgres, '-D', folder, ...settings.flatMap((setting) => ['-c', setting])];
  const server = await startServer(cores, command, /(database system is ready to accept connections)/);
  return { ...server, target: `postgres:127.0.0.1:${port}`, flags: {} };
}

/** PostgreSQL refuses to run as root; null: we are not. */
function serverUser() {
  if (process.getuid?.() !== 0) return null;
  const ids = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim() || Number.NaN));
  const [uid = Number.NaN, gid = Number.NaN] = ids;
  if (Number.isNaN(uid) || Number.isNaN(gid)) throw new Absent('PostgreSQL does not run as root, and there is no user postgres');
  return { uid, gid };
}

/**
 * @param {string | null} _cores
 * @param {string} dataDir
 * @returns {Promise<Target>}
 */
async function startSqlite(_cores, dataDir) {
  const python = programOrAbsent('python3');
  if (spawnSync(python, ['-c', 'import sqlite3'], { stdio: 'ignore' }).status !== 0) throw new Absent('python3 has no sqlite3 module');
  mkdirSync(dataDir, { recursive: true });
  const script = join(ROOT, 'benches', 'baselines', 'sqlite-push.py');
  return {
    pid: 0,
    found: '',
    isRunning: () => true,
    stop: async () => {},
    target: '',
    flags: {},
    inProcess: (flags) => {
      const group = Number(flags['--connections']) * Number(flags['--in-flight']);
      return [python, script, join(dataDir, 'bench.db'), String(group), String(flags['--bytes']), String(flags['--seconds'])];
    },
  };
}
