// Tenants of foreign protocols by pseudonym: a page of them with what they keep, what their formats leave in clear, and their end.
import type { Config } from '../../config/options.js';
import type { AuditSink } from '../audit/audit-sink.js';
import type { App } from '../fastify.js';
import { openProtocols } from '../open-protocols.js';
import { askCore, type ReadCore } from './core-of.js';
import { recordedErasure } from './recorded-erasure.js';
import { count, exactly, noQuery, problems, unknownCount, unknownText } from './schemas.js';

const PAGE_MAX = 100;
const PAGE_DEFAULT = 50;
const PATH = '/admin/api/foreign-tenants';
const tags = ['foreign'];

const pseudonym = { type: 'string', pattern: '^[a-z2-7]{16}$', description: 'Pseudonym of a foreign tenant.' } as const;
const params = { type: 'object', required: ['pseudonym'], properties: { pseudonym } } as const;
const row = exactly({
  pseudonym,
  system: { type: 'string', description: 'Which protocol it is of, as `protocols` names it.' },
  shared: { type: 'boolean', description: 'Whether it is that of those who show no token.' },
  admitted: { type: 'boolean', description: 'Whether `admission` let it in, or the configuration names it.' },
  records: { ...count, description: 'Records it keeps: what they are is its protocol.' },
  bytes: { ...count, description: 'Bytes of them.' },
  trees: { ...unknownCount, description: 'Trees among them; null where its protocol has none, and with more than 1,000.' },
  connections: { ...count, description: 'Open WebSockets.' },
  openedMs: { ...unknownCount, description: 'When it was opened, to the hour, Unix ms; null where that is not known.' },
  lastWriteMs: { ...unknownCount, description: 'When something was written last, to the hour, Unix ms; null where that is not known.' },
  erasedMs: { ...unknownCount, description: 'When the operator erased it, to the hour, Unix ms; it takes nothing for 180 days. Null: it was not.' },
  erasing: { type: 'boolean', description: 'Whether it is being erased.' },
});
const protocol = exactly({
  system: { type: 'string' },
  name: { type: 'string' },
  where: { type: 'string' },
  who: { type: 'string', description: 'Who may come.' },
  clear: { type: 'string', description: 'What the format leaves in clear for the relay, and who else gets it.' },
});
const page = exactly({
  protocols: { type: 'array', items: protocol, description: 'Those that are served.' },
  tenants: { type: 'array', items: row },
  next: { ...unknownText, description: 'Give it as `after` for the next page; null: this is the last.' },
  topics: { ...unknownCount, description: 'Topics somebody is in, of the protocol that stores nothing; null while it is off.' },
  topicPeers: { ...unknownCount, description: 'Peers in them.' },
});

export interface ForeignTenantDeps {
  readonly core: ReadCore;
  readonly config: () => Config;
}

export function foreignTenantRoutes(app: App, { core, config }: ForeignTenantDeps, audit: AuditSink): void {
  const querystring = {
    type: 'object',
    additionalProperties: false,
    properties: { after: pseudonym, limit: { type: 'integer', minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT } },
  } as const;
  app.get<{ Querystring: { after?: string; limit: number } }>(
    PATH,
    { schema: { tags, summary: 'A page of the tenants of foreign protocols, by protocol, and what these leave in clear.', querystring, response: { 200: page, ...problems } } },
    async ({ query: { after, limit } }, reply) => {
      const found = await askCore(core, (port) => port.foreignTenants(after ?? null, limit));
      return reply.header('cache-control', 'no-store').send({ protocols: openProtocols(config()), ...found });
    },
  );
  app.delete<{ Params: { pseudonym: string } }>(
    `${PATH}/:pseudonym`,
    {
      schema: {
        tags,
        summary: 'Erases a foreign tenant for good: its bytes are overwritten before this answers, and it takes nothing for 180 days.',
        querystring: noQuery,
        params,
        response: { 204: { type: 'null' }, ...problems },
      },
    },
    async (request, reply) => {
      const subject = request.params.pseudonym;
      const act = { action: 'tenant.erased', actor: request.adminActor ?? 'operator', subject } as const;
      await recordedErasure(audit, act, () => askCore(core, (port) => port.eraseForeignTenant(subject)));
      return reply.code(204).send();
    },
  );
}
