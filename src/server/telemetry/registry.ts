// Puts the rows into a prom-client registry. The registry pulls: a metric is read when it is scraped, never pushed to.
import { Registry, type Metric } from 'prom-client';
import { RELAY_METRICS, type MetricRow } from './relay-metrics.js';
import type { OwnFigure } from './process-metrics.js';
import type { ReadStats } from './snapshot.js';

export function buildRegistry(stats: ReadStats, figures: readonly OwnFigure[]): Registry {
  const registry = new Registry();
  for (const [key, row] of Object.entries(RELAY_METRICS)) {
    registerRow(registry, row, () => stats()?.[key as keyof typeof RELAY_METRICS] ?? null);
  }
  for (const row of figures) registerRow(registry, row, row.read);
  return registry;
}

function registerRow(registry: Registry, row: MetricRow, read: () => number | null): void {
  const pulled = {
    name: row.name,
    get: async () => {
      const value = read();
      return {
        name: row.name,
        help: row.help,
        type: row.type,
        aggregator: 'sum',
        values: value === null ? [] : [{ labels: {}, value: value / row.divisor }],
      };
    },
    reset: (): void => undefined,
  };
  // The registry asks a metric only for `name`, `get` and `reset`; its class type has more than it uses.
  registry.registerMetric(pulled as unknown as Metric);
}
