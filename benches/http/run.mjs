// `npm run bench:http`: requests per second of the relay's own answers beside a plain Fastify server, by autocannon in a
// process of its own; and durable pushes beside a Fastify route that only sends the body back. /health goes through the core to the control plane; /health/live is answered by the core alone.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, installed, runOrThrow, runTool } from '../../tools/lib/project.mjs';
import { ensureAddon, ensureInstalled, ensureTypeScript } from '../../tools/lib/steps.mjs';
import { requireRust } from '../../tools/lib/toolchain.mjs';
import { median } from '../lib/measure.mjs';
import { canPin, killAll, runForJson, startServer } from '../lib/processes.mjs';
import { startTarget } from '../lib/servers.mjs';

const REPEATS = 3;
const SECONDS = 3;
const CONNECTIONS = 64;
const ENTRY_BYTES = 1024;
const PORT_LINE = /^\{"port":(\d+)\}$/;
const EXTRA_MS = 20_000;
const CLOCK_TICKS_PER_SECOND = 100;

/** @typedef {{name: string, pid: number, command: () => Promise<string[]>, rates: number[], cpuUs: number[], generators: number[]}} Subject */
/** @typedef {{requests: {average: number, total: number}, non2xx: number, errors: number}} Report */

await runTool(async () => {
  requireRust();
  ensureInstalled();
  const limitServer = ['build', '--release', '--locked', '--quiet', '-p', 'limit-server', '--target-dir', join(ROOT, 'target')];
  runOrThrow('cargo', limitServer, { what: 'building the limit server' });
  ensureAddon();
  ensureTypeScript();
  const parent = join(ROOT, 'target', 'bench');
  mkdirSync(parent, { recursive: true });
  const dir = mkdtempSync(join(parent, 'http-'));
  const pins = { server: canPin('0') ? '0' : null, load: canPin('1') ? '1' : null };
  try {
    const relay = await startTarget('relay', pins.server, join(dir, 'relay'));
    const limit = await startTarget('limit', pins.server, join(dir, 'limit'));
    const plain = await startServer(pins.server, baseline('fastify-health.mjs'), PORT_LINE);
    const echo = await startServer(pins.server, baseline('fastify-echo.mjs'), PORT_LINE);
    const ports = { relay: portOf(relay.target), limit: portOf(limit.target), plain: plain.found, echo: echo.found };
    await measure('answers', pins.load, [
      row('relay /health/live', relay.pid, get(ports.relay, '/health/live')),
      row('relay /health', relay.pid, get(ports.relay, '/health')),
      row('plain Fastify /health', plain.pid, get(ports.plain, '/health')),
    ]);
    for (const [title, command] of generators(dir)) {
      await measure(title, pins.load, [
        row('relay POST /v1/push, durable', relay.pid, () => command(ports.relay, '/v1/push', relay.target)),
        row('limit POST /wal, durable', limit.pid, () => command(ports.limit, '/wal', null)),
        row('plain Fastify POST echo', echo.pid, () => command(ports.echo, '/echo', null)),
      ]);
    }
    await Promise.all([relay, limit, plain, echo].map((server) => server.stop()));
  } finally {
    killAll();
    rmSync(dir, { recursive: true, force: true });
  }
});

/**
 * @param {string} title
 * @param {string | null} cores
 * @param {Subject[]} subjects
 */
async function measure(title, cores, subjects) {
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    for (const each of subjects) await visit(each, cores);
  }
  report(title, subjects);
}

