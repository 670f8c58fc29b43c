// Churn: what forgetting costs and gives back. A live set is filled, then entries come and as many go; the store's own program
// does it (`relay-store`, example `churn`), because the relay forgets nothing for 24 hours after a start.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runOrThrow } from '../../tools/lib/project.mjs';
import { mebibytes } from '../lib/numbers.mjs';
import { runForJson } from '../lib/processes.mjs';
import { atMost, singleRow } from '../lib/single-row.mjs';

const KIB = 1024;
const LIVE_MIB = 1024;
const CHURN_MIB = 1024;
const TARGET = 1.3;
const TIMEOUT_MS = 240_000;
const TARGET_DIR = join(ROOT, 'target');

/** @typedef {{entry: number, live: number, churn: number, wrote: number, used_median: number, used_peak: number, used_settled: number}} Churned */

function build() {
  const args = ['build', '--release', '--locked', '--quiet', '--target-dir', TARGET_DIR, '-p', 'relay-store', '--example', 'churn'];
  runOrThrow('cargo', args, { what: 'building the churn' });
}

/** @param {number} entryKib */
function churnRow(entryKib) {
  return singleRow({
    id: `churn-${entryKib}k`,
    family: 'disk',
    title: `churn: a live set of ${LIVE_MIB} MiB, ${CHURN_MIB} MiB come and go, entries of ${entryKib} KiB in 64 spaces`,
    see: async (context) => {
      build();
      const dir = join(context.dir, `churn-${entryKib}k`);
      mkdirSync(dir);
      const program = join(TARGET_DIR, 'release', 'examples', 'churn');
      const command = [program, dir, ...[LIVE_MIB, CHURN_MIB, entryKib * KIB].map(String)];
      const seen = /** @type {Churned} */ (await runForJson(context.pins.server, command, TIMEOUT_MS));
      const live = (/** @type {number} */ used) => (used / seen.live).toFixed(2);
      return {
        lines: [
          `written ${mebibytes(seen.wrote)} for ${mebibytes(seen.churn)}; on disk ${mebibytes(seen.used_settled)} for ${mebibytes(seen.live)} held`,
          `meanwhile ${live(seen.used_median)} × what is held (median), ${live(seen.used_peak)} × at most`,
        ],
        figures: [
          atMost('store.written/payload', 'store: bytes written ÷ payload', seen.wrote / seen.churn, TARGET),
          atMost('store.disk/live', 'store: disk use ÷ live set, three seconds later', seen.used_settled / seen.live, TARGET),
        ],
        raw: seen,
      };
    },
  });
}

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const CHURN_ROWS = [churnRow(4), churnRow(1)];
