// `/health`, also as `/api/health`, says how the relay is, in the shape that monitors of hosted relays read; `/health/ready` whether it takes work.
// `/health/live` is the core's.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../fastify.js';
import { letPagesRead } from '../plugins/let-pages-read.js';
import { problemSchema } from '../plugins/problem.js';
import { UNREADY_DETAILS, whyUnready, type Phase, type StoreTrouble } from '../readiness.js';

/** Above this the relay calls itself degraded. */
const STORE_LATENCY_MS_MAX = 100;

type Status = 'ok' | 'degraded' | 'error';
const statusSchema = { type: 'string', enum: ['ok', 'degraded', 'error'] } as const;

const healthSchema = {
  type: 'object',
  required: ['status', 'timestamp', 'region', 'version', 'database', 'uptime_seconds'],
  properties: {
    status: statusSchema,
    timestamp: { type: 'integer' },
    region: { type: 'string' },
    version: { type: 'string' },
    database: {
      type: 'object',
      required: ['status', 'latency_ms'],
      properties: { status: statusSchema, latency_ms: { type: 'number' } },
    },
    uptime_seconds: { type: 'integer' },
  },
} as const;

const readinessSchema = {
  type: 'object',
  required: ['ready', 'phase', 'reason', 'detail'],
  properties: {
    ready: { type: 'boolean' },
    phase: { type: 'string', enum: ['starting', 'ready', 'draining'] },
    reason: { type: ['string', 'null'] },
    detail: { type: ['string', 'null'] },
  },
} as const;

const answered = (schema: object): object => ({
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: { 200: schema, 503: schema, '4xx': problemSchema, '5xx': problemSchema },
});

export interface HealthDeps {
  readonly version: string;
  readonly phase: () => Phase;
  /** Why the store takes nothing new, when it does not; what is stored can be read. */
  readonly storeTrouble: () => StoreTrouble | null;
  readonly storeLatencyMs: () => number;
  readonly uptimeMs: () => number;
  readonly region: () => string;
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number;
}

export function healthRoutes(app: App, deps: HealthDeps): void {
  const health = (_request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const latencyMs = deps.storeLatencyMs();
    const status = storeStatus(deps.storeTrouble(), latencyMs);
    return reply
      .code(status === 'error' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send({
        status,
        timestamp: deps.clock(),
        region: deps.region(),
        version: deps.version,
        database: { status, latency_ms: Math.round(latencyMs * 10) / 10 },
        uptime_seconds: Math.floor(deps.uptimeMs() / 1000),
      });
  };
  for (const path of ['/health', '/api/health']) app.get(path, { schema: answered(healthSchema), onRequest: letPagesRead }, health);
  app.get('/health/ready', { schema: answered(readinessSchema) }, (_request, reply) => {
    const phase = deps.phase();
    const reason = whyUnready(phase, deps.storeTrouble());
    return reply
      .code(reason === null ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ ready: reason === null, phase, reason, detail: reason === null ? null : UNREADY_DETAILS[reason] });
  });
}

/** The relay is as well as its store: nothing else in it can fail and leave it answering. */
export function storeStatus(trouble: StoreTrouble | null, latencyMs: number): Status {
  if (trouble === 'store_poisoned') return 'error';
  return trouble === 'disk_full' || latencyMs > STORE_LATENCY_MS_MAX ? 'degraded' : 'ok';
}
