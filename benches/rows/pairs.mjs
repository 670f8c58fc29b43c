// Pairs: many small spaces (channels of the limit server), each with one that sends and one that receives. Nothing
// coalesces across pairs, so this is the cost of a message. The paced rows offer 2,000 messages a second over all pairs.
import { contestRow } from '../lib/contest-row.mjs';
import { EPHEMERAL, LIMIT, RELAY } from '../lib/servers.mjs';

/** @typedef {import('../lib/contest-row.mjs').Row} Row */
/** @typedef {import('../lib/contest-row.mjs').Goal} Goal */

const BYTES = 128;
const PACED_PER_SECOND = 2000;

/**
 * @param {number} pairs
 * @param {number} inFlight
 * @param {readonly Goal[]} goals
 * @returns {Row}
 */
function pairsRow(pairs, inFlight, goals) {
  return contestRow({
    id: `pairs-${pairs}-${inFlight}`,
    family: 'pairs',
    title: `${pairs} pairs, ${BYTES} B, ${inFlight} in flight`,
    mode: 'fanout',
    flags: { '--groups': pairs, '--connections': 1, '--in-flight': inFlight, '--bytes': BYTES },
    contestants: [RELAY, EPHEMERAL, LIMIT],
    goals: [{ of: 'cpu', by: 'ephemeral', target: 1.15 }, { of: 'rate', by: 'ephemeral' }, { of: 'rate' }, { of: 'cpu' }, ...goals],
  });
}

/**
 * @param {number} pairs
 * @returns {Row}
 */
function pacedRow(pairs) {
  return contestRow({
    id: `pairs-${pairs}-paced`,
    family: 'pairs',
    title: `${pairs} pairs, ${BYTES} B, ${PACED_PER_SECOND} messages per second in all`,
    mode: 'fanout',
    flags: { '--groups': pairs, '--connections': 1, '--rate': PACED_PER_SECOND, '--bytes': BYTES },
    contestants: [RELAY, EPHEMERAL, LIMIT],
    goals: [{ of: 'p50', by: 'ephemeral', target: 1.1 }, { of: 'p50' }],
  });
}

/** Durable, over the same product's frames that are never stored. @type {Goal} */
const DURABLE = { of: 'rate', by: 'relay', over: 'ephemeral', target: 0.5 };

/** @type {readonly Row[]} */
export const PAIRS_ROWS = [
  pairsRow(100, 1, []),
  pairsRow(100, 16, [DURABLE]),
  pairsRow(500, 1, []),
  pairsRow(500, 16, [DURABLE]),
  pacedRow(100),
  pacedRow(500),
];
