// A row that is no contest: it measures in its own way and says what it saw in lines.
import { sentenceOf } from './numbers.mjs';
import { Absent } from './processes.mjs';

/** @typedef {import('./figures.mjs').Figure} Figure */
/** @typedef {import('./contest-row.mjs').Outcome} Outcome */
/** @typedef {import('./contest-row.mjs').Row} Row */
/** @typedef {import('./measure.mjs').Context} Context */
/** @typedef {{lines: string[], figures: Figure[], failures?: string[], saturated?: boolean, raw: unknown}} Seen */

/**
 * @param {{id: string, family: string, title: string, see: (context: Context) => Promise<Seen>}} definition
 * @returns {Row}
 */
export function singleRow({ id, family, title, see }) {
  return {
    id,
    family,
    title,
    measure: async (context) => {
      try {
        const { lines, figures, failures = [], saturated = false, raw } = await see(context);
        return { text: lines.map((line) => `  ${line}`).join('\n'), figures, failures, saturated, raw };
      } catch (error) {
        if (error instanceof Absent) return { text: `  skipped: ${error.message}`, figures: [], failures: [], saturated: false, raw: null };
        return { text: '  not measured', figures: [], failures: [sentenceOf(error)], saturated: false, raw: null };
      }
    },
  };
}

/**
 * A figure that is better when it is lower.
 * @param {string} id
 * @param {string} title
 * @param {number} value
 * @param {number | null} target
 * @param {boolean} [tracked]
 * @returns {Figure}
 */
export function atMost(id, title, value, target, tracked = true) {
  return { id, title, value, better: 'lower', target, tracked };
}

/**
 * A figure that is better when it is higher.
 * @param {string} id
 * @param {string} title
 * @param {number} value
 * @param {number | null} target
 * @param {boolean} [tracked]
 * @returns {Figure}
 */
export function atLeast(id, title, value, target, tracked = true) {
  return { id, title, value, better: 'higher', target, tracked };
}

/** Median over repeats: runs the measurement as often as the options say. */
export async function repeated(/** @type {number} */ times, /** @type {() => Promise<number>} */ once) {
  /** @type {number[]} */
  const values = [];
  for (let at = 0; at < times; at += 1) values.push(await once());
  values.sort((a, b) => a - b);
  return values[Math.floor((values.length - 1) / 2)] ?? 0;
}
