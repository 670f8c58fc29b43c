// Recorded runs: one JSON file per commit in docs/evidence/torture, and one page made from all of them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD_DIR, ROOT } from '../lib/project.mjs';
import { HARNESSES } from './harnesses.mjs';

const EVIDENCE_DIR = join(ROOT, 'docs', 'evidence');
const RUNS_DIR = join(EVIDENCE_DIR, 'torture');
const PAGE = join(EVIDENCE_DIR, 'torture.md');
const COMMIT_CHARS = 12;
/** Counts that say how a run was, not how much was tried: adding them up would mean nothing. */
const OF_ONE_RUN = new Set(['receiptsPerSecond', 'sites', 'sitesCaught', 'sitesSpare', 'targets']);

/**
 * @typedef {import('./verdict.mjs').Outcome & {harness: string, seed: number, seconds: number, at: string}} Run
 * @typedef {{commit: string, runs: Run[]}} CommitRuns
 */

/** @param {string[]} args */
function git(...args) {
  const result = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : null;
}

/**
 * The commit this work tree is, and whether it is exactly that: evidence of changed files is nobody's.
 * @returns {{commit: string, clean: boolean}}
 */
export function workTree() {
  const commit = git('rev-parse', `--short=${COMMIT_CHARS}`, 'HEAD');
  const changed = git('status', '--porcelain', '--', '.', ':!docs');
  return { commit: commit ?? 'unknown', clean: commit !== null && changed === '' };
}

/**
 * Adds runs to the commit's file; those of a changed work tree only go to the build folder.
 * @param {{commit: string, clean: boolean}} tree
 * @param {Run[]} runs
 * @returns {string} the file
 */
export function record(tree, runs) {
  const dir = tree.clean ? RUNS_DIR : join(BUILD_DIR, 'torture');
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `${tree.commit}.json`);
  const before = existsSync(file) ? read(file).runs : [];
  writeFileSync(file, `${JSON.stringify({ commit: tree.commit, runs: [...before, ...runs] }, null, 1)}\n`);
  return file;
}

/**
 * @param {string} file
 * @returns {CommitRuns}
 */
function read(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Writes the page from every recorded run. */
export function writePage() {
  mkdirSync(RUNS_DIR, { recursive: true });
  const files = readdirSync(RUNS_DIR).filter((name) => name.endsWith('.json'));
  const commits = files.map((name) => read(join(RUNS_DIR, name)));
  writeFileSync(PAGE, page(commits));
}

/** @param {readonly CommitRuns[]} commits */
export function page(commits) {
  const sections = HARNESSES.map((harness) => {
    const runs = commits.flatMap(({ commit, runs: all }) => all.filter((run) => run.harness === harness.name).map((run) => ({ ...run, commit })));
    return section(harness, runs);
  });
  return `${[
    '# Torture: what was tried, and what it counted',
    'Written by `npm run torture` from the recorded runs in [torture/](torture/), one file per commit. Only runs that passed count; a run whose control got away is void.',
    ...sections,
  ].join('\n\n')}\n`;
}

/**
 * @param {import('./harnesses.mjs').Harness} harness
 * @param {readonly (Run & {commit: string})[]} runs
 */
function section(harness, runs) {
  const passed = runs.filter(({ verdict }) => verdict === 'passed');
  const of = (/** @type {string} */ verdict) => runs.filter((run) => run.verdict === verdict).length;
  const names = [...new Set([...Object.keys(harness.goals), ...passed.flatMap(({ counts }) => Object.keys(counts))])];
  const rows = names.map((name) => {
    const counted = passed.flatMap(({ counts }) => counts[name] ?? []);
    const isOfOneRun = OF_ONE_RUN.has(name);
    const soFar = isOfOneRun && counted.length > 0 ? Math.min(...counted) : counted.reduce((total, count) => total + count, 0);
    const goal = harness.goals[name];
    return `| ${name}${isOfOneRun ? ', lowest of a run' : ''} | ${soFar.toLocaleString('en')} | ${goal === undefined ? '' : goal.toLocaleString('en')} |`;
  });
  const commits = new Set(passed.map(({ commit }) => commit)).size;
  return [
    `## ${harness.name}`,
    `${harness.proves}. Control: ${harness.control}.`,
    `Runs: ${passed.length} passed on ${commits} ${commits === 1 ? 'commit' : 'commits'}, ${of('failed')} failed, ${of('void')} void, ${of('skipped')} skipped.`,
    ...(rows.length === 0 ? [] : [['| count | so far | goal |', '|---|---|---|', ...rows].join('\n')]),
  ].join('\n\n');
}
