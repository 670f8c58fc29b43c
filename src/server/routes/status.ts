// `/status` on the admin address: how this relay is, with every figure of the core. What `relay status` shows.
import type { RelayStats } from '../../native/relay-port.js';
import type { App } from '../fastify.js';
import { problemSchema } from '../plugins/problem.js';
import { UNREADY_DETAILS, whyUnready, type Phase, type StoreTrouble } from '../readiness.js';

const statusSchema = {
  tags: ['monitoring'],
  summary: 'How the relay is; what `relay status` shows.',
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: {
    200: {
      type: 'object',
      required: ['version', 'relayAddress', 'pid', 'phase', 'ready', 'reason', 'detail', 'storeLatencyMs', 'figures'],
      properties: {
        version: { type: 'string' },
        relayAddress: { type: ['string', 'null'] },
        pid: { type: 'integer' },
        phase: { type: 'string', enum: ['starting', 'ready', 'draining'] },
        ready: { type: 'boolean' },
        reason: { type: ['string', 'null'] },
        detail: { type: ['string', 'null'] },
        storeLatencyMs: { type: 'number' },
        figures: { type: ['object', 'null'], additionalProperties: { type: 'number' } },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

export interface StatusDeps {
  readonly version: string;
  readonly relayAddress: () => string | null;
  readonly phase: () => Phase;
  readonly storeTrouble: () => StoreTrouble | null;
  readonly storeLatencyMs: () => number;
  readonly stats: () => RelayStats | null;
}

export function statusRoute(app: App, deps: StatusDeps): void {
  app.get('/status', { schema: statusSchema }, (_request, reply) => {
    const phase = deps.phase();
    const reason = whyUnready(phase, deps.storeTrouble());
    return reply.header('cache-control', 'no-store').send({
      version: deps.version,
      relayAddress: deps.relayAddress(),
      pid: process.pid,
      phase,
      ready: reason === null,
      reason,
      detail: reason === null ? null : UNREADY_DETAILS[reason],
      storeLatencyMs: deps.storeLatencyMs(),
      figures: deps.stats(),
    });
  });
}
