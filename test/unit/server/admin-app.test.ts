import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { StoreTrouble } from '../../../src/server/readiness.js';
import type { ReloadReport } from '../../../src/server/reload.js';
import { shareSnapshot } from '../../../src/server/telemetry/snapshot.js';
import { LOCAL as headers, adminWorld, type AdminWorld } from '../../support/admin-app.js';
import { statsOf } from '../../support/relay-port-double.js';

describe('the admin app', () => {
  let world: AdminWorld;
  let app: AdminWorld['app'];
  let calls = 0;
  let nowMs = 0;
  let trouble: StoreTrouble | null;
  let report: ReloadReport;

  beforeEach(async () => {
    calls = 0;
    nowMs = 0;
    const stats = (): ReturnType<typeof statsOf> => {
      calls += 1;
      return statsOf(2000);
    };
    trouble = null;
    report = { error: null, applied: ['log.level'], needRestart: ['workers'] };
    world = await adminWorld({ stats: shareSnapshot(stats, () => nowMs), storeTrouble: () => trouble, reload: async () => report });
    app = world.app;
  });
  afterEach(() => world[Symbol.asyncDispose]());

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

  it('says how the relay is, with every figure', async () => {
    const answer = async (): Promise<unknown> => (await app.inject({ url: '/status', headers })).json();
    const about = { version: '9.9.9', relayAddress: 'sealrelay://127.0.0.1:1/#k=A', pid: process.pid, phase: 'ready', storeLatencyMs: 1.5, figures: statsOf(2000) };
    expect(await answer()).toEqual({ ...about, ready: true, reason: null, detail: null });
    trouble = 'disk_full';
    expect(await answer()).toMatchObject({ ready: false, reason: 'disk_full', detail: expect.stringContaining('Make room') });
  });

  it('reloads for POST only, for a token only, from its own address only, and says why it did not', async () => {
    const reload = { url: '/admin/api/reload', method: 'POST', headers: world.bearer } as const;
    expect((await app.inject(reload)).json()).toEqual({ applied: ['log.level'], needRestart: ['workers'] });
    expect((await app.inject({ ...reload, method: 'GET' })).statusCode).toBe(404);
    expect((await app.inject({ ...reload, headers })).statusCode).toBe(401);
    expect((await app.inject({ ...reload, headers: { ...world.bearer, origin: 'http://evil.example' } })).statusCode).toBe(403);
    report = { error: 'port is "x"', applied: [], needRestart: [] };
    const refused = await app.inject(reload);
    expect(refused.statusCode).toBe(409);
    expect(refused.json()).toMatchObject({ code: 'config_invalid', detail: 'port is "x"' });
  });

  it('streams the snapshot to viewers with a token, and not to another origin', async () => {
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    const url = `${address.replace('http', 'ws')}/admin/api/live`;
    const authorization = `Bearer ${world.token}`;
    const viewer = new WebSocket(url, { headers: { authorization } });
    const text = await new Promise<string>((resolve, reject) => {
      viewer.once('message', (data: Buffer) => resolve(data.toString('utf8')));
      viewer.once('error', reject);
    });
    expect(JSON.parse(text)).toMatchObject({ connectionsOpen: 2000 });
    viewer.close();
    const foreign = new WebSocket(url, { headers: { authorization, origin: 'http://evil.example' } });
    const refusal = await new Promise<Error>((resolve) => foreign.once('error', resolve));
    expect(refusal.message).toContain('403');
    const nobody = new WebSocket(url);
    expect((await new Promise<Error>((resolve) => nobody.once('error', resolve))).message).toContain('401');
  });
});
