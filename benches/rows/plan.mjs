// The load plan: 1,000 connections, 10,000 durable pushes a minute from 1 KiB to 10 MB, more than 10 MB/s; a minute, or
// an hour with --long.
import { join } from 'node:path';
import { load } from '../lib/measure.mjs';
import { residentBytes } from '../lib/memory.mjs';
import { mebibytes, microseconds } from '../lib/numbers.mjs';
import { startRelay } from '../lib/servers.mjs';
import { atLeast, atMost, singleRow } from '../lib/single-row.mjs';

const CONNECTIONS = 1000;
const SPACES = 8;
const PER_SECOND = 10_000 / 60;
const SHORT_SECONDS = 60;
const LONG_SECONDS = 3600;
const P99_MS_TARGET = 100;
const MB_PER_SECOND_TARGET = 10;
/** Memory is looked at this often; the first third is the warm-up. */
const LOOKS = 30;
/** Flat: the highest of the last third over the highest of the second. */
const FLAT_TARGET = 1.1;

/** @typedef {{latency_us: {p50: number, p99: number}, wall_seconds: number, sent_bytes: number, entries_per_second: number, unanswered: number}} Output */

/** @param {readonly number[]} values */
function flatness(values) {
  const third = Math.floor(values.length / 3);
  return Math.max(...values.slice(2 * third)) / Math.max(...values.slice(third, 2 * third));
}

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const PLAN_ROWS = [
  singleRow({
    id: 'load-plan',
    family: 'plan',
    title: `${CONNECTIONS} connections, 10,000 durable pushes a minute, 1 KiB to 10 MB`,
    see: async (context) => {
      const seconds = context.options.long ? LONG_SECONDS : SHORT_SECONDS;
      const relay = await startRelay(context.pins.server, join(context.dir, 'load-plan'));
      /** @type {number[]} */
      const memory = [];
      const timer = setInterval(() => memory.push(residentBytes(relay.pid)), (seconds * 1000) / LOOKS);
      try {
        const shape = { '--connections': CONNECTIONS, '--spaces': SPACES, '--rate': PER_SECOND, '--mix': 'yes' };
        /** @type {Output} */
        const seen = await load(context, 'push', { '--target': relay.target, '--server-pid': relay.pid, '--seconds': seconds, ...shape });
        const megabytes = seen.sent_bytes / seen.wall_seconds / 1e6;
        const { p50, p99 } = seen.latency_us;
        return {
          lines: [`${seen.entries_per_second.toFixed(1)} pushes/s, ${megabytes.toFixed(1)} MB/s, p50 ${microseconds(p50)}, p99 ${microseconds(p99)}`, `memory at most ${mebibytes(Math.max(...memory))}`],
          figures: [
            atMost('relay.p99-ms', 'relay: p99, ms', p99 / 1000, P99_MS_TARGET, false),
            atLeast('relay.mb-per-second', 'relay: MB/s', megabytes, MB_PER_SECOND_TARGET, false),
            atMost('relay.flatness', 'relay: memory, last ÷ middle third', flatness(memory), FLAT_TARGET, false),
          ],
          failures: seen.unanswered > 0 ? [`${seen.unanswered} pushes without a receipt`] : [],
          raw: { seen, memory },
        };
      } finally {
        clearInterval(timer);
        await relay.stop();
      }
    },
  }),
];
