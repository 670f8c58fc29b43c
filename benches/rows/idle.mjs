// Idle: 10,000 WebSockets with a session each that subscribed (at other servers: that joined the channel), and nothing else.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { proportionalBytes, residentBytes } from '../lib/memory.mjs';
import { NATS, REDIS_PUBSUB } from '../lib/peers.mjs';
import { Absent, startServer } from '../lib/processes.mjs';
import { LIMIT, LOAD_PROGRAM, WS, startRelay } from '../lib/servers.mjs';
import { atMost, singleRow } from '../lib/single-row.mjs';
import { UWS } from '../lib/uws.mjs';

/** @typedef {import('../lib/servers.mjs').Target} Target */

const GROUPS = 40;
const PER_GROUP = 250;
/** Opened and closed before, so that what is made once does not count. */
const WARM_UP = { groups: 2, perGroup: 200 };
const SETTLE_MS = 1500;
const CONNECTIONS_MAX = '12000';
const KIB = 1024;
const TARGET_KIB = 2;

/** @type {import('../lib/servers.mjs').Contestant[]} */
const CONTESTANTS = [{ name: 'relay', start: (cores, dir) => startRelay(cores, dir, ['--limits.connections-max', CONNECTIONS_MAX]) }, LIMIT, UWS, WS, REDIS_PUBSUB, NATS];

/**
 * @param {import('../lib/measure.mjs').Context} context
 * @param {Target} target
 * @param {{groups: number, perGroup: number}} size
 * @param {() => number} look
 */
async function whileOpen(context, target, { groups, perGroup }, look) {
  const flags = ['--target', target.target, '--groups', String(groups), '--connections', String(perGroup)];
  const held = await startServer(context.pins.load, [LOAD_PROGRAM, 'idle', ...flags], /"open":(\d+)/, { input: true });
  await sleep(SETTLE_MS);
  const seen = { open: Number(held.found), value: look() };
  await held.stop();
  await sleep(SETTLE_MS);
  return seen;
}

/**
 * @param {import('../lib/measure.mjs').Context} context
 * @param {import('../lib/servers.mjs').Contestant} contestant
 */
async function kibEach(context, contestant) {
  const target = await contestant.start(context.pins.server, join(context.dir, 'idle', contestant.name));
  const memory = () => proportionalBytes(target.pid) || residentBytes(target.pid);
  try {
    await whileOpen(context, target, WARM_UP, memory);
    const before = memory();
    const { open, value } = await whileOpen(context, target, { groups: GROUPS, perGroup: PER_GROUP }, memory);
    return (value - before) / open / KIB;
  } finally {
    await target.stop();
  }
}

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const IDLE_ROWS = [
  singleRow({
    id: 'idle',
    family: 'idle',
    title: `${GROUPS * PER_GROUP} idle WebSockets (the relay's: with a session that subscribed, in ${GROUPS} spaces), memory each`,
    see: async (context) => {
      /** @type {Record<string, number>} */
      const kib = {};
      const lines = [];
      for (const contestant of CONTESTANTS) {
        if (context.options.servers !== null && !context.options.servers.includes(contestant.name)) continue;
        try {
          kib[contestant.name] = await kibEach(context, contestant);
          lines.push(`${contestant.name.padEnd(12)}${(kib[contestant.name] ?? 0).toFixed(2)} KiB`);
        } catch (error) {
          if (!(error instanceof Absent)) throw error;
          lines.push(`${contestant.name.padEnd(12)}skipped: ${error.message}`);
        }
      }
      const relay = kib['relay'];
      return { lines, figures: relay === undefined ? [] : [atMost('relay.kib', 'relay: KiB per idle session', relay, TARGET_KIB)], raw: kib };
    },
  }),
];
