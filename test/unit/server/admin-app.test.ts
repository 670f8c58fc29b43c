import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { loadConfig } from '../../../src/config/load.js';
import { buildAdminApp } from '../../../src/server/admin-app.js';
import { InviteStore } from '../../../src/server/admission/invite-store.js';
import type { AuditEntry } from '../../../src/server/audit/audit-sink.js';
import type { App } from '../../../src/server/fastify.js';
import type { StoreTrouble } from '../../../src/server/readiness.js';
import type { ReloadReport } from '../../../src/server/reload.js';
import { shareSnapshot } from '../../../src/server/telemetry/snapshot.js';
import { statsOf } from '../../support/relay-port-double.js';

const headers = { host: '127.0.0.1:9090' };

const { config } = loadConfig(['--admission', 'invite', '--limits.space-entries-max', '7'], {});

describe('the admin app', () => {
  const audited: AuditEntry[] = [];
  let app: App;
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
    app = await buildAdminApp({
      logger: pino({ level: 'silent' }),
      stats: shareSnapshot(stats, () => nowMs),
      version: '9.9.9',
      relayAddress: () => 'sealrelay://127.0.0.1:1/#k=A',
      phase: () => 'ready',
      storeTrouble: () => trouble,
      storeLatencyMs: () => 1.5,
      reload: async () => report,
      config: () => config,
      tokens: { invites: new InviteStore(mkdtempSync(join(tmpdir(), 'sealrelay-admin-')), () => 1000), audit: { record: async (entry) => void audited.push(entry) } },
    });
  });
  afterEach(() => app.close());

  it('makes, lists and revokes invite tokens, and says so to the audit log without the token', async () => {
    const url = '/admin/api/tokens';
    const made = await app.inject({ method: 'POST', url, headers, payload: { label: 'family', uses: 3, lifetimeMs: 5000 } });
    expect([made.statusCode, made.json()]).toMatchObject([201, { token: expect.stringMatching(/^inv\./), label: 'family', usesMax: 3, expiresAtMs: 6000 }]);
    const { id, token } = made.json<{ id: string; token: string }>();
    const listed = await app.inject({ url, headers });
    expect(listed.json()).toEqual({ tokens: [{ id, label: 'family', usesMax: 3, createdAtMs: 1000, expiresAtMs: 6000, used: 0 }] });
    expect((await app.inject({ method: 'DELETE', url: `${url}/${id}`, headers })).statusCode).toBe(204);
    expect((await app.inject({ method: 'DELETE', url: `${url}/${id}`, headers })).json()).toMatchObject({ status: 404, code: 'token_unknown' });
    for (const payload of [{ uses: 0 }, { uses: 1e9 }, { label: 'x'.repeat(101) }, { lifetimeMs: 1 }]) {
      expect((await app.inject({ method: 'POST', url, headers, payload })).statusCode, JSON.stringify(payload)).toBe(400);
    }
    expect(audited.map(({ action, subject }) => [action, subject])).toEqual([['token.created', id], ['token.revoked', id]]);
    expect(JSON.stringify(audited)).not.toContain(token);
  });

  it('shows the limits in force and how often each was reached', async () => {
    const shown = (await app.inject({ url: '/admin/api/limits', headers })).json<{ limits: { option: string }[] }>();
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

  it('says how the relay is, with every figure', async () => {
    const answer = async (): Promise<unknown> => (await app.inject({ url: '/status', headers })).json();
    const about = { version: '9.9.9', relayAddress: 'sealrelay://127.0.0.1:1/#k=A', pid: process.pid, phase: 'ready', storeLatencyMs: 1.5, figures: statsOf(2000) };
    expect(await answer()).toEqual({ ...about, ready: true, reason: null, detail: null });
    trouble = 'disk_full';
    expect(await answer()).toMatchObject({ ready: false, reason: 'disk_full', detail: expect.stringContaining('Make room') });
  });

  it('reloads for POST only, from its own address only, and says why it did not', async () => {
    const reload = { url: '/admin/reload', method: 'POST', headers } as const;
    expect((await app.inject(reload)).json()).toEqual({ applied: ['log.level'], needRestart: ['workers'] });
    expect((await app.inject({ ...reload, method: 'GET' })).statusCode).toBe(404);
    expect((await app.inject({ ...reload, headers: { ...headers, origin: 'http://evil.example' } })).statusCode).toBe(403);
    report = { error: 'port is "x"', applied: [], needRestart: [] };
    const refused = await app.inject(reload);
    expect(refused.statusCode).toBe(409);
    expect(refused.json()).toMatchObject({ code: 'config_invalid', detail: 'port is "x"' });
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
