// What the admin page shows first, and the configuration in force.
import type { OptionKey } from '../../config/options.js';
import { OPTIONS, OPTION_KEYS, type Config } from '../../config/options.js';
import { shownRows } from '../../config/shown.js';
import type { App } from '../fastify.js';
import { UNREADY_DETAILS, whyUnready } from '../readiness.js';
import type { StatusDeps } from '../routes/status.js';
import { count, exactly, noQuery, problems, unknownText } from './schemas.js';

export interface OverviewDeps extends StatusDeps {
  readonly config: () => Config;
  /** Where each value came from when it was read last. */
  readonly origin: () => Readonly<Partial<Record<OptionKey, string>>>;
  readonly startedAtMs: number;
}

const region = exactly({ id: { type: 'string' }, name: { type: 'string' }, location: { type: 'string' }, endpoint: unknownText });
const overviewSchema = exactly({
  version: { type: 'string' },
  relayAddress: unknownText,
  pid: count,
  node: { type: 'string' },
  startedAtMs: count,
  phase: { type: 'string', enum: ['starting', 'ready', 'draining'] },
  reason: unknownText,
  detail: unknownText,
  storeLatencyMs: { type: 'number' },
  environment: { type: 'string' },
  region: { type: 'string' },
  regions: { type: 'array', items: region },
  residentBytes: { ...count, description: 'Resident memory of the process.' },
  figures: { type: ['object', 'null'], additionalProperties: { type: 'number' } },
});
const configSchema = exactly({
  options: {
    type: 'array',
    items: exactly({
      key: { type: 'string' },
      group: { type: 'string' },
      value: { type: 'string', description: 'As it would be written; secrets are cut out.' },
      origin: { type: 'string', description: '`default`, a flag, an environment variable, or a line of a file.' },
      reloadable: { type: 'boolean' },
      doc: { type: 'string' },
    }),
  },
});

export function overviewRoutes(app: App, deps: OverviewDeps): void {
  app.get('/admin/api/overview', { schema: { tags: ['relay'], summary: 'How the relay is, with every figure of the core.', querystring: noQuery, response: { 200: overviewSchema, ...problems } } }, async (_request, reply) => {
    const reason = whyUnready(deps.phase(), deps.storeTrouble());
    const { region: own, regions, environment } = deps.config();
    return reply.header('cache-control', 'no-store').send({
      version: deps.version,
      relayAddress: deps.relayAddress(),
      pid: process.pid,
      node: process.versions.node,
      startedAtMs: deps.startedAtMs,
      phase: deps.phase(),
      reason,
      detail: reason === null ? null : UNREADY_DETAILS[reason],
      storeLatencyMs: deps.storeLatencyMs(),
      environment,
      region: own,
      regions: regions.map(({ id, name, location, endpoint }) => ({ id, name, location, endpoint: endpoint ?? null })),
      residentBytes: process.memoryUsage.rss(),
      figures: deps.stats(),
    });
  });
  app.get('/admin/api/config', { schema: { tags: ['relay'], summary: 'Every option with where its value comes from; secrets are cut out.', querystring: noQuery, response: { 200: configSchema, ...problems } } }, async (_request, reply) => {
    const rows = shownRows(OPTIONS, deps.config(), deps.origin());
    const extra = new Map(OPTION_KEYS.map((key) => [key as string, OPTIONS[key]]));
    const options = rows.map((row) => {
      const spec = extra.get(row.key);
      return { ...row, group: spec?.group ?? '', reloadable: spec?.reloadable === true, doc: spec?.doc ?? '' };
    });
    return reply.header('cache-control', 'no-store').send({ options });
  });
}
