// Slow consumers: 1,000 subscribers read while 1,000 others of the same spaces never do. The healthy ones' latency is
// compared with a run that has only them; what the others cost is bounded by the relay's write queue.
import { join } from 'node:path';
import { load } from '../lib/measure.mjs';
import { peakBytes, residentBytes, resetPeak } from '../lib/memory.mjs';
import { mebibytes, microseconds, middleOf } from '../lib/numbers.mjs';
import { EPHEMERAL, RELAY } from '../lib/servers.mjs';
import { atMost, singleRow } from '../lib/single-row.mjs';

/** A space takes 1,024 sessions, so there are two. */
const SPACES = 2;
const HEALTHY = 500;
const STALLED = 500;
const BYTES = 4096;
/** Over both spaces. */
const PER_SECOND = 50;
/** The window is long enough for the kernel's buffers and the write queues of the stalled to fill. */
const SECONDS_MIN = 8;
const LATENCY_TARGET = 1.2;
/** write_queue_bytes_max of the transport. */
const QUEUE_BYTES_MAX = 256 * 1024;

/** @typedef {{latency_us: {p50: number, p99: number}, lost: number, duplicates: number}} Output */

/**
 * @param {string} id
 * @param {import('../lib/servers.mjs').Contestant} contestant
 */
function slowRow(id, contestant) {
  return singleRow({
    id,
    family: 'slow',
    title: `${contestant.name}: ${SPACES * STALLED} of ${SPACES * (HEALTHY + STALLED)} subscribers never read, ${PER_SECOND} messages of 4 KiB per second`,
    see: async (context) => {
      const relay = await contestant.start(context.pins.server, join(context.dir, id));
      const seconds = Math.max(SECONDS_MIN, context.options.seconds);
      const flags = { '--target': relay.target, '--groups': SPACES, '--bytes': BYTES, '--rate': PER_SECOND, '--seconds': seconds, '--server-pid': relay.pid, ...relay.flags };
      try {
        /** @type {{alone: Output, beside: Output, grown: number}[]} */
        const runs = [];
        for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
          /** @type {Output} */
          const alone = await load(context, 'fanout', { ...flags, '--connections': HEALTHY });
          const before = residentBytes(relay.pid);
          resetPeak(relay.pid);
          /** @type {Output} */
          const beside = await load(context, 'fanout', { ...flags, '--connections': HEALTHY + STALLED, '--stalled': STALLED });
          runs.push({ alone, beside, grown: Math.max(0, peakBytes(relay.pid) - before) });
        }
        const grown = Math.max(...runs.map((run) => run.grown));
        const faults = runs.flatMap(({ alone, beside }) => [alone, beside]).reduce((sum, { lost, duplicates }) => sum + lost + duplicates, 0);
        const p99 = (/** @type {'alone' | 'beside'} */ kind) => microseconds(middleOf(runs.map((run) => run[kind].latency_us.p99)));
        const ratio = middleOf(runs.map(({ alone, beside }) => beside.latency_us.p99 / alone.latency_us.p99));
        return {
          lines: [`alone       p99 ${p99('alone')}`, `beside      p99 ${p99('beside')}, memory grew by at most ${mebibytes(grown)}`],
          figures: [
            atMost(`${contestant.name}.p99/alone`, `${contestant.name}: healthy p99 ÷ alone`, ratio, LATENCY_TARGET),
            atMost(`${contestant.name}.memory/queues`, `${contestant.name}: memory ÷ all write queues`, grown / (SPACES * (HEALTHY + STALLED) * QUEUE_BYTES_MAX), 1, false),
          ],
          failures: faults > 0 ? [`${faults} messages lost or doubled`] : [],
          raw: runs,
        };
      } finally {
        await relay.stop();
      }
    },
  });
}

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const SLOW_ROWS = [slowRow('slow', RELAY), slowRow('slow-ephemeral', EPHEMERAL)];
