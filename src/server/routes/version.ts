// `/version`: what runs here and which protocol versions it speaks.
import type { App } from '../fastify.js';
import { problemSchema } from '../plugins/problem.js';

const versionSchema = {
  querystring: { type: 'object', additionalProperties: true },
  response: {
    200: {
      type: 'object',
      required: ['name', 'version', 'protocolVersions'],
      properties: {
        name: { const: 'sealrelay' },
        version: { type: 'string' },
        protocolVersions: { type: 'array', items: { type: 'integer' } },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

export interface VersionDeps {
  readonly version: string;
  readonly protocolVersions: readonly number[];
}

export function versionRoute(app: App, deps: VersionDeps): void {
  app.get('/version', { schema: versionSchema }, (_request, reply) =>
    reply.send({ name: 'sealrelay', version: deps.version, protocolVersions: deps.protocolVersions }),
  );
}
