// `/version`: what runs here, how it was built, and which protocol versions it speaks.
import type { App } from '../fastify.js';
import { letPagesRead } from '../plugins/let-pages-read.js';
import { problemSchema } from '../plugins/problem.js';

/** What hosted relays with push and pull over HTTP call the version of that protocol; their clients look for it here. */
const PUSH_PULL_VERSION = '1.0.0';

const versionSchema = {
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: {
    200: {
      type: 'object',
      required: ['name', 'version', 'server_version', 'protocol_version', 'protocolVersions', 'environment', 'build_date', 'git_commit', 'node_version', 'timestamp'],
      properties: {
        name: { const: 'sealrelay' },
        version: { type: 'string' },
        server_version: { type: 'string' },
        protocol_version: { type: 'string' },
        protocolVersions: { type: 'array', items: { type: 'integer' } },
        environment: { type: 'string' },
        build_date: { type: ['string', 'null'] },
        git_commit: { type: ['string', 'null'] },
        node_version: { type: 'string' },
        timestamp: { type: 'integer' },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

export interface VersionDeps {
  readonly version: string;
  readonly protocolVersions: readonly number[];
  /** Null where the build did not know. */
  readonly build: { readonly commit: string | null; readonly date: string | null };
  readonly environment: () => string;
  readonly clock: () => number;
}

export function versionRoute(app: App, deps: VersionDeps): void {
  app.get('/version', { schema: versionSchema, onRequest: letPagesRead }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({
      name: 'sealrelay',
      version: deps.version,
      server_version: deps.version,
      protocol_version: PUSH_PULL_VERSION,
      protocolVersions: deps.protocolVersions,
      environment: deps.environment(),
      build_date: deps.build.date,
      git_commit: deps.build.commit,
      node_version: process.versions.node,
      timestamp: deps.clock(),
    }),
  );
}
