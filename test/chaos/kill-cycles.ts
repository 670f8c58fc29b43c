// Kills the whole product under load, again and again, and compares what it holds with what it acknowledged.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRelay } from '../support/relay-process.ts';
import { compareHeld, makeWriters, type Held } from './receipted-writers.ts';

export interface KillOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly cycles: number;
  readonly writers: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Receipts a second, from the first to the kill, below which a cycle does not count. */
  readonly receiptsPerSecondMin?: number;
  /** No new cycle starts after this moment (`Date.now()`). */
  readonly endMs?: number;
}

export interface KillReport extends Omit<Held, 'shown'> {
  /** Cycles in which the relay acknowledged pushes at the wanted rate before it was killed; only these count. */
  readonly loadedCycles: number;
  /** Receipts of the loaded cycles, and the time from each one's first receipt to its kill. */
  readonly loadedReceipts: number;
  readonly loadedMs: number;
  /** Pushes the relay refused; an honest one refuses none. */
  readonly refused: number;
}

const LOAD_MS_MIN = 40;
const LOAD_MS_MAX = 180;
/** A kill before the first receipt proves little and is not counted. */
const TRIES_PER_CYCLE = 3;

/** Runs the cycles and reports; the data directory is used and left to the caller. */
export async function runKillCycles(options: KillOptions): Promise<KillReport> {
  const { space, writers } = await makeWriters(options.writers);
  const loaded = { loadedCycles: 0, loadedReceipts: 0, loadedMs: 0, refused: 0 };
  for (let tries = 0; loaded.loadedCycles < options.cycles && tries < options.cycles * TRIES_PER_CYCLE; tries += 1) {
    if (Date.now() > (options.endMs ?? Number.POSITIVE_INFINITY)) break;
    const relay = await startRelay(options);
    const running = Promise.all(writers.map((writer) => writer.run(relay.address, space)));
    await sleep(randomInt(LOAD_MS_MIN, LOAD_MS_MAX));
    const killedMs = performance.now();
    await relay.kill();
    const loads = await running;
    const receipts = loads.reduce((sum, load) => sum + load.receipted, 0);
    const lastedMs = killedMs - Math.min(...loads.map((load) => load.firstReceiptMs));
    loaded.refused += loads.reduce((sum, load) => sum + load.refused, 0);
    // Something is missing already: further cycles would be refused, too.
    if (loaded.refused > 0) break;
    if (receipts === 0 || receipts * 1000 < (options.receiptsPerSecondMin ?? 0) * lastedMs) continue;
    loaded.loadedCycles += 1;
    loaded.loadedReceipts += receipts;
    loaded.loadedMs += Math.max(0, lastedMs);
  }
  const relay = await startRelay({ ...options, env: {} });
  try {
    const { shown: _, ...held } = await compareHeld(relay.address, space, writers, writers.map(({ receipts }) => receipts));
    return { ...held, ...loaded };
  } finally {
    await relay.stop();
  }
}
