// The last lines of the process log.
import type { App } from '../fastify.js';
import type { LogRing } from '../logging-ring.js';
import { count, exactly, problems } from './schemas.js';

const answer = exactly({ kept: { type: 'boolean', description: 'False where a program gave the relay its logger.' }, lines: { type: 'array', items: exactly({ number: count, text: { type: 'string' } }) } });

export function logsRoute(app: App, ring: LogRing | null): void {
  const query = { type: 'object', additionalProperties: false, properties: { after: { type: 'integer', minimum: 0, default: 0 } } } as const;
  app.get<{ Querystring: { after: number } }>(
    '/admin/api/logs',
    { schema: { tags: ['relay'], summary: 'The last lines of the log, at most 500, oldest first; secrets are cut out.', querystring: query, response: { 200: answer, ...problems } } },
    async ({ query: { after } }, reply) => reply.header('cache-control', 'no-store').send({ kept: ring !== null, lines: ring?.after(after) ?? [] }),
  );
}
