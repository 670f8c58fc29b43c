// What is watched, and when it is too much. Between the limit and the point where an alert is over there is room, so that a
// value that trembles around the limit wakes nobody twice.
import type { Config } from '../../config/options.js';
import type { Look, Waits } from './alert-machine.js';

export const RULES = ['store_unavailable', 'error_rate', 'response_time', 'store_latency', 'region_offline', 'disk_free', 'certificate_expiry'] as const;
export type RuleName = (typeof RULES)[number];
export type Severity = 'critical' | 'warning';

/** What is known at one moment; null: not known. */
export interface Signals {
  /** Why the store takes nothing, or null when it does. */
  readonly storeTrouble: string | null;
  /** Percent of the requests of the last minutes; null when there were too few to say. */
  readonly errorPercent: number | null;
  readonly responseMs: number | null;
  readonly storeLatencyMs: number | null;
  /** Other regions: how long each has been offline; 0: it is not. */
  readonly regionsOfflineMs: ReadonlyMap<string, number>;
  readonly diskFreePercent: number | null;
  readonly certificateDays: number | null;
}

/** One thing that is watched, as it was found. */
export interface Watched {
  readonly rule: RuleName;
  /** Which one of several, a region's id; null where there is only one. */
  readonly subject: string | null;
  readonly severity: Severity;
  readonly waits: Waits;
  readonly look: Look;
  /** A sentence without its full stop: what was found, and the limit. */
  readonly summary: string;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** Of the limit; below this (above, for a minimum: divided by it) it is over. */
const CLEAR_SHARE = 0.8;

type Limits = Pick<
  Config,
  'alerts.error-rate-max' | 'alerts.response-time-max' | 'alerts.store-latency-max' | 'alerts.region-offline-max' | 'alerts.disk-free-min' | 'alerts.certificate-days-min'
>;

export function watchedBy(limits: Limits, signals: Signals): Watched[] {
  const { errorPercent, responseMs, storeLatencyMs, diskFreePercent, certificateDays, storeTrouble } = signals;
  const errorMax = limits['alerts.error-rate-max'];
  const responseMax = limits['alerts.response-time-max'];
  const latencyMax = limits['alerts.store-latency-max'];
  const diskMin = limits['alerts.disk-free-min'];
  const daysMin = limits['alerts.certificate-days-min'];
  const one = (rule: RuleName, severity: Severity, waits: Waits, look: Look, summary: string): Watched => ({ rule, subject: null, severity, waits, look, summary });
  return [
    one('store_unavailable', 'critical', { forMs: 0, clearMs: MINUTE_MS }, storeTrouble === null ? 'clear' : 'breached', storeTrouble === null ? 'The store takes entries' : `The store takes no entries: ${storeTrouble}`),
    one('error_rate', 'critical', { forMs: MINUTE_MS, clearMs: 5 * MINUTE_MS }, above(errorPercent, errorMax), errorPercent === null ? 'Nobody asked for anything in the last five minutes' : `${shown(errorPercent)} % of the requests of the last five minutes failed (limit ${errorMax} %)`),
    one('response_time', 'warning', { forMs: 2 * MINUTE_MS, clearMs: 5 * MINUTE_MS }, above(responseMs, responseMax), responseMs === null ? 'Nobody asked for anything in the last five minutes' : `One in twenty requests takes longer than ${shown(responseMs)} ms (limit ${responseMax} ms)`),
    one('store_latency', 'warning', { forMs: MINUTE_MS, clearMs: 5 * MINUTE_MS }, above(storeLatencyMs, latencyMax), storeLatencyMs === null ? 'The store has not been looked at yet' : `The store takes ${shown(storeLatencyMs)} ms to make entries durable (limit ${latencyMax} ms)`),
    ...regions(signals, limits['alerts.region-offline-max']),
    one('disk_free', 'critical', { forMs: MINUTE_MS, clearMs: MINUTE_MS }, below(diskFreePercent, diskMin), diskFreePercent === null ? 'The disk has not been looked at yet' : `${shown(diskFreePercent)} % of the disk is free (limit ${diskMin} %)`),
    one('certificate_expiry', 'warning', { forMs: 0, clearMs: 0 }, below(certificateDays, daysMin), certificateDays === null ? 'There is no certificate' : `The certificate expires in ${shown(certificateDays)} days (limit ${daysMin})`),
  ];
}

function regions({ regionsOfflineMs }: Signals, maxMs: number): Watched[] {
  return [...regionsOfflineMs].map(([id, offlineMs]) => ({
    rule: 'region_offline' as const,
    subject: id,
    severity: 'critical' as const,
    waits: { forMs: 0, clearMs: 0 },
    look: offlineMs === 0 ? 'clear' : offlineMs > maxMs ? 'breached' : 'between',
    summary: offlineMs === 0 ? `Region ${id} answers` : `Region ${id} has not answered for ${Math.round(offlineMs / SECOND_MS)} s (limit ${maxMs / SECOND_MS} s)`,
  }));
}

function above(value: number | null, max: number): Look {
  if (value === null) return 'unknown';
  if (value > max) return 'breached';
  return value <= max * CLEAR_SHARE ? 'clear' : 'between';
}

function below(value: number | null, min: number): Look {
  if (value === null) return 'unknown';
  if (value < min) return 'breached';
  // Half way to all there is, where a fifth more than the limit would be more than that.
  return value >= Math.min(min / CLEAR_SHARE, (min + 100) / 2) ? 'clear' : 'between';
}

function shown(value: number): string {
  return String(Math.round(value * 100) / 100);
}
