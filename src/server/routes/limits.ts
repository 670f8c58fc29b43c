// `/admin/api/limits`: the limits in force and how often each was reached since the start.
import type { Config, OptionKey } from '../../config/options.js';
import type { RelayStats } from '../../native/relay-port.js';
import type { App } from '../fastify.js';
import { problemSchema } from '../plugins/problem.js';

/** A limit, and the figure that counts how often it was reached; null where none does. */
const LIMITS = {
  'limits.requests-per-minute': 'requestsLimitedTotal',
  'limits.native-requests-per-minute': 'nativeRequestsLimitedTotal',
  'limits.connections-per-minute': 'connectionsLimitedTotal',
  'limits.address-connections-max': 'addressConnectionsRefusedTotal',
  'limits.connections-max': 'refusedTotal',
  'limits.session-pushes-per-second': 'pushesLimitedTotal',
  'limits.space-pushes-per-second': 'pushesLimitedTotal',
  'limits.ephemeral-rate-max': 'ephemeralRefusedTotal',
  'limits.space-connections-max': 'spaceSessionsRefusedTotal',
  'limits.space-entries-max': 'quotaRefusedTotal',
  'limits.space-bytes-max': 'quotaRefusedTotal',
  'limits.space-blobs-max': null,
  'limits.space-blob-bytes-max': null,
  'limits.sponsored-spaces-per-hour': 'sponsoredRefusedTotal',
  'limits.tenant-spaces-max': 'foundingsRefusedTotal',
  'limits.tenant-entries-max': 'tenantQuotaRefusedTotal',
  'limits.tenant-bytes-max': 'tenantQuotaRefusedTotal',
  'limits.tenant-connections-max': 'tenantSessionsRefusedTotal',
  'limits.tenant-pushes-per-second': 'tenantPushesLimitedTotal',
} as const satisfies Partial<Record<OptionKey, keyof RelayStats | null>>;

const schema = {
  tags: ['admission'],
  summary: 'The limits in force, and how often each was reached since the start.',
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: {
    200: {
      type: 'object',
      required: ['admission', 'behindProxy', 'limits', 'foundings'],
      properties: {
        admission: { type: 'string' },
        behindProxy: { type: 'string' },
        limits: {
          type: 'array',
          items: {
            type: 'object',
            required: ['option', 'value', 'reached'],
            properties: { option: { type: 'string' }, value: { type: 'number' }, reached: { type: ['number', 'null'] } },
          },
        },
        foundings: { type: ['object', 'null'], properties: { admitted: { type: 'number' }, refused: { type: 'number' }, unavailable: { type: 'number' } } },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

export interface LimitsDeps {
  readonly config: () => Config;
  readonly stats: () => RelayStats | null;
}

export function limitsRoute(app: App, { config, stats }: LimitsDeps): void {
  app.get('/admin/api/limits', { schema }, (_request, reply) => {
    const [running, figures] = [config(), stats()];
    const limits = Object.entries(LIMITS).map(([option, figure]) => ({
      option,
      value: Number(running[option as keyof typeof LIMITS]),
      reached: figure === null || figures === null ? null : figures[figure],
    }));
    const foundings = figures && { admitted: figures.foundingsAdmittedTotal, refused: figures.foundingsRefusedTotal, unavailable: figures.foundingsUnavailableTotal };
    return reply.header('cache-control', 'no-store').send({ admission: running.admission, behindProxy: running['behind-proxy'], limits, foundings });
  });
}
