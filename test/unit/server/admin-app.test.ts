import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { buildAdminApp } from '../../../src/server/admin-app.js';
import type { App } from '../../../src/server/fastify.js';
import { shareSnapshot } from '../../../src/server/telemetry/snapshot.js';
import { statsOf } from '../../support/relay-port-double.js';

const headers = { host: '127.0.0.1:9090' };

describe('the admin app', () => {
  let app: App;
  let calls = 0;
  let nowMs = 0;

  beforeEach(async () => {
    calls = 0;
    nowMs = 0;
    const stats = (): ReturnType<typeof statsOf> => {
      calls += 1;
      return statsOf(2000);
    };
    app = await buildAdminApp({ logger: pino({ level: 'silent' }), stats: shareSnapshot(stats, () => nowMs) });
  });
  afterEach(() => app.close());

  it('takes one native snapshot for a whole scrape', async () => {
    await app.inject({ url: '/metrics', headers });
    expect(calls).toBe(1);
    nowMs = 1000;
    await app.inject({ url: '/metrics', headers });
    expect(calls).toBe(2);
  });

  it('follows the rules promtool checks: units, suffixes, help, types, no colons', async () => {
    const { body } = await app.inject({ url: '/metrics', headers });
    const types = new Map([...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
    expect(types.size).toBeGreaterThan(10);
    for (const [name = '', type] of types) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(name).not.toMatch(/milliseconds|_ms\b|kilobytes|megabytes|_(gauge|counter|info_total|count|sum|bucket)$/);
      expect(body).toContain(`# HELP ${name} `);
    }
    expect(body).toContain('relay_uptime_seconds 2\n');
  });

  it('has no labels, so no id can become one', async () => {
    const { body } = await app.inject({ url: '/metrics', headers });
    expect(body).not.toContain('{');
  });

  it.each([
    { host: 'relay.example' },
    { host: '127.0.0.1.evil.example' },
    { host: '127.0.0.1:9090', origin: 'http://evil.example' },
    { host: '127.0.0.1:9090', origin: 'http://127.0.0.1:1' },
    { host: '127.0.0.1:9090', origin: 'null' },
  ])('refuses a page of another origin: %o', async (given) => {
    const response = await app.inject({ url: '/metrics', headers: given });
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({ code: 'local_only' });
  });

  it('streams the snapshot to viewers, and not to another origin', async () => {
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    const url = `${address.replace('http', 'ws')}/admin/live`;
    const viewer = new WebSocket(url);
    const text = await new Promise<string>((resolve, reject) => {
      viewer.once('message', (data: Buffer) => resolve(data.toString('utf8')));
      viewer.once('error', reject);
    });
    expect(JSON.parse(text)).toMatchObject({ connectionsOpen: 2000 });
    viewer.close();
    const foreign = new WebSocket(url, { headers: { origin: 'http://evil.example' } });
    const refusal = await new Promise<Error>((resolve) => foreign.once('error', resolve));
    expect(refusal.message).toContain('403');
  });
});
