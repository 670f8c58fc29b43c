// Devices that push as fast as the relay answers and remember every receipt, and the comparison of what a relay holds with what
// was acknowledged to them.
import { createHash, randomBytes } from 'node:crypto';
import type { DeviceSecret } from '../../src/client/crypto/keys.ts';
import { makeRawSpace, RawClient, type RawSpace } from '../support/raw-client.ts';

const IN_FLIGHT = 8;
const ENTRY_BYTES = 512;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

/** Which seq was acknowledged for each push_seq of one device. */
export type Receipts = ReadonlyMap<number, number>;

/** What a comparison found; `missing`, `corrupted`, `doubled` and `gaps` must be zero. */
export interface Held {
  /** Receipts compared. */
  readonly receipted: number;
  /** Entries the relay holds. */
  readonly held: number;
  /** Receipted entries that are not at their seq. */
  readonly missing: number;
  /** Entries whose bytes nobody sent. */
  readonly corrupted: number;
  readonly doubled: number;
  readonly gaps: number;
  /** For each writer, what the relay shows; whoever goes on with this relay takes it as acknowledged. */
  readonly shown: readonly Receipts[];
}

/** What one connection came to. */
export interface Load {
  receipted: number;
  refused: number;
  firstReceiptMs: number;
}

/** One device's pushes: what it sent under each push_seq, and which the relay acknowledged at which seq. */
export class Writer {
  readonly device: DeviceSecret;
  readonly sent = new Map<number, Uint8Array>();
  receipts = new Map<number, number>();

  constructor(device: DeviceSecret) {
    this.device = device;
  }

  /** Pushes until the connection ends; entries without a receipt are sent again, byte for byte. `load` is kept up to date. */
  async run(address: string, space: RawSpace, load: Load = idle()): Promise<Load> {
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

/** Before the first receipt. */
export const idle = (): Load => ({ receipted: 0, refused: 0, firstReceiptMs: Number.POSITIVE_INFINITY });

/** A space and a writer for each of its devices. */
export async function makeWriters(count: number): Promise<{ space: RawSpace; writers: readonly Writer[] }> {
  const space = await makeRawSpace(Array.from({ length: count }, () => 'write' as const));
  return { space, writers: space.devices.map((device) => new Writer(device)) };
}

/** Compares everything a relay holds with the receipts that each writer had at some moment. */
export async function compareHeld(address: string, space: RawSpace, writers: readonly Writer[], receipts: readonly Receipts[]): Promise<Held> {
  const reader = writers[0];
  if (reader === undefined) throw new Error('no writers');
  const client = await RawClient.open(address, space, reader.device);
  const log = await client.pullAll();
  client.close();
  const numbers = new Map(writers.map(({ device }, at) => [digest(device.key), at]));
  const shown: Map<number, number>[] = writers.map(() => new Map());
  let [doubled, corrupted, missing, receipted] = [0, 0, 0, 0];
  for (const { device, pushSeq, seq, sealed } of log) {
    const at = numbers.get(digest(device)) ?? -1;
    const sent = writers[at]?.sent.get(pushSeq);
    if (sent === undefined || Buffer.compare(sent, sealed) !== 0) corrupted += 1;
    if (shown[at]?.has(pushSeq) === true) doubled += 1;
    else shown[at]?.set(pushSeq, seq);
  }
  for (const [at, of] of receipts.entries()) {
    receipted += of.size;
    for (const [pushSeq, seq] of of) missing += Number(shown[at]?.get(pushSeq) !== seq);
  }
  const gaps = log.filter((entry, at) => entry.seq !== at + 1).length;
  return { receipted, held: log.length, missing, corrupted, doubled, gaps, shown };
}
