// The committed ratios, and whether a run is worse. Each row keeps the figures of the run that renewed it last.
import { readFileSync, writeFileSync } from 'node:fs';
import { ToolError } from '../../tools/lib/project.mjs';
import { worsening } from './figures.mjs';

/** How much worse a tracked figure may be than its baseline. */
export const TOLERANCE = 0.1;
const DIGITS = 4;

/** @typedef {import('./figures.mjs').Figure} Figure */
/** @typedef {{id: string, figures: readonly Figure[]}} MeasuredRow */
/** @typedef {{measured: Record<string, unknown>, figures: Record<string, number>}} BaselineRow */
/** @typedef {{about: string, rows: Record<string, BaselineRow>}} Baseline */
/** @typedef {{row: string, figure: string, before: number, now: number | null}} Regression */

const ABOUT = 'Ratios of `npm run bench`; renewed row by row by `npm run bench -- --rows a,b --repeats 5 --renew` on a quiet machine.';

/**
 * @param {string} path
 * @returns {Baseline}
 */
export function readBaseline(path) {
  try {
    /** @type {unknown} */
    const read = JSON.parse(readFileSync(path, 'utf8'));
    if (isBaseline(read)) return read;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { about: ABOUT, rows: {} };
    throw error;
  }
  throw new ToolError(`${path} is no baseline`);
}

/**
 * @param {unknown} read
 * @returns {read is Baseline}
 */
function isBaseline(read) {
  return typeof read === 'object' && read !== null && 'rows' in read && typeof read.rows === 'object' && read.rows !== null;
}

/**
 * The baseline with these rows in place of their old figures.
 * @param {Baseline} baseline
 * @param {readonly MeasuredRow[]} rows
 * @param {Record<string, unknown>} measured  under what they were measured
 * @returns {Baseline}
 */
export function renewed(baseline, rows, measured) {
  const fresh = rows.map(({ id, figures }) => {
    const kept = figures.map((figure) => [figure.id, Number(figure.value.toFixed(DIGITS))]);
    return [id, { measured, figures: Object.fromEntries(kept) }];
  });
  return { about: ABOUT, rows: { ...baseline.rows, ...Object.fromEntries(fresh) } };
}

/**
 * @param {string} path
 * @param {Baseline} baseline
 */
export function writeBaseline(path, baseline) {
  writeFileSync(path, `${JSON.stringify(baseline, null, 2)}\n`);
}

/**
 * Tracked figures that are more than the tolerance worse than their baseline, or that are gone.
 * @param {Baseline} baseline
 * @param {readonly MeasuredRow[]} rows
 * @param {{complete: boolean}} options  complete: every server took part, so that a missing figure is one that broke
 * @returns {{compared: number, regressions: Regression[]}}
 */
export function compare(baseline, rows, { complete }) {
  /** @type {Regression[]} */
  const regressions = [];
  let compared = 0;
  for (const { id, figures } of rows) {
    const before = baseline.rows[id]?.figures ?? {};
    for (const figure of figures) {
      const old = before[figure.id];
      if (!figure.tracked || old === undefined) continue;
      compared += 1;
      if (worsening(figure.better, figure.value, old) > TOLERANCE) regressions.push({ row: id, figure: figure.id, before: old, now: figure.value });
    }
    if (!complete) continue;
    const gone = Object.entries(before).filter(([name]) => name.endsWith('/limit') && !figures.some((figure) => figure.id === name));
    regressions.push(...gone.map(([figure, old]) => ({ row: id, figure, before: old, now: null })));
  }
  return { compared, regressions };
}

/** @param {Regression} regression */
export function regressionText({ row, figure, before, now }) {
  if (now === null) return `${row}: ${figure} was ${before} and is missing`;
  return `${row}: ${figure} was ${before} and is ${now.toFixed(DIGITS)} (tolerance ${TOLERANCE * 100} %)`;
}
