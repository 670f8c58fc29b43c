import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_REGIONS, type Region } from '../../../src/config/regions.js';
import type { App } from '../../../src/server/fastify.js';
import { CORE_SECRET_HEADER } from '../../../src/server/plugins/core-only.js';
import { buildPublicApp } from '../../../src/server/public-app.js';
import { Readiness, storeTrouble, type StoreTrouble } from '../../../src/server/readiness.js';

const secret = 'b'.repeat(64);
const headers = { [CORE_SECRET_HEADER]: secret };

describe('the public app', () => {
  const logged: string[] = [];
  let readiness: Readiness;
  let trouble: StoreTrouble | null;
  let app: App;
  let latencyMs: number;
  let regions: readonly Region[] = DEFAULT_REGIONS;

  beforeEach(() => {
    logged.length = 0;
    readiness = new Readiness();
    trouble = null;
    const logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
    latencyMs = 2.345;
    app = buildPublicApp({
      logger,
      coreSecret: secret,
      version: '9.9.9',
      protocolVersions: [1],
      build: { commit: 'abc1234', date: null },
      phase: () => readiness.phase,
      storeTrouble: () => trouble,
      storeLatencyMs: () => latencyMs,
      uptimeMs: () => 61_999,
      region: () => 'eu-west',
      regions: () => regions,
      environment: () => 'staging',
      clock: () => 1_700_000_000_123,
      operations: { publicRoutes: () => undefined },
      demo: null,
      hasStatusPage: true,
      regionHealth: (id) => (id === 'us-west' ? { status: 'degraded', latencyMs: 81 } : { status: 'unknown', latencyMs: null }),
    });
  });
  afterEach(() => app.close());

  it('answers /health and /version', async () => {
    const health = await app.inject({ url: '/health', headers });
    expect(health.statusCode).toBe(200);
    expect(health.json()).toEqual({
      status: 'ok',
      timestamp: 1_700_000_000_123,
      region: 'eu-west',
      version: '9.9.9',
      database: { status: 'ok', latency_ms: 2.3 },
      uptime_seconds: 61,
    });
    const version = await app.inject({ url: '/version', headers });
    expect(version.json()).toEqual({
      name: 'sealrelay',
      version: '9.9.9',
      server_version: '9.9.9',
      protocol_version: '1.0.0',
      protocolVersions: [1],
      environment: 'staging',
      build_date: null,
      git_commit: 'abc1234',
      node_version: process.versions.node,
      timestamp: 1_700_000_000_123,
    });
  });

  it('is degraded above 100 ms of store latency or with a full disk, and an error once the store is poisoned', async () => {
    const health = async (): Promise<unknown[]> => {
      const answer = await app.inject({ url: '/health', headers });
      return [answer.statusCode, answer.json().status, answer.json().database.status];
    };
    latencyMs = 100;
    expect(await health()).toEqual([200, 'ok', 'ok']);
    latencyMs = 100.1;
    expect(await health()).toEqual([200, 'degraded', 'degraded']);
    latencyMs = 1;
    trouble = 'disk_full';
    expect(await health()).toEqual([200, 'degraded', 'degraded']);
    trouble = 'store_poisoned';
    expect(await health()).toEqual([503, 'error', 'error']);
  });

  it('lets pages of every origin read what is for everybody, also when the browser asks first, and nothing else', async () => {
    const originOf = async (url: string): Promise<unknown> => (await app.inject({ url, headers })).headers['access-control-allow-origin'];
    for (const url of ['/', '/regions', '/health', '/api/health', '/version']) {
      expect([url, await originOf(url)]).toEqual([url, '*']);
      const asked = await app.inject({ method: 'OPTIONS', url, headers });
      expect([asked.statusCode, asked.headers['access-control-allow-origin'], asked.headers['access-control-allow-methods']]).toEqual([204, '*', 'GET, OPTIONS']);
    }
    expect(await originOf('/health/ready')).toBeUndefined();
    expect((await app.inject({ method: 'OPTIONS', url: '/health/ready', headers })).statusCode).toBe(404);
  });

  it('says on every answer how long it took, and what browsers must not do with it', async () => {
    for (const url of ['/', '/health', '/nothing', '/%zz', '/regions?a=b']) {
      const { headers: said } = await app.inject({ url, headers });
      expect({ url, said }).toMatchObject({ url, said: { 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'x-xss-protection': '1; mode=block', 'referrer-policy': 'no-referrer', 'x-response-time': expect.stringMatching(/^\d+ms$/) } });
    }
    expect((await app.inject({ url: '/health', headers })).headers['x-request-id']).toMatch(/^[0-9a-f]{16}$/);
  });

  it('answers / with a page for browsers and with JSON for programs, and reveals nothing that its other paths do not', async () => {
    readiness.markReady();
    for (const accept of [undefined, '*/*', 'application/json', 'application/json, text/html;q=0.1']) {
      const answer = await app.inject({ url: '/', headers: { ...headers, ...(accept === undefined ? {} : { accept }) } });
      expect(answer.json()).toMatchObject({ service: 'sealrelay', version: '9.9.9', status: 'online', endpoints: { health: '/health', status: '/status/public' }, timestamp: 1_700_000_000_123 });
      expect(answer.json().endpoints.demo).toBeUndefined();
    }
    const shown = await app.inject({ url: '/', headers: { ...headers, accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' } });
    expect(shown.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', vary: 'accept', 'content-security-policy': expect.stringContaining("default-src 'none'") });
    expect(shown.body).toContain('href="/status/public"');
    expect(shown.body).not.toContain('href="/demo"');
  });

  it('is asked as /api/health too', async () => {
    expect((await app.inject({ url: '/api/health', headers })).json()).toEqual((await app.inject({ url: '/health', headers })).json());
  });

  it('lists the regions: its own as it is, others as far as it can know', async () => {
    const list = async (): Promise<Record<string, unknown>[]> => (await app.inject({ url: '/regions', headers })).json().regions;
    const seven = await list();
    expect(seven.map(({ name, location }) => `${String(name)}, ${String(location)}`)).toEqual([
      'US East, Virginia',
      'US West, Oregon',
      'US Central, Iowa',
      'EU West, Ireland',
      'EU Central, Frankfurt',
      'Asia East, Tokyo',
      'Asia Southeast, Singapore',
    ]);
    expect(seven.map(({ status }) => status)).toEqual(['offline', 'offline', 'offline', 'online', 'offline', 'offline', 'offline']);
    regions = [{ id: 'us', name: 'US', location: 'Iowa', endpoint: 'https://us.example' }, { id: 'eu-west', name: 'EU', location: 'Ireland', endpoint: '' }];
    latencyMs = 500;
    expect(await list()).toEqual([{ ...regions[0], status: 'unknown' }, { ...regions[1], status: 'degraded' }]);
    regions = [{ id: 'us-west', name: 'US', location: 'Oregon', endpoint: 'https://us.example' }];
    expect(await list()).toEqual([{ ...regions[0], status: 'degraded', latency_ms: 81 }]);
    regions = [{ id: 'us', name: 'US', location: 'Iowa', endpoint: 'https://us.example' }, { id: 'eu-west', name: 'EU', location: 'Ireland', endpoint: '' }];
    trouble = 'store_poisoned';
    expect((await list()).map(({ status }) => status)).toEqual(['unknown', 'offline']);
    regions = DEFAULT_REGIONS;
  });

  it('is ready only between start and drain', async () => {
    const ready = (): Promise<number> => app.inject({ url: '/health/ready', headers }).then((response) => response.statusCode);
    expect(await ready()).toBe(503);
    readiness.markReady();
    expect(await ready()).toBe(200);
    readiness.markDraining();
    readiness.markReady();
    expect(await ready()).toBe(503);
  });

  it('says why it takes no work, also when its store is poisoned', async () => {
    const answer = async (): Promise<unknown> => (await app.inject({ url: '/health/ready', headers })).json();
    expect(await answer()).toMatchObject({ ready: false, phase: 'starting', reason: 'starting' });
    readiness.markReady();
    expect(await answer()).toEqual({ ready: true, phase: 'ready', reason: null, detail: null });
    trouble = 'store_poisoned';
    expect((await app.inject({ url: '/health/ready', headers })).statusCode).toBe(503);
    expect(await answer()).toEqual({
      ready: false,
      phase: 'ready',
      reason: 'store_poisoned',
      detail: 'A write or sync of the store failed and nothing more is accepted; check the disk, then restart the relay.',
    });
    readiness.markDraining();
    expect(await answer()).toMatchObject({ ready: false, phase: 'draining', reason: 'draining' });
  });

  it('is not ready while the disk is full, and again once it has room', async () => {
    readiness.markReady();
    const answer = async (): Promise<Awaited<ReturnType<App['inject']>>> => await app.inject({ url: '/health/ready', headers });
    trouble = storeTrouble({ storePoisoned: 0, storeDiskFull: 1 });
    const full = await answer();
    expect(full.statusCode).toBe(503);
    expect(full.json()).toMatchObject({ ready: false, phase: 'ready', reason: 'disk_full' });
    expect(storeTrouble({ storePoisoned: 1, storeDiskFull: 1 })).toBe('store_poisoned');
    expect(storeTrouble({ storePoisoned: 0, storeDiskFull: 0, documentsPoisoned: 1 })).toBe('store_poisoned');
    trouble = storeTrouble({ storePoisoned: 0, storeDiskFull: 0 });
    expect((await answer()).statusCode).toBe(200);
  });

  it.each([{}, { [CORE_SECRET_HEADER]: 'c'.repeat(64) }, { [CORE_SECRET_HEADER]: '' }])('refuses callers without the secret: %o', async (given) => {
    for (const url of ['/health', '/nothing']) {
      const response = await app.inject({ url, headers: given });
      expect(response.statusCode).toBe(403);
      expect(response.json()).toMatchObject({ code: 'core_only' });
    }
  });

  it('answers unknown paths, wrong methods and oversized bodies with problem documents', async () => {
    for (const request of [
      { url: '/nothing', status: 404 },
      { url: '/health', method: 'POST', payload: {}, status: 404 },
      { url: `/${'a'.repeat(5000)}`, status: 404 },
    ] as const) {
      const { status, ...options } = request;
      const response = await app.inject({ ...options, headers });
      expect(response.statusCode).toBe(status);
      expect(response.headers['content-type']).toContain('application/problem+json');
      expect(Object.keys(response.json())).toEqual(['type', 'title', 'status', 'code', 'detail']);
    }
  });

  it('hides what went wrong inside, logs it, and logs no address and no secret', async () => {
    app.get('/broken', () => {
      throw new Error('the inner reason');
    });
    const response = await app.inject({ url: '/broken', headers: { ...headers, 'x-forwarded-for': '203.0.113.9' } });
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('inner reason');
    const log = logged.join('');
    expect(log).toContain('the inner reason');
    expect(log).not.toContain('203.0.113.9');
    expect(log).not.toContain(secret);
  });

  it('logs nothing for requests that went well', async () => {
    await app.inject({ url: '/health', headers });
    expect(logged).toEqual([]);
  });

  it('takes the client address from the core', async () => {
    app.get('/who', (request) => ({ ip: request.ip }));
    const response = await app.inject({ url: '/who', headers: { ...headers, 'x-forwarded-for': '203.0.113.9' } });
    expect(response.json()).toEqual({ ip: '203.0.113.9' });
  });
});
