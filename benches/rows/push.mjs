// Durable push: a message counts when its receipt (or the peer's acknowledgement) arrived and was right.
import { contestRow } from '../lib/contest-row.mjs';
import { measureFloor } from '../lib/measure.mjs';
import { JETSTREAM, POSTGRES, REDIS, SQLITE } from '../lib/peers.mjs';
import { floorText } from '../lib/report.mjs';
import { LIMIT, RELAY } from '../lib/servers.mjs';

/** @typedef {import('../lib/contest-row.mjs').Row} Row */
/** @typedef {import('../lib/contest-row.mjs').Goal} Goal */
/** @typedef {import('../lib/measure.mjs').Result} Result */

const KIB = 1024;
const AHEAD = 1;
/** p50 of one push in flight, over fdatasync and round trip together. */
const FLOOR_TARGET = 2;

/** @type {Goal[]} */
const AHEAD_OF_STORES = ['redis', 'postgres', 'sqlite'].map((over) => ({ of: /** @type {const} */ ('rate'), over, target: AHEAD }));
/** @type {Goal} */
const AHEAD_OF_JETSTREAM = { of: 'rate', over: 'nats-js', target: AHEAD };

/**
 * @param {string} id
 * @param {{connections: number, inFlight?: number, bytes?: number, target: number, goals?: readonly Goal[]}} work
 * @returns {Row}
 */
function pushRow(id, { connections, inFlight = 1, bytes = KIB, target, goals = [] }) {
  return contestRow({
    id,
    family: 'push',
    title: `durable push, ${bytes / KIB} KiB, ${connections} connection${connections === 1 ? '' : 's'}, ${inFlight} in flight`,
    mode: 'push',
    flags: { '--connections': connections, '--in-flight': inFlight, '--bytes': bytes },
    contestants: [RELAY, LIMIT, REDIS, JETSTREAM, POSTGRES, SQLITE],
    goals: [{ of: 'rate', target }, { of: 'cpu' }, ...AHEAD_OF_STORES, ...goals],
  });
}

/**
 * Adds the floor, and how far above it one push in flight is.
 * @param {Row} row
 * @returns {Row}
 */
function withFloor(row) {
  return {
    ...row,
    measure: async (context) => {
      const floor = await measureFloor(context);
      const outcome = await row.measure(context);
      const relay = /** @type {Result[]} */ (outcome.raw).find(({ server }) => server === 'relay');
      const p50s = (relay?.runs ?? []).map(({ latencyUs }) => latencyUs.p50).sort((a, b) => a - b);
      const p50 = p50s[Math.floor((p50s.length - 1) / 2)];
      const value = p50 === undefined ? null : p50 / (floor.preparedUs + floor.roundTripUs);
      const figure = { id: 'relay.p50/floor', title: 'relay: p50 ÷ (fdatasync + round trip)', better: /** @type {const} */ ('lower'), target: FLOOR_TARGET, tracked: true };
      const figures = value === null ? outcome.figures : [...outcome.figures, { ...figure, value }];
      return { ...outcome, text: `${outcome.text}\n${floorText(floor)}`, figures, raw: { floor, results: outcome.raw } };
    },
  };
}

/** @type {readonly Row[]} */
export const PUSH_ROWS = [
  withFloor(pushRow('push-1', { connections: 1, target: 0.85 })),
  pushRow('push-16', { connections: 16, target: 0.8, goals: [AHEAD_OF_JETSTREAM] }),
  pushRow('push-64', { connections: 64, target: 0.75, goals: [AHEAD_OF_JETSTREAM] }),
  pushRow('push-64x16', { connections: 64, inFlight: 16, target: 0.5, goals: [AHEAD_OF_JETSTREAM] }),
  pushRow('push-16k', { connections: 64, inFlight: 1, bytes: 16 * KIB, target: 0.6 }),
];
