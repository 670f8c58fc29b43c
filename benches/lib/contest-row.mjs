// A row whose contestants do the same work under one generator: push, fan-out, pairs.
import { middleOf } from './numbers.mjs';
import { measureContest } from './measure.mjs';
import { contestTable } from './report.mjs';

/** @typedef {import('./figures.mjs').Figure} Figure */
/** @typedef {import('./measure.mjs').Result} Result */
/** @typedef {import('./measure.mjs').Run} Run */

/** What of a run is put into a ratio. @typedef {'rate' | 'cpu' | 'p50' | 'p99'} Measure */

/**
 * One ratio of a row: `by`'s measure divided by that of `over`.
 * @typedef {object} Goal
 * @property {Measure} of
 * @property {string} [by]  default relay
 * @property {string} [over]  default limit
 * @property {number} [target]
 */

/**
 * @typedef {object} Outcome  what measuring any row comes to
 * @property {string} text
 * @property {Figure[]} figures
 * @property {string[]} failures
 * @property {boolean} saturated  the generator may be what was measured
 * @property {unknown} raw
 */
/** @typedef {{id: string, family: string, title: string, measure: (context: import('./measure.mjs').Context) => Promise<Outcome>}} Row */

/** @type {Record<Measure, {better: 'higher' | 'lower', valueOf: (run: Run) => number}>} */
const MEASURES = {
  rate: { better: 'higher', valueOf: ({ rate }) => rate },
  cpu: { better: 'lower', valueOf: ({ serverCpuUs }) => serverCpuUs },
  p50: { better: 'lower', valueOf: ({ latencyUs }) => latencyUs.p50 },
  p99: { better: 'lower', valueOf: ({ latencyUs }) => latencyUs.p99 },
};

/**
 * @param {{id: string, family: string, title: string, goals: readonly Goal[]} & import('./measure.mjs').Contest} definition
 * @returns {Row}
 */
export function contestRow({ id, family, title, goals, ...contest }) {
  return {
    id,
    family,
    title,
    measure: async (context) => {
      const results = await measureContest(context, id, contest);
      return {
        text: contestTable(results),
        figures: figuresOf(results, goals),
        failures: failuresOf(results),
        saturated: results.some(({ runs }) => runs.some(({ saturated }) => saturated)),
        raw: results,
      };
    },
  };
}

/**
 * The ratios of a row. Each is the median of the ratios of the repeats, whose two runs came right after each other.
 * @param {readonly Result[]} results
 * @param {readonly Goal[]} goals
 * @returns {Figure[]}
 */
export function figuresOf(results, goals) {
  return goals.flatMap(({ of, by = 'relay', over = 'limit', target }) => {
    const value = ratioOf(results, of, by, over);
    if (value === null) return [];
    const { better } = MEASURES[of];
    const tracked = over === 'limit' || over === 'ephemeral';
    return [{ id: `${by}.${of}/${over}`, title: `${by}: ${of} ÷ ${over}`, value, better, target: target ?? null, tracked }];
  });
}

/**
 * @param {readonly Result[]} results
 * @param {Measure} of
 * @param {string} by
 * @param {string} over
 */
export function ratioOf(results, of, by, over) {
  const { valueOf } = MEASURES[of];
  const above = results.find(({ server }) => server === by)?.runs ?? [];
  const below = results.find(({ server }) => server === over)?.runs ?? [];
  const ratios = above.flatMap((run, at) => {
    const other = below[at];
    return other === undefined || valueOf(other) === 0 ? [] : [valueOf(run) / valueOf(other)];
  });
  return ratios.length === 0 ? null : middleOf(ratios);
}

/** @param {readonly Result[]} results */
function failuresOf(results) {
  return results.flatMap(({ server, failure, runs }) => {
    const faults = runs.reduce((sum, run) => sum + run.faults, 0);
    const lines = failure === null ? [] : [`${server}: ${failure}`];
    return faults > 0 ? [...lines, `${server}: ${faults} messages lost, doubled or unanswered`] : lines;
  });
}
