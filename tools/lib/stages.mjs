// The stages of `npm test`, in order; those of one group run side by side. Each returns its counts.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { countCargoTest, countNextest } from './count.mjs';
import { BUILD_DIR, ROOT, installed } from './project.mjs';
import { countCargoWithSecondTry, countWithSecondTry } from './second-try.mjs';
import { addonTypesDiffer, ensureAddon, ensureInstalled, ensureTypeScript } from './steps.mjs';
import { programVersion, requireNode, requireRust } from './toolchain.mjs';

/** @typedef {import('./count.mjs').Counts & {note?: string}} Outcome */
/** @typedef {{name: string, run: () => Promise<Outcome>}} Stage */

/** Longest time one stage may take. The whole run takes under a quarter of an hour on two idle cores; a slow machine is not a failure, what hangs is. */
const STAGE_TIMEOUT_MS = 30 * 60 * 1000;
/** Kept of a stage's output for counting; the terminal gets all of it. */
const OUTPUT_CHARS_MAX = 16 * 1024 * 1024;

/**
 * Runs a command with its output kept, and shown: at once, or `atEnd` in one piece where something else is shown meanwhile.
 * @param {string} command
 * @param {string[]} args
 * @param {{atEnd?: boolean, env?: NodeJS.ProcessEnv}} [options]
 * @returns {Promise<{output: string, exitCode: number | null}>}
 */
function run(command, args, { atEnd = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk, /** @type {NodeJS.WriteStream} */ sink) => {
      if (!atEnd) sink.write(chunk);
      if (output.length < OUTPUT_CHARS_MAX) output += chunk.toString('utf8');
    };
    child.stdout.on('data', (chunk) => keep(chunk, process.stdout));
    child.stderr.on('data', (chunk) => keep(chunk, process.stderr));
    const timer = setTimeout(() => {
      console.error(`${command} ${args[0] ?? ''}: no end after ${STAGE_TIMEOUT_MS / 60_000} minutes, stopped`);
      child.kill('SIGKILL');
    }, STAGE_TIMEOUT_MS);
    const finish = (/** @type {number | null} */ exitCode) => {
      clearTimeout(timer);
      if (atEnd) process.stdout.write(output);
      resolve({ output, exitCode });
    };
    child.on('error', (error) => {
      console.error(`cannot run ${command}: ${error.message}`);
      finish(null);
    });
    child.on('close', finish);
  });
}

/**
 * A command that is one check: it passes when it exits with 0.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to the process's own
 * @returns {Promise<Outcome>}
 */
async function check(command, args, env = {}) {
  const { exitCode } = await run(command, args, { atEnd: true, env });
  return exitCode === 0 ? pass() : fail();
}

/** @returns {Outcome} */
const pass = () => ({ passed: 1, failed: 0, skipped: 0 });
/** @returns {Outcome} */
const fail = () => ({ passed: 0, failed: 1, skipped: 0 });
/**
 * @param {string} file
 * @param {string[]} args
 */
const node = (file, ...args) => check(process.execPath, [file, ...args]);

/** @returns {Promise<Outcome>} */
async function build() {
  requireNode();
  requireRust();
  ensureInstalled();
  ensureAddon({ keepTypes: true });
  ensureTypeScript();
  return pass();
}

/** @returns {Promise<Outcome>} */
async function addonTypes() {
  if (!addonTypesDiffer()) return pass();
  console.error('index.d.ts is not what the addon declares; run `npm run build` and commit it.');
  return fail();
}

/**
 * What compiles the workspace's own crates in the tests: clippy's compiler, which lints on the way. `cargo clippy` would check all dependencies a
 * second time. Whatever calls cargo for the same profile has the same variables, or it would compile the crates again.
 * @returns {NodeJS.ProcessEnv}
 */
function lintingCompiler() {
  if (programVersion('clippy-driver') === null) return {};
  return { RUSTC_WORKSPACE_WRAPPER: 'clippy-driver', CLIPPY_ARGS: ['-D', 'warnings', ''].join('__CLIPPY_HACKERY__') };
}

