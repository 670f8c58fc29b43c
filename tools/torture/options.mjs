// The command line of `npm run torture`.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ToolError } from '../lib/project.mjs';
import { HARNESSES } from './harnesses.mjs';

const SEED_MAX = 2 ** 47;
const MINUTES_MAX = 24 * 60;
const JOBS_MAX = 64;

export const HELP = `npm run torture -- [flags]
  --minutes N   how long in all, shared out among the harnesses (default 5; builds and controls come on top)
  --only a,b    of: ${HARNESSES.map(({ name }) => name).join(', ')} (default all)
  --jobs N      how many at the same time, of those that judge no times; the others still run alone (default 1)
  --seed S      a number below 2^47; the same seed chooses the same cases (default: random, printed)
  --page        only writes docs/evidence/torture.md from the recorded runs`;

/**
 * @typedef {object} Options
 * @property {number} minutes
 * @property {number} jobs
 * @property {import('./harnesses.mjs').Harness[]} harnesses
 * @property {number} seed
 * @property {boolean} pageOnly
 */

/**
 * @param {string[]} args
 * @returns {Options | null} null: help was asked for
 */
export function readOptions(args) {
  const values = parse(args);
  if (values.help === true) return null;
  const minutes = Number(values.minutes ?? '5');
  if (!(minutes > 0 && minutes <= MINUTES_MAX)) throw new ToolError(`--minutes: want a number up to ${MINUTES_MAX}`);
  const jobs = Number(values.jobs ?? '1');
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > JOBS_MAX) throw new ToolError(`--jobs: want a whole number from 1 to ${JOBS_MAX}`);
  const seed = values.seed === undefined ? randomInt(SEED_MAX) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0 || seed >= SEED_MAX) throw new ToolError('--seed: want a whole number below 2^47');
  return { minutes, jobs, seed, harnesses: pick(values.only), pageOnly: values.page === true };
}

/** @param {string[]} args */
function parse(args) {
  const text = /** @type {const} */ ({ type: 'string' });
  const flag = /** @type {const} */ ({ type: 'boolean' });
  try {
    return parseArgs({ args, options: { minutes: text, only: text, jobs: text, seed: text, page: flag, help: flag } }).values;
  } catch (error) {
    throw new ToolError(`${error instanceof Error ? error.message : String(error)}\n${HELP}`);
  }
}

/** @param {string | undefined} only */
function pick(only) {
  if (only === undefined) return [...HARNESSES];
  const wanted = only.split(',');
  const wrong = wanted.find((name) => !HARNESSES.some((harness) => harness.name === name));
  if (wrong !== undefined) throw new ToolError(`--only ${wrong}: known are ${HARNESSES.map(({ name }) => name).join(', ')}`);
  return HARNESSES.filter(({ name }) => wanted.includes(name));
}
