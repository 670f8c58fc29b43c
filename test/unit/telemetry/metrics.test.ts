import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TABLE, placeOf, upperMicros } from '../../../src/server/latency-buckets.js';
import { emptySum } from '../../../src/server/sla/sla-record.js';
import { summarize, type SlaSummary } from '../../../src/server/sla/sla-summary.js';
import { CLOSED_LABELS, SHOWN_BOUNDS_SECONDS } from '../../../src/server/telemetry/closed-labels.js';
import { METRIC_TABLE } from '../../../src/server/telemetry/metric-table.js';
import { operationMetrics } from '../../../src/server/telemetry/operation-metrics.js';
import { traceMetrics } from '../../../src/server/telemetry/trace-metrics.js';
import { startProcessFigures } from '../../../src/server/telemetry/process-metrics.js';
import { buildRegistry } from '../../../src/server/telemetry/registry.js';
import { renderMetrics } from '../../../src/server/telemetry/render-metrics.js';
import type { ReadMeasures } from '../../../src/server/telemetry/snapshot.js';
import { measuresOf, statsOf } from '../../support/relay-port-double.js';

const PROMTOOL = spawnSync('promtool', ['--version']).status === 0;
/** Every series beyond this costs each operator's Prometheus. */
const SERIES_MAX = 400;

async function scrape(measures: ReadMeasures = () => measuresOf(5)): Promise<string> {
  const figures = startProcessFigures(() => 0);
  try {
    const summary = (): SlaSummary => summarize(emptySum(0, 1), { targetPercent: 99.9, websocketsOpen: 0 });
    const operations = operationMetrics({ summary, disk: () => ({ freeBytes: 1, sizeBytes: 2 }), regionsOffline: () => 0, alerts: () => ({ firing: 0, sent: 0, lost: 0 }) });
    return await buildRegistry({ stats: () => statsOf(3), measures, rows: [...figures.rows, ...operations, ...traceMetrics(() => null)] }).metrics();
  } finally {
    figures.stop();
  }
}

/** The label pairs of every series. */
function labelsOf(text: string): [name: string, value: string][] {
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return series.flatMap((line) => [...(/\{(.*)\}/.exec(line)?.[1] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']): [string, string] => [name, value]));
}

describe('the metrics', () => {
  it('have labels from closed lists only', async () => {
    const pairs = labelsOf(await scrape());
    expect(new Set(pairs.map(([name]) => name))).toEqual(new Set(['route', 'outcome', 'code', 'le', 'period', 'percentile']));
    for (const [name, value] of pairs) expect(CLOSED_LABELS[name as keyof typeof CLOSED_LABELS]).toContain(value);
  });

  it('let no value that came from outside become a label', async () => {
    const evil = 'evil"} 1\nrelay_spy{id="deadbeef';
    const text = await scrape(() => {
      const measures = measuresOf(5);
      return { ...measures, requests: measures.requests.map((request) => ({ ...request, route: evil })), errors: [{ code: evil, count: 1 }] };
    });
    expect(text).toContain('relay_errors_sent_total{code="other"} 1');
    expect(text).toContain('route="other"');
    expect(text).not.toMatch(/evil|deadbeef/);
  });

  it('join the buckets of the core into cumulative ones', async () => {
    const text = await scrape(() => ({
      table: TABLE,
      requests: [],
      syncs: { places: Uint16Array.from([500, 800, 1000, 100_000, 1_500_000, 9e9].map(placeOf)), counts: Float64Array.from([1, 2, 4, 8, 16, 32]), micros: 7_000_000 },
      errors: [],
    }));
    const at = (le: string): string | undefined => new RegExp(`relay_store_sync_duration_seconds_bucket\\{le="${le.replace('+', '\\+')}"\\} (\\S+)`).exec(text)?.[1];
    expect(['0.0005', '0.001', '0.05', '0.1', '1', '2', '+Inf'].map(at)).toEqual(['1', '7', '7', '15', '15', '31', '63']);
    expect(text).toContain('relay_store_sync_duration_seconds_sum 7\n');
    expect(text).toContain('relay_store_sync_duration_seconds_count 63\n');
  });

  it('are the ones of the table, in its order, and few', async () => {
    const text = await scrape();
    expect([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type])).toEqual(METRIC_TABLE.map(({ name, type }) => [name, type]));
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length).toBeLessThan(SERIES_MAX);
    expect(SHOWN_BOUNDS_SECONDS.every((bound, place) => place === 0 || bound > (SHOWN_BOUNDS_SECONDS[place - 1] ?? 0))).toBe(true);
  });

  it('have bounds at which buckets of the core end, so that what is below them is counted exactly', () => {
    const endAt = (seconds: number): number => upperMicros(placeOf(seconds * 1_000_000)) / 1_000_000;
    for (const bound of SHOWN_BOUNDS_SECONDS) expect(endAt(bound)).toBeCloseTo(bound, 12);
    // Control: ten seconds are in the middle of a bucket.
    expect(endAt(10)).toBeGreaterThan(10.01);
  });

  it('show nothing of a core that has stopped', async () => {
    expect(await scrape(() => null)).not.toContain('relay_requests_total{');
  });

  it('are what the committed page shows (npm run docs:metrics)', () => {
    expect(readFileSync(join(import.meta.dirname, '../../../docs/reference/metrics.md'), 'utf8')).toBe(renderMetrics());
  });

  describe.skipIf(!PROMTOOL)('as promtool sees them (needs promtool, Debian package prometheus)', () => {
    const check = (input: string): { status: number | null; out: string } => {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
      return { status, out: stdout + stderr };
    };

    it('have no finding', async () => {
      expect(check(await scrape())).toEqual({ status: 0, out: '' });
    });

    it('control: it finds a name without its unit', () => {
      expect(check('# HELP relay_x_milliseconds X.\n# TYPE relay_x_milliseconds gauge\nrelay_x_milliseconds 1\n').out).toContain('relay_x_milliseconds');
    });
  });
});
