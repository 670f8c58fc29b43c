// `GET /admin/api/audit`: a page of the audit log.
import { AUDIT_PAGE_MAX, auditPage } from '../audit/audit-page.js';
import type { App } from '../fastify.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';

const LIMIT_DEFAULT = 100;

const lineSchema = {
  type: 'object',
  required: ['seq', 'time', 'action', 'actor', 'subject', 'outcome', 'detail'],
  properties: {
    seq: { type: 'integer' },
    time: { type: 'string' },
    action: { type: 'string' },
    actor: { type: 'string' },
    subject: { type: ['string', 'null'] },
    outcome: { type: 'string', enum: ['done', 'refused', 'failed'] },
    detail: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
  },
} as const;

const auditSchema = {
  tags: ['audit'],
  summary: 'A page of the audit log, oldest first.',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      /** Lines behind this seq, oldest first; without it the newest. */
      after: { type: 'integer', minimum: 0 },
      limit: { type: 'integer', minimum: 1, maximum: AUDIT_PAGE_MAX, default: LIMIT_DEFAULT },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['entries', 'head'],
      properties: { entries: { type: 'array', items: lineSchema }, head: { type: ['string', 'null'] } },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

export interface AuditRouteDeps {
  readonly dir: string | null;
  readonly head: () => string | null;
}

export function auditRoute(app: App, { dir, head }: AuditRouteDeps): void {
  app.get<{ Querystring: { after?: number; limit: number } }>('/admin/api/audit', { schema: auditSchema }, async ({ query }, reply) => {
    if (dir === null) return sendProblem(reply, 404, 'not_found', 'This relay keeps no audit log.');
    const entries = await auditPage(dir, query.after ?? null, query.limit);
    return reply.header('cache-control', 'no-store').send({ entries, head: head() });
  });
}
