// Medians, and numbers as a person reads them.

/**
 * The item in the middle; of an even number the lower of the two.
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => number} valueOf
 * @returns {T}
 */
export function median(items, valueOf) {
  const sorted = [...items].sort((a, b) => valueOf(a) - valueOf(b));
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error('there is no median of nothing');
  return middle;
}

/** The median of numbers. */
export function middleOf(/** @type {readonly number[]} */ values) {
  return median(values, (value) => value);
}

/** @param {number} rate */
export function thousands(rate) {
  return rate >= 100_000 ? `${Math.round(rate / 1000)}k` : `${(rate / 1000).toFixed(rate >= 10_000 ? 1 : 2)}k`;
}

/** @param {number} us */
export function microseconds(us) {
  return us >= 10_000 ? `${(us / 1000).toFixed(1)} ms` : us >= 1000 ? `${(us / 1000).toFixed(2)} ms` : `${Math.round(us)} µs`;
}

/** @param {number} bytes */
export function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** @param {string} text */
export function firstLine(text) {
  return text.split('\n')[0] ?? '';
}

/** @param {unknown} error */
export function sentenceOf(error) {
  return error instanceof Error ? error.message : String(error);
}
