// `/health` says that the control plane answers, `/health/ready` whether the relay takes work. `/health/live` is the core's.
import type { App } from '../fastify.js';
import { problemSchema } from '../plugins/problem.js';
import type { Phase } from '../readiness.js';

const phaseSchema = { type: 'string', enum: ['starting', 'ready', 'draining'] } as const;

const healthSchema = {
  querystring: { type: 'object', additionalProperties: true },
  response: {
    200: {
      type: 'object',
      required: ['status', 'phase', 'version'],
      properties: { status: { const: 'ok' }, phase: phaseSchema, version: { type: 'string' } },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

const readinessSchema = { type: 'object', required: ['ready', 'phase'], properties: { ready: { type: 'boolean' }, phase: phaseSchema } };

const readySchema = {
  querystring: { type: 'object', additionalProperties: true },
  response: { 200: readinessSchema, 503: readinessSchema, '4xx': problemSchema, '5xx': problemSchema },
} as const;

export interface HealthDeps {
  readonly version: string;
  readonly phase: () => Phase;
}

export function healthRoutes(app: App, deps: HealthDeps): void {
  app.get('/health', { schema: healthSchema }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok', phase: deps.phase(), version: deps.version }),
  );
  app.get('/health/ready', { schema: readySchema }, (_request, reply) => {
    const phase = deps.phase();
    const ready = phase === 'ready';
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ ready, phase });
  });
}
