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

  it('makes, lists and revokes invite tokens, and says so to the audit log without the token', async () => {
    const url = '/admin/api/tokens';
    const made = await app.inject({ method: 'POST', url, headers: world.bearer, payload: { label: 'family', tenant: null, uses: 3, lifetimeMs: 5000 } });
    expect([made.statusCode, made.json()]).toMatchObject([201, { token: expect.stringMatching(/^inv\./), label: 'family', tenant: null, usesMax: 3, expiresAtMs: 6000 }]);
    const { id, token } = made.json<{ id: string; token: string }>();
    const listed = await app.inject({ url, headers: world.bearer });
    expect(listed.json()).toEqual({ tokens: [{ id, label: 'family', tenant: null, usesMax: 3, createdAtMs: 1000, expiresAtMs: 6000, used: 0 }] });
    expect((await app.inject({ method: 'DELETE', url: `${url}/${id}`, headers: world.bearer })).statusCode).toBe(204);
    expect((await app.inject({ method: 'DELETE', url: `${url}/${id}`, headers: world.bearer })).json()).toMatchObject({ status: 404, code: 'token_unknown' });
    for (const payload of [{ uses: 0 }, { uses: 1e9 }, { label: 'x'.repeat(101) }, { lifetimeMs: 1 }]) {
      expect((await app.inject({ method: 'POST', url, headers: world.bearer, payload })).statusCode, JSON.stringify(payload)).toBe(400);
    }
    expect(world.audited.map(({ action, subject }) => [action, subject])).toEqual([['token.created', id], ['token.revoked', id]]);
    expect(JSON.stringify(world.audited)).not.toContain(token);
  });

  it('shows the limits in force and how often each was reached', async () => {
    await using limited = await adminWorld({ stats: shareSnapshot(() => statsOf(2000), () => 0) }, { admission: 'invite', 'limits.space-entries-max': 7 });
    const shown = (await limited.app.inject({ url: '/admin/api/limits', headers: limited.bearer })).json<{ limits: { option: string }[] }>();
    expect(shown).toMatchObject({ admission: 'invite', behindProxy: 'off', foundings: { admitted: 2000, refused: 2000, unavailable: 2000 } });
    expect(shown.limits).toContainEqual({ option: 'limits.space-entries-max', value: 7, reached: 2000 });
    expect(shown.limits).toContainEqual({ option: 'limits.space-blobs-max', value: 10_000, reached: null });
  });

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

  it('takes nobody for this machine whom a proxy on it speaks for', async () => {
    for (const token of ['', 'a token of the operator']) {
      await using world = await adminWorld({}, { 'admin.token': token });
      expect((await world.app.inject({ url: '/metrics', headers })).statusCode).toBe(200);
      for (const name of ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via']) {
        expect({ name, status: (await world.app.inject({ url: '/metrics', headers: { ...headers, [name]: 'x' } })).statusCode }).toEqual({ name, status: token === '' ? 403 : 401 });
      }
    }
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
