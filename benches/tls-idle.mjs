// Memory of an idle WebSocket in the built relay, plain and over TLS: the proportional set size with twice as many
// connections minus that with half of them, for each one more. `node benches/tls-idle.mjs [--connections N] [--rounds N]`, Linux, needs openssl.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';

const { values } = parseArgs({ options: { connections: { type: 'string', default: '2000' }, rounds: { type: 'string', default: '3' } } });
const [CONNECTIONS, ROUNDS] = [Number(values.connections), Number(values.rounds)];
const AT_A_TIME = 50;
const SETTLE_MS = 1500;
/** More than this for an idle connection over TLS is a defect. */
const TLS_KIB_MAX = 12;
const CLI = join(import.meta.dirname, '../dist/cli/main.js');
const dir = mkdtempSync(join(tmpdir(), 'sealrelay-tls-idle-'));
const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert]);
if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);

/** @param {number} ms */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {readonly string[]} flags
 * @param {string} name
 */
async function startRelay(flags, name) {
  const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--admin.port', 'off', '--handshake-timeout', '5m', '--heartbeat', '10m', '--data-dir', join(dir, name), ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, relayAddress } = JSON.parse(line);
    if (msg === 'relay is listening') return { child, port: Number(/:(\d+)\//.exec(relayAddress)?.[1]) };
  }
  throw new Error('the relay ended');
}

/** @param {number | undefined} pid */
function pssKib(pid) {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}

/** @param {string} url */
async function openAll(url) {
  /** @type {WebSocket[]} */
  const sockets = [];
  while (sockets.length < CONNECTIONS) {
    const some = Array.from({ length: Math.min(AT_A_TIME, CONNECTIONS - sockets.length) }, () => new WebSocket(url, { perMessageDeflate: false, ca: readFileSync(cert) }));
    await Promise.all(some.map((socket) => new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))));
    sockets.push(...some);
  }
  return sockets;
}

/**
 * @param {readonly string[]} flags
 * @param {string} scheme
 * @param {string} name
 */
async function measure(flags, scheme, name) {
  const { child, port } = await startRelay(flags, name);
  try {
    const url = `${scheme}://localhost:${port}/v1/connect`;
    const first = await openAll(url);
    await wait(SETTLE_MS);
    const before = pssKib(child.pid);
    const sockets = await openAll(url);
    await wait(SETTLE_MS);
    const each = (pssKib(child.pid) - before) / CONNECTIONS;
    for (const socket of [...first, ...sockets]) socket.terminate();
    return each;
  } finally {
    child.kill('SIGKILL');
  }
}

/** @type {{ plain: number[], tls: number[] }} */
const rows = { plain: [], tls: [] };
try {
  for (let round = 0; round < ROUNDS; round += 1) {
    rows.plain.push(await measure([], 'ws', `plain-${round}`));
    rows.tls.push(await measure(['--tls.cert', cert, '--tls.key', key], 'wss', `tls-${round}`));
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
/** @param {readonly number[]} list */
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
console.log(JSON.stringify({ connections: CONNECTIONS, kibPerConnection: { plain: median(rows.plain), tls: median(rows.tls) }, rounds: rows }));
if ((median(rows.tls) ?? 0) > TLS_KIB_MAX) process.exitCode = 1;
