// Overload: ten times the messages in flight at which the relay is at its peak. Over a WebSocket more cannot be offered than
// the relay reads, so what is offered is what waits: its goodput must stay, and what was taken must not wait much longer.
// Short form: the window of every row; with --long two minutes.
import { join } from 'node:path';
import { load } from '../lib/measure.mjs';
import { microseconds, middleOf, thousands } from '../lib/numbers.mjs';
import { startRelay } from '../lib/servers.mjs';
import { atLeast, atMost, singleRow } from '../lib/single-row.mjs';

const PEAK_CONNECTIONS = 64;
const IN_FLIGHT = 16;
const TIMES = 10;
/** A roster holds 256 devices. */
const SPACES = 8;
const BYTES = 1024;
const LONG_SECONDS = 120;
const GOODPUT_TARGET = 0.9;
const P99_TARGET = 2;

/** @typedef {{entries_per_second: number, latency_us: {p50: number, p99: number}, unanswered: number}} Output */

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const OVERLOAD_ROWS = [
  singleRow({
    id: 'overload',
    family: 'overload',
    title: `durable push, 1 KiB, ${TIMES * PEAK_CONNECTIONS} connections × ${IN_FLIGHT} in flight beside ${PEAK_CONNECTIONS} × ${IN_FLIGHT}`,
    see: async (context) => {
      const relay = await startRelay(context.pins.server, join(context.dir, 'overload'));
      const flags = { '--target': relay.target, '--server-pid': relay.pid, '--in-flight': IN_FLIGHT, '--bytes': BYTES, '--spaces': SPACES };
      try {
        /** @type {{peak: Output, overload: Output}[]} */
        const runs = [];
        for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
          /** @type {Output} */
          const peak = await load(context, 'push', { ...flags, '--connections': PEAK_CONNECTIONS, '--seconds': context.options.seconds });
          const seconds = context.options.long ? LONG_SECONDS : context.options.seconds;
          /** @type {Output} */
          const overload = await load(context, 'push', { ...flags, '--connections': TIMES * PEAK_CONNECTIONS, '--seconds': seconds });
          runs.push({ peak, overload });
        }
        const text = (/** @type {'peak' | 'overload'} */ kind) =>
          `${kind.padEnd(12)}${thousands(middleOf(runs.map((run) => run[kind].entries_per_second)))}/s, p99 ${microseconds(middleOf(runs.map((run) => run[kind].latency_us.p99)))}`;
        const unanswered = runs.reduce((sum, { peak, overload }) => sum + peak.unanswered + overload.unanswered, 0);
        return {
          lines: [text('peak'), text('overload')],
          figures: [
            atLeast('relay.goodput/peak', 'relay: goodput ÷ peak', middleOf(runs.map(({ peak, overload }) => overload.entries_per_second / peak.entries_per_second)), GOODPUT_TARGET),
            atMost('relay.p99/peak', 'relay: p99 ÷ that at peak', middleOf(runs.map(({ peak, overload }) => overload.latency_us.p99 / peak.latency_us.p99)), P99_TARGET),
          ],
          failures: unanswered > 0 ? [`${unanswered} pushes without a receipt`] : [],
          raw: runs,
        };
      } finally {
        await relay.stop();
      }
    },
  }),
];
