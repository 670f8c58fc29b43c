// `/regions`: the regions clients may choose from. A relay knows how it is itself; how others are, clients find out by asking them.
import type { Region } from '../../config/regions.js';
import type { onRequestHookHandler } from 'fastify';
import type { App } from '../fastify.js';
import { problemSchema } from '../plugins/problem.js';
import type { StoreTrouble } from '../readiness.js';
import { storeStatus } from './health.js';

/** `offline`: it has no endpoint; `unknown`: it is another relay, which this one does not watch. */
type RegionStatus = 'online' | 'degraded' | 'offline' | 'unknown';

const regionsSchema = {
  querystring: { type: 'object', additionalProperties: true },
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
  readonly storeTrouble: () => StoreTrouble | null;
  readonly storeLatencyMs: () => number;
  readonly clock: () => number;
}

/** Apps live on origins of their own, and the list is for everybody. */
const letPagesRead: onRequestHookHandler = (_request, reply, done) => {
  reply.header('access-control-allow-origin', '*');
  done();
};

export function regionsRoute(app: App, deps: RegionsDeps): void {
  app.get('/regions', { schema: regionsSchema, onRequest: letPagesRead }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({
      regions: deps.regions().map((region) => ({ ...region, status: statusOf(region, deps) })),
      timestamp: deps.clock(),
    }),
  );
}

function statusOf({ id, endpoint }: Region, deps: RegionsDeps): RegionStatus {
  if (id !== deps.region()) return endpoint === '' ? 'offline' : 'unknown';
  return ({ ok: 'online', degraded: 'degraded', error: 'offline' } as const)[storeStatus(deps.storeTrouble(), deps.storeLatencyMs())];
}
