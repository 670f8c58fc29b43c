// `/admin/api/tokens`: invite tokens, made, listed and revoked. A token's text is in the answer that makes it and nowhere else.
import { TENANT_PATTERN } from '../../config/tenants.js';
import { RelayError } from '../../errors.js';
import { INVITE_LABEL_CHARS_MAX, INVITE_USES_MAX, type InviteStore } from '../admission/invite-store.js';
import type { AuditSink } from '../audit/audit-sink.js';
import type { App } from '../fastify.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';

const LIFETIME_MS_MAX = 3650 * 24 * 3600 * 1000;

const invite = {
  id: { type: 'string' },
  label: { type: 'string' },
  tenant: { type: ['string', 'null'], description: 'On whose account its spaces are.' },
  usesMax: { type: 'integer' },
  createdAtMs: { type: 'integer' },
  expiresAtMs: { type: ['integer', 'null'] },
} as const;

const tags = ['admission'];

const listSchema = {
  tags,
  summary: 'The invite tokens that are there; their text is not kept.',
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: {
    200: {
      type: 'object',
      required: ['tokens'],
      properties: { tokens: { type: 'array', items: { type: 'object', properties: { ...invite, used: { type: 'integer' } } } } },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

const createSchema = {
  tags,
  summary: 'Makes an invite token; its text is in this answer and nowhere else.',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: {
      label: { type: 'string', maxLength: INVITE_LABEL_CHARS_MAX, default: '' },
      tenant: { type: ['string', 'null'], pattern: TENANT_PATTERN, default: null },
      uses: { type: 'integer', minimum: 1, maximum: INVITE_USES_MAX, default: 1 },
      lifetimeMs: { type: ['integer', 'null'], minimum: 1000, maximum: LIFETIME_MS_MAX, default: null },
    },
  },
  response: { 201: { type: 'object', required: ['token'], properties: { token: { type: 'string' }, ...invite } }, '4xx': problemSchema, '5xx': problemSchema },
} as const;

const revokeSchema = {
  tags,
  summary: 'Revokes an invite token; spaces that it founded stay.',
  params: { type: 'object', required: ['id'], properties: { id: { type: 'string', maxLength: 64 } } },
  response: { 204: { type: 'null' }, '4xx': problemSchema, '5xx': problemSchema },
} as const;

export interface TokenRouteDeps {
  readonly invites: InviteStore;
  readonly audit: AuditSink;
}

export function tokenRoutes(app: App, { invites, audit }: TokenRouteDeps): void {
  app.get('/admin/api/tokens', { schema: listSchema }, async (_request, reply) => reply.header('cache-control', 'no-store').send({ tokens: [...(await invites.list())] }));

  app.post<{ Body: { label?: string; tenant?: string | null; uses?: number; lifetimeMs?: number | null } }>('/admin/api/tokens', { schema: createSchema }, async (request, reply) => {
    const { label = '', tenant = null, uses = 1, lifetimeMs = null } = request.body;
    try {
      const { token, invite: made } = await invites.create({ label, tenant, usesMax: uses, lifetimeMs });
      await audit.record({ action: 'token.created', actor: request.adminActor ?? 'operator', subject: made.id, outcome: 'done', detail: { uses } });
      return await reply.code(201).header('cache-control', 'no-store').send({ token, ...made });
    } catch (error) {
      if (error instanceof RelayError && error.code === 'too_many_tokens') return await sendProblem(reply, 409, error.code, `${error.message}. ${error.hint ?? ''}`);
      throw error;
    }
  });

  app.delete<{ Params: { id: string } }>('/admin/api/tokens/:id', { schema: revokeSchema }, async (request, reply) => {
    const { id } = request.params;
    if (!(await invites.revoke(id))) return await sendProblem(reply, 404, 'token_unknown', 'There is no token of this id.');
    await audit.record({ action: 'token.revoked', actor: request.adminActor ?? 'operator', subject: id, outcome: 'done' });
    return await reply.code(204).send(null);
  });
}
