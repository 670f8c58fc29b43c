// The report of a month: whether the promise was kept, day by day, what went wrong, and what is owed for it.
import { RelayError } from '../../errors.js';
import type { Incident } from '../incidents/incident.js';
import { OUTAGE_WORDS, type OutageReason } from './outage.js';
import { DAY_MS } from './sla-history.js';
import type { SlaSummary } from './sla-summary.js';
import type { DayFigures, SlaView } from './sla-view.js';

/** Below each uptime (in percent) the share of the month's price that is given back. The first row is the promise itself. */
const CREDITS: readonly { readonly belowPercent: number | 'target'; readonly creditPercent: number }[] = [
  { belowPercent: 'target', creditPercent: 10 },
  { belowPercent: 99, creditPercent: 25 },
  { belowPercent: 95, creditPercent: 100 },
];

export interface ReportedOutage {
  readonly from: string;
  readonly to: string;
  readonly seconds: number;
  readonly reason: OutageReason;
  readonly description: string;
}

export interface ReportedIncident {
  readonly title: string;
  readonly impact: string;
  readonly status: string;
  readonly from: string;
  readonly to: string | null;
}

export interface SlaReport {
  /** `YYYY-MM`. */
  readonly month: string;
  /** False while the month goes on, or when measuring began in the middle of it. */
  readonly complete: boolean;
  readonly summary: SlaSummary;
  readonly credit_percentage: number;
  readonly days: readonly DayFigures[];
  readonly outages: readonly ReportedOutage[];
  readonly incidents: readonly ReportedIncident[];
}

/** Throws when the month is none, or lies in the future. */
export function buildReport(month: string, view: SlaView, incidents: readonly Incident[]): SlaReport {
  const { fromMs, endMs } = monthRange(month);
  const nowMs = view.nowMs;
  if (fromMs > nowMs) throw new RelayError('month_invalid', `${month} has not begun`);
  const toMs = Math.min(endMs, nowMs);
  const summary = view.summaryOf(fromMs, toMs);
  const days = [];
  for (let day = fromMs; day < toMs; day += DAY_MS) days.push(view.day(day));
  return {
    month,
    complete: nowMs >= endMs && (view.beganMs ?? Infinity) <= fromMs,
    summary,
    credit_percentage: creditFor(summary),
    days,
    outages: view.outages(fromMs, toMs).map((outage) => {
      const [from, to] = [Math.max(outage.fromMs, fromMs), Math.min(outage.toMs, toMs)];
      return { from: iso(from), to: iso(to), seconds: Math.round((to - from) / 1000), reason: outage.reason, description: OUTAGE_WORDS[outage.reason] };
    }),
    incidents: incidents
      .filter((incident) => incident.fromMs < toMs && (incident.toMs ?? nowMs) > fromMs)
      .map(({ title, impact, status, fromMs: began, toMs: ended }) => ({ title, impact, status, from: iso(began), to: ended === null ? null : iso(ended) })),
  };
}

/** A month in UTC. */
function monthRange(month: string): { readonly fromMs: number; readonly endMs: number } {
  const [, year = '', number = ''] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month) ?? [];
  if (year === '' || Number(year) < 1970) throw new RelayError('month_invalid', `"${month}" is no month such as 2026-11`);
  return { fromMs: Date.UTC(Number(year), Number(number) - 1), endMs: Date.UTC(Number(year), Number(number)) };
}

function creditFor({ uptime_percentage: uptime, target_uptime_percentage: target }: SlaSummary): number {
  const owed = CREDITS.filter(({ belowPercent }) => uptime < (belowPercent === 'target' ? target : Math.min(belowPercent, target)));
  return owed.at(-1)?.creditPercent ?? 0;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
