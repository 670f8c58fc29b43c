// `/regions`: the regions clients may choose from. A relay knows how it is itself; of others it knows what their /health said last.
import type { Region } from '../../config/regions.js';
import type { App } from '../fastify.js';
import { letPagesRead } from '../plugins/let-pages-read.js';
import { problemSchema } from '../plugins/problem.js';
import type { StoreTrouble } from '../readiness.js';
import type { RegionHealth, RegionStatus } from '../regions/region-watch.js';
import { storeStatus } from './health.js';

const regionsSchema = {
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: {
    200: {
      type: 'object',
      required: ['regions', 'timestamp'],
      properties: {
        regions: {
          type: 'array',
          items: {
            type: 'object',
            required: ['id', 'name', 'location', 'endpoint', 'status'],
            properties: {
              id: { type: 'string' },
              name: { type: 'string' },
              location: { type: 'string' },
              endpoint: { type: 'string' },
              status: { type: 'string', enum: ['online', 'degraded', 'offline', 'unknown'] },
              latency_ms: { type: 'number' },
            },
          },
        },
        timestamp: { type: 'integer' },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

export interface RegionsDeps {
  readonly regions: () => readonly Region[];
  readonly region: () => string;
  /** How another region was when it was asked last. */
  readonly regionHealth: (id: string) => Pick<RegionHealth, 'status' | 'latencyMs'>;
  readonly storeTrouble: () => StoreTrouble | null;
  readonly storeLatencyMs: () => number;
  readonly clock: () => number;
}

export function regionsRoute(app: App, deps: RegionsDeps): void {
  app.get('/regions', { schema: regionsSchema, onRequest: letPagesRead }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({
      regions: deps.regions().map((region) => ({ ...region, ...healthOf(region, deps) })),
      timestamp: deps.clock(),
    }),
  );
}

/** A region without an endpoint is offline; one that was not asked yet is unknown. Latency is seen from here, where it is known. */
export function healthOf({ id, endpoint }: Region, deps: RegionsDeps): { status: RegionStatus; latency_ms?: number } {
  if (id === deps.region()) return { status: ({ ok: 'online', degraded: 'degraded', error: 'offline' } as const)[storeStatus(deps.storeTrouble(), deps.storeLatencyMs())] };
  if (endpoint === '') return { status: 'offline' };
  const { status, latencyMs } = deps.regionHealth(id);
  return latencyMs === null ? { status } : { status, latency_ms: latencyMs };
}
