// Clients that do everything right and measure how long their receipts take while others do not.
import { randomBytes } from 'node:crypto';
import { makeRawSpace, RawClient } from '../support/raw-client.ts';

const CLIENTS = 8;
const PUSH_EVERY_MS = 50;
const ENTRY_BYTES = 256;

/** Pushes of several spaces at a steady pace, and what each receipt took. */
export class GoodClients {
  readonly #clients: RawClient[] = [];
  #taken: number[] = [];
  readonly #stop = new AbortController();
  #failures = 0;
  #loops: Promise<void>[] = [];

  /** Receipts that never came, or came wrong. */
  get failures(): number {
    return this.#failures;
  }

  static async start(address: string): Promise<GoodClients> {
    const good = new GoodClients();
    for (let i = 0; i < CLIENTS; i += 1) {
      const space = await makeRawSpace(['write']);
      const [device] = space.devices;
      if (device !== undefined) good.#clients.push(await RawClient.open(address, space, device));
    }
    good.#loops = good.#clients.map((client) => good.#push(client));
    return good;
  }

  /** The times of the receipts since the last call, in ms. */
  take(): number[] {
    const taken = this.#taken;
    this.#taken = [];
    return taken;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    for (const client of this.#clients) client.close();
  }

  async #push(client: RawClient): Promise<void> {
    for (let pushSeq = 1; !this.#stop.signal.aborted; pushSeq += 1) {
      const start = performance.now();
      try {
        client.send({ type: 'Push', pushSeqFirst: pushSeq, keyEpoch: 1, entries: [Uint8Array.from(randomBytes(ENTRY_BYTES))] });
        let frame = await client.next();
        while (frame.type !== 'Receipt') frame = await client.next();
        if (frame.pushSeqFirst !== pushSeq) throw new Error('a receipt of another push');
      } catch {
        this.#failures += 1;
        return;
      }
      this.#taken.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, PUSH_EVERY_MS));
    }
  }
}

/** The 99th percentile of some times. */
export function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * 0.99))] ?? Number.NaN;
}
