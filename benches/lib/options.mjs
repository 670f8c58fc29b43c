// The command line of `npm run bench`.
import { parseArgs } from 'node:util';
import { ToolError } from '../../tools/lib/project.mjs';
import { ROWS, SERVERS } from './rows.mjs';

export const HELP = `npm run bench -- [flags]
  --seconds S       length of each measured window (default 2)
  --repeats N       runs of each row, of which the median is shown (default 3)
  --rows a,b        of: ${ROWS.map(({ id }) => id).join(', ')} (default all)
  --servers a,b     of: ${SERVERS.join(', ')} (default all)
  --cores S,L       cores of the servers and of the generator, as for taskset (default 0,1)
  --minutes M       no new measurement starts after so long (default 3)
  --json FILE       also write everything as JSON`;

/**
 * @typedef {object} Options
 * @property {number} seconds
 * @property {number} repeats
 * @property {import('./rows.mjs').Row[]} rows
 * @property {import('./rows.mjs').ServerName[]} servers
 * @property {{server: string, load: string}} cores
 * @property {number} minutes
 * @property {string | null} json
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
  return {
    seconds: numberBetween('--seconds', values.seconds ?? '2', 0.2, 120),
    repeats: Math.round(numberBetween('--repeats', values.repeats ?? '3', 1, 15)),
    rows: pick('--rows', values.rows, ROWS, ({ id }) => id),
    servers: pick('--servers', values.servers, SERVERS, (name) => name),
    cores: { server, load },
    minutes: numberBetween('--minutes', values.minutes ?? '3', 0.1, 600),
    json: values.json ?? null,
  };
}

/** @param {string[]} args */
function parse(args) {
  const text = /** @type {const} */ ({ type: 'string' });
  const options = {
    seconds: text,
    repeats: text,
    rows: text,
    servers: text,
    cores: text,
    minutes: text,
    json: text,
    help: /** @type {const} */ ({ type: 'boolean' }),
  };
  try {
    return parseArgs({ args, options }).values;
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

/**
 * @template T
 * @param {string} flag
 * @param {string | undefined} text
 * @param {readonly T[]} known
 * @param {(item: T) => string} nameOf
 * @returns {T[]}
 */
function pick(flag, text, known, nameOf) {
  if (text === undefined) return [...known];
  const wanted = text.split(',');
  const wrong = wanted.find((name) => !known.some((item) => nameOf(item) === name));
  if (wrong !== undefined) throw new ToolError(`${flag} ${wrong}: known are ${known.map(nameOf).join(', ')}`);
  return known.filter((item) => wanted.includes(nameOf(item)));
}
