// Idle: 10,000 WebSockets with a session each that subscribed (at other servers: that joined the channel), and nothing else.
// Active: as many sessions in 5,000 spaces as in 500, so that what a space costs beside its sessions shows.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError } from '../../tools/lib/project.mjs';
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
const FEWER_SPACES = { groups: 500, perGroup: 19 };
const ACTIVE_TARGET_BYTES = 512;
/** The state of a space that was not used for a minute leaves memory; its sessions stay. */
const LET_GO_MS = 70_000;

/** @type {import('../lib/servers.mjs').Contestant[]} */
const CONTESTANTS = [{ name: 'relay', start: (cores, dir) => startRelay(cores, dir, ['--limits.connections-max', CONNECTIONS_MAX]) }, LIMIT, UWS, WS, REDIS_PUBSUB, NATS];

/**
 * Looks one after the other while sessions are open.
 * @param {import('../lib/measure.mjs').Context} context
 * @param {Target} target
 * @param {{groups: number, perGroup: number}} size
 * @param {() => number} look
 * @param {readonly number[]} [waitsMs] before each look
 */
async function whileOpen(context, target, { groups, perGroup }, look, waitsMs = [SETTLE_MS]) {
  const flags = ['--target', target.target, '--groups', String(groups), '--connections', String(perGroup)];
  const held = await startServer(context.pins.load, [LOAD_PROGRAM, 'idle', ...flags], /"open":(\d+)/, { input: true });
  /** @type {number[]} */
  const values = [];
  for (const waitMs of waitsMs) {
    await sleep(waitMs);
    values.push(look());
  }
  // It ends when a connection does, and then nothing above was seen of sessions that are open.
  if (!held.isRunning()) throw new ToolError('the idle connections did not stay open');
  await held.stop();
  await sleep(SETTLE_MS);
  return { open: Number(held.found), values };
}

/**
 * Bytes by which a server grew for so many sessions, one figure for each look. A server of its own for each size: what one load
 * gave back to the allocator would be taken again by the next one, and not count.
 * @param {import('../lib/measure.mjs').Context} context
 * @param {string} name of its directory
 * @param {(dir: string) => Promise<Target>} start
 * @param {{groups: number, perGroup: number, waitsMs?: readonly number[]}} size
 */
async function growth(context, name, start, { waitsMs, ...size }) {
  const target = await start(join(context.dir, 'idle', name));
  const memory = () => proportionalBytes(target.pid) || residentBytes(target.pid);
  try {
    await whileOpen(context, target, WARM_UP, memory);
    const before = memory();
    const { open, values } = await whileOpen(context, target, size, memory, waitsMs);
    return { open, grown: values.map((value) => value - before) };
  } finally {
    await target.stop();
  }
}

/**
 * @param {import('../lib/measure.mjs').Context} context
 * @param {import('../lib/servers.mjs').Contestant} contestant
 */
async function kibEach(context, contestant) {
  const { open, grown } = await growth(context, contestant.name, (dir) => contestant.start(context.pins.server, dir), { groups: GROUPS, perGroup: PER_GROUP });
  return (grown[0] ?? 0) / open / KIB;
}

/**
 * Bytes that a space with two sessions costs beside them, just opened and after its state was let go: as many sessions in many
 * spaces, minus in few. The few are many enough that no roster is long.
 * @param {import('../lib/measure.mjs').Context} context
 */
async function bytesPerActiveSpace(context) {
  const start = (/** @type {string} */ dir) => startRelay(context.pins.server, dir, ['--limits.connections-max', CONNECTIONS_MAX]);
  const waitsMs = [SETTLE_MS, LET_GO_MS];
  const few = await growth(context, 'few-spaces', start, { ...FEWER_SPACES, waitsMs });
  const many = await growth(context, 'many-spaces', start, { groups: ACTIVE_SPACES, perGroup: 1, waitsMs });
  const each = (/** @type {number} */ look) => ((many.grown[look] ?? 0) - ((few.grown[look] ?? 0) * many.open) / few.open) / (ACTIVE_SPACES - FEWER_SPACES.groups);
  return { fresh: each(0), rested: each(1), few, many };
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
      const { fresh, rested, few, many } = await bytesPerActiveSpace(context);
      return {
        lines: [`just opened  ${fresh.toFixed(0)} B`, `after ${LET_GO_MS / 1000} s   ${rested.toFixed(0)} B`],
        figures: [
          atMost('relay.rested-bytes', 'relay: B per active space, its state let go', rested, ACTIVE_TARGET_BYTES),
          atMost('relay.fresh-bytes', 'relay: the same while its state is in memory', fresh, null, false),
        ],
        raw: { fresh, rested, few, many },
      };
    },
  }),
];