/**
 * Compiles and lints the Rust tests; beside the build of the addon, whose last step is one thread's work.
 * @returns {Promise<Outcome>}
 */
async function rustBuild() {
  requireRust();
  const env = lintingCompiler();
  if (env.RUSTC_WORKSPACE_WRAPPER === undefined) console.error('sealrelay: clippy is not installed, so the Rust code is compiled without its lints (rustup component add clippy)');
  return check('cargo', ['test', '--workspace', '--locked', '--no-run', '--color', 'never'], env);
}

/** What runs side by side; a second look waits for all of it. @type {Promise<unknown>[]} */
const firstRuns = [];

/**
 * @template T
 * @param {Promise<T>} running
 */
function besideOthers(running) {
  firstRuns.push(running);
  return running;
}

/** @param {string[]} again what is run again once nothing else runs */
async function quiet(again) {
  console.log(`\nto be run again, alone: ${again.join(', ')}`);
  await Promise.all(firstRuns);
}

/**
 * Mostly waits for disks and clocks, so it runs beside the TypeScript tests.
 * @returns {Promise<Outcome>}
 */
async function rust() {
  const options = ['--workspace', '--locked', '--color', 'never'];
  const compiled = { atEnd: true, env: lintingCompiler() };
  // Doc tests are not run by nextest, so they get their own pass.
  if (programVersion('cargo', ['nextest', '--version']) === null) {
    const first = await besideOthers(run('cargo', ['test', '--no-fail-fast', ...options], compiled));
    return countCargoWithSecondTry(first, async (names) => {
      await quiet(names);
      return run('cargo', ['test', '--no-fail-fast', ...options, '--', '--exact', '--test-threads=1', ...names], compiled);
    });
  }
  const suite = await run('cargo', ['nextest', 'run', '--no-fail-fast', ...options], compiled);
  const docs = await run('cargo', ['test', '--doc', ...options], compiled);
  const counts = countNextest(suite.output, suite.exitCode);
  const docCounts = countCargoTest(docs.output, docs.exitCode);
  const ranNoDocTests = docs.exitCode === 0 && docCounts.passed === 0;
  return {
    passed: counts.passed + docCounts.passed,
    failed: counts.failed + (ranNoDocTests ? 0 : docCounts.failed),
    skipped: counts.skipped + docCounts.skipped,
  };
}

/**
 * @param {string[]} args
 * @returns {Promise<import('./second-try.mjs').VitestRun>}
 */
async function vitest(...args) {
  mkdirSync(BUILD_DIR, { recursive: true });
  const report = join(BUILD_DIR, 'vitest.json');
  rmSync(report, { force: true });
  const options = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { exitCode } = await run(process.execPath, [installed('vitest', 'vitest.mjs'), 'run', ...options, ...args], { env: lintingCompiler() });
  return { json: existsSync(report) ? readFileSync(report, 'utf8') : null, exitCode };
}

/** @returns {Promise<Outcome>} */
async function typescript() {
  return countWithSecondTry(await besideOthers(vitest()), ROOT, async (files) => {
    await quiet(files);
    return vitest('--maxWorkers=1', ...files);
  });
}

/** @type {readonly (readonly Stage[])[]} */
export const stageGroups = [
  [
    // The first of the two: the other one waits for its programs and lets nothing else start.
    { name: 'rust build and clippy', run: rustBuild },
    { name: 'build', run: build },
  ],
  [
    { name: 'addon types', run: addonTypes },
    { name: 'lint: oxlint', run: () => node(installed('oxlint', 'bin', 'oxlint'), '--deny-warnings') },
    { name: 'types: all', run: () => node(installed('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json') },
    { name: 'types: browser', run: () => node(installed('typescript', 'bin', 'tsc'), '-p', 'tsconfig.browser.json') },
    { name: 'lint: rustfmt', run: () => check('cargo', ['fmt', '--all', '--check']) },
  ],
  [
    { name: 'typescript tests', run: typescript },
    { name: 'rust tests', run: rust },
  ],
];
