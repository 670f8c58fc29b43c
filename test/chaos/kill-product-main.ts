// The torture run's harness around kill-cycles.ts: batches of cycles on fresh data directories until the time is up. A cycle
// counts only when the relay was giving at least 1,000 receipts a second when it was killed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { earlyReceiptsAddon } from '../support/early-receipts.ts';
import { freePort } from '../support/relay-process.ts';
import { runKillCycles, type KillReport } from './kill-cycles.ts';

const RECEIPTS_PER_SECOND_MIN = 1000;
const CYCLES_PER_BATCH = 20;
const CONTROL_CYCLES = 40;
const WRITERS = 8;

async function batch(cycles: number, endMs: number, receiptsPerSecondMin: number, env: Readonly<Record<string, string>> = {}): Promise<KillReport> {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-kill-'));
  try {
    const port = await freePort();
    return await runKillCycles({ dataDir: join(dir, 'data'), port, cycles, writers: WRITERS, env, receiptsPerSecondMin, endMs });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: '0' } } });
const endMs = Date.now() + Number(values.seconds) * 1000;
const counts = { cycles: 0, receipts: 0, receiptsPerSecond: 0, entriesCompared: 0 };
const violations: { what: string; replay: string }[] = [];
let loadedMs = 0;
while (Date.now() < endMs && violations.length === 0) {
  const report = await batch(CYCLES_PER_BATCH, endMs, RECEIPTS_PER_SECOND_MIN);
  counts.cycles += report.loadedCycles;
  counts.receipts += report.loadedReceipts;
  counts.entriesCompared += report.receipted;
  loadedMs += report.loadedMs;
  const { missing, corrupted, doubled, gaps, refused } = report;
  console.log(`${counts.cycles} cycles, ${report.receipted} receipted entries compared`);
  if (missing + corrupted + doubled + gaps + refused === 0) continue;
  // The moment of a kill cannot be repeated: what is named is how to go on looking.
  violations.push({ what: JSON.stringify({ missing, corrupted, doubled, gaps, refused }), replay: 'npm run torture -- --only kill-product' });
}
counts.receiptsPerSecond = Math.round((counts.receipts * 1000) / Math.max(1, loadedMs));
const addon = await earlyReceiptsAddon();
const control = await batch(CONTROL_CYCLES, Number.POSITIVE_INFINITY, 0, { NAPI_RS_NATIVE_LIBRARY_PATH: addon });
const what = `early receipts: ${control.missing} of ${control.receipted} receipted entries were missing`;
console.log(JSON.stringify({ counts, violations, control: { caught: control.missing > 0, what } }));
