// Spaces by pseudonym: a page of them, one with its devices, and its end (by id too).
import type { App } from '../fastify.js';
import type { AuditSink } from '../audit/audit-sink.js';
import { askCore, type ReadCore } from './core-of.js';
import { recordedErasure } from './recorded-erasure.js';
import { count, exactly, noQuery, problems, pseudonym, pseudonymParams, spaceNameParams, unknownCount, unknownText } from './schemas.js';

const PAGE_MAX = 100;
const PAGE_DEFAULT = 50;
const PSEUDONYM_CHARS = 16;
const tags = ['spaces'];

const row = exactly({
  pseudonym,
  resident: { type: 'boolean', description: 'Whether it is in memory; looking at it does not bring it there.' },
  entries: { ...unknownCount, description: 'Entries held; null when what the disk has of the space could not be read.' },
  sealedBytes: { ...unknownCount, description: 'Sealed bytes held; null when there are too many entries to add them up for a list.' },
  size: { ...unknownCount, description: 'seq of the newest entry.' },
  floor: { ...unknownCount, description: 'Lowest seq still held.' },
  head: { ...unknownText, description: 'Merkle root of the log, hex; null while a commit is under way.' },
  devices: unknownCount,
  connections: { ...count, description: 'Open sessions.' },
  lastUseMs: { ...unknownCount, description: 'Newest commit (to the hour) or contact, Unix ms.' },
});
const page = exactly({ spaces: { type: 'array', items: row }, next: { ...unknownText, description: 'Give it as `after` for the next page; null: this is the last.' } });
const device = exactly({
  pseudonym: { type: 'string' },
  rights: { type: 'string', enum: ['read', 'write', 'admin'] },
  notAfterMs: unknownCount,
  acked: { ...unknownCount, description: 'It said that it holds everything up to this seq; null: it never said so.' },
  lag: { ...count, description: 'Entries of the space it did not say it holds.' },
  pushed: count,
  contactMs: unknownCount,
  subscriptions: { ...count, description: 'Open subscriptions over a WebSocket.' },
});
const detail = exactly({
  space: row,
  rosterVersion: count,
  keyEpoch: count,
  queueMode: { type: 'boolean' },
  formerDevices: count,
  devices: { type: 'array', items: device },
});
const slow = exactly({
  readers: { type: 'array', items: exactly({ space: { type: 'string' }, device: { type: 'string' }, cursor: count, lag: count }) },
  scanned: { ...count, description: 'Subscriptions that were looked at.' },
  whole: { type: 'boolean', description: 'Whether these were all there are.' },
});

export function spacesRoutes(app: App, core: ReadCore, audit: AuditSink): void {
  const query = {
    type: 'object',
    additionalProperties: false,
    properties: { after: pseudonym, limit: { type: 'integer', minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT } },
  } as const;
  app.get<{ Querystring: { after?: string; limit: number } }>(
    '/admin/api/spaces',
    { schema: { tags, summary: 'A page of spaces, in an order that stays.', querystring: query, response: { 200: page, ...problems } } },
    async ({ query: { after, limit } }, reply) => reply.header('cache-control', 'no-store').send(await askCore(core, (port) => port.spaces(after ?? null, limit))),
  );
  app.get<{ Params: { pseudonym: string } }>(
    '/admin/api/spaces/:pseudonym',
    { schema: { tags, summary: 'A space with its devices.', querystring: noQuery, params: pseudonymParams, response: { 200: detail, ...problems } } },
    async ({ params }, reply) => reply.header('cache-control', 'no-store').send(await askCore(core, (port) => port.space(params.pseudonym))),
  );
  app.delete<{ Params: { pseudonym: string } }>(
    '/admin/api/spaces/:pseudonym',
    {
      schema: {
        tags,
        summary: 'Erases a space for good: its devices are told, and its bytes are overwritten before this answers.',
        querystring: noQuery,
        params: spaceNameParams,
        response: { 204: { type: 'null' }, ...problems },
      },
    },
    async (request, reply) => {
      const { pseudonym: name } = request.params;
      const isPseudonym = name.length === PSEUDONYM_CHARS;
      // No id is ever in the audit log.
      const act = { action: 'space.erased', actor: request.adminActor ?? 'operator', subject: isPseudonym ? name : null } as const;
      await recordedErasure(audit, act, () => askCore(core, (port) => (isPseudonym ? port.eraseByPseudonym(name) : port.eraseSpace(name))));
      return reply.code(204).send();
    },
  );
  const slowQuery = { type: 'object', additionalProperties: false, properties: { limit: { type: 'integer', minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT } } } as const;
  app.get<{ Querystring: { limit: number } }>(
    '/admin/api/slow-readers',
    { schema: { tags, summary: 'The open subscriptions that are furthest behind.', querystring: slowQuery, response: { 200: slow, ...problems } } },
    async ({ query: { limit } }, reply) => reply.header('cache-control', 'no-store').send(await askCore(core, (port) => port.slowReaders(limit))),
  );
}
