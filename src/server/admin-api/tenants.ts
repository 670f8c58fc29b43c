// Tenants: what each takes and what it may. Those the configuration lists have their name, the others are known by an id alone.
import type { Config } from '../../config/options.js';
import { tenantNames } from '../admission/tenant-plan.js';
import type { App } from '../fastify.js';
import { askCore, type ReadCore } from './core-of.js';
import { count, exactly, problems, unknownCount, unknownText } from './schemas.js';

const PAGE_MAX = 1000;
const PAGE_DEFAULT = 100;

const tenant = { type: 'string', pattern: '^[0-9a-f]{32}$' } as const;
const limit = { type: 'integer', description: '0 is no limit.' } as const;
const held = { ...unknownCount, description: 'Null when it is not limited, or not counted yet: nobody pushed since the start.' } as const;
const row = exactly({
  tenant,
  name: { ...unknownText, description: 'As `tenants` lists it.' },
  spaces: count,
  connections: count,
  connectionsMax: limit,
  entries: held,
  entriesMax: limit,
  bytes: held,
  bytesMax: limit,
  pushesPerSecondMax: limit,
});
const page = exactly({ tenants: { type: 'array', items: row }, next: { ...unknownText, description: 'Give it as `after` for the next page; null: this is the last.' } });
const query = { type: 'object', additionalProperties: false, properties: { after: tenant, limit: { type: 'integer', minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT } } } as const;
const schema = { tags: ['admission'], summary: 'Tenants with spaces, what they take and what they may.', querystring: query, response: { 200: page, ...problems } } as const;

export function tenantsRoute(app: App, { core, config }: { readonly core: ReadCore; readonly config: () => Config }): void {
  app.get<{ Querystring: { after?: string; limit: number } }>('/admin/api/tenants', { schema }, async ({ query: { after, limit } }, reply) => {
    const { tenants, next } = await askCore(core, (port) => port.tenants(after ?? null, limit));
    const names = tenantNames(config());
    return reply.header('cache-control', 'no-store').send({ tenants: tenants.map((found) => ({ ...found, name: names.get(found.tenant) ?? null })), next });
  });
}
