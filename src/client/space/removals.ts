/*
 * Devices that are to leave. A removal is one signed statement that also makes a new key epoch; until the relay shows it, it is owed:
 * stored, visible, and tried again with every session, also after a restart.
 */
import { equalBytes } from '../../protocol/equal-bytes.js';
import { toHex } from '../../protocol/hex.js';
import { deviceOf } from '../../protocol/roster.js';
import { ClientError } from '../client-error.js';
import type { SessionLink } from '../connection/connection-handler.js';
import type { Timer } from '../environment.js';
import { REMOVAL_RETRY_MS } from '../limits.js';
import { failureOf } from './evidence.js';
import type { RosterChanges } from './roster-changes.js';
import type { SpaceContext } from './space-context.js';

export interface RemovalsOptions {
  readonly context: SpaceContext;
  readonly changes: RosterChanges;
  /** The link of the open session; throws `offline`. */
  readonly link: () => SessionLink;
  readonly closing: AbortSignal;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

export class Removals {
  readonly #options: RemovalsOptions;
  readonly #waiters = new Map<string, Waiter[]>();
  #running = false;
  #retry: Timer | undefined;

  constructor(options: RemovalsOptions) {
    this.#options = options;
    const closed = (): void => {
      this.#retry?.cancel();
      this.#rejectAll(options.closing.reason);
    };
    options.closing.addEventListener('abort', closed, { once: true });
  }

  isOwed(device: Uint8Array): boolean {
    return this.#options.context.marks.owed.some((key) => equalBytes(key, device));
  }

  /** Owes the removal, and resolves when it is done; rejects for good reasons only, or when the space closes, and then it stays owed. */
  async remove(device: Uint8Array): Promise<void> {
    const { context } = this.#options;
    if (!this.isOwed(device)) {
      context.marks.owed = [...context.marks.owed, device.slice()];
      await context.save();
      context.events.emit('devices', undefined);
    }
    const done = new Promise<void>((resolve, reject) => {
      const name = toHex(device);
      this.#waiters.set(name, [...(this.#waiters.get(name) ?? []), { resolve, reject }]);
    });
    this.run();
    return done;
  }

  /** A session is open: does what is owed, one after the other. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#work().finally(() => {
      this.#running = false;
    });
  }

  async #work(): Promise<void> {
    const { context } = this.#options;
    for (let device = context.marks.owed[0]; device !== undefined; device = context.marks.owed[0]) {
      let tell = (waiter: Waiter): void => waiter.resolve();
      try {
        await this.#one(device);
      } catch (cause) {
        if (cause instanceof ClientError && (cause.temporary || cause.code === 'closed')) return this.#later(cause);
        if (cause instanceof ClientError) context.events.emit('error', cause);
        tell = (waiter) => waiter.reject(cause);
      }
      await this.#settle(device, tell);
    }
  }

  // Offline, the next session does it; others who change the roster at the same time are soon done.
  #later({ code }: ClientError): void {
    const { context, closing } = this.#options;
    this.#retry?.cancel();
    if (code === 'roster_conflict' && !closing.aborted) this.#retry = context.environment.after(REMOVAL_RETRY_MS, () => this.run());
  }

  async #one(device: Uint8Array): Promise<void> {
    const { context, changes, link, closing } = this.#options;
    if (context.roster.known !== undefined && deviceOf(context.roster.known, device) === undefined) return;
    await changes.apply(link, () => ({ remove: { key: device, pushSeqMax: context.chains.of(device)?.pushSeq ?? 0 } }), closing);
  }

  async #settle(device: Uint8Array, tell: (waiter: Waiter) => void): Promise<void> {
    const { context } = this.#options;
    context.marks.owed = context.marks.owed.filter((key) => !equalBytes(key, device));
    // Where that cannot be stored it is owed again after a restart, and found done then.
    await context.save().catch((cause: unknown) => context.events.emit('error', failureOf(context, cause)));
    const name = toHex(device);
    const waiting = this.#waiters.get(name) ?? [];
    this.#waiters.delete(name);
    context.events.emit('devices', undefined);
    waiting.forEach(tell);
  }

  #rejectAll(cause: unknown): void {
    for (const { reject } of [...this.#waiters.values()].flat()) reject(cause);
    this.#waiters.clear();
  }
}
