// `npm run bench:http`: requests per second of the relay's own answers beside a plain Fastify server, by autocannon in a
// process of its own. /health goes through the core to the control plane; /health/live is answered by the core alone.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, installed, runTool } from '../../tools/lib/project.mjs';
import { ensureAddon, ensureInstalled, ensureTypeScript } from '../../tools/lib/steps.mjs';
import { median } from '../lib/measure.mjs';
import { canPin, killAll, runForJson, startServer } from '../lib/processes.mjs';
import { startTarget } from '../lib/servers.mjs';

const REPEATS = 3;
const SECONDS = 3;
const CONNECTIONS = 64;
const EXTRA_MS = 20_000;
const CLOCK_TICKS_PER_SECOND = 100;

/** @typedef {{name: string, url: string, pid: number, rates: number[], cpuUs: number[]}} Subject */
/** @typedef {{requests: {average: number, total: number}, non2xx: number, errors: number}} Report */

await runTool(async () => {
  ensureInstalled();
  ensureAddon();
  ensureTypeScript();
  const parent = join(ROOT, 'target', 'bench');
  mkdirSync(parent, { recursive: true });
  const dir = mkdtempSync(join(parent, 'http-'));
  const pins = { server: canPin('0') ? '0' : null, load: canPin('1') ? '1' : null };
  try {
    const relay = await startTarget('relay', pins.server, dir);
    const plain = await startServer(pins.server, [process.execPath, join(ROOT, 'benches/baselines/fastify-health.mjs')], /^\{"port":(\d+)\}$/);
    const relayPort = /:(\d+)\//.exec(relay.target)?.[1];
    const subjects = [
      subject('relay /health/live', `http://127.0.0.1:${relayPort}/health/live`, relay.pid),
      subject('relay /health', `http://127.0.0.1:${relayPort}/health`, relay.pid),
      subject('plain Fastify /health', `http://127.0.0.1:${plain.found}/health`, plain.pid),
    ];
    for (let repeat = 0; repeat < REPEATS; repeat += 1) {
      for (const each of subjects) await visit(each, pins.load);
    }
    report(subjects);
    await Promise.all([relay.stop(), plain.stop()]);
  } finally {
    killAll();
    rmSync(dir, { recursive: true, force: true });
  }
});

/**
 * @param {string} name
 * @param {string} url
 * @param {number} pid
 * @returns {Subject}
 */
function subject(name, url, pid) {
  return { name, url, pid, rates: [], cpuUs: [] };
}

/**
 * @param {Subject} each
 * @param {string | null} cores
 */
async function visit(each, cores) {
  const before = cpuSeconds(each.pid);
  const command = [process.execPath, installed('autocannon', 'autocannon.js'), '-j', '-c', String(CONNECTIONS), '-d', String(SECONDS), each.url];
  /** @type {Report} */
  const result = await runForJson(cores, command, SECONDS * 1000 + EXTRA_MS);
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${each.name}: ${result.non2xx} refusals, ${result.errors} errors`);
  each.rates.push(result.requests.average);
  each.cpuUs.push(((cpuSeconds(each.pid) - before) * 1e6) / result.requests.total);
}

/** User and system time of a process so far; 0 where there is no /proc. */
function cpuSeconds(/** @type {number} */ pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** @param {number[]} values */
function middle(values) {
  return median(values, (value) => value);
}

/** @param {Subject[]} subjects */
function report(subjects) {
  const base = subjects.at(-1);
  if (base === undefined) return;
  console.log(`${CONNECTIONS} connections, medians of ${REPEATS} × ${SECONDS} s\n`);
  console.log(`${''.padEnd(24)}requests/s    × plain   server CPU µs/request`);
  for (const { name, rates, cpuUs } of subjects) {
    const rate = middle(rates);
    console.log(`${name.padEnd(24)}${Math.round(rate).toString().padStart(10)}${(rate / middle(base.rates)).toFixed(2).padStart(11)}${middle(cpuUs).toFixed(1).padStart(24)}`);
  }
}
