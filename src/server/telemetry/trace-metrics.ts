// The metrics of the way to a collector of traces; 0 while nothing is traced.
import { single, type MetricRow, type Readable } from './metric-row.js';

export const TRACE_ROWS = {
  sent: { name: 'relay_traces_sent_total', help: 'Spans a collector took; 0 while nothing is traced.', type: 'counter' },
  dropped: { name: 'relay_traces_dropped_total', help: 'Spans lost because they came too fast or the collector did not take them.', type: 'counter' },
} as const satisfies Record<string, MetricRow>;

export type TraceFigures = Readonly<Record<keyof typeof TRACE_ROWS, number>>;

export function traceMetrics(figures: () => TraceFigures | null): readonly Readable[] {
  return Object.entries(TRACE_ROWS).map(([key, row]) => ({ row, read: () => single(figures()?.[key as keyof TraceFigures] ?? 0) }));
}
