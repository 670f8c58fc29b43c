// One native snapshot serves everything that asks within a short time: a scrape costs one call, however many metrics it has.
import type { RelayMeasures, RelayStats } from '../../native/relay-port.js';

/** How long a snapshot is shared. */
const SHARE_MS = 50;

export type ReadStats = () => RelayStats | null;
/** Durations by bucket and errors by code. */
export type ReadMeasures = () => RelayMeasures | null;

export function shareSnapshot<T>(read: () => T, nowMs: () => number): () => T {
  let taken: { stats: T; atMs: number } | null = null;
  return () => {
    const now = nowMs();
    if (taken === null || now - taken.atMs >= SHARE_MS) taken = { stats: read(), atMs: now };
    return taken.stats;
  };
}
