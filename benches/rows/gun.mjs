// GUN: puts that are acknowledged once they are on disk, changes that go to subscribers, and what a graph costs in memory; beside the
// stock relay, whose store is told to sync (baselines/gun-relay.mjs).
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contestRow } from '../lib/contest-row.mjs';
import { fillGraph } from '../lib/fill-graph.mjs';
import { residentBytes } from '../lib/memory.mjs';
import { startBaseline, startRelay } from '../lib/servers.mjs';
import { atMost, singleRow } from '../lib/single-row.mjs';

/** @typedef {import('../lib/contest-row.mjs').Goal} Goal */
/** @typedef {import('../lib/servers.mjs').Contestant} Contestant */

const BYTES = 128;
const AHEAD = 1;
const PUTS_TARGET = 10;
const NODES = 100_000;
const SETTLE_MS = 2000;
const MIB = 1024 * 1024;

/** @type {Contestant} */
const RELAY = {
  name: 'relay',
  start: async (cores, dataDir) => {
    const target = await startRelay(cores, dataDir, ['--compat.plures', 'off']);
    return { ...target, target: `gun:${new URL(target.found.replace('sealrelay:', 'http:')).host}` };
  },
};
/** @type {Contestant} */
const STOCK = { name: 'gun', start: (cores, dataDir) => startBaseline(cores, dataDir, 'gun', 'gun-relay.mjs') };

/**
 * @param {'push' | 'fanout'} mode
 * @param {{id: string, title: string, connections: number, inFlight: number, target: number}} work
 */
function gunRow(mode, { id, title, connections, inFlight, target }) {
  /** @type {Goal[]} */
  const goals = [
    { of: 'rate', over: 'gun', target },
    { of: 'cpu', over: 'gun', target: AHEAD },
  ];
  const row = contestRow({ id, family: 'gun', title, mode, flags: { '--connections': connections, '--in-flight': inFlight, '--bytes': BYTES }, contestants: [RELAY, STOCK], goals });
  return { ...row, measure: async (/** @type {import('../lib/measure.mjs').Context} */ context) => withoutFaultsOf(STOCK.name, await row.measure(context)) };
}

/**
 * What the stock relay loses and doubles is told, and is no failure of ours.
 * @param {string} name
 * @param {import('../lib/contest-row.mjs').Outcome} outcome
 */
function withoutFaultsOf(name, outcome) {
  const isTheirs = (/** @type {string} */ failure) => failure.startsWith(`${name}: `) && failure.includes('messages lost');
  const theirs = outcome.failures.filter(isTheirs).map((failure) => `\n  ! ${failure}`);
  return { ...outcome, text: outcome.text + theirs.join(''), failures: outcome.failures.filter((failure) => !isTheirs(failure)) };
}

/**
 * MiB by which a relay grew for the nodes.
 * @param {import('../lib/measure.mjs').Context} context
 * @param {Contestant} contestant
 */
async function grown(context, contestant) {
  const dir = join(context.dir, 'gun-memory', contestant.name);
  mkdirSync(dir, { recursive: true });
  const { pid, target, stop } = await contestant.start(context.pins.server, dir);
  try {
    await sleep(SETTLE_MS);
    const before = residentBytes(pid);
    await fillGraph(target.replace('gun:', 'ws://'), NODES);
    await sleep(SETTLE_MS);
    return (residentBytes(pid) - before) / MIB;
  } finally {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const GUN_ROWS = [
  gunRow('push', { id: 'gun-push', title: `GUN puts of new nodes, ${BYTES} B, 16 connections, 64 in flight`, connections: 16, inFlight: 64, target: PUTS_TARGET }),
  gunRow('push', { id: 'gun-push-1', title: `GUN puts of new nodes, ${BYTES} B, 1 connection, 1 in flight`, connections: 1, inFlight: 1, target: AHEAD }),
  gunRow('fanout', { id: 'gun-fanout', title: `GUN changes to 100 subscribers, ${BYTES} B, 16 in flight`, connections: 100, inFlight: 16, target: AHEAD }),
  singleRow({
    id: 'gun-memory',
    family: 'gun',
    title: `GUN: memory for ${NODES.toLocaleString('en')} nodes of one property`,
    see: async (context) => {
      const [relay, stock] = [await grown(context, RELAY), await grown(context, STOCK)];
      return {
        lines: [`relay       ${relay.toFixed(0)} MiB`, `gun         ${stock.toFixed(0)} MiB`],
        figures: [atMost('relay.memory/gun', 'relay: memory ÷ gun', relay / stock, AHEAD, false)],
        raw: { relay, stock },
      };
    },
  }),
];
