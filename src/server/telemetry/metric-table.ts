// Every metric there is, in the order of a scrape: what the reference page, the dashboards' tests and promtool are shown.
import { MEASURE_ROWS } from './measure-metrics.js';
import type { LabelledRow, MetricRow } from './metric-row.js';
import { OPERATION_ROWS } from './operation-metrics.js';
import { PROCESS_ROWS } from './process-metrics.js';
import { RELAY_METRICS } from './relay-metrics.js';
import { TRACE_ROWS } from './trace-metrics.js';

export const METRIC_TABLE: readonly (MetricRow | LabelledRow)[] = [
  ...Object.values(RELAY_METRICS),
  ...Object.values(MEASURE_ROWS),
  ...Object.values(PROCESS_ROWS),
  ...Object.values(OPERATION_ROWS),
  ...Object.values(TRACE_ROWS),
];
