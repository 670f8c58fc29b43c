// `/metrics` in the Prometheus text format.
import type { Registry } from 'prom-client';
import type { App } from '../fastify.js';
import { problemSchema } from '../plugins/problem.js';

const metricsSchema = {
  tags: ['monitoring'],
  summary: 'Figures for Prometheus.',
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: { 200: { type: 'string' }, '4xx': problemSchema, '5xx': problemSchema },
} as const;

export function metricsRoute(app: App, registry: Registry): void {
  app.get('/metrics', { schema: metricsSchema }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
