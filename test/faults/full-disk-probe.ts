// One device over HTTP that is asked, while the disk is full, what a client and an operator hear, and how soon.
import { setTimeout as sleep } from 'node:timers/promises';
import { errorName } from '../../src/protocol/errors.ts';
import { HttpClient, HttpSession } from '../support/http-client.ts';
import { makeRawSpace } from '../support/raw-client.ts';
import { health } from './relay-under-fault.ts';

/** A refusal of a full disk takes at most this, in ms, … */
export const REFUSED_WITHIN_MS = 100;
/** … and this more on a machine that runs the load and other tests beside it. */
export const BUSY_SLACK_MS = 150;
/** Refusals that are timed; the median is held against the bound, so that one pause of the machine decides nothing. */
const PUSHES = 9;
const ENTRY = Uint8Array.from(Buffer.alloc(512, 1));

/** What was heard. */
export interface Refusals {
  /** Answers that were not 507 with `disk_full`, as text. */
  readonly others: readonly string[];
  readonly medianMs: number;
}

/** See the file. */
export class FullDiskProbe {
  readonly #client: HttpClient;
  readonly #session: HttpSession;
  #pushSeq = 1;

  private constructor(client: HttpClient, session: HttpSession) {
    this.#client = client;
    this.#session = session;
  }

  /** Founds a space of its own while there is room. */
  static async open(address: string, port: number): Promise<FullDiskProbe> {
    const client = new HttpClient(port);
    const space = await makeRawSpace(['write']);
    const [device] = space.devices;
    if (device === undefined) throw new Error('no device');
    return new FullDiskProbe(client, await HttpSession.open(client, address, space, device));
  }

  close(): void {
    this.#client.close();
  }

  /** Pushes the same entry until it was refused often enough. */
  async refusals(): Promise<Refusals> {
    const [others, times]: [string[], number[]] = [[], []];
    for (let at = 0; at < PUSHES; at += 1) {
      const startMs = performance.now();
      const answer = await this.#push();
      times.push(performance.now() - startMs);
      if (answer !== '507 disk_full') others.push(answer);
      await sleep(20);
    }
    return { others, medianMs: times.toSorted((left, right) => left - right)[PUSHES >> 1] ?? Number.NaN };
  }

  /** Pushes until it is taken; false after the time. */
  async takenWithin(ms: number): Promise<boolean> {
    for (const until = performance.now() + ms; performance.now() < until; await sleep(20)) {
      if ((await this.#push()) !== '200 Receipt') continue;
      this.#pushSeq += 1;
      return true;
    }
    return false;
  }

  async #push(): Promise<string> {
    const { status, frames } = await this.#session.ask('/v1/push', { type: 'Push', pushSeqFirst: this.#pushSeq, keyEpoch: 1, entries: [ENTRY] });
    const [frame] = frames;
    return `${status} ${frame?.type === 'Error' ? errorName(frame.code) : frame?.type}`;
  }
}

/** How long readiness takes to say this, in ms; infinite when it does not within the time. */
export async function readinessAfter(port: number, wanted: { readonly status: number; readonly reason: string }, ms: number): Promise<number> {
  const startMs = performance.now();
  for (; performance.now() - startMs < ms; await sleep(20)) {
    const { status, reason } = await health(port, 'ready');
    if (status === wanted.status && reason === wanted.reason) return performance.now() - startMs;
  }
  return Number.POSITIVE_INFINITY;
}
