// What a harness's report is worth. A report that is missing or malformed is a failure, and a control that got away voids the run.

/** @typedef {{what: string, replay: string}} Violation */
/** @typedef {'passed' | 'failed' | 'void' | 'skipped'} Verdict */
/**
 * @typedef {object} Outcome
 * @property {Verdict} verdict
 * @property {Record<string, number>} counts
 * @property {Violation[]} violations
 * @property {{caught: boolean, what: string}} control
 * @property {string} [why] why it was skipped, or what broke
 */

/**
 * @param {string} lastLine of its output
 * @param {number | null} exitCode null when a signal ended it
 * @returns {Outcome}
 */
export function judge(lastLine, exitCode) {
  const report = parse(lastLine);
  if (report === null) return broken(`no report; exit code ${exitCode ?? 'none, a signal ended it'}`);
  if (typeof report.skipped === 'string') return { ...empty('skipped'), why: report.skipped };
  const { counts, violations, control } = report;
  if (!isCounts(counts) || !Array.isArray(violations) || typeof control?.caught !== 'boolean') return broken('a report without counts, violations or control');
  const outcome = { counts, violations, control: { caught: control.caught, what: String(control.what ?? '') } };
  if (violations.length > 0) return { verdict: 'failed', ...outcome };
  if (exitCode !== 0) return { verdict: 'failed', ...outcome, why: `exit code ${exitCode ?? 'none, a signal ended it'}` };
  if (!control.caught) return { verdict: 'void', ...outcome, why: 'the control was not caught' };
  if (!Object.values(counts).some((count) => count > 0)) return { verdict: 'void', ...outcome, why: 'nothing was tried' };
  return { verdict: 'passed', ...outcome };
}

/**
 * @param {Verdict} verdict
 * @returns {Outcome}
 */
function empty(verdict) {
  return { verdict, counts: {}, violations: [], control: { caught: false, what: '' } };
}

/**
 * @param {string} why
 * @returns {Outcome}
 */
function broken(why) {
  return { ...empty('failed'), why };
}

/** @param {string} line */
function parse(line) {
  try {
    const report = JSON.parse(line);
    return typeof report === 'object' ? report : null;
  } catch {
    return null;
  }
}

/**
 * @param {unknown} counts
 * @returns {counts is Record<string, number>}
 */
function isCounts(counts) {
  return typeof counts === 'object' && counts !== null && Object.values(counts).every((count) => typeof count === 'number' && count >= 0);
}
