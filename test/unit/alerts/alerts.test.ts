// From what is found to what a receiver gets, with real HTTP on loopback.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import type { Config } from '../../../src/config/options.js';
import { Alerts } from '../../../src/server/alerts/alerts.js';
import { QUEUE_MAX, TRIES_MAX } from '../../../src/server/alerts/alert-delivery.js';
import { watchedBy, type Signals } from '../../../src/server/alerts/alert-rules.js';
import { MemoryFiles } from '../../support/memory-files.js';

interface Got {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
}

const WELL: Signals = { storeTrouble: null, errorPercent: 0, responseMs: 3, storeLatencyMs: 2, regionsOfflineMs: new Map(), diskFreePercent: 60, certificateDays: null };
const MINUTE_MS = 60_000;

describe('alerts', () => {
  let server: Server;
  let base: string;
  let got: Got[];
  let answer: (tries: number) => number | null;
  let config: Config;
  let slept: number[];
  let logged: string[];
  const made: Alerts[] = [];

  beforeEach(async () => {
    [got, slept, logged] = [[], [], []];
    answer = () => 200;
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => (text += piece.toString('utf8')));
      request.on('end', () => {
        got.push({ path: request.url ?? '', authorization: request.headers.authorization, body: JSON.parse(text) });
        const status = answer(got.length);
        if (status !== null) response.writeHead(status).end('{}');
        else response.destroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    config = loadConfig(['--region', 'eu-west'], { RELAY_ALERTS_WEBHOOK: `${base}/hook/s3cret` }).config;
  });
  afterEach(() => {
    for (const alerts of made.splice(0)) alerts.stop();
    server.closeAllConnections();
    server.close();
  });

  function alerts(): Alerts {
    const logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
    const sleep = async (ms: number): Promise<void> => void slept.push(ms);
    const one = new Alerts({ config: () => config, logger, fetch, sleep });
    made.push(one);
    return one;
  }

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  it('say in words what is not known, and never a limit of it', () => {
    const summaries = watchedBy(config, { ...WELL, diskFreePercent: null }).map(({ summary }) => summary);
    expect(summaries).toEqual(expect.arrayContaining(['There is no certificate', 'The disk has not been looked at yet']));
    expect(summaries.join(' ')).not.toContain('unknown');
  });

  it('reach a webhook once they have lasted, and say when they are over', async () => {
    const watching = alerts();
    const bad = { ...WELL, errorPercent: 2.5 };
    watching.look(bad, 0);
    watching.look(bad, MINUTE_MS - 1);
    expect(watching.all.find(({ rule }) => rule === 'error_rate')?.state.phase).toBe('pending');
    watching.look(bad, MINUTE_MS);
    watching.look({ ...WELL, errorPercent: 0.9 }, 2 * MINUTE_MS);
    watching.look(WELL, 3 * MINUTE_MS);
    watching.look(WELL, 8 * MINUTE_MS);
    await until(() => got.length === 2);
    expect(got.map(({ path, body }) => [path, body['text']])).toEqual([
      ['/hook/s3cret', 'Alert: error_rate in eu-west: 2.5 % of the requests of the last five minutes failed (limit 1 %)'],
      ['/hook/s3cret', 'Resolved: error_rate in eu-west: 0 % of the requests of the last five minutes failed (limit 1 %)'],
    ]);
    expect(got[0]?.body['attachments']).toMatchObject([{ color: 'danger', ts: 60 }]);
    expect(logged.map((line) => JSON.parse(line).code)).toEqual(['alert_firing', 'alert_resolved']);
    expect(logged.join()).not.toContain('s3cret');
  });

  it('have the shapes PagerDuty and Opsgenie take, with one identity from beginning to end', async () => {
    config = loadConfig(['--region', 'eu-west', '--alerts.pagerduty-url', `${base}/pd`, '--alerts.opsgenie-url', `${base}/og/`], { RELAY_ALERTS_PAGERDUTY_KEY: 'pd-key', RELAY_ALERTS_OPSGENIE_KEY: 'og-key' }).config;
    const watching = alerts();
    watching.look({ ...WELL, storeTrouble: 'disk_full' }, 0);
    watching.look(WELL, 1000);
    watching.look(WELL, 2 * MINUTE_MS);
    await until(() => got.length === 4);
    const [trigger, resolve] = got.filter(({ path }) => path === '/pd/v2/enqueue').map(({ body }) => body);
    expect(trigger).toMatchObject({ routing_key: 'pd-key', event_action: 'trigger', dedup_key: 'sealrelay/eu-west/store_unavailable', payload: { severity: 'critical', source: 'sealrelay eu-west', timestamp: '1970-01-01T00:00:00.000Z', summary: 'The store takes no entries: disk_full' } });
    expect(resolve).toMatchObject({ routing_key: 'pd-key', event_action: 'resolve', dedup_key: 'sealrelay/eu-west/store_unavailable' });
    const opsgenie = got.filter(({ path }) => path.startsWith('/og/'));
    expect(opsgenie.map(({ path, authorization }) => [path, authorization])).toEqual([
      ['/og/v2/alerts', 'GenieKey og-key'],
      ['/og/v2/alerts/sealrelay%2Feu-west%2Fstore_unavailable/close?identifierType=alias', 'GenieKey og-key'],
    ]);
    expect(opsgenie[0]?.body).toMatchObject({ alias: 'sealrelay/eu-west/store_unavailable', priority: 'P1' });
  });

  it('are sent again, with growing pauses, until they are taken', async () => {
    answer = (tries) => [null, 500, 429, 503][tries - 1] ?? (tries === 1 ? null : 202);
    const watching = alerts();
    watching.look({ ...WELL, storeTrouble: 'disk_full' }, 0);
    await until(() => watching.sentTotal === 1);
    expect(got).toHaveLength(5);
    expect(slept).toHaveLength(4);
    for (const [place, ms] of slept.entries()) {
      expect(ms).toBeGreaterThanOrEqual(500 * 2 ** place);
      expect(ms).toBeLessThanOrEqual(1000 * 2 ** place);
    }
  });

  it('are given up when they are refused, or after too many tries, and that is told', async () => {
    answer = () => 404;
    const refused = alerts();
    refused.look({ ...WELL, storeTrouble: 'disk_full' }, 0);
    await until(() => refused.lostTotal === 1);
    expect(got).toHaveLength(1);
    answer = () => 500;
    const failing = alerts();
    failing.look({ ...WELL, storeTrouble: 'disk_full' }, 0);
    await until(() => failing.lostTotal === 1);
    expect(got).toHaveLength(1 + TRIES_MAX);
    expect(slept.every((ms) => ms <= 300_000)).toBe(true);
    expect(logged.filter((line) => JSON.parse(line).code === 'alert_lost')).toHaveLength(2);
    expect(logged.join()).not.toContain('s3cret');
  });

  it('wait in a queue with an end', async () => {
    const waiting = new Promise<never>(() => undefined);
    const stuck = new Alerts({ config: () => config, logger: pino({ level: 'silent' }), fetch: () => waiting });
    made.push(stuck);
    for (let each = 0; each < QUEUE_MAX; each += 1) stuck.test(0);
    expect(stuck.targets).toEqual([{ name: 'webhook', waiting: QUEUE_MAX, sent: 0, lost: QUEUE_MAX }]);
  });

  it('that fired before a restart are resolved after it, and not told again', async () => {
    const files = new MemoryFiles();
    const before = alerts();
    await before.open(files);
    before.look({ ...WELL, storeTrouble: 'disk_full' }, 0);
    await until(() => got.length === 1 && files.files.has('firing.json'));
    const after = alerts();
    await after.open(files);
    after.look({ ...WELL, storeTrouble: 'disk_full' }, 1000);
    after.look(WELL, 2000);
    after.look(WELL, 2000 + MINUTE_MS);
    await until(() => got.length === 2);
    expect(got[1]?.body['text']).toMatch(/^Resolved/);
    files.files.set('firing.json', '[{"key":1}, 5');
    await alerts().open(files);
  });
});

describe('what is too much', () => {
  const { config } = loadConfig([], {});
  const looks = (signals: Partial<Signals>): Record<string, string> => Object.fromEntries(watchedBy(config, { ...WELL, ...signals }).map(({ rule, subject, look }) => [subject === null ? rule : `${rule}:${subject}`, look]));

  it.each([
    [{ errorPercent: 1.01 }, 'error_rate', 'breached'],
    [{ errorPercent: 1 }, 'error_rate', 'between'],
    [{ errorPercent: 0.8 }, 'error_rate', 'clear'],
    [{ errorPercent: null }, 'error_rate', 'unknown'],
    [{ responseMs: 1001 }, 'response_time', 'breached'],
    [{ responseMs: 1000 }, 'response_time', 'between'],
    [{ storeLatencyMs: 101 }, 'store_latency', 'breached'],
    [{ storeLatencyMs: 80 }, 'store_latency', 'clear'],
    [{ regionsOfflineMs: new Map([['eu', 300_001]]) }, 'region_offline:eu', 'breached'],
    [{ regionsOfflineMs: new Map([['eu', 300_000]]) }, 'region_offline:eu', 'between'],
    [{ regionsOfflineMs: new Map([['eu', 0]]) }, 'region_offline:eu', 'clear'],
    [{ diskFreePercent: 9.9 }, 'disk_free', 'breached'],
    [{ diskFreePercent: 12 }, 'disk_free', 'between'],
    [{ diskFreePercent: 13 }, 'disk_free', 'clear'],
    [{ certificateDays: null }, 'certificate_expiry', 'unknown'],
    [{ certificateDays: 13 }, 'certificate_expiry', 'breached'],
    [{ certificateDays: 60 }, 'certificate_expiry', 'clear'],
    [{ storeTrouble: 'store_poisoned' }, 'store_unavailable', 'breached'],
  ] as const)('%j: %s is %s', (signals, key, look) => {
    expect(looks(signals)[key]).toBe(look);
  });

  it('is what the options and the variables of other relays say', () => {
    const given = loadConfig([], { SLA_TARGET_UPTIME: '0.9995', SLA_ALERT_WEBHOOK: 'https://hooks.example/x', RELAY_ALERTS_ERROR_RATE_MAX: '2.5%' }).config;
    expect(given).toMatchObject({ 'sla.target-uptime': 99.95, 'alerts.webhook': 'https://hooks.example/x', 'alerts.error-rate-max': 2.5 });
    expect(() => loadConfig([], { SLA_TARGET_UPTIME: 'most of it' })).toThrow('SLA_TARGET_UPTIME');
  });
});
