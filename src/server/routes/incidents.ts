// `/admin/api/incidents`: what the status page tells of incidents and maintenance.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AuditAction } from '../audit/audit-actions.js';
import type { AuditSink } from '../audit/audit-sink.js';
import type { App } from '../fastify.js';
import { IMPACTS, NOTE_CHARS_MAX, STATUSES, TITLE_CHARS_MAX, type Impact, type Incident, type IncidentDraft, type IncidentStatus } from '../incidents/incident.js';
import type { IncidentStore } from '../incidents/incident-store.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';

const REGIONS_MAX = 64;

const draftProperties = {
  title: { type: 'string', minLength: 1, maxLength: TITLE_CHARS_MAX, pattern: '^[^\\u0000-\\u001f]+$' },
  impact: { type: 'string', enum: IMPACTS },
  status: { type: 'string', enum: STATUSES },
  from: { type: 'string', format: 'date-time' },
  to: { type: ['string', 'null'], format: 'date-time' },
  regions: { type: 'array', maxItems: REGIONS_MAX, items: { type: 'string', pattern: '^[a-z0-9-]{1,64}$' } },
  note: { type: 'string', maxLength: NOTE_CHARS_MAX },
} as const;
const incidentSchema = { type: 'object', required: ['id', 'title', 'impact', 'status', 'from', 'to', 'regions', 'note'], properties: { id: { type: 'string' }, ...draftProperties } } as const;
const problems = { '4xx': problemSchema, '5xx': problemSchema } as const;
const anyQuery = { type: 'object', properties: {}, additionalProperties: true } as const;
const idParams = { type: 'object', required: ['id'], properties: { id: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,79}$' } } } as const;
const body = { type: 'object', additionalProperties: false, required: ['title'], properties: draftProperties } as const;

interface Body {
  readonly title: string;
  readonly impact?: Impact;
  readonly status?: IncidentStatus;
  readonly from?: string;
  readonly to?: string | null;
  readonly regions?: readonly string[];
  readonly note?: string;
}

export interface IncidentRouteDeps {
  readonly store: () => IncidentStore;
  readonly audit: AuditSink;
  readonly clock: () => number;
}

export function incidentRoutes(app: App, { store, audit, clock }: IncidentRouteDeps): void {
  const record = (action: AuditAction, { adminActor }: FastifyRequest, subject: string): Promise<void> => audit.record({ action, actor: adminActor ?? 'operator', subject, outcome: 'done' });
  const list = { summary: 'The incidents of the status page.', querystring: anyQuery, response: { 200: { type: 'object', properties: { incidents: { type: 'array', items: incidentSchema }, unreadable: { type: 'array', items: { type: 'string' } } } }, ...problems } } as const;
  app.get('/admin/api/incidents', { schema: list }, async (_request, reply) => {
    await store().refresh();
    return reply.header('cache-control', 'no-store').send({ incidents: store().all.map(shown), unreadable: store().unreadable });
  });
  app.post<{ Body: Body }>('/admin/api/incidents', { schema: { summary: 'Opens an incident.', querystring: anyQuery, body, response: { 201: incidentSchema, ...problems } } }, async (request, reply) => {
    const incident = await store().create(draftOf(request.body, null, clock()));
    if (incident === null) return sendProblem(reply, 507, 'incidents_full', 'There are as many incidents as there may be, or there is no place to keep one.');
    await record('incident.created', request, incident.id);
    return reply.code(201).send(shown(incident));
  });
  app.put<{ Body: Body; Params: { id: string } }>('/admin/api/incidents/:id', { schema: { summary: 'Replaces what an incident says.', querystring: anyQuery, params: idParams, body, response: { 200: incidentSchema, ...problems } } }, async (request, reply) => {
    const before = store().all.find(({ id }) => id === request.params.id) ?? null;
    const incident = before === null ? null : await store().update(before.id, draftOf(request.body, before, clock()));
    if (incident === null) return unknown(reply);
    await record('incident.changed', request, incident.id);
    return reply.send(shown(incident));
  });
  app.delete<{ Params: { id: string } }>('/admin/api/incidents/:id', { schema: { summary: 'Takes an incident away.', querystring: anyQuery, params: idParams, response: { 204: { type: 'null' }, ...problems } } }, async (request, reply) => {
    if (!(await store().remove(request.params.id))) return unknown(reply);
    await record('incident.removed', request, request.params.id);
    return reply.code(204).send(null);
  });
}

function unknown(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 404, 'incident_unknown', 'There is no incident with this id.');
}

/** What is not given stays as it was. One that is resolved ends now, unless it says when. */
function draftOf({ title, impact, status, from, to, regions, note }: Body, before: Incident | null, nowMs: number): IncidentDraft {
  const state = status ?? before?.status ?? 'investigating';
  const ended = to === undefined ? (before?.toMs ?? (state === 'resolved' ? nowMs : null)) : to === null ? null : Date.parse(to);
  return {
    title: title.trim(),
    impact: impact ?? before?.impact ?? 'minor',
    status: state,
    fromMs: from === undefined ? (before?.fromMs ?? nowMs) : Date.parse(from),
    toMs: ended,
    regions: regions ?? before?.regions ?? [],
    note: note ?? before?.note ?? '',
  };
}

function shown({ fromMs, toMs, ...rest }: Incident): object {
  return { ...rest, from: new Date(fromMs).toISOString(), to: toMs === null ? null : new Date(toMs).toISOString() };
}