/** Generators of pushes of 1 KiB: autocannon, and wrk where it is. @param {string} dir */
function generators(dir) {
  /** @typedef {(port: string, path: string, address: string | null) => Promise<string[]>} Command */
  const tokens = async (/** @type {string | null} */ address) => {
    if (address === null) return '';
    const { openSessions } = await import('./sessions.mjs');
    const file = join(dir, 'tokens');
    writeFileSync(file, `${(await openSessions(address, CONNECTIONS)).join('\n')}\n`);
    return file;
  };
  /** @type {Command} */
  const autocannon = async (port, path, address) => {
    const program = join(ROOT, 'benches', 'http', 'autocannon-push.mjs');
    const url = `http://127.0.0.1:${port}${path}`;
    return [process.execPath, program, url, String(CONNECTIONS), String(SECONDS), String(ENTRY_BYTES), await tokens(address)];
  };
  /** @type {Command} */
  const wrk = async (port, path, address) => {
    const { pushBody } = await import('./sessions.mjs');
    const body = join(dir, 'body');
    writeFileSync(body, pushBody(ENTRY_BYTES));
    const script = join(ROOT, 'benches', 'http', 'push.lua');
    const each = String(CONNECTIONS);
    return ['env', `TOKENS=${await tokens(address)}`, `BODY=${body}`, 'wrk', '-t', each, '-c', each, '-d', String(SECONDS), '-s', script, `http://127.0.0.1:${port}${path}`];
  };
  /** @type {[string, Command][]} */
  const found = [['1 KiB pushes by autocannon', autocannon]];
  if (spawnSync('wrk', ['-v'], { stdio: 'ignore' }).error === undefined) found.push(['1 KiB pushes by wrk', wrk]);
  else console.log('wrk is not installed: its rows are skipped');
  return found;
}

/** @param {string} file */
function baseline(file) {
  return [process.execPath, join(ROOT, 'benches', 'baselines', file)];
}

/** @param {string} target */
function portOf(target) {
  return /:(\d+)(?:\/|$)/.exec(target)?.[1] ?? '';
}

/**
 * @param {string} port
 * @param {string} path
 * @returns {() => Promise<string[]>}
 */
function get(port, path) {
  const command = [process.execPath, installed('autocannon', 'autocannon.js'), '-j', '-c', String(CONNECTIONS), '-d', String(SECONDS)];
  return () => Promise.resolve([...command, `http://127.0.0.1:${port}${path}`]);
}

/**
 * @param {string} name
 * @param {number} pid
 * @param {() => Promise<string[]>} command
 * @returns {Subject}
 */
function row(name, pid, command) {
  return { name, pid, command, rates: [], cpuUs: [], generators: [] };
}

/**
 * @param {Subject} each
 * @param {string | null} cores
 */
async function visit(each, cores) {
  const command = await each.command();
  const [before, own] = [cpuSeconds(each.pid), childrenSeconds()];
  /** @type {Report} */
  const result = await runForJson(cores, command, SECONDS * 1000 + EXTRA_MS);
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${each.name}: ${result.non2xx} refusals, ${result.errors} errors`);
  each.rates.push(result.requests.average);
  each.cpuUs.push(((cpuSeconds(each.pid) - before) * 1e6) / result.requests.total);
  each.generators.push((childrenSeconds() - own) / SECONDS);
}

/** CPU time of the children of this process that have ended: the generators. */
function childrenSeconds() {
  return cpuSeconds(process.pid, 2);
}

/** User and system time of a process so far; 0 where there is no /proc. */
function cpuSeconds(/** @type {number} */ pid, of = 0) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11 + of]) + Number(fields[12 + of])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** @param {number[]} values */
function middle(values) {
  return median(values, (value) => value);
}

/**
 * @param {string} title
 * @param {Subject[]} subjects
 */
function report(title, subjects) {
  const base = subjects.at(-1);
  if (base === undefined) return;
  console.log(`\n${title}: ${CONNECTIONS} connections, medians of ${REPEATS} × ${SECONDS} s\n`);
  console.log(`${''.padEnd(30)}requests/s    × Fastify   server CPU µs/request   × Fastify   generator`);
  for (const { name, rates, cpuUs, generators: busy } of subjects) {
    const [rate, cpu] = [middle(rates), middle(cpuUs)];
    const cells = [
      Math.round(rate).toString().padStart(10),
      (rate / middle(base.rates)).toFixed(2).padStart(13),
      cpu.toFixed(1).padStart(24),
      (cpu / middle(base.cpuUs)).toFixed(2).padStart(12),
      `${Math.round(middle(busy) * 100)} %`.padStart(12),
    ];
    console.log(name.padEnd(30) + cells.join(''));
  }
}
