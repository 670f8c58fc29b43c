// `/health` says that the control plane answers, `/health/ready` whether the relay takes work. `/health/live` is the core's.
import type { App } from '../fastify.js';
import { problemSchema } from '../plugins/problem.js';
import type { Phase, StoreTrouble, Unready } from '../readiness.js';

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

const readinessSchema = {
  type: 'object',
  required: ['ready', 'phase', 'reason', 'detail'],
  properties: {
    ready: { type: 'boolean' },
    phase: phaseSchema,
    reason: { type: ['string', 'null'] },
    detail: { type: ['string', 'null'] },
  },
} as const;

const readySchema = {
  querystring: { type: 'object', additionalProperties: true },
  response: { 200: readinessSchema, 503: readinessSchema, '4xx': problemSchema, '5xx': problemSchema },
} as const;

export interface HealthDeps {
  readonly version: string;
  readonly phase: () => Phase;
  /** Why the store takes nothing new, when it does not; what is stored can be read. */
  readonly storeTrouble: () => StoreTrouble | null;
}

/** For the person who reads the probe. */
const DETAILS = {
  starting: 'The relay is starting.',
  draining: 'The relay is stopping; clients were told when to return.',
  store_poisoned: 'A write or sync of the store failed and nothing more is accepted; check the disk, then restart the relay.',
  disk_full: 'The disk is full: pushes are refused, reads go on. Make room; the relay then goes on by itself.',
} as const satisfies Record<Unready, string>;

export function healthRoutes(app: App, deps: HealthDeps): void {
  app.get('/health', { schema: healthSchema }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok', phase: deps.phase(), version: deps.version }),
  );
  app.get('/health/ready', { schema: readySchema }, (_request, reply) => {
    const phase = deps.phase();
    const reason = unready(deps, phase);
    return reply
      .code(reason === null ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ ready: reason === null, phase, reason, detail: reason === null ? null : DETAILS[reason] });
  });
}

function unready(deps: HealthDeps, phase: Phase): Unready | null {
  if (phase !== 'ready') return phase;
  return deps.storeTrouble();
}
