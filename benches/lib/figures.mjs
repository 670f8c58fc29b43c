// Figures: what a row comes to. Each is a ratio (or another number that does not belong to the machine), says which way is
// better, and may have a target.

/**
 * @typedef {object} Figure
 * @property {string} id  within its row, as `relay.rate/limit`
 * @property {string} title
 * @property {number} value
 * @property {'higher' | 'lower'} better
 * @property {number | null} target  least value when higher is better, else the greatest
 * @property {boolean} tracked  whether `--check` compares it with the baseline: not where a peer's version decides
 */

/** Whether a figure reaches its target; null: it has none. */
export function isMet(/** @type {Figure} */ { value, better, target }) {
  if (target === null) return null;
  return better === 'higher' ? value >= target : value <= target;
}

/**
 * How much worse a value is than another one: 0.2 is 20 % worse, negative values are better.
 * @param {'higher' | 'lower'} better
 * @param {number} value
 * @param {number} before
 */
export function worsening(better, value, before) {
  if (before === 0) return value === 0 || better === 'higher' ? 0 : Infinity;
  return better === 'higher' ? 1 - value / before : value / before - 1;
}

/** @param {Figure} figure */
export function targetText({ better, target }) {
  return target === null ? '' : `${better === 'higher' ? '≥' : '≤'} ${shown(target)}`;
}

/** @param {number} value */
export function shown(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}
