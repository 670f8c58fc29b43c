import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../src/server/audit/audit-sink.js';
import type { App } from '../../../src/server/fastify.js';
import { decodeIncident, encodeIncident, isOpen, type IncidentDraft } from '../../../src/server/incidents/incident.js';
import { IncidentStore } from '../../../src/server/incidents/incident-store.js';
import { installProblems } from '../../../src/server/plugins/problem.js';
import { incidentRoutes } from '../../../src/server/routes/incidents.js';
import { MemoryFiles } from '../../support/memory-files.js';

const NOW_MS = Date.UTC(2026, 10, 28, 10);
const draft: IncidentDraft = { title: 'Slow: a disk', impact: 'major', status: 'identified', fromMs: NOW_MS, toMs: null, regions: ['eu-west'], note: 'One\n\n---\n\ntwo' };

describe('an incident file', () => {
  it('reads back what was written', () => {
    expect(decodeIncident('x', encodeIncident(draft))).toEqual({ id: 'x', ...draft });
    expect(decodeIncident('x', encodeIncident({ ...draft, toMs: NOW_MS + 1000, regions: [] }))).toMatchObject({ toMs: NOW_MS + 1000, regions: [] });
  });

  it('may be short, and is none without a title or a time', () => {
    expect(decodeIncident('x', '---\ntitle: T\nfrom: 2026-11-28\n---\nnote')).toMatchObject({ title: 'T', impact: 'minor', status: 'investigating', note: 'note' });
    for (const text of ['', 'note', '---\nfrom: 2026-11-28\n---\n', '---\ntitle: T\nfrom: soon\n---\n', '---\ntitle: T\nfrom: 2026-11-28\nimpact: huge\n---\n']) expect(decodeIncident('x', text)).toBeNull();
  });

  it('is open from its beginning until it is resolved or over', () => {
    const incident = { id: 'x', ...draft };
    expect([NOW_MS - 1, NOW_MS].map((now) => isOpen(incident, now))).toEqual([false, true]);
    expect(isOpen({ ...incident, status: 'resolved' }, NOW_MS)).toBe(false);
    expect(isOpen({ ...incident, toMs: NOW_MS }, NOW_MS)).toBe(false);
  });
});

describe('/admin/api/incidents', () => {
  const files = new MemoryFiles();
  const acts: AuditEntry[] = [];

  async function app(): Promise<App> {
    const made = Fastify() as unknown as App;
    installProblems(made);
    const store = new IncidentStore(files);
    await store.refresh();
    incidentRoutes(made, { store: () => store, audit: { record: async (entry) => void acts.push(entry) }, clock: () => NOW_MS });
    return made;
  }

  it('creates, changes, lists and removes them as files, and tells the audit log', async () => {
    const api = await app();
    const url = '/admin/api/incidents';
    const created = await api.inject({ url, method: 'POST', payload: { title: 'Disk /../ slow', note: '**n**' } });
    expect(created.statusCode).toBe(201);
    expect(created.json()).toEqual({ id: '2026-11-28-disk-slow', title: 'Disk /../ slow', impact: 'minor', status: 'investigating', from: '2026-11-28T10:00:00.000Z', to: null, regions: [], note: '**n**' });
    expect((await api.inject({ url, method: 'POST', payload: { title: 'Disk slow' } })).json()).toMatchObject({ id: '2026-11-28-disk-slow-2' });
    const changed = await api.inject({ url: `${url}/2026-11-28-disk-slow`, method: 'PUT', payload: { title: 'Disk slow', status: 'resolved' } });
    expect(changed.json()).toMatchObject({ status: 'resolved', to: '2026-11-28T10:00:00.000Z', note: '**n**' });
    files.files.set('by-hand.md', '---\ntitle: By hand\nfrom: 2026-11-27\n---\n');
    files.files.set('broken.md', 'x');
    const { incidents, unreadable } = (await api.inject({ url })).json();
    expect(incidents.map(({ id }: { id: string }) => id).toSorted()).toEqual(['2026-11-28-disk-slow', '2026-11-28-disk-slow-2', 'by-hand']);
    expect(unreadable).toEqual(['broken.md']);
    expect((await api.inject({ url: `${url}/by-hand`, method: 'DELETE' })).statusCode).toBe(204);
    expect(files.files.has('by-hand.md')).toBe(false);
    expect(acts.map(({ action, subject }) => `${action} ${subject}`)).toEqual(['incident.created 2026-11-28-disk-slow', 'incident.created 2026-11-28-disk-slow-2', 'incident.changed 2026-11-28-disk-slow', 'incident.removed by-hand']);
  });

  it.each([
    ['POST', '', { title: '' }, 400],
    ['POST', '', { title: 'a\nimpact: none' }, 400],
    ['POST', '', { title: 'x', impact: 'huge' }, 400],
    ['POST', '', { title: 'x', from: 'soon' }, 400],
    ['POST', '', { title: 'x', regions: ['../x'] }, 400],
    ['PUT', '/unknown', { title: 'x' }, 404],
    ['PUT', '/..%2f..%2fkey', { title: 'x' }, 400],
    ['DELETE', '/unknown', undefined, 404],
  ] as const)('refuses %s %s %j', async (method, path, payload, status) => {
    const api = await app();
    expect((await api.inject({ url: `/admin/api/incidents${path}`, method, ...(payload === undefined ? {} : { payload }) })).statusCode).toBe(status);
  });
});
