// The metrics of operations: uptime, response times, disk space, other regions, alerts.
import type { LabelledRow, Readable, MetricRow, Sample } from './metric-row.js';
import { single } from './metric-row.js';
import type { Period, SlaSummary } from '../sla/sla-summary.js';

export const OPERATION_ROWS = {
  uptime: { name: 'relay_sla_uptime_ratio', help: 'Share of a period that the relay was up, 0 to 1; planned stops are left out.', type: 'gauge', labels: ['period'] },
  response: { name: 'relay_sla_response_seconds', help: 'Response time of the last hour, by percentile.', type: 'gauge', labels: ['percentile'] },
  diskFree: { name: 'relay_data_dir_free_bytes', help: 'Free space of the file system that holds the data directory.', type: 'gauge' },
  diskSize: { name: 'relay_data_dir_size_bytes', help: 'Size of the file system that holds the data directory.', type: 'gauge' },
  regionsOffline: { name: 'relay_regions_offline', help: 'Other regions that do not answer.', type: 'gauge' },
  alertsFiring: { name: 'relay_alerts_firing', help: 'Alerts that are firing.', type: 'gauge' },
  alertsSent: { name: 'relay_alert_messages_sent_total', help: 'Messages about alerts that a receiver took.', type: 'counter' },
  alertsLost: { name: 'relay_alert_messages_lost_total', help: 'Messages about alerts that were refused, tried too often, or did not fit.', type: 'counter' },
} as const satisfies Record<string, MetricRow | LabelledRow>;

/** Periods that are shown; each costs a look through the records it covers, shared for some seconds. */
const PERIODS_SHOWN: readonly Period[] = ['1h', '24h', '7d', '30d'];

export interface OperationFigures {
  readonly summary: (period: Period) => SlaSummary;
  readonly disk: () => { readonly freeBytes: number; readonly sizeBytes: number } | null;
  readonly regionsOffline: () => number;
  readonly alerts: () => { readonly firing: number; readonly sent: number; readonly lost: number };
}

export function operationMetrics(figures: OperationFigures): readonly Readable[] {
  const { summary, disk, regionsOffline, alerts } = figures;
  const reads: Readonly<Record<keyof typeof OPERATION_ROWS, () => readonly Sample[]>> = {
    uptime: () => PERIODS_SHOWN.map((period) => ({ labels: { period }, value: summary(period).uptime_percentage / 100 })),
    response: () => percentiles(summary('1h')),
    diskFree: () => single(disk()?.freeBytes ?? null),
    diskSize: () => single(disk()?.sizeBytes ?? null),
    regionsOffline: () => single(regionsOffline()),
    alertsFiring: () => single(alerts().firing),
    alertsSent: () => single(alerts().sent),
    alertsLost: () => single(alerts().lost),
  };
  return Object.entries(reads).map(([key, read]) => ({ row: OPERATION_ROWS[key as keyof typeof OPERATION_ROWS], read }));
}

function percentiles(hour: SlaSummary): Sample[] {
  const told = [
    ['p50', hour.p50_response_time_ms],
    ['p95', hour.p95_response_time_ms],
    ['p99', hour.p99_response_time_ms],
  ] as const;
  return told.map(([percentile, ms]) => ({ labels: { percentile }, value: ms / 1000 }));
}
