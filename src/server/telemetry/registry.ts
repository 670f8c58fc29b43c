// Puts the metrics into a prom-client registry. The registry pulls: a metric is read when it is scraped, never pushed to.
import { Registry, type Metric } from 'prom-client';
import { closedLabels } from './closed-labels.js';
import { measureMetrics } from './measure-metrics.js';
import { single, type Readable } from './metric-row.js';
import { RELAY_METRICS } from './relay-metrics.js';
import type { ReadMeasures, ReadStats } from './snapshot.js';

export interface MetricSources {
  readonly stats: ReadStats;
  readonly measures: ReadMeasures;
  /** Whatever else is measured. */
  readonly rows: readonly Readable[];
}

export function buildRegistry({ stats, measures, rows }: MetricSources): Registry {
  const registry = new Registry();
  for (const [key, row] of Object.entries(RELAY_METRICS)) {
    const read = (): number | null => stats()?.[key as keyof typeof RELAY_METRICS] ?? null;
    register(registry, { row, read: () => single(divided(read(), row.divisor)) });
  }
  for (const readable of [...measureMetrics(measures), ...rows]) register(registry, readable);
  return registry;
}

function divided(value: number | null, divisor: number): number | null {
  return value === null ? null : value / divisor;
}

function register(registry: Registry, { row, read }: Readable): void {
  const { name, help, type } = row;
  const pulled = {
    name,
    get: async () => ({
      name,
      help,
      type,
      aggregator: 'sum',
      values: read().map(({ suffix, labels, value }) => ({ metricName: `${name}${suffix ?? ''}`, labels: closedLabels(labels), value })),
    }),
    reset: (): void => undefined,
  };
  // The registry asks a metric only for `name`, `get` and `reset`; its class type has more than it uses.
  registry.registerMetric(pulled as unknown as Metric);
}
