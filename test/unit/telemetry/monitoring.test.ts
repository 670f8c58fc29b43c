// The rules and the dashboard in deploy/monitoring speak of metrics and label values that exist, in queries that can be read.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLOSED_LABELS } from '../../../src/server/telemetry/closed-labels.js';
import { METRIC_TABLE } from '../../../src/server/telemetry/metric-table.js';

const FOLDER = join(import.meta.dirname, '../../../deploy/monitoring');
const DASHBOARD = 'sealrelay.dashboard.json';
const RULES = 'sealrelay.rules.yml';
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const hasAmtool = spawnSync('amtool', ['--version']).status === 0;

const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const known = new Set(METRIC_TABLE.flatMap(({ name, type }) => (type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name])));

/** What stands behind `="` is the value of a label. */
function unknownMetrics(text: string): string[] {
  return [...new Set([...text.matchAll(/(?<!=\\?")\b(?:relay|process)_[a-z0-9_]+/g)].map(([name]) => name))].filter((name) => !known.has(name));
}

/** `label="value"` pairs whose value the label never has. */
function unknownValues(text: string): string[] {
  const labels = Object.entries(CLOSED_LABELS).filter(([label]) => label !== 'le');
  return labels.flatMap(([label, values]) =>
    [...text.replaceAll(String.raw`\"`, '"').matchAll(new RegExp(`\\b${label}(?:=|!=|=~|!~)"([^"]*)"`, 'g'))].flatMap(([, given = '']) => given.split('|').filter((value) => !(values as readonly string[]).includes(value)).map((value) => `${label}=${value}`)),
  );
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

function expressions(): string[] {
  const { panels } = JSON.parse(read(DASHBOARD)) as { panels: Panel[] };
  return panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));
}

function promtool(...args: readonly string[]): { status: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { status, out: stdout + stderr };
}

describe('deploy/monitoring', () => {
  it.each([RULES, 'sealrelay.rules.test.yml', DASHBOARD])('%s names only metrics and label values that exist', (name) => {
    const text = read(name);
    expect(text).toMatch(/relay_[a-z]/);
    expect(unknownMetrics(text)).toEqual([]);
    expect(unknownValues(text)).toEqual([]);
  });

  it('control: finds names that do not exist', () => {
    expect(unknownMetrics('rate(relay_request_total{outcome="relay_error"}[5m]) + relay_request_duration_seconds')).toEqual(['relay_request_total', 'relay_request_duration_seconds']);
    expect(unknownValues('{outcome="failed", route!~"read|blobs"}')).toEqual(['route=blobs', 'outcome=failed']);
  });

  it('has a panel for everything an operator is promised', () => {
    const all = expressions().join('\n');
    for (const name of ['relay_request_duration_seconds_bucket', 'relay_store_sync_duration_seconds_bucket', 'relay_slow_consumers_total', 'relay_entries_sent_live_total', 'relay_store_queued_pushes', 'process_cpu_seconds_total', 'process_resident_memory_bytes', 'relay_js_event_loop_lag_p99_seconds', 'relay_sla_uptime_ratio']) expect(all).toContain(name);
  });

  describe.skipIf(!hasPromtool)('as promtool sees it (needs promtool, Debian package prometheus)', () => {
    it('has rules that are right, and each fires on what it is for', () => {
      expect(promtool('check', 'rules', join(FOLDER, RULES))).toMatchObject({ status: 0 });
      expect(promtool('test', 'rules', join(FOLDER, 'sealrelay.rules.test.yml'))).toMatchObject({ status: 0 });
    });

    it('has a configuration that Prometheus takes, and one that it would not', () => {
      expect(promtool('check', 'config', join(FOLDER, 'prometheus.yml'))).toMatchObject({ status: 0 });
      const dir = mkdtempSync(join(tmpdir(), 'sealrelay-prometheus-'));
      const wrong = join(dir, 'prometheus.yml');
      writeFileSync(wrong, read('prometheus.yml').replace('scrape_interval', 'scrape_intervall'));
      expect(promtool('check', 'config', wrong).status).not.toBe(0);
      rmSync(dir, { recursive: true, force: true });
    });

    it('has queries in the dashboard that can be read', () => {
      const dir = mkdtempSync(join(tmpdir(), 'sealrelay-rules-'));
      try {
        const rules = expressions().map((expr, place) => ({ record: `panel_${place}`, expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*') }));
        const file = join(dir, 'panels.yml');
        writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
        expect(promtool('check', 'rules', file)).toMatchObject({ status: 0 });
        writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules: [{ record: 'x', expr: 'sum(rate(relay_x[5m])' }] }] }));
        expect(promtool('check', 'rules', file).status).not.toBe(0);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    });
  });

  it('routes by severities that the rules have, and silences by names that they have', () => {
    const rules = read(RULES);
    const named = (pattern: RegExp): string[] => [...read('alertmanager.yml').matchAll(pattern)].map(([, value = '']) => value);
    for (const severity of named(/severity="([a-z]+)"/g)) expect(rules).toContain(`severity: ${severity}`);
    for (const alert of named(/alertname!?="(\w+)"/g)) expect(rules).toContain(`alert: ${alert}`);
    expect(named(/alertname!?="(\w+)"/g).length).toBeGreaterThan(1);
  });

  it.skipIf(!hasAmtool)('tells Alertmanager what that takes (needs amtool, Debian package prometheus-alertmanager)', () => {
    const where = (severity: string, alertname: string): string => spawnSync('amtool', ['config', 'routes', 'test', '--config.file', join(FOLDER, 'alertmanager.yml'), `severity=${severity}`, `alertname=${alertname}`], { encoding: 'utf8' }).stdout.trim();
    expect(spawnSync('amtool', ['check-config', join(FOLDER, 'alertmanager.yml')]).status).toBe(0);
    expect([where('critical', 'SealrelayDown'), where('warning', 'SealrelayResponseTime')]).toEqual(['pager', 'team']);
  });
});
