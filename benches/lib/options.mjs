// The command line of `npm run bench`.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, ToolError } from '../../tools/lib/project.mjs';
import { ROWS } from '../rows/index.mjs';

export const HELP = `npm run bench -- [flags]
  --rows a,b        rows or families (default all): ${families().join('; ')}
  --servers a,b     only these contestants of a row, as its table names them
  --seconds S       length of each measured window (default 2)
  --repeats N       runs of each row, of which the median is shown (default 3; 5 with --check)
  --long            rows with a short form take their full time (overload 2 minutes, load plan 1 hour)
  --cores S,L       cores of the servers and of the generator, as for taskset (default 0,1)
  --minutes M       no new measurement starts after so long (default 60)
  --json FILE       also write everything as JSON
  --check           fail when a ratio is more than 10 % worse than in the baseline; a row that is gets a second chance
  --renew           put the ratios of these rows into the baseline
  --baseline FILE   default benches/baseline.json
  --from FILE       measure nothing: judge what --json wrote earlier`;

/**
 * @typedef {object} Options
 * @property {number} seconds
 * @property {number} repeats
 * @property {readonly import('../lib/contest-row.mjs').Row[]} rows
 * @property {string[] | null} servers  null: all
 * @property {boolean} long
 * @property {{server: string, load: string}} cores
 * @property {number} minutes
 * @property {string | null} json
 * @property {boolean} check
 * @property {boolean} renew
 * @property {string} baseline
 * @property {string | null} from
 */

/**
 * @param {string[]} args
 * @returns {Options | null} null: help was asked for
 */
export function readOptions(args) {
  const values = parse(args);
  if (values.help === true) return null;
  const [server, load] = (values.cores ?? '0,1').split(',');
  if (!server || !load) throw new ToolError('--cores wants two, like 0,1');
  const check = values.check === true;
  return {
    seconds: numberBetween('--seconds', values.seconds ?? '2', 0.2, 120),
    repeats: Math.round(numberBetween('--repeats', values.repeats ?? (check ? '5' : '3'), 1, 15)),
    rows: pickRows(values.rows),
    servers: values.servers?.split(',') ?? null,
    long: values.long === true,
    cores: { server, load },
    minutes: numberBetween('--minutes', values.minutes ?? '60', 0.1, 600),
    json: values.json ?? null,
    check,
    renew: values.renew === true,
    baseline: values.baseline ?? join(ROOT, 'benches', 'baseline.json'),
    from: values.from ?? null,
  };
}

/** @param {string[]} args */
function parse(args) {
  const text = /** @type {const} */ ({ type: 'string' });
  const flag = /** @type {const} */ ({ type: 'boolean' });
  const texts = { seconds: text, repeats: text, rows: text, servers: text, cores: text, minutes: text, json: text, baseline: text, from: text };
  try {
    return parseArgs({ args, options: { ...texts, long: flag, check: flag, renew: flag, help: flag } }).values;
  } catch (error) {
    throw new ToolError(`${error instanceof Error ? error.message : String(error)}\n${HELP}`);
  }
}

/**
 * @param {string} flag
 * @param {string} text
 * @param {number} least
 * @param {number} most
 */
function numberBetween(flag, text, least, most) {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new ToolError(`${flag} ${text}: want a number from ${least} to ${most}`);
  return value;
}

/** @param {string | undefined} text */
function pickRows(text) {
  if (text === undefined) return ROWS;
  const wanted = text.split(',');
  const wrong = wanted.find((name) => !ROWS.some(({ id, family }) => name === id || name === family));
  if (wrong !== undefined) throw new ToolError(`--rows ${wrong}: known are ${families().join('; ')}`);
  return ROWS.filter(({ id, family }) => wanted.includes(id) || wanted.includes(family));
}

function families() {
  const names = [...new Set(ROWS.map(({ family }) => family))];
  return names.map((name) => `${name} (${ROWS.filter(({ family }) => family === name).map(({ id }) => id).join(', ')})`);
}
