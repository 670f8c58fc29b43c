// Restart: how long a relay with a million entries in ten thousand spaces takes until it is ready, and what it weighs,
// beside an empty one.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from '../lib/measure.mjs';
import { residentBytes } from '../lib/memory.mjs';
import { mebibytes, middleOf } from '../lib/numbers.mjs';
import { freePort, startRelay } from '../lib/servers.mjs';
import { atMost, singleRow } from '../lib/single-row.mjs';

const SPACES = 10_000;
const ENTRIES_EACH = 100;
const BYTES = 128;
const SEED = 11;
const TIME_TARGET = 5;
const MEMORY_MIB_TARGET = 32;
const MIB = 2 ** 20;
const SETTLE_MS = 1000;
const POLL_MS = 5;
const READY_MS_MAX = 60_000;
const PATIENCE_SECONDS = 200;

/** @typedef {{ms: number, bytes: number}} Start */

/**
 * Milliseconds from the start of the process until it says it is ready, and its memory a second later.
 * @param {import('../lib/measure.mjs').Context} context
 * @param {string} dataDir
 * @returns {Promise<Start>}
 */
async function start(context, dataDir) {
  const port = await freePort();
  const began = performance.now();
  const starting = startRelay(context.pins.server, dataDir, ['--port', String(port)]);
  const ready = await untilReady(port, began);
  const relay = await starting;
  try {
    await sleep(SETTLE_MS);
    return { ms: ready, bytes: residentBytes(relay.pid) };
  } finally {
    await relay.stop();
  }
}

/**
 * @param {number} port
 * @param {number} began
 */
async function untilReady(port, began) {
  while (performance.now() - began < READY_MS_MAX) {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
    await response?.arrayBuffer();
    if (response?.status === 200) return performance.now() - began;
    await sleep(POLL_MS);
  }
  throw new Error(`the relay was not ready after ${READY_MS_MAX} ms`);
}

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const RESTART_ROWS = [
  singleRow({
    id: 'restart',
    family: 'restart',
    title: `restart with ${(SPACES * ENTRIES_EACH).toLocaleString('en')} entries in ${SPACES.toLocaleString('en')} spaces, beside an empty relay`,
    see: async (context) => {
      const dirs = { empty: join(context.dir, 'restart', 'empty'), full: join(context.dir, 'restart', 'full') };
      const relay = await startRelay(context.pins.server, dirs.full);
      const space = { '--target': relay.target, '--seed': SEED, '--spaces': SPACES, '--entries': ENTRIES_EACH };
      await load(context, 'fill', { ...space, '--bytes': BYTES, '--seconds': PATIENCE_SECONDS }).finally(() => relay.stop());
      await start(context, dirs.empty);
      /** @type {{empty: Start, full: Start}[]} */
      const runs = [];
      for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
        runs.push({ empty: await start(context, dirs.empty), full: await start(context, dirs.full) });
      }
      const grown = middleOf(runs.map(({ empty, full }) => full.bytes - empty.bytes));
      const text = (/** @type {'empty' | 'full'} */ kind) =>
        `ready after ${middleOf(runs.map((run) => run[kind].ms)).toFixed(0)} ms, ${mebibytes(middleOf(runs.map((run) => run[kind].bytes)))}`;
      return {
        lines: [`full        ${text('full')}`, `empty       ${text('empty')}`],
        figures: [
          atMost('relay.ready/empty', 'relay: time to ready ÷ empty', middleOf(runs.map(({ empty, full }) => full.ms / empty.ms)), TIME_TARGET),
          atMost('relay.memory-mib', 'relay: memory over empty, MiB', grown / MIB, MEMORY_MIB_TARGET),
          atMost('relay.space-bytes', 'relay: the same per space that nobody uses, B', grown / SPACES, null, false),
        ],
        raw: runs,
      };
    },
  }),
];
