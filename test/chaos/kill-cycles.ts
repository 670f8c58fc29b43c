// Kills the whole product under load, again and again, and compares what it holds with what it acknowledged.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeRawSpace, RawClient, type RawSpace } from '../support/raw-client.ts';
import { startRelay, type RelayProcess } from '../support/relay-process.ts';
import type { DeviceSecret } from '../../src/client/crypto/keys.ts';

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

export interface KillReport {
  readonly receipted: number;
  readonly held: number;
  readonly missing: number;
  readonly doubled: number;
  readonly gaps: number;
  /** Cycles in which the relay acknowledged pushes at the wanted rate before it was killed; only these count. */
  readonly loadedCycles: number;
  /** Receipts of the loaded cycles, and the time from each one's first receipt to its kill. */
  readonly loadedReceipts: number;
  readonly loadedMs: number;
  /** Pushes the relay refused; an honest one refuses none. */
  readonly refused: number;
}

const IN_FLIGHT = 8;
const ENTRY_BYTES = 512;
const LOAD_MS_MIN = 40;
const LOAD_MS_MAX = 180;
/** A kill before the first receipt proves little and is not counted. */
const TRIES_PER_CYCLE = 3;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

interface Load {
  receipted: number;
  refused: number;
  firstReceiptMs: number;
}

/** One device's pushes: what it sent under each push_seq, and which the relay acknowledged at which seq. */
class Writer {
  readonly device: DeviceSecret;
  readonly sent = new Map<number, Uint8Array>();
  readonly receipts = new Map<number, number>();

  constructor(device: DeviceSecret) {
    this.device = device;
  }

  /** Pushes until the connection ends; entries without a receipt are sent again, byte for byte. */
  async run(address: string, space: RawSpace): Promise<Load> {
    const load: Load = { receipted: 0, refused: 0, firstReceiptMs: Number.POSITIVE_INFINITY };
    const client = await RawClient.open(address, space, this.device).catch(() => undefined);
    if (client === undefined) return load;
    try {
      await this.#pushUntilRefused(client, load);
    } catch {
      // The connection ended with the relay: what has no receipt by now is sent again in the next cycle.
    } finally {
      client.close();
    }
    return load;
  }

  async #pushUntilRefused(client: RawClient, load: Load): Promise<void> {
    let next = this.#firstWithoutReceipt();
    for (let flying = 0; ; ) {
      for (; flying < IN_FLIGHT; flying += 1, next += 1) this.#push(client, next);
      const frame = await client.next();
      if (frame.type === 'Error') {
        load.refused += 1;
        return;
      }
      if (frame.type !== 'Receipt') continue;
      for (let at = 0; at < frame.count; at += 1) this.receipts.set(frame.pushSeqFirst + at, frame.seqFirst + at);
      load.receipted += frame.count;
      load.firstReceiptMs = Math.min(load.firstReceiptMs, performance.now());
      // One receipt may answer several pushes, of one entry each.
      flying -= frame.count;
    }
  }

  #firstWithoutReceipt(): number {
    let pushSeq = 1;
    while (this.receipts.has(pushSeq)) pushSeq += 1;
    return pushSeq;
  }

  #push(client: RawClient, pushSeq: number): void {
    const sealed = this.sent.get(pushSeq) ?? Uint8Array.from(randomBytes(ENTRY_BYTES));
    this.sent.set(pushSeq, sealed);
    client.send({ type: 'Push', pushSeqFirst: pushSeq, keyEpoch: 1, entries: [sealed] });
  }
}

/** Runs the cycles and reports; the data directory is used and left to the caller. */
export async function runKillCycles(options: KillOptions): Promise<KillReport> {
  const space = await makeRawSpace(Array.from({ length: options.writers }, () => 'write' as const));
  const writers = space.devices.map((device) => new Writer(device));
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
    if (receipts === 0 || receipts * 1000 < (options.receiptsPerSecondMin ?? 0) * lastedMs) continue;
    loaded.loadedCycles += 1;
    loaded.loadedReceipts += receipts;
    loaded.loadedMs += Math.max(0, lastedMs);
  }
  const relay = await startRelay({ ...options, env: {} });
  try {
    return { ...(await compare(relay, space, writers)), ...loaded };
  } finally {
    await relay.stop();
  }
}

async function compare(relay: RelayProcess, space: RawSpace, writers: readonly Writer[]): Promise<Pick<KillReport, 'receipted' | 'held' | 'missing' | 'doubled' | 'gaps'>> {
  const reader = writers[0];
  if (reader === undefined) throw new Error('no writers');
  const client = await RawClient.open(relay.address, space, reader.device);
  const log = await client.pullAll();
  client.close();
  const bySeq = new Map(log.map((entry) => [entry.seq, entry]));
  const seen = new Set<string>();
  let doubled = 0;
  for (const { device, pushSeq } of log) {
    const name = `${digest(device)} ${pushSeq}`;
    if (seen.has(name)) doubled += 1;
    seen.add(name);
  }
  let receipted = 0;
  let missing = 0;
  for (const writer of writers) {
    for (const [pushSeq, seq] of writer.receipts) {
      receipted += 1;
      const held = bySeq.get(seq);
      const sent = writer.sent.get(pushSeq);
      if (held === undefined || sent === undefined || digest(held.sealed) !== digest(sent) || held.pushSeq !== pushSeq) missing += 1;
    }
  }
  const gaps = log.filter((entry, at) => entry.seq !== at + 1).length;
  return { receipted, held: log.length, missing, doubled, gaps };
}
