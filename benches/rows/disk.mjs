// Disk: bytes written per payload byte while entries are stored, segments made ahead and footers included; and what the
// data then occupies. What forgetting costs and gives back cannot be seen from outside within a run: after a start nothing
// is forgotten for 24 hours. churn.mjs measures it in the store.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from '../lib/measure.mjs';
import { diskBytes, writtenBytes } from '../lib/memory.mjs';
import { mebibytes } from '../lib/numbers.mjs';
import { startRelay } from '../lib/servers.mjs';
import { atMost, singleRow } from '../lib/single-row.mjs';

const SPACES = 64;
const ENTRIES_EACH = 8000;
const BYTES = 1024;
const SEED = 13;
const TARGET = 1.3;
const PATIENCE_SECONDS = 60;
/** The kernel counts a page as written when it becomes dirty, the rest follows within this. */
const SETTLE_MS = 1500;

/** @type {readonly import('../lib/contest-row.mjs').Row[]} */
export const DISK_ROWS = [
  singleRow({
    id: 'disk',
    family: 'disk',
    title: `disk: ${(SPACES * ENTRIES_EACH).toLocaleString('en')} entries of 1 KiB in ${SPACES} spaces`,
    see: async (context) => {
      const dataDir = join(context.dir, 'disk');
      const relay = await startRelay(context.pins.server, dataDir);
      try {
        await sleep(SETTLE_MS);
        const [written, occupied] = [writtenBytes(relay.pid), diskBytes(dataDir)];
        const shape = { '--seed': SEED, '--spaces': SPACES, '--entries': ENTRIES_EACH, '--bytes': BYTES, '--seconds': PATIENCE_SECONDS };
        await load(context, 'fill', { '--target': relay.target, ...shape });
        await sleep(SETTLE_MS);
        const payload = SPACES * ENTRIES_EACH * BYTES;
        const [wrote, grew] = [writtenBytes(relay.pid) - written, diskBytes(dataDir) - occupied];
        return {
          lines: [`payload ${mebibytes(payload)}, written ${mebibytes(wrote)}, on disk ${mebibytes(grew)} more than empty`],
          figures: [
            atMost('relay.written/payload', 'relay: bytes written ÷ payload', wrote / payload, TARGET),
            atMost('relay.disk/payload', 'relay: disk use ÷ payload', grew / payload, TARGET),
          ],
          raw: { payload, wrote, grew },
        };
      } finally {
        await relay.stop();
      }
    },
  }),
];
