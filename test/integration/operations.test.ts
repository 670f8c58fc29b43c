// What a relay knows of its own past, through a kill and a stop in order, and what it tells the public of it.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readLocalToken } from '../../src/server/admin-auth/local-token.js';
import { CLI, ServeProcess } from '../support/serve-process.js';

interface Sla {
  readonly downtime_seconds: number;
  readonly planned_downtime_seconds: number;
  readonly measured_seconds: number;
  readonly uptime_percentage: number;
  readonly total_requests: number;
}

const AWAY_MS = 2500;

describe.skipIf(!existsSync(CLI))('operations of a relay (needs `npm run build`)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealrelay-operations-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const start = (): ServeProcess => new ServeProcess(['--data-dir', join(dir, 'data'), '--status.title', 'Test status']);
  const sla = async (relay: ServeProcess): Promise<Sla> => (await (await fetch(`${await relay.url()}/metrics/sla?period=1h`)).json()) as Sla;
  const away = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, AWAY_MS));

  it('counts a kill as downtime and a stop as planned, on the public page and in the report', async () => {
    {
      await using relay = start();
      await fetch(`${await relay.url()}/version`);
      await away();
      const told = await sla(relay);
      expect(told.measured_seconds).toBeGreaterThanOrEqual(1);
      expect(told).toMatchObject({ downtime_seconds: 0, uptime_percentage: 100 });
      relay.child.kill('SIGKILL');
      await relay.ended;
      expect(JSON.parse(readFileSync(join(dir, 'data/operations/sla/current.json'), 'utf8'))).toMatchObject({ inOrder: false, exact: expect.stringContaining('"hdr64"') });
    }
    await away();
    {
      await using relay = start();
      await relay.url();
      const told = await sla(relay);
      expect(told.downtime_seconds).toBeGreaterThanOrEqual(2);
      expect(told.downtime_seconds).toBeLessThan(20);
      expect(told).toMatchObject({ planned_downtime_seconds: 0 });
      expect(told.total_requests).toBeGreaterThan(0);
      relay.child.kill('SIGTERM');
      expect(await relay.ended).toEqual({ code: 0, signal: null });
    }
    await away();
    await using relay = start();
    const url = await relay.url();
    const told = await sla(relay);
    expect(told.planned_downtime_seconds).toBeGreaterThanOrEqual(2);
    const admin = new URL(String((await relay.logLine('relay is listening'))['metricsUrl'])).origin;
    const month = new Date().toISOString().slice(0, 7);
    const report = (await (await fetch(`${admin}/sla/report?month=${month}`)).json()) as { outages: { reason: string }[]; complete: boolean };
    expect(report.outages.map(({ reason }) => reason)).toEqual(['crash', 'planned']);
    expect(report.complete).toBe(false);
    expect(await (await fetch(`${admin}/sla/report?month=${month}&format=html`)).text()).toContain('The relay went away');
    expect((await fetch(`${admin}/sla/report?month=2026-99`)).status).toBe(400);
    expect((await fetch(`${url}/sla/report?month=${month}`)).status).toBe(404);
    expect((await fetch(`${url}/metrics/sla?period=2y`)).status).toBe(400);

    const authorization = `Bearer ${(await readLocalToken(join(dir, 'data'))) ?? ''}`;
    const written = await fetch(`${admin}/admin/api/incidents`, { method: 'POST', headers: { 'content-type': 'application/json', authorization }, body: JSON.stringify({ title: 'A <test>', impact: 'minor', note: '**bold**' }) });
    expect(written.status).toBe(201);
    const page = await fetch(`${url}/status/public`);
    const text = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    for (const part of ['Test status', 'A &lt;test&gt;', '<strong>bold</strong>', 'Some systems are degraded']) expect(text).toContain(part);
    expect(await (await fetch(`${url}/status/public.json`)).json()).toMatchObject({ status: 'degraded', regions: [{ id: 'local', status: 'online' }], incidents: [{ title: 'A <test>' }] });
    expect(await (await fetch(`${url}/status/public/feed.xml`)).text()).toContain('<title>A &lt;test&gt; (investigating)</title>');
    expect(await (await fetch(`${url}/status/public/badge.svg`)).text()).toContain('status: degraded');
    expect((await fetch(`${url}/admin/api/incidents`)).status).toBe(404);
    expect(relay.stderr).toEqual([]);
  });

  it('keeps the page to itself when it is told to', async () => {
    await using relay = new ServeProcess(['--status.public=false']);
    const url = await relay.url();
    for (const path of ['/status/public', '/metrics/sla']) expect((await fetch(`${url}${path}`)).status).toBe(404);
  });
});
