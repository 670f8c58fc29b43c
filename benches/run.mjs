// `npm run bench`: the relay beside a plain broadcast server and the least a server could do, measured in one run.
// What each number means is in README.md.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { ROOT, runOrThrow, runTool } from '../tools/lib/project.mjs';
import { ensureAddon, ensureInstalled, ensureTypeScript } from '../tools/lib/steps.mjs';
import { requireNode, requireRust } from '../tools/lib/toolchain.mjs';
import { measureFloor, measureRow } from './lib/measure.mjs';
import { HELP, readOptions } from './lib/options.mjs';
import { canPin, killAll } from './lib/processes.mjs';
import { SATURATED_SHARE, floorText, rowTable } from './lib/report.mjs';

const TARGET_DIR = join(ROOT, 'target');
const BENCH_DIR = join(TARGET_DIR, 'bench');
/** Load average from which the machine is not ours alone. */
const BUSY_LOAD = 0.7;

await runTool(async () => {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    console.log(HELP);
    return;
  }
  build(options);
  mkdirSync(BENCH_DIR, { recursive: true });
  const dir = mkdtempSync(join(BENCH_DIR, 'run-'));
  const clean = () => {
    killAll();
    rmSync(dir, { recursive: true, force: true });
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => {
      clean();
      process.exit(1);
    });
  }
  try {
    await measureAll(options, dir);
  } finally {
    clean();
  }
});

/** @param {import('./lib/options.mjs').Options} options */
function build(options) {
  requireNode();
  requireRust();
  ensureInstalled();
  const packages = ['-p', 'limit-server', '-p', 'load'];
  const args = ['build', '--release', '--locked', '--quiet', '--target-dir', TARGET_DIR, ...packages];
  runOrThrow('cargo', args, { what: 'building the limit server and the generator' });
  if (!options.servers.includes('relay')) return;
  ensureAddon();
  ensureTypeScript();
}

/**
 * @param {import('./lib/options.mjs').Options} options
 * @param {string} dir
 */
async function measureAll(options, dir) {
  const pins = {
    server: canPin(options.cores.server) ? options.cores.server : null,
    load: canPin(options.cores.load) ? options.cores.load : null,
  };
  const context = { options, dir, pins, deadline: performance.now() + options.minutes * 60_000 };
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version, pins };
  console.log(headline(options, machine));
  const busy = loadavg()[0] ?? 0;
  if (busy > BUSY_LOAD) console.log(`! load average ${busy.toFixed(1)} before the start: other programs are running, ratios will wander.`);
  const floor = options.rows.some(({ mode }) => mode === 'push') ? await measureFloor(context) : null;
  if (floor !== null) console.log(`\n${floorText(floor)}`);
  const rows = [];
  for (const row of options.rows) {
    const results = await measureRow(context, row);
    rows.push({ row, results });
    console.log(`\n${rowTable(row, results)}`);
  }
  conclude(rows.flatMap(({ results }) => results));
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify({ machine, options, floor, rows }, null, 2)}\n`);
}

/**
 * @param {import('./lib/options.mjs').Options} options
 * @param {{cpu: string, cores: number, node: string, pins: {server: string | null, load: string | null}}} machine
 */
function headline({ repeats, seconds }, { cpu, cores, node, pins }) {
  const pinned = pins.server !== null && pins.load !== null;
  const where = pinned ? `servers on core ${pins.server}, generator on core ${pins.load}` : 'NOT pinned (no taskset, or no such cores)';
  return `${cpu}, ${cores} cores, node ${node}; ${where}; medians of ${repeats} × ${seconds} s`;
}

/**
 * Exit code 1 when a server failed, or when anything was lost, doubled or left unanswered.
 * @param {import('./lib/measure.mjs').Result[]} results
 */
function conclude(results) {
  const runs = results.flatMap((result) => result.runs);
  if (runs.some(({ loadCpuShare }) => loadCpuShare > SATURATED_SHARE)) {
    console.log('\n! the generator was saturated: the server could have done more.');
  }
  for (const { server, failure } of results) {
    if (failure !== null) console.error(`\n${server}: ${failure}`);
  }
  if (results.some(({ failure }) => failure !== null) || runs.some(({ faults }) => faults > 0)) process.exitCode = 1;
}
