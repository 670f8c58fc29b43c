// A second look at tests that failed while everything else ran beside them: a few of them are run again alone. What passes then
// counts as passed and is named in the stage's line; what fails again has failed. More than a few is not bad luck, and stands.
import { relative } from 'node:path';
import { countCargoTest, countVitest, parseReport } from './count.mjs';

/** @typedef {import('./count.mjs').Counts} Counts */
/** @typedef {{json: string | null, exitCode: number | null}} VitestRun */
/** @typedef {{output: string, exitCode: number | null}} CargoRun */

/** Most test files of TypeScript, and most tests of Rust, that get a second look. */
export const SECOND_TRY_MAX = 3;

/**
 * The files of a report in which something failed. None when the run was broken in another way, which no second look mends.
 * @param {VitestRun} run
 * @returns {string[]}
 */
function failedFiles({ json, exitCode }) {
  const report = parseReport(json);
  if (report === null || exitCode === null) return [];
  return report.testResults.filter(({ status }) => status === 'failed').map(({ name }) => name ?? '');
}

/**
 * Counts a run of vitest, the second look at its failures included.
 * @param {VitestRun} first
 * @param {string} root files are named relative to it
 * @param {(files: string[]) => Promise<VitestRun>} runAgain runs these files with nothing beside them
 * @returns {Promise<Counts & {note?: string}>}
 */
export async function countWithSecondTry(first, root, runAgain) {
  const counts = countVitest(first.json, first.exitCode);
  const files = failedFiles(first);
  if (files.length === 0 || files.length > SECOND_TRY_MAX || files.includes('')) return counts;
  const second = await runAgain(files);
  const before = countVitest(onlyFiles(first.json, files), 1);
  const after = countVitest(second.json, second.exitCode);
  const names = files.map((file) => relative(root, file)).join(', ');
  return {
    passed: counts.passed - before.passed + after.passed,
    failed: counts.failed - before.failed + after.failed,
    skipped: counts.skipped - before.skipped + after.skipped,
    note: `failed at first and run again alone: ${names}`,
  };
}

/**
 * The part of a report that is about these files.
 * @param {string | null} json
 * @param {string[]} files
 */
function onlyFiles(json, files) {
  const report = parseReport(json);
  return JSON.stringify({ testResults: report?.testResults.filter(({ name }) => files.includes(name ?? '')) ?? [] });
}

/**
 * Counts a run of `cargo test`, the second look at its failures included.
 * @param {CargoRun} first
 * @param {(names: string[]) => Promise<CargoRun>} runAgain runs the tests of exactly these names with nothing beside them
 * @returns {Promise<Counts & {note?: string}>}
 */
export async function countCargoWithSecondTry(first, runAgain) {
  const counts = countCargoTest(first.output, first.exitCode);
  const names = [...first.output.matchAll(/^test (\S+) \.\.\. FAILED$/gm)].map(([, name]) => name ?? '');
  // As many names as failures, or something else broke.
  if (names.length === 0 || names.length > SECOND_TRY_MAX || names.length !== counts.failed) return counts;
  const second = await runAgain(names);
  const after = countCargoTest(second.output, second.exitCode);
  // A name may be that of several tests, of which only one had failed.
  const failed = after.passed + after.failed < names.length ? names.length : after.failed;
  const mended = Math.max(0, names.length - failed);
  return {
    passed: counts.passed + mended,
    failed: Math.max(failed, counts.failed - mended),
    skipped: counts.skipped,
    note: `failed at first and run again alone: ${names.join(', ')}`,
  };
}
