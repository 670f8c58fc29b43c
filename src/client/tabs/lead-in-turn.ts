// The lock that makes one tab the leader: waited for, held while the tab leads, and waited for again when leading failed.
import { Waiters } from './waiters.js';
import type { LocksLike } from './tab-channel.js';

/** Wait before a tab that could not lead (its storage did not open) queues again; doubled each time, up to the second. */
const LEAD_AGAIN_MS = 1000;
const LEAD_AGAIN_MS_MAX = 60_000;

export interface TurnOptions {
  readonly locks: LocksLike;
  readonly name: string;
  /** Ends the waiting; who leads goes on to its end. */
  readonly signal: AbortSignal;
  readonly lead: () => Promise<void>;
  /** Leading failed; what it throws ends it for good. */
  readonly failed: (cause: unknown) => void;
}

/** Resolves when the tab has led to its end, or the signal ended it. */
export async function leadInTurn({ locks, name, signal, lead, failed }: TurnOptions): Promise<void> {
  for (let waitMs = LEAD_AGAIN_MS; ; waitMs = Math.min(2 * waitMs, LEAD_AGAIN_MS_MAX)) {
    try {
      await locks.request(name, { signal }, lead);
      return;
    } catch (cause) {
      if (signal.aborted) return;
      failed(cause);
    }
    await new Waiters().until(() => false, AbortSignal.any([signal, AbortSignal.timeout(waitMs)])).catch(() => undefined);
    if (signal.aborted) return;
  }
}
