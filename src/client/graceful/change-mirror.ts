/*
 * Brings what one relay of a service has to the others. Each has a store of its own, and devices that are nearest to different ones, or were
 * driven to another one by a failure, meet only because every change reaches all of them.
 */
import type { Environment, Timer } from '../environment.js';
import type { ChangeQueue } from './change-queue.js';
import { FAILED_RELAY_MS } from './limits.js';
import { fatesOf, pushOf } from './push-fates.js';
import type { RelayClient } from './relay-client.js';
import { parsePushAnswer } from './wire.js';

export interface MirrorParts {
  readonly client: RelayClient;
  readonly queue: ChangeQueue;
  readonly environment: Environment;
  readonly isOn: () => boolean;
  /** Relays that each need the changes. */
  readonly needing: () => readonly string[];
}

export class ChangeMirror {
  readonly #parts: MirrorParts;
  #running = false;
  #closed = false;
  #retry: Timer | undefined;
  #busy: Promise<void> = Promise.resolve();

  constructor(parts: MirrorParts) {
    this.#parts = parts;
  }

  /** Sends what is due, unless that is under way. */
  kick(): void {
    if (this.#running || this.#closed || !this.#parts.isOn()) return;
    this.#retry?.cancel();
    this.#running = true;
    this.#busy = this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#busy;
  }

  async #run(): Promise<void> {
    const tired = new Set<string>();
    try {
      for (let endpoint = this.#next(tired); endpoint !== null; endpoint = this.#next(tired)) {
        if (!(await this.#send(endpoint).catch(() => false))) tired.add(endpoint);
      }
    } finally {
      this.#running = false;
    }
    if (tired.size > 0 && !this.#closed) this.#retry = this.#parts.environment.after(FAILED_RELAY_MS, () => this.kick());
  }

  /** A relay that lacks something and was not tried in vain. */
  #next(tired: ReadonlySet<string>): string | null {
    if (this.#closed || !this.#parts.isOn()) return null;
    return this.#parts.needing().find((endpoint) => !tired.has(endpoint) && this.#due(endpoint) !== null) ?? null;
  }

  #due(endpoint: string): ReturnType<ChangeQueue['batch']> {
    return this.#parts.queue.batch(({ storedBy }) => storedBy.size > 0 && !storedBy.has(endpoint));
  }

  /** One push; false: it brought nothing on. */
  async #send(endpoint: string): Promise<boolean> {
    const { client, queue, environment, needing } = this.#parts;
    const batch = this.#due(endpoint);
    if (batch === null) return false;
    const { stored, refused } = fatesOf(batch, parsePushAnswer(await client.exchangeWith(endpoint, '/sync/push', pushOf(batch, environment.now()))), true);
    // What it refuses for good is not offered to it again; the relay that has it answers for it.
    const done = [...stored, ...refused.map(({ queued }) => queued)].map(({ change }) => change.id);
    if (done.length > 0) await queue.stored(endpoint, done, needing());
    return done.length > 0;
  }
}
