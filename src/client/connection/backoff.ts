// When to come back: full jitter over a doubling step, never before the time a relay asked for.
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, RETRY_AFTER_MS_MAX } from '../limits.js';

/** What a retry is planned from. */
export interface RetryPlan {
  /** Attempts that failed since a session was last stable, this one included. */
  readonly attempt: number;
  /** The relay's earliest time. */
  readonly notBeforeMs: number;
  /** The relay's spread over which returns are to be scattered. */
  readonly spreadMs: number;
}

/** The delay before the next attempt; `random` is in [0, 1). */
export function retryDelayMs(plan: RetryPlan, random: number): number {
  const step = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(plan.attempt, 30));
  const spread = Math.max(step, Math.min(plan.spreadMs, RETRY_AFTER_MS_MAX));
  return Math.min(plan.notBeforeMs, RETRY_AFTER_MS_MAX) + Math.round(spread * random);
}
