import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort, productBuilt } from '../support/relay-process.ts';
import { earlyReceiptsAddon } from '../support/early-receipts.ts';
import { runKillCycles } from './kill-cycles.ts';

const CYCLES = Number(process.env['SEALRELAY_KILL_CYCLES'] ?? 30);
const CONTROL_CYCLES = 25;

async function inTemporaryDir<T>(run: (dataDir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-kill-'));
  try {
    return await run(join(dir, 'data'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

describe.skipIf(!productBuilt())('SIGKILL of the whole product under load (skipped unless it is built)', () => {
  test(
    `${CYCLES} cycles: no receipted entry missing, none doubled, no gap`,
    { timeout: 20_000 + CYCLES * 3000 },
    async () => {
      const report = await inTemporaryDir(async (dataDir) =>
        runKillCycles({ dataDir, port: await freePort(), cycles: CYCLES, writers: 8 }),
      );
      console.log(`kill cycles: ${JSON.stringify(report)}`);
      expect(report).toMatchObject({ missing: 0, corrupted: 0, doubled: 0, gaps: 0, refused: 0 });
      expect(report.loadedCycles).toBe(CYCLES);
    },
  );

  test('control: a build that sends the receipt before the write is caught', { timeout: 600_000 }, async () => {
    const addon = await earlyReceiptsAddon();
    const report = await inTemporaryDir(async (dataDir) =>
      runKillCycles({
        dataDir,
        port: await freePort(),
        cycles: CONTROL_CYCLES,
        writers: 8,
        env: { NAPI_RS_NATIVE_LIBRARY_PATH: addon },
      }),
    );
    console.log(`kill cycles, control: ${JSON.stringify(report)}`);
    expect(report.missing).toBeGreaterThan(0);
  });
});
