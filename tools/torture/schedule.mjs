// Which harness runs when, and for how long.

/** @typedef {import('./harnesses.mjs').Harness} Harness */
/** @typedef {{harness: Harness, seconds: number}} Job */

/** Below this a harness hardly begins. */
const SECONDS_MIN = 2;

/**
 * Shares the minutes out so that all of it takes about as long as was asked for.
 * @param {readonly Harness[]} harnesses
 * @param {number} minutes
 * @param {number} jobs
 * @returns {{alone: Job[], sideBySide: Job[]}} the second kind longest first, so that the end is not waited for
 */
export function schedule(harnesses, minutes, jobs) {
  const together = harnesses.filter(({ sideBySide }) => sideBySide === true);
  const sum = (/** @type {readonly Harness[]} */ of) => of.reduce((shares, { share }) => shares + share, 0);
  // No more at a time than there are, and one of them cannot be shared out.
  const lanes = Math.max(1, Math.min(jobs, together.length));
  const longest = Math.max(0, ...together.map(({ share }) => share));
  const wall = sum(harnesses) - sum(together) + Math.max(longest, sum(together) / lanes);
  const timed = (/** @type {Harness} */ harness) => ({ harness, seconds: Math.max(SECONDS_MIN, Math.round((minutes * 60 * harness.share) / wall)) });
  return {
    alone: harnesses.filter((harness) => !together.includes(harness)).map(timed),
    sideBySide: together.map(timed).toSorted((left, right) => right.seconds - left.seconds),
  };
}
