// The tables a person reads.
import { isMet, shown, targetText } from './figures.mjs';
import { firstLine, median, microseconds, thousands } from './numbers.mjs';

const COLUMNS = ['', 'per second', '× limit', 'p50', 'p99', 'server CPU', '× limit', 'generator', 'runs'];
const WIDTHS = [12, 12, 9, 10, 10, 12, 9, 11, 20];
const FIGURE_WIDTHS = [34, 9, 14, 9, 22];

/** @param {readonly import('./measure.mjs').Result[]} results */
export function contestTable(results) {
  const limit = middleRun(results.find(({ server }) => server === 'limit'));
  const lines = results.map((result) => {
    const run = middleRun(result);
    if (run === null) return `  ${result.server.padEnd(WIDTHS[0] ?? 0)}${firstLine(result.failure ?? `skipped: ${result.absent ?? 'not measured'}`)}`;
    return line(WIDTHS, [
      result.server,
      thousands(run.rate),
      limit === null ? '–' : shown(run.rate / limit.rate),
      microseconds(run.latencyUs.p50),
      microseconds(run.latencyUs.p99),
      `${run.serverCpuUs.toFixed(2)} µs`,
      limit === null || limit.serverCpuUs === 0 ? '–' : shown(run.serverCpuUs / limit.serverCpuUs),
      `${Math.round(run.loadCpuShare * 100)} %${run.saturated ? ' !' : ''}`,
      spread(result),
    ]);
  });
  return [line(WIDTHS, COLUMNS), ...lines].join('\n');
}

/**
 * The run with the median rate; null when there is none.
 * @param {import('./measure.mjs').Result | undefined} result
 */
function middleRun(result) {
  return result === undefined || result.runs.length === 0 ? null : median(result.runs, ({ rate }) => rate);
}

/**
 * What a row must reach, and what its baseline was.
 * @param {readonly import('./figures.mjs').Figure[]} figures
 * @param {Record<string, number>} before
 */
export function figureTable(figures, before) {
  if (figures.length === 0) return '  no figures';
  const lines = figures.map((figure) => {
    const met = isMet(figure);
    const old = before[figure.id];
    const verdict = met === null ? '' : met ? 'met' : 'NOT met';
    return line(FIGURE_WIDTHS, [figure.title, shown(figure.value), targetText(figure), verdict, old === undefined ? '' : `baseline ${shown(old)}`]);
  });
  return [line(FIGURE_WIDTHS, ['', 'measured', 'must reach', '', '']), ...lines].join('\n');
}

/** @param {import('./measure.mjs').Floor} floor */
export function floorText({ appendUs, preparedUs, roundTripUs }) {
  const prepared = `over a pre-written file ${microseconds(preparedUs)}`;
  return `  floor, p50, 1 KiB: fdatasync after an append ${microseconds(appendUs)}, ${prepared}; round trip ${microseconds(roundTripUs)}`;
}

/**
 * @param {readonly number[]} widths
 * @param {readonly string[]} cells
 */
function line(widths, cells) {
  const padded = cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)));
  return `  ${padded.join('').trimEnd()}`;
}

/**
 * Lowest and highest rate, and what went wrong.
 * @param {import('./measure.mjs').Result} result
 */
function spread({ runs, failure }) {
  const rates = runs.map(({ rate }) => rate);
  const faults = runs.reduce((sum, run) => sum + run.faults, 0);
  const range = `${thousands(Math.min(...rates))}–${thousands(Math.max(...rates))}`;
  return [range, faults > 0 ? `${faults} FAULTS` : '', failure === null ? '' : firstLine(failure)].filter(Boolean).join('  ');
}
