// Fan-out: one sends, all others receive, and each must get everything once and in order. The relay takes part twice: with
// entries (durable, attested, then delivered) and with ephemeral frames (never stored), which is what the others do.
import { contestRow } from '../lib/contest-row.mjs';
import { NATS, REDIS_PUBSUB } from '../lib/peers.mjs';
import { EPHEMERAL, LIMIT, RELAY, WS, WS_BATCHED } from '../lib/servers.mjs';
import { UWS } from '../lib/uws.mjs';

/** @typedef {import('../lib/contest-row.mjs').Row} Row */
/** @typedef {import('../lib/contest-row.mjs').Goal} Goal */

const KIB = 1024;

/**
 * @param {string} id
 * @param {{subscribers?: number, inFlight: number, bytes?: number, target: number, ahead?: readonly string[]}} work
 * @returns {Row}
 */
function fanoutRow(id, { subscribers = 1000, inFlight, bytes = 128, target, ahead = [] }) {
  const size = bytes < KIB ? `${bytes} B` : `${bytes / KIB} KiB`;
  /** @type {Goal[]} */
  const goals = ['relay', 'ephemeral'].flatMap((by) => [
    { of: /** @type {const} */ ('rate'), by, target },
    { of: /** @type {const} */ ('cpu'), by },
    ...ahead.map((over) => ({ of: /** @type {const} */ ('rate'), by, over, target: 1 })),
  ]);
  return contestRow({
    id,
    family: 'fanout',
    title: `fan-out 1→${subscribers}, ${size}, ${inFlight} in flight`,
    mode: 'fanout',
    flags: { '--connections': subscribers, '--in-flight': inFlight, '--bytes': bytes },
    contestants: [RELAY, EPHEMERAL, LIMIT, WS_BATCHED, WS, UWS, REDIS_PUBSUB, NATS],
    goals,
  });
}

/** @type {readonly Row[]} */
export const FANOUT_ROWS = [
  fanoutRow('fanout-64', { inFlight: 64, target: 0.8, ahead: ['ws-batched'] }),
  fanoutRow('fanout-100-64', { subscribers: 100, inFlight: 64, target: 0.8, ahead: ['ws-batched'] }),
  fanoutRow('fanout-16', { inFlight: 16, target: 0.9, ahead: ['uws'] }),
  fanoutRow('fanout-1k', { inFlight: 64, bytes: KIB, target: 0.75 }),
  fanoutRow('fanout-16k', { inFlight: 8, bytes: 16 * KIB, target: 0.75 }),
  fanoutRow('fanout-1', { inFlight: 1, target: 0.92 }),
];
