// OpenAPI of the admin API, made of the schemas of its routes: `/docs/openapi.json`, and `/docs` for people.
import swagger from '@fastify/swagger';
import { accessOf, type Access } from '../admin-auth/guard.js';
import type { App } from '../fastify.js';

/** What a request has to bring, as OpenAPI says it: the empty requirement is nothing. */
const SECURITY: Readonly<Record<Access, readonly Readonly<Record<string, readonly string[]>>[]>> = { open: [], local: [{}, { token: [] }], admin: [{ token: [] }] };

/** Before any route: only what is registered later is in it. */
export async function installOpenApi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'sealrelay admin API',
        version,
        description: 'Errors are RFC 9457 problem documents. Sign in at /admin, or send a token: `Authorization: Bearer …`. Where a route also asks for nothing, that is for this machine, by a loopback name.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    // The WebSocket plugin hides its routes; what is documented here is not hidden.
    // A route without a topic gets the name of what it is about.
    transform: ({ schema, url, route }) => ({ schema: { ...schema, hide: false, tags: schema.tags ?? [topicOf(url)], security: SECURITY[accessOf(route)] }, url }),
  });
}

export function openApiRoute(app: App): void {
  app.get('/docs/openapi.json', { config: { access: 'open' }, schema: { tags: ['docs'], summary: 'This description.', response: { 200: { type: 'object', additionalProperties: true } } } }, async () => app.swagger());
}

/** `/admin/api/tokens/:id` is about tokens. */
function topicOf(url: string): string {
  return /^(?:\/admin\/api)?\/([a-z-]+)/.exec(url)?.[1] ?? 'other';
}
