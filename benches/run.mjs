// `npm run bench`: the relay beside the least a server could do, and beside its peers, measured in one run.
// What each number means is in README.md.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { ROOT, ToolError, runOrThrow, runTool } from '../tools/lib/project.mjs';
import { ensureAddon, ensureInstalled, ensureTypeScript } from '../tools/lib/steps.mjs';
import { requireNode, requireRust } from '../tools/lib/toolchain.mjs';
import { compare, readBaseline, regressionText, renewed, writeBaseline } from './lib/baseline.mjs';
import { sentenceOf } from './lib/numbers.mjs';
import { HELP, readOptions } from './lib/options.mjs';
import { canPin, killAll } from './lib/processes.mjs';
import { figureTable } from './lib/report.mjs';

/** @typedef {import('./lib/options.mjs').Options} Options */
/** @typedef {import('./lib/measure.mjs').Context} Context */
/** @typedef {import('./lib/contest-row.mjs').Outcome} Outcome */
/** @typedef {{id: string, title: string} & Outcome} Measured */
/** @typedef {{cpu: string, cores: number, node: string, pins: Context['pins']}} Machine */

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
  if (options.from !== null) {
    judge(options, readMeasured(options.from));
    return;
  }
  build();
  mkdirSync(BENCH_DIR, { recursive: true });
  const dir = mkdtempSync(join(BENCH_DIR, 'run-'));
  // A peer that runs as a user of its own (PostgreSQL) must be able to reach its folder in it.
  chmodSync(dir, 0o711);
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

function build() {
  requireNode();
  requireRust();
  ensureInstalled();
  const packages = ['-p', 'limit-server', '-p', 'load'];
  const args = ['build', '--release', '--locked', '--quiet', '--target-dir', TARGET_DIR, ...packages];
  runOrThrow('cargo', args, { what: 'building the limit server and the generator' });
  ensureAddon();
  ensureTypeScript();
}

/**
 * @param {Options} options
 * @param {string} dir
 */
async function measureAll(options, dir) {
  const pins = {
    server: canPin(options.cores.server) ? options.cores.server : null,
    load: canPin(options.cores.load) ? options.cores.load : null,
  };
  /** @type {Context} */
  const context = { options, dir, pins, deadline: performance.now() + options.minutes * 60_000 };
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version, pins };
  console.log(headline(options, machine));
  const busy = loadavg()[0] ?? 0;
  if (busy > BUSY_LOAD) console.log(`! load average ${busy.toFixed(1)} before the start: other programs are running, ratios will wander.`);
  const baseline = readBaseline(options.baseline);
  /** @type {Measured[]} */
  const rows = [];
  for (const row of options.rows) {
    let measured = await measure(context, row, baseline);
    if (options.check && regressionsOf(options, [measured]).length > 0) {
      console.log('  worse than the baseline: once more');
      measured = await measure(context, row, baseline);
    }
    rows.push(measured);
  }
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify({ machine, options: { ...options, rows: undefined }, rows }, null, 2)}\n`);
  if (options.renew) writeBaseline(options.baseline, renewed(baseline, rows.filter(({ failures }) => failures.length === 0), conditions(options, machine)));
  judge(options, rows);
}

/**
 * @param {Context} context
 * @param {import('./lib/contest-row.mjs').Row} row
 * @param {import('./lib/baseline.mjs').Baseline} baseline
 * @returns {Promise<Measured>}
 */
async function measure(context, row, baseline) {
  const outcome = await row.measure(context).catch((/** @type {unknown} */ error) => failed(error));
  console.log(`\n${row.id}: ${row.title}\n${outcome.text}`);
  if (outcome.saturated) console.log('  ! the generator was saturated: the server could have done more.');
  console.log(figureTable(outcome.figures, baseline.rows[row.id]?.figures ?? {}));
  return { id: row.id, title: row.title, ...outcome };
}

/**
 * @param {unknown} error
 * @returns {Outcome}
 */
function failed(error) {
  return { text: '  not measured', figures: [], failures: [sentenceOf(error)], saturated: false, raw: null };
}

/**
 * @param {Options} options
 * @param {Machine} machine
 */
function headline({ repeats, seconds }, { cpu, cores, node, pins }) {
  const pinned = pins.server !== null && pins.load !== null;
  const where = pinned ? `servers on core ${pins.server}, generator on core ${pins.load}` : 'NOT pinned (no taskset, or no such cores)';
  return `${cpu}, ${cores} cores, node ${node}; ${where}; medians of ${repeats} × ${seconds} s`;
}

/**
 * @param {Options} options
 * @param {Machine} machine
 */
function conditions({ repeats, seconds }, { cpu, cores }) {
  return { cpu, cores, repeats, seconds, on: new Date().toISOString().slice(0, 10) };
}

/**
 * @param {string} path
 * @returns {Measured[]}
 */
function readMeasured(path) {
  /** @type {{rows?: Measured[]}} */
  const { rows } = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(rows)) throw new ToolError(`${path} holds no rows: it must come from --json`);
  return rows;
}

/**
 * @param {Options} options
 * @param {readonly Measured[]} rows
 */
function regressionsOf(options, rows) {
  return compare(readBaseline(options.baseline), rows, { complete: options.servers === null }).regressions;
}

/**
 * Exit code 1 when a server failed, when anything was lost, doubled or left unanswered, or when a check finds a regression
 * or nothing to compare.
 * @param {Options} options
 * @param {readonly Measured[]} rows
 */
function judge(options, rows) {
  const complaints = rows.flatMap(({ id, failures }) => failures.map((failure) => `${id}: ${failure}`));
  if (options.check) {
    const { compared, regressions } = compare(readBaseline(options.baseline), rows, { complete: options.servers === null });
    complaints.push(...regressions.map(regressionText));
    if (compared === 0) complaints.push('nothing was compared: the baseline has none of these rows');
    else if (regressions.length === 0) console.log(`\n${compared} ratios are within 10 % of the baseline`);
  }
  for (const complaint of complaints) console.error(`\n${complaint}`);
  if (complaints.length > 0) process.exitCode = 1;
}
