// What the public is told, put together once: the page, the JSON, the feed and the badge say the same.
import type { Region } from '../../config/regions.js';
import { isOpen, type Incident } from '../incidents/incident.js';
import type { RegionHealth, RegionStatus } from '../regions/region-watch.js';
import type { SlaSummary } from '../sla/sla-summary.js';
import type { DayFigures, SlaView } from '../sla/sla-view.js';

export const DAYS_SHOWN = 90;
/** Incidents of this many days are on the page; older ones are in the feed and the reports. */
const INCIDENT_DAYS_SHOWN = 30;
const INCIDENTS_SHOWN_MAX = 20;
const DAY_MS = 86_400_000;

/** From best to worst. */
export type Overall = 'operational' | 'maintenance' | 'degraded' | 'outage';

export interface RegionFacts {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly status: RegionStatus;
  readonly latency_ms: number | null;
  readonly checked: number | null;
  /** True for the region this relay is in, whose past it knows. */
  readonly here: boolean;
}

export interface StatusFacts {
  readonly title: string;
  readonly status: Overall;
  readonly updated: number;
  readonly regions: readonly RegionFacts[];
  /** Oldest first. */
  readonly days: readonly DayFigures[];
  /** Of the days shown. */
  readonly uptime_percentage: number;
  readonly measured_seconds: number;
  /** When measuring began, if that is within the days shown. */
  readonly measured_since: number | null;
  readonly last_day: SlaSummary;
  readonly open: readonly Incident[];
  readonly past: readonly Incident[];
}

export interface StatusSources {
  readonly title: () => string;
  readonly region: () => string;
  readonly regions: () => readonly Region[];
  /** How this relay is. */
  readonly own: () => { readonly status: RegionStatus; readonly planned: boolean; readonly latencyMs: number };
  readonly health: (id: string) => RegionHealth;
  readonly incidents: () => readonly Incident[];
  readonly view: SlaView;
}

export function statusFacts(sources: StatusSources): StatusFacts {
  const { view, title, incidents } = sources;
  const nowMs = view.nowMs;
  const days = view.days(DAYS_SHOWN);
  const all = incidents();
  const open = all.filter((incident) => isOpen(incident, nowMs));
  const regions = regionFacts(sources, nowMs);
  return {
    title: title(),
    status: overall(regions, open, sources.own().planned),
    updated: nowMs,
    regions,
    days,
    uptime_percentage: meanUptime(days),
    measured_seconds: days.reduce((sum, day) => sum + day.measured_seconds, 0),
    measured_since: view.beganMs !== null && view.beganMs > nowMs - DAYS_SHOWN * DAY_MS ? view.beganMs : null,
    last_day: view.summary('24h'),
    open: open.slice(0, INCIDENTS_SHOWN_MAX),
    past: all.filter((incident) => !open.includes(incident) && (incident.toMs ?? incident.fromMs) > nowMs - INCIDENT_DAYS_SHOWN * DAY_MS).slice(0, INCIDENTS_SHOWN_MAX),
  };
}

/** This region first, then those that have an endpoint. A place without a relay has no status. */
function regionFacts({ region, regions, own, health }: StatusSources, nowMs: number): RegionFacts[] {
  const known = regions();
  const here = known.find(({ id }) => id === region()) ?? { id: region(), name: region(), location: '', endpoint: '' };
  const { status, latencyMs } = own();
  const others = known.filter(({ id, endpoint }) => id !== here.id && endpoint !== '');
  return [
    { id: here.id, name: here.name, location: here.location, status, latency_ms: Math.round(latencyMs * 10) / 10, checked: nowMs, here: true },
    ...others.map(({ id, name, location }) => {
      const { status: told, latencyMs: took, checkedMs } = health(id);
      return { id, name, location, status: told, latency_ms: took, checked: checkedMs, here: false };
    }),
  ];
}

function overall(regions: readonly RegionFacts[], open: readonly Incident[], planned: boolean): Overall {
  if (regions.some(({ here, status }) => here && status === 'offline') || open.some(({ impact }) => impact === 'critical')) return 'outage';
  if (regions.some(({ status }) => status === 'offline' || status === 'degraded') || open.some(({ impact }) => impact === 'minor' || impact === 'major')) return 'degraded';
  return planned || open.some(({ impact }) => impact === 'maintenance') ? 'maintenance' : 'operational';
}

function meanUptime(days: readonly DayFigures[]): number {
  const counted = days.map((day) => ({ up: day.measured_seconds - day.downtime_seconds - day.planned_downtime_seconds, down: day.downtime_seconds }));
  const [up, down] = [counted.reduce((sum, day) => sum + day.up, 0), counted.reduce((sum, day) => sum + day.down, 0)];
  return up + down === 0 ? 100 : Math.floor((up / (up + down)) * 1_000_000) / 10_000;
}
