// Devices that push without a pause, remember every receipt, come back after every refusal, and at the end compare what the
// relay holds with what it acknowledged.
import { createHash, randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorName } from '../../src/protocol/errors.ts';
import type { ErrorFrame } from '../../src/protocol/relay-frame.ts';
import { makeRawSpace, RawClient, type RawSpace } from '../support/raw-client.ts';

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

export interface LoadOptions {
  readonly address: string;
  readonly writers: number;
  readonly inFlight: number;
  readonly entryBytes: number;
}

/** What a comparison found; all of it must be zero. */
export interface Comparison {
  readonly lost: number;
  readonly doubled: number;
  readonly gaps: number;
}

interface Sent {
  readonly id: string;
  readonly bytes: Uint8Array;
  sentMs: number;
  seq: number | undefined;
}

/** See the file. */
export class Load {
  readonly space: RawSpace;
  readonly refusals = new Map<string, number>();
  receipts = 0;
  /** From a push to its receipt, in ms, since the last `takeLatencies`. */
  #latencies: number[] = [];
  /** When the newest receipt and the newest refusal came. */
  lastReceiptMs = 0;
  lastRefusalMs = 0;
  reconnects = 0;
  /** The newest attested time of a receipt, and how often one was older than another before it on the same connection. */
  newestTimeMs = 0;
  timesBack = 0;
  readonly #options: LoadOptions;
  readonly #sent: Sent[][] = [];
  readonly #stop = new AbortController();
  #running: Promise<void>[] = [];

  private constructor(space: RawSpace, options: LoadOptions) {
    this.space = space;
    this.#options = options;
    setMaxListeners(options.writers + 1, this.#stop.signal);
  }

  static async start(options: LoadOptions): Promise<Load> {
    const load = new Load(await makeRawSpace(Array.from({ length: options.writers }, () => 'write' as const)), options);
    load.#running = load.space.devices.map((_, at) => load.#writer(at));
    return load;
  }

  takeLatencies(): number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  /** Waits until this many more receipts came; false after the time. */
  async receiptsWithin(count: number, ms: number): Promise<boolean> {
    const [goal, until] = [this.receipts + count, Date.now() + ms];
    while (this.receipts < goal && Date.now() < until) await sleep(5);
    return this.receipts >= goal;
  }

  /** Waits until the relay refused something by that name; false after the time. */
  async refusedWithin(name: string, ms: number): Promise<boolean> {
    for (const until = Date.now() + ms; Date.now() < until; await sleep(5)) {
      if ((this.refusals.get(name) ?? 0) > 0) return true;
    }
    return false;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  /** What the relay holds against what it acknowledged. */
  async compare(address: string): Promise<Comparison> {
    const [device] = this.space.devices;
    if (device === undefined) throw new Error('no device');
    const client = await RawClient.open(address, this.space, device);
    const held = await client.pullAll();
    client.close();
    const bySeq = new Map(held.map(({ seq, sealed }) => [seq, digest(sealed)]));
    const seen = held.map((entry) => `${Buffer.from(entry.device).toString('base64')} ${entry.pushSeq}`);
    const receipted = this.#sent.flat().filter((sent) => sent.seq !== undefined);
    return {
      lost: receipted.filter((sent) => bySeq.get(sent.seq ?? 0) !== sent.id).length,
      doubled: seen.length - new Set(seen).size,
      gaps: held.filter(({ seq }, at) => seq !== at + 1).length,
    };
  }

  async #writer(at: number): Promise<void> {
    const sent: Sent[] = [];
    this.#sent[at] = sent;
    const device = this.space.devices[at];
    if (device === undefined) return;
    while (!this.#stop.signal.aborted) {
      const client = await RawClient.open(this.#options.address, this.space, device).catch(() => undefined);
      if (client !== undefined) {
        const leave = (): void => client.close();
        this.#stop.signal.addEventListener('abort', leave, { once: true });
        await this.#session(client, sent).catch(() => undefined);
        this.#stop.signal.removeEventListener('abort', leave);
        client.close();
      }
      if (this.#stop.signal.aborted) return;
      this.reconnects += 1;
      await sleep(50);
    }
  }

  /** Pushes until the connection ends or the relay refuses; entries without a receipt are sent again, byte for byte. */
  async #session(client: RawClient, sent: Sent[]): Promise<void> {
    const unacknowledged = sent.findIndex((entry) => entry.seq === undefined);
    let next = unacknowledged < 0 ? sent.length : unacknowledged;
    let timeMs = 0;
    for (let flying = 0; ; ) {
      for (; flying < this.#options.inFlight; flying += 1, next += 1) this.#push(client, sent, next);
      const frame = await client.next();
      if (frame.type === 'Error') return this.#refused(frame);
      if (frame.type === 'Goaway') return;
      if (frame.type !== 'Receipt') continue;
      for (let at = 0; at < frame.count; at += 1) this.#receipted(sent[frame.pushSeqFirst - 1 + at], frame.seqFirst + at);
      const { time } = frame.attestation;
      this.timesBack += Number(time < timeMs);
      timeMs = time;
      this.newestTimeMs = Math.max(this.newestTimeMs, time);
      flying -= frame.count;
    }
  }

  #push(client: RawClient, sent: Sent[], at: number): void {
    const bytes = sent[at]?.bytes ?? this.#entry();
    sent[at] ??= { id: digest(bytes), bytes, sentMs: 0, seq: undefined };
    sent[at].sentMs = performance.now();
    client.send({ type: 'Push', pushSeqFirst: at + 1, keyEpoch: 1, entries: [bytes] });
  }

  /** Random enough to be told from every other, and cheap: the harness shares the machine with the relay. */
  #entry(): Uint8Array {
    const bytes = new Uint8Array(this.#options.entryBytes);
    bytes.set(randomBytes(Math.min(bytes.length, 32)));
    return bytes;
  }

  #receipted(sent: Sent | undefined, seq: number): void {
    if (sent === undefined) throw new Error('a receipt of nothing');
    sent.seq = seq;
    this.receipts += 1;
    this.lastReceiptMs = performance.now();
    this.#latencies.push(this.lastReceiptMs - sent.sentMs);
  }

  #refused(frame: ErrorFrame): void {
    const name = errorName(frame.code) ?? String(frame.code);
    this.refusals.set(name, (this.refusals.get(name) ?? 0) + 1);
    this.lastRefusalMs = performance.now();
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
