// Brings the queue to the relays: one push at a time, again and again until a relay says that it is stored or will never be.
import { retryDelayMs } from '../connection/backoff.js';
import { ClientError } from '../client-error.js';
import type { Environment, Timer } from '../environment.js';
import type { Batch, ChangeQueue, Queued } from './change-queue.js';
import { CallError } from './http-call.js';
import { PUSH_CHANGES_MAX } from './limits.js';
import type { RelayClient } from './relay-client.js';
import { fatesOf, pushOf } from './push-fates.js';
import { parsePushAnswer } from './wire.js';
import type { SyncPushResponse } from './wire.js';

/** Tries that count for the back-off. */
const ATTEMPTS_MAX = 30;

export interface SenderEvents {
  /** These have a relay now; told of each once. */
  stored(changes: readonly Queued[]): void;
  rejected(change: Queued, reason: string): void;
  /** A round ended without anything stored; it is tried again. */
  failed(error: ClientError): void;
}

export interface SenderParts {
  readonly client: RelayClient;
  readonly queue: ChangeQueue;
  readonly environment: Environment;
  readonly events: SenderEvents;
  /** Whether changes may leave the device now. */
  readonly isOn: () => boolean;
  /** Relays that each need the changes. */
  readonly needing: () => readonly string[];
  /** Whether a relay's word for a duplicate can only mean that the very change is stored. */
  readonly duplicateIsStored: boolean;
}

export class ChangeSender {
  readonly #parts: SenderParts;
  readonly #deafen: (() => void) | undefined;
  #running = false;
  #closed = false;
  #attempt = 0;
  /** The relay asked to be left alone until then. */
  #notBefore = 0;
  #changesMax = PUSH_CHANGES_MAX;
  #retry: Timer | undefined;
  #busy: Promise<void> = Promise.resolve();

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#deafen = parts.environment.network?.listen((event) => {
      if (event === 'back') this.kick();
    });
  }

  /** Sends what is due, at once, unless that is under way. False: a relay asked to wait, or nothing may leave the device. */
  kick(): boolean {
    if (this.#running) return true;
    if (this.#closed || !this.#parts.isOn() || this.#parts.environment.now() < this.#notBefore) return false;
    this.#retry?.cancel();
    this.#running = true;
    this.#busy = this.#run();
    return true;
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#deafen?.();
    this.#retry?.cancel();
    await this.#busy;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closed && this.#parts.isOn() && this.#parts.queue.waiting > 0 && (await this.#round())) this.#attempt = 0;
    } catch (cause) {
      if (!this.#closed) this.#later(cause);
    } finally {
      // In the same step as the last look at the queue, so that no kick falls between the two.
      this.#running = false;
    }
  }

  /** One push; false: there was nothing to push. */
  async #round(): Promise<boolean> {
    const { client, queue, environment } = this.#parts;
    const batch = queue.batch(({ storedBy }) => storedBy.size === 0, this.#changesMax);
    if (batch === null) return false;
    let tries = 0;
    const bodyFor = (): unknown => {
      if (tries > 0) for (const queued of batch.changes) queued.maySit = true;
      tries += 1;
      return pushOf(batch, environment.now());
    };
    try {
      const { endpoint, answer } = await client.exchange('/sync/push', bodyFor, parsePushAnswer);
      await this.#settle(batch, endpoint, parsePushAnswer(answer));
    } catch (cause) {
      if (!(cause instanceof CallError)) throw cause;
      if (cause.mayBeDone) for (const queued of batch.changes) queued.maySit = true;
      if (cause.code !== 'payload_too_large') throw cause;
      await this.#tooLarge(batch);
    }
    return true;
  }

  async #settle(batch: Batch, endpoint: string, answer: SyncPushResponse): Promise<void> {
    const { queue, events, needing, duplicateIsStored } = this.#parts;
    const { stored, refused, later } = fatesOf(batch, answer, duplicateIsStored);
    if (stored.length > 0) {
      await queue.stored(endpoint, stored.map(({ change }) => change.id), needing());
      events.stored(stored);
    }
    if (refused.length > 0) await queue.drop(refused.map(({ queued }) => queued.change.id));
    for (const { queued, reason } of refused) events.rejected(queued, reason);
    if (stored.length + refused.length > 0) return;
    throw new ClientError('relay_refused', `the relay stores nothing now: ${later ?? 'it did not say why'}`, { temporary: true });
  }

  /** Smaller pushes, and a single change that is still too large will never be taken. */
  async #tooLarge(batch: Batch): Promise<void> {
    const { queue, events } = this.#parts;
    const [only] = batch.changes;
    if (batch.changes.length > 1) this.#changesMax = 1;
    else if (only !== undefined) {
      await queue.drop([only.change.id]);
      events.rejected(only, 'Change too large');
    }
  }

  #later(cause: unknown): void {
    const { environment, events } = this.#parts;
    const error = cause instanceof ClientError ? cause : new ClientError('storage_failed', 'the queue could not be stored', { temporary: true, cause });
    const notBeforeMs = error instanceof CallError ? error.retryAfterMs : 0;
    this.#notBefore = environment.now() + notBeforeMs;
    const delayMs = retryDelayMs({ attempt: this.#attempt, notBeforeMs, spreadMs: 0 }, environment.random());
    this.#attempt = Math.min(this.#attempt + 1, ATTEMPTS_MAX);
    this.#retry = environment.after(delayMs, () => this.kick());
    events.failed(error);
  }
}
