// Overload: pushes are offered at a fixed pace, ten times what the relay reached in a closed loop just before, whatever it
// answers. What it admits must not wait much longer than at the peak, it must stay as much, and the rest is refused as `busy`
// with a time to come back, which the generator obeys: what is due on a connection that was told to stay away is not sent.
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

/** @typedef {{busy: number, behind: number, held_back: number}} Refused */
/** @typedef {{entries_per_second: number, latency_us: {p50: number, p99: number}, late_us: {p50: number, p99: number}, refused: Refused, rate: number, entries: number, wall_seconds: number, unanswered: number}} Output */

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const OVERLOAD_ROWS = [
  singleRow({
    id: 'overload',
    family: 'overload',
    title: `durable push, 1 KiB, offered at ${TIMES} × the rate of ${PEAK_CONNECTIONS} connections × ${IN_FLIGHT} in flight`,
    see: async (context) => {
      const relay = await startRelay(context.pins.server, join(context.dir, 'overload'));
      const flags = { '--target': relay.target, '--server-pid': relay.pid, '--bytes': BYTES, '--spaces': SPACES };
      try {
        /** @type {{peak: Output, overload: Output}[]} */
        const runs = [];
        for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
          /** @type {Output} */
          const peak = await load(context, 'push', { ...flags, '--in-flight': IN_FLIGHT, '--connections': PEAK_CONNECTIONS, '--seconds': context.options.seconds });
          const open = { '--in-flight': IN_FLIGHT, '--connections': TIMES * PEAK_CONNECTIONS, '--rate': TIMES * peak.entries_per_second, '--refusals': 'counted' };
          const seconds = context.options.long ? LONG_SECONDS : context.options.seconds;
          /** @type {Output} */
          const overload = await load(context, 'push', { ...flags, ...open, '--seconds': seconds });
          runs.push({ peak, overload });
        }
        const text = (/** @type {'peak' | 'overload'} */ kind) =>
          `${kind.padEnd(12)}${thousands(middleOf(runs.map((run) => run[kind].entries_per_second)))}/s, p99 ${microseconds(middleOf(runs.map((run) => run[kind].latency_us.p99)))}`;
        const refused = (/** @type {keyof Refused} */ kind) => thousands(middleOf(runs.map(({ overload }) => overload.refused[kind] / overload.wall_seconds)));
        const unanswered = runs.reduce((sum, { peak, overload }) => sum + peak.unanswered + overload.unanswered, 0);
        const failures = unanswered > 0 ? [`${unanswered} pushes without a receipt`] : [];
        if (runs.some(({ overload }) => overload.refused.busy === 0)) failures.push('nothing was refused: this was no overload');
        return {
          lines: [
            text('peak'),
            text('overload'),
            `offered     ${thousands(middleOf(runs.map(({ overload }) => overload.rate)))}/s, late by ${microseconds(middleOf(runs.map(({ overload }) => overload.late_us.p99)))} (p99)`,
            `refused     ${refused('busy')}/s, ${refused('behind')}/s behind those, ${refused('held_back')}/s not sent: the time to come back, or the window, was not there yet`,
          ],
          figures: [
            atLeast('relay.goodput/peak', 'relay: goodput ÷ peak', middleOf(runs.map(({ peak, overload }) => overload.entries_per_second / peak.entries_per_second)), GOODPUT_TARGET),
            atMost('relay.p99/peak', 'relay: p99 ÷ that at peak', middleOf(runs.map(({ peak, overload }) => overload.latency_us.p99 / peak.latency_us.p99)), P99_TARGET),
          ],
          failures,
          raw: runs,
        };
      } finally {
        await relay.stop();
      }
    },
  }),
];
