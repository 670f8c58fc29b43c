// `/admin/api/regions`: the regions as apps are told of them, with what this relay learned of each and when.
import type { App } from '../fastify.js';
import type { RegionHealth } from '../regions/region-watch.js';
import { healthOf, type RegionsDeps } from '../routes/regions.js';
import { exactly, noQuery, problems, unknownCount } from './schemas.js';

const region = exactly({
  id: { type: 'string' },
  name: { type: 'string' },
  location: { type: 'string' },
  endpoint: { type: 'string', description: 'Empty: not in use.' },
  here: { type: 'boolean', description: 'Whether it is this relay.' },
  status: { type: 'string', enum: ['online', 'degraded', 'offline', 'unknown'] },
  latencyMs: { ...unknownCount, description: 'Time until its /health answered, seen from here.' },
  checkedMs: { ...unknownCount, description: 'When it was asked last.' },
  offlineSinceMs: { ...unknownCount, description: 'Since when it has not answered.' },
});
const schema = {
  tags: ['relay'],
  summary: 'The regions, with the state and the latency this relay sees.',
  querystring: noQuery,
  response: { 200: exactly({ region: { type: 'string' }, regions: { type: 'array', items: region } }), ...problems },
} as const;

export interface AdminRegionsDeps extends Omit<RegionsDeps, 'regionHealth'> {
  readonly regionHealth: (id: string) => RegionHealth;
}

export function adminRegionsRoute(app: App, deps: AdminRegionsDeps): void {
  app.get('/admin/api/regions', { schema }, async (_request, reply) => {
    const own = deps.region();
    const regions = deps.regions().map((each) => {
      const { checkedMs, offlineSinceMs, latencyMs } = deps.regionHealth(each.id);
      const here = each.id === own;
      const looked = here ? { latencyMs: null, checkedMs: deps.clock(), offlineSinceMs: null } : { latencyMs, checkedMs, offlineSinceMs };
      return { ...each, here, status: healthOf(each, deps).status, ...looked };
    });
    return reply.header('cache-control', 'no-store').send({ region: own, regions });
  });
}
