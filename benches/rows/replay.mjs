// Replay: a device that knows nothing reads a whole space, beside `cat` of the same segments into a socket. The segments are
// read once before, so both read them from the page cache.
import { join } from 'node:path';
import { load } from '../lib/measure.mjs';
import { peakBytes, residentBytes, resetPeak } from '../lib/memory.mjs';
import { mebibytes, middleOf } from '../lib/numbers.mjs';
import { startRelay } from '../lib/servers.mjs';
import { atLeast, atMost, singleRow } from '../lib/single-row.mjs';

const ENTRIES = 1_000_000;
const BYTES = 1024;
const SEED = 7;
const RATE_TARGET = 0.7;
const MIB = 2 ** 20;
/** Flat: what reading a gigabyte may add to the process, in MiB. */
const GROWTH_MIB_TARGET = 16;
/** For the fill, which the generator is not given a window for. */
const PATIENCE_SECONDS = 120;

/** @typedef {{bytes_per_second: number, wall_seconds: number}} Moved */

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const REPLAY_ROWS = [
  singleRow({
    id: 'replay',
    family: 'replay',
    title: `replay of ${ENTRIES.toLocaleString('en')} entries of 1 KiB, page cache warm`,
    see: async (context) => {
      const dataDir = join(context.dir, 'replay');
      const relay = await startRelay(context.pins.server, dataDir);
      try {
        const space = { '--target': relay.target, '--seed': SEED, '--entries': ENTRIES };
        await load(context, 'fill', { ...space, '--bytes': BYTES, '--seconds': PATIENCE_SECONDS });
        const core = context.pins.server === null ? {} : { '--core': context.pins.server };
        const cats = { '--dir': join(dataDir, 'relay', 'log'), ...core, '--seconds': PATIENCE_SECONDS };
        // The relay writes past the page cache: without this the first to read would read from the disk.
        await load(context, 'cat', cats);
        const before = residentBytes(relay.pid);
        resetPeak(relay.pid);
        /** @type {{replay: Moved, cat: Moved}[]} */
        const runs = [];
        for (let repeat = 0; repeat < context.options.repeats; repeat += 1) {
          /** @type {Moved} */
          const replay = await load(context, 'replay', { ...space, '--server-pid': relay.pid, '--seconds': PATIENCE_SECONDS });
          /** @type {Moved} */
          const cat = await load(context, 'cat', cats);
          runs.push({ replay, cat });
        }
        const grown = Math.max(0, peakBytes(relay.pid) - before);
        const ratio = middleOf(runs.map(({ replay, cat }) => replay.bytes_per_second / cat.bytes_per_second));
        const speed = (/** @type {'replay' | 'cat'} */ kind) => mebibytes(middleOf(runs.map((run) => run[kind].bytes_per_second)));
        return {
          lines: [`relay       ${speed('replay')}/s of sealed bytes`, `cat         ${speed('cat')}/s`, `memory      ${mebibytes(before)} before, at most ${mebibytes(grown)} more`],
          figures: [
            atLeast('relay.rate/cat', 'relay: bytes/s ÷ cat', ratio, RATE_TARGET),
            atMost('relay.growth-mib', 'relay: memory while reading, MiB', grown / MIB, GROWTH_MIB_TARGET, false),
          ],
          raw: { runs, before, grown },
        };
      } finally {
        await relay.stop();
      }
    },
  }),
];
