// The table a person reads.
import { median } from './measure.mjs';

/** A generator this busy may be what was measured. */
export const SATURATED_SHARE = 0.95;

const COLUMNS = ['', 'per second', '× limit', 'p50', 'p99', 'server CPU', '× limit', 'generator', 'runs'];
const WIDTHS = [12, 12, 9, 10, 10, 12, 9, 11, 20];

/**
 * @param {import('./rows.mjs').Row} row
 * @param {readonly import('./measure.mjs').Result[]} results
 */
export function rowTable(row, results) {
  const shown = results.map((result) => ({ ...result, run: middleRun(result) }));
  const limit = shown.find(({ server }) => server === 'limit')?.run ?? null;
  const lines = shown.map(({ server, run, runs, failure }) => {
    if (run === null) return `  ${server.padEnd(12)}${firstLine(failure ?? 'not measured')}`;
    return line([
      server,
      thousands(run.rate),
      limit === null ? '–' : (run.rate / limit.rate).toFixed(2),
      microseconds(run.latencyUs.p50),
      microseconds(run.latencyUs.p99),
      `${run.serverCpuUs.toFixed(2)} µs`,
      limit === null || limit.serverCpuUs === 0 ? '–' : (run.serverCpuUs / limit.serverCpuUs).toFixed(2),
      `${Math.round(run.loadCpuShare * 100)} %${run.loadCpuShare > SATURATED_SHARE ? ' !' : ''}`,
      spread(runs, failure),
    ]);
  });
  return [row.title, line(COLUMNS), ...lines].join('\n');
}

/**
 * The run with the median rate; null when there is none.
 * @param {import('./measure.mjs').Result} result
 */
export function middleRun({ runs }) {
  return runs.length === 0 ? null : median(runs, ({ rate }) => rate);
}

/** @param {{appendUs: number, preparedUs: number, roundTripUs: number}} floor */
export function floorText(floor) {
  return [
    'floor of a durable push, p50, 1 KiB',
    `  fdatasync after an append ${microseconds(floor.appendUs)}, over a pre-written file ${microseconds(floor.preparedUs)}; round trip ${microseconds(floor.roundTripUs)}`,
  ].join('\n');
}

/** @param {readonly string[]} cells */
function line(cells) {
  const padded = cells.map((cell, at) => (at === 0 ? cell.padEnd(WIDTHS[at] ?? 0) : cell.padStart(WIDTHS[at] ?? 0)));
  return `  ${padded.join('').trimEnd()}`;
}

/**
 * Lowest and highest rate, and what went wrong.
 * @param {readonly import('./measure.mjs').Run[]} runs
 * @param {string | null} failure
 */
function spread(runs, failure) {
  const rates = runs.map(({ rate }) => rate);
  const faults = runs.reduce((sum, run) => sum + run.faults, 0);
  const range = `${thousands(Math.min(...rates))}–${thousands(Math.max(...rates))}`;
  return [range, faults > 0 ? `${faults} FAULTS` : '', failure === null ? '' : firstLine(failure)].filter(Boolean).join('  ');
}

/** @param {number} rate */
function thousands(rate) {
  return rate >= 100_000 ? `${Math.round(rate / 1000)}k` : `${(rate / 1000).toFixed(rate >= 10_000 ? 1 : 2)}k`;
}

/** @param {number} us */
function microseconds(us) {
  return us >= 10_000 ? `${(us / 1000).toFixed(1)} ms` : us >= 1000 ? `${(us / 1000).toFixed(2)} ms` : `${Math.round(us)} µs`;
}

/** @param {string} text */
function firstLine(text) {
  return text.split('\n')[0] ?? '';
}
