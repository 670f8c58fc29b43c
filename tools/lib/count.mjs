// Turns what the test programs report into passed/failed/skipped. A stage that crashes, or reports nothing, counts as failed:
// the last line of `npm test` may never look better than what happened.

/** @typedef {{passed: number, failed: number, skipped: number}} Counts */

/** @returns {Counts} */
export function none() {
  return { passed: 0, failed: 0, skipped: 0 };
}

/**
 * @param {Counts} a
 * @param {Counts} b
 * @returns {Counts}
 */
export function add(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/**
 * Sums the `test result:` lines of `cargo test`.
 * @param {string} output
 * @param {number | null} exitCode null when a signal ended it
 * @returns {Counts}
 */
export function countCargoTest(output, exitCode) {
  let counts = none();
  for (const match of output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm)) {
    counts = add(counts, { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) });
  }
  return withExit(counts, exitCode);
}

/**
 * Reads the summary of `cargo nextest run`; timed-out and flaky-failed tests are in its failed count or its exit code.
 * @param {string} output
 * @param {number | null} exitCode
 * @returns {Counts}
 */
export function countNextest(output, exitCode) {
  const summary = /^\s*Summary \[[^\]]*\]\s+(.*)$/m.exec(output)?.[1] ?? '';
  const of = (/** @type {string} */ word) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
  return withExit({ passed: of('passed'), failed: of('failed') + of('timed out'), skipped: of('skipped') }, exitCode);
}

/**
 * Reads vitest's JSON report. A file that failed before its first test (an import error) counts as one failure.
 * @param {string | null} json null when there is no report
 * @param {number | null} exitCode
 * @returns {Counts}
 */
export function countVitest(json, exitCode) {
  const report = parseReport(json);
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const counts = none();
  for (const file of report.testResults) {
    const results = file.assertionResults ?? [];
    for (const { status } of results) {
      if (status === 'passed') counts.passed += 1;
      else if (status === 'failed') counts.failed += 1;
      else counts.skipped += 1;
    }
    if (file.status === 'failed' && !results.some(({ status }) => status === 'failed')) counts.failed += 1;
  }
  return withExit(counts, exitCode);
}

/**
 * Vitest's JSON report, or null where there is none.
 * @param {string | null} json
 * @returns {{testResults: {name?: string, status: string, assertionResults?: {status: string}[]}[]} | null}
 */
export function parseReport(json) {
  try {
    const report = JSON.parse(json ?? '');
    return Array.isArray(report?.testResults) ? report : null;
  } catch {
    return null;
  }
}

/**
 * @param {Counts} counts
 * @param {number | null} exitCode
 * @returns {Counts}
 */
function withExit(counts, exitCode) {
  const ranNothing = counts.passed + counts.failed + counts.skipped === 0;
  const brokeOtherwise = exitCode !== 0 && counts.failed === 0;
  return ranNothing || brokeOtherwise ? { ...counts, failed: counts.failed + 1 } : counts;
}

/**
 * The last line of `npm test`.
 * @param {Counts} counts
 */
export function totalLine(counts) {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

/**
 * A run that proved nothing is not a success.
 * @param {Counts} counts
 */
export function exitCodeOf(counts) {
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}
