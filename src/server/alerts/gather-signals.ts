// What the alerts look at, put together from everything that knows something.
import type { Region } from '../../config/regions.js';
import type { StoreTrouble } from '../readiness.js';
import type { RegionHealth } from '../regions/region-watch.js';
import type { SlaSum } from '../sla/sla-record.js';
import { summarize } from '../sla/sla-summary.js';
import type { Signals } from './alert-rules.js';

/** How much of the past a rate is of. */
const RATE_WINDOW_MS = 300_000;
/** Of fewer requests one that failed says nothing. */
const REQUESTS_MIN = 10;

export interface SignalSources {
  readonly storeTrouble: () => StoreTrouble | null;
  readonly storeLatencyMs: () => number;
  readonly sum: (fromMs: number, toMs: number) => SlaSum;
  readonly regions: () => readonly Region[];
  readonly health: (id: string) => RegionHealth;
  readonly diskFreePercent: () => number | null;
  readonly certificateDays: () => number | null;
}

export function gatherSignals(sources: SignalSources, nowMs: number): Signals {
  const { error_rate: errorRate, total_requests: requests, p95_response_time_ms: p95 } = summarize(sources.sum(nowMs - RATE_WINDOW_MS, nowMs), { targetPercent: 0, websocketsOpen: 0 });
  return {
    storeTrouble: sources.storeTrouble(),
    errorPercent: requests < REQUESTS_MIN ? 0 : errorRate * 100,
    responseMs: p95,
    storeLatencyMs: sources.storeLatencyMs(),
    regionsOfflineMs: offlineMs(sources, nowMs),
    diskFreePercent: sources.diskFreePercent(),
    certificateDays: sources.certificateDays(),
  };
}

/** Regions that were asked at least once. */
function offlineMs({ regions, health }: SignalSources, nowMs: number): Map<string, number> {
  const asked = regions().filter(({ id }) => health(id).checkedMs !== null);
  return new Map(asked.map(({ id }) => [id, offlineFor(health(id), nowMs)]));
}

function offlineFor({ offlineSinceMs }: RegionHealth, nowMs: number): number {
  // Just found offline is not the same as online.
  return offlineSinceMs === null ? 0 : Math.max(1, nowMs - offlineSinceMs);
}
