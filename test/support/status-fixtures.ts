// A past for the status page: ninety days with all that can happen in them.
import type { Incident } from '../../src/server/incidents/incident.js';
import { placeOf } from '../../src/server/latency-buckets.js';
import { DurationsBuilder } from '../../src/server/sla/durations.js';
import { availability, summarize } from '../../src/server/sla/sla-summary.js';
import { emptySum } from '../../src/server/sla/sla-record.js';
import { DAYS_SHOWN, type StatusFacts } from '../../src/server/status-page/status-facts.js';

const DAY_MS = 86_400_000;
export const NOW_MS = Date.UTC(2026, 10, 28, 9, 41);

export const OPEN_INCIDENT: Incident = {
  id: '2026-11-28-slow-syncs',
  title: 'Slow receipts in EU West',
  impact: 'minor',
  status: 'monitoring',
  fromMs: NOW_MS - 5_400_000,
  toMs: null,
  regions: ['eu-west'],
  note: 'A disk answers **slowly**. Entries are stored, receipts take longer.\n\n- 09:10 moved to another disk\n- 09:35 back to normal, we `watch` it\n\nMore: [how receipts work](https://relay.example/receipts)',
};

export const PAST_INCIDENT: Incident = {
  id: '2026-11-20-power',
  title: 'Power failure <script>alert(1)</script>',
  impact: 'critical',
  status: 'resolved',
  fromMs: NOW_MS - 8 * DAY_MS,
  toMs: NOW_MS - 8 * DAY_MS + 2_700_000,
  regions: [],
  note: 'The power was gone for 45 minutes. **Nothing that had a receipt was lost.** <img src=x onerror=alert(1)>',
};

/** Down for some seconds or minutes, planned, or not measured. */
function dayAt(place: number): StatusFacts['days'][number] {
  const downMs = ({ 30: 40_000, 52: 300_000, 81: 2_700_000 } as Record<number, number>)[place] ?? 0;
  const plannedMs = place % 29 === 20 ? 60_000 : 0;
  const measuredMs = place < 12 ? 0 : DAY_MS;
  const startMs = Math.floor(NOW_MS / DAY_MS) * DAY_MS - (DAYS_SHOWN - 1 - place) * DAY_MS;
  return { day: new Date(startMs).toISOString().slice(0, 10), ...availability({ upMs: measuredMs === 0 ? 0 : measuredMs - downMs - plannedMs, downMs, plannedMs: measuredMs === 0 ? 0 : plannedMs }) };
}

export function statusFixture(change: Partial<StatusFacts> = {}): StatusFacts {
  const sum = { ...emptySum(NOW_MS - DAY_MS, NOW_MS), upMs: DAY_MS, ok: 48_212, relayErrors: 3, durations: new DurationsBuilder() };
  for (const [micros, count] of [[1200, 30_000], [2000, 15_000], [5000, 3000], [12_000, 212]] as const) sum.durations.add(placeOf(micros), count);
  const region = (id: string, name: string, location: string, status: StatusFacts['regions'][number]['status'], latency: number | null, here = false): StatusFacts['regions'][number] => ({
    id,
    name,
    location,
    status,
    latency_ms: latency,
    checked: status === 'unknown' ? null : NOW_MS - 20_000,
    here,
  });
  return {
    title: 'Graceful Relay status',
    status: 'degraded',
    updated: NOW_MS,
    regions: [region('eu-west', 'EU West', 'Ireland', 'degraded', 112.4, true), region('us-east', 'US East', 'Virginia', 'online', 84), region('asia-east', 'Asia East', 'Tokyo', 'offline', null), region('eu-central', 'EU Central', 'Frankfurt', 'unknown', null)],
    days: Array.from({ length: DAYS_SHOWN }, (_, place) => dayAt(place)),
    uptime_percentage: 99.9549,
    measured_seconds: 78 * 86_400,
    measured_since: NOW_MS - 78 * DAY_MS,
    last_day: summarize(sum, { targetPercent: 99.9, websocketsOpen: 132 }),
    open: [OPEN_INCIDENT],
    past: [PAST_INCIDENT],
    ...change,
  };
}
