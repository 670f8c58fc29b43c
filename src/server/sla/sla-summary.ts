// The figures of a period, in the shape that the dashboards of hosted relays read, and more.
import { DAY_MS, HOUR_MS } from './sla-history.js';
import type { SlaSum } from './sla-record.js';

export const PERIODS = { '1h': HOUR_MS, '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS } as const;
export type Period = keyof typeof PERIODS;

/** A period that ends now. Longer ones than a day begin with a full hour, because hours are what is kept of the time before. */
export function periodRange(period: Period, nowMs: number): { readonly fromMs: number; readonly toMs: number } {
  const fromMs = nowMs - PERIODS[period];
  return { fromMs: PERIODS[period] > DAY_MS ? Math.floor(fromMs / HOUR_MS) * HOUR_MS : fromMs, toMs: nowMs };
}

export interface Availability {
  /** Up, of the time that was measured and not planned; 100 when nothing was measured. */
  readonly uptime_percentage: number;
  /** Up, of all the time that was measured. */
  readonly uptime_including_planned_percentage: number;
  readonly measured_seconds: number;
  readonly downtime_seconds: number;
  readonly planned_downtime_seconds: number;
}

export interface SlaSummary extends Availability {
  readonly total_requests: number;
  readonly successful_requests: number;
  readonly failed_requests: number;
  /** Requests that were wrong; they are in the total and among the successful ones: the relay did what it should. */
  readonly client_errors: number;
  /** Failed of all, 0 to 1. */
  readonly error_rate: number;
  readonly avg_response_time_ms: number;
  readonly p50_response_time_ms: number;
  readonly p95_response_time_ms: number;
  readonly p99_response_time_ms: number;
  readonly response_time_p95: number;
  readonly period_start: number;
  readonly period_end: number;
  readonly period_hours: number;
  readonly target_uptime_percentage: number;
  readonly target_met: boolean;
  readonly database_metrics: { readonly avg_latency_ms: number; readonly p99_latency_ms: number; readonly max_latency_ms: number; readonly connection_errors: number };
  readonly websocket_metrics: { readonly active_connections: number; readonly total_messages: number; readonly connection_errors: number };
}

export interface SummaryContext {
  readonly targetPercent: number;
  readonly websocketsOpen: number;
}

export function availability({ upMs, downMs, plannedMs }: Pick<SlaSum, 'upMs' | 'downMs' | 'plannedMs'>): Availability {
  return {
    uptime_percentage: percentage(upMs, upMs + downMs),
    uptime_including_planned_percentage: percentage(upMs, upMs + downMs + plannedMs),
    measured_seconds: seconds(upMs + downMs + plannedMs),
    downtime_seconds: seconds(downMs),
    planned_downtime_seconds: seconds(plannedMs),
  };
}

export function summarize(sum: SlaSum, { targetPercent, websocketsOpen }: SummaryContext): SlaSummary {
  const total = Math.round(sum.ok + sum.clientErrors + sum.relayErrors);
  const failed = Math.round(sum.relayErrors);
  const up = availability(sum);
  const [p50 = 0, p95 = 0, p99 = 0] = sum.durations.quantilesMs([0.5, 0.95, 0.99]).map(rounded);
  const [syncP99 = 0] = sum.syncs.quantilesMs([0.99]).map(rounded);
  return {
    ...up,
    total_requests: total,
    successful_requests: total - failed,
    failed_requests: failed,
    client_errors: Math.round(sum.clientErrors),
    error_rate: total === 0 ? 0 : failed / total,
    avg_response_time_ms: mean(sum.durationMicros, sum.durations.count),
    p50_response_time_ms: p50,
    p95_response_time_ms: p95,
    p99_response_time_ms: p99,
    response_time_p95: p95,
    period_start: Math.round(sum.fromMs),
    period_end: Math.round(sum.toMs),
    period_hours: (sum.toMs - sum.fromMs) / HOUR_MS,
    target_uptime_percentage: targetPercent,
    target_met: up.uptime_percentage >= targetPercent,
    database_metrics: { avg_latency_ms: mean(sum.syncMicros, sum.syncs.count), p99_latency_ms: syncP99, max_latency_ms: sum.syncs.highestMs, connection_errors: 0 },
    websocket_metrics: { active_connections: websocketsOpen, total_messages: Math.round(sum.messages), connection_errors: Math.round(sum.connectionErrors) },
  };
}

/** Rounded down to four digits, so that 99.99999 is never shown as 100. */
function percentage(part: number, whole: number): number {
  return whole <= 0 ? 100 : Math.floor((part / whole) * 1_000_000) / 10_000;
}

function mean(micros: number, count: number): number {
  return count === 0 ? 0 : rounded(micros / count / 1000);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
