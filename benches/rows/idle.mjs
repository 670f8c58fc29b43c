// Idle: 10,000 WebSockets with a session each that subscribed (at other servers: that joined the channel), and nothing else.
// Active: the same number of sessions in 40 spaces and in 5,000, so that what a space costs beside its sessions shows.
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
/** Each has a sender and a receiver. */
const ACTIVE_SPACES = 5000;
const ACTIVE_TARGET_BYTES = 512;
/** The state of a space that was not used for a minute leaves memory; its sessions stay. */
const LET_GO_MS = 70_000;

/** @type {import('../lib/servers.mjs').Contestant[]} */
const CONTESTANTS = [{ name: 'relay', start: (cores, dir) => startRelay(cores, dir, ['--limits.connections-max', CONNECTIONS_MAX]) }, LIMIT, UWS, WS, REDIS_PUBSUB, NATS];

/**
 * @param {import('../lib/measure.mjs').Context} context
 * @param {Target} target
 * @param {{groups: number, perGroup: number}} size
 * @param {() => number} look
 * @param {number} [settleMs]
 */
async function whileOpen(context, target, { groups, perGroup }, look, settleMs = SETTLE_MS) {
  const flags = ['--target', target.target, '--groups', String(groups), '--connections', String(perGroup)];
  const held = await startServer(context.pins.load, [LOAD_PROGRAM, 'idle', ...flags], /"open":(\d+)/, { input: true });
  await sleep(settleMs);
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

/**
 * Bytes that a space with two sessions costs beside them: as many sessions in many spaces, minus in few.
 * @param {import('../lib/measure.mjs').Context} context
 * @param {string} name
 * @param {number} settleMs
 */
async function bytesPerActiveSpace(context, name, settleMs) {
  const target = await startRelay(context.pins.server, join(context.dir, 'active', name), ['--limits.connections-max', CONNECTIONS_MAX]);
  const memory = () => proportionalBytes(target.pid) || residentBytes(target.pid);
  try {
    await whileOpen(context, target, WARM_UP, memory);
    const before = memory();
    const few = await whileOpen(context, target, { groups: GROUPS, perGroup: PER_GROUP }, memory, settleMs);
    const closed = memory();
    const many = await whileOpen(context, target, { groups: ACTIVE_SPACES, perGroup: 1 }, memory, settleMs);
    return ((many.value - closed) - (few.value - before) * (many.open / few.open)) / (ACTIVE_SPACES - GROUPS);
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
  singleRow({
    id: 'active',
    family: 'idle',
    title: `${ACTIVE_SPACES.toLocaleString('en')} spaces with two idle sessions each, memory of a space beside them`,
    see: async (context) => {
      const fresh = await bytesPerActiveSpace(context, 'fresh', SETTLE_MS);
      const rested = await bytesPerActiveSpace(context, 'rested', LET_GO_MS);
      return {
        lines: [`just opened  ${fresh.toFixed(0)} B`, `after ${LET_GO_MS / 1000} s   ${rested.toFixed(0)} B`],
        figures: [
          atMost('relay.rested-bytes', 'relay: B per active space, its state let go', rested, ACTIVE_TARGET_BYTES),
          atMost('relay.fresh-bytes', 'relay: the same while its state is in memory', fresh, null, false),
        ],
        raw: { fresh, rested },
      };
    },
  }),
];
