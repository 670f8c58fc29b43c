// The sync engine of sealrelay/eidetica against the targets of its design.
import { join } from 'node:path';
import { ROOT } from '../../tools/lib/project.mjs';
import { middleOf } from '../lib/numbers.mjs';
import { runForJson } from '../lib/processes.mjs';
import { freePort, startRelay } from '../lib/servers.mjs';
import { atLeast, atMost, singleRow } from '../lib/single-row.mjs';

const QUEUE_MS_TARGET = 1;
const RATE_TARGET = 1000;
const MEMORY_MIB_TARGET = 10;
const RESUME_MS_TARGET = 30_000;
const TIMEOUT_MS = 120_000;

/** @typedef {{queue: {mean: number, p999: number}, rate: number, engines: {http: number, iroh: number | null}, memory: {mib: number, waiting: number}, resume: number}} Seen */

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const EIDETICA_ROWS = [
  singleRow({
    id: 'eidetica-client',
    family: 'clients',
    title: 'the sync engine of sealrelay/eidetica: queueing a commit, entries to one peer (the relay, another engine over HTTP and iroh), 100 peers with full queues, after a network that was away',
    see: async (context) => {
      const port = await freePort();
      const further = ['--port', String(port), '--limits.requests-per-minute', '0', '--limits.native-requests-per-minute', '0'];
      const relay = await startRelay(context.pins.server, join(context.dir, 'eidetica'), further);
      /** @type {Seen[]} */
      const runs = [];
      try {
        for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
          const command = [process.execPath, '--expose-gc', join(ROOT, 'benches/eidetica-client.mjs'), `127.0.0.1:${port}`];
          runs.push(/** @type {Seen} */ (await runForJson(context.pins.load, command, TIMEOUT_MS)));
        }
      } finally {
        await relay.stop();
      }
      const middle = (/** @type {(seen: Seen) => number} */ of) => middleOf(runs.map(of));
      return {
        lines: [
          `a commit is queued in ${(middle(({ queue }) => queue.mean) * 1000).toFixed(1)} µs, 99.9 % of them within ${middle(({ queue }) => queue.p999).toFixed(3)} ms`,
          `${Math.round(middle(({ rate }) => rate)).toLocaleString('en')} entries/s to one peer, ${middle(({ memory }) => memory.mib).toFixed(2)} MiB for 100 peers and ${middle(({ memory }) => memory.waiting).toLocaleString('en')} waiting ids`,
          `${Math.round(middle(({ engines }) => engines.http)).toLocaleString('en')} entries/s to another engine over HTTP, ${runs.some(({ engines }) => engines.iroh === null) ? 'iroh is not installed' : `${Math.round(middle(({ engines }) => engines.iroh ?? 0)).toLocaleString('en')} over iroh`}`,
          `${(middle(({ resume }) => resume) / 1000).toFixed(1)} s after the network came back everything was sent`,
        ],
        figures: [
          atMost('client.queue-ms', 'queueing a commit, ms, 99.9 %', middle(({ queue }) => queue.p999), QUEUE_MS_TARGET, false),
          atLeast('client.entries-per-second', 'entries per second to one peer', middle(({ rate }) => rate), RATE_TARGET, false),
          atLeast('client.engine-http-per-second', 'entries per second to another engine over HTTP', middle(({ engines }) => engines.http), RATE_TARGET, false),
          ...(runs.some(({ engines }) => engines.iroh === null) ? [] : [atLeast('client.engine-iroh-per-second', 'entries per second to another engine over iroh', middle(({ engines }) => engines.iroh ?? 0), RATE_TARGET, false)]),
          atMost('client.memory-mib', 'memory of 100 peers, MiB', middle(({ memory }) => memory.mib), MEMORY_MIB_TARGET),
          atMost('client.resume-ms', 'until sending goes on, ms', middle(({ resume }) => resume), RESUME_MS_TARGET, false),
        ],
        raw: runs,
      };
    },
  }),
];
