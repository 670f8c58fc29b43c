// `npm run torture -- --minutes N`: tries to break the promises for as long as it is told, and records what it counted.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { basename, join } from 'node:path';
import { BUILD_DIR, ROOT, runOrThrow, runTool } from '../lib/project.mjs';
import { ensureAddon, ensureInstalled, ensureTypeScript } from '../lib/steps.mjs';
import { requireNode, requireRust } from '../lib/toolchain.mjs';
import { record, workTree, writePage } from './evidence.mjs';
import { TORTURE_PROGRAM } from './harnesses.mjs';
import { HELP, readOptions } from './options.mjs';
import { schedule } from './schedule.mjs';
import { judge } from './verdict.mjs';

/** @typedef {import('./harnesses.mjs').Harness} Harness */

/** How much longer than its time a harness may take, for its control and its last case. */
const GRACE_MS = 5 * 60_000;

await runTool(async () => {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    console.log(HELP);
    return;
  }
  if (!options.pageOnly) await torture(options);
  writePage();
});

/** @param {import('./options.mjs').Options} options */
async function torture({ harnesses, minutes, jobs, seed }) {
  await build(harnesses);
  const tree = workTree();
  console.log(`commit ${tree.commit}${tree.clean ? '' : ' with changes (not recorded as evidence)'}, seed ${seed}`);
  const { alone, sideBySide } = schedule(harnesses, minutes, jobs);
  let failed = false;
  const work = async (/** @type {import('./schedule.mjs').Job[]} */ queue) => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const run = await runHarness(job.harness, job.seconds, seedOf(seed, job.harness.name));
      // Recorded one by one: an interrupted run keeps what it has.
      record(tree, [run]);
      failed ||= run.verdict === 'failed' || run.verdict === 'void';
    }
  };
  await work(alone);
  await Promise.all(Array.from({ length: jobs }, () => work(sideBySide)));
  process.exitCode = failed ? 1 : 0;
}

/** @param {readonly Harness[]} harnesses */
async function build(harnesses) {
  requireNode();
  ensureInstalled();
  if (harnesses.some(({ addon }) => addon === true)) {
    ensureAddon();
    ensureTypeScript();
  }
  if (harnesses.some((harness) => harness.torture !== undefined)) {
    requireRust();
    runOrThrow('cargo', ['build', '--profile', 'torture', '--locked', '--quiet', '-p', 'torture'], { what: 'building test/torture' });
  }
  const programs = harnesses.flatMap(({ program }) => program ?? []);
  if (programs.length > 0) {
    const { bundlePrograms } = await import('../lib/bundle.mjs');
    await bundlePrograms(programs, BUILD_DIR);
  }
}

/**
 * Each harness has a seed of its own, so that `--only` repeats what the whole run did.
 * @param {number} seed
 * @param {string} name
 */
function seedOf(seed, name) {
  return createHash('sha256').update(`${seed} ${name}`).digest().readUIntBE(0, 5);
}

/**
 * @param {Harness} harness
 * @returns {string[]}
 */
function commandOf(harness) {
  if (harness.program !== undefined) return [process.execPath, join(BUILD_DIR, `${basename(harness.program, '.ts')}.js`)];
  if (harness.torture !== undefined) return [TORTURE_PROGRAM, ...harness.torture];
  return [...(harness.command ?? [])];
}

/**
 * @param {Harness} harness
 * @param {number} seconds
 * @param {number} seed
 * @returns {Promise<import('./evidence.mjs').Run>}
 */
async function runHarness(harness, seconds, seed) {
  const identity = { harness: harness.name, seed, seconds, at: new Date().toISOString() };
  console.log(`\n── ${harness.name}, ${seconds} s, seed ${seed}`);
  const missing = harness.missing?.() ?? null;
  const { lastLine, exitCode } = missing === null ? await runCommand(harness.name, commandOf(harness), seconds, seed) : { lastLine: JSON.stringify({ skipped: missing }), exitCode: 0 };
  const outcome = judge(lastLine, exitCode);
  console.log(`${harness.name}: ${outcome.verdict}${outcome.why === undefined ? '' : `: ${outcome.why}`}  ${JSON.stringify(outcome.counts)}  control: ${outcome.control.what}`);
  for (const { what, replay } of outcome.violations) console.log(`  ${what}\n    again: ${replay}`);
  return { ...identity, ...outcome };
}

/**
 * @param {string} name
 * @param {string[]} command
 * @param {number} seconds
 * @param {number} seed
 * @returns {Promise<{lastLine: string, exitCode: number | null}>}
 */
function runCommand(name, [program = '', ...args], seconds, seed) {
  const child = spawn(program, [...args, '--seconds', String(seconds), '--seed', String(seed)], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000 + GRACE_MS);
  let lastLine = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    lastLine = line;
    if (!line.startsWith('{')) console.log(`${name}: ${line}`);
  });
  return new Promise((resolve) => {
    const end = (/** @type {number | null} */ exitCode) => {
      clearTimeout(timer);
      resolve({ lastLine, exitCode });
    };
    child.on('error', () => end(null));
    child.on('close', end);
  });
}
