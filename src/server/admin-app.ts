// The admin app: admin page and API, status, metrics, on its own address. It never listens by itself.
import websocket from '@fastify/websocket';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { AdminAccess } from './admin-auth/access.js';
import { installGuard, mayStay } from './admin-auth/guard.js';
import { passkeyRoutes } from './admin-auth/passkey-routes.js';
import { sessionRoutes } from './admin-auth/session-routes.js';
import type { ReadCore } from './admin-api/core-of.js';
import { foreignTenantRoutes } from './admin-api/foreign-tenants.js';
import { installOpenApi, openApiRoute } from './admin-api/docs.js';
import { logsRoute } from './admin-api/logs.js';
import { overviewRoutes, type OverviewDeps } from './admin-api/overview.js';
import { pageRoutes } from './admin-api/pages.js';
import { sampleRoute } from './admin-api/sample.js';
import { spacesRoutes } from './admin-api/spaces.js';
import { tenantsRoute } from './admin-api/tenants.js';
import { newApp, type App } from './fastify.js';
import type { LogRing } from './logging-ring.js';
import { installProblems } from './plugins/problem.js';
import { installRefusedUpgrades } from './plugins/refused-upgrades.js';
import { IMPORT_UPLOAD_MS_MAX, movingRoutes, type MovingDeps } from './moving/moving-routes.js';
import type { Operations } from './operations/operations.js';
import { readPageFiles } from './page-files.js';
import { auditRoute, type AuditRouteDeps } from './routes/audit.js';
import { liveRoute } from './routes/live.js';
import type { ReloadReport } from './reload.js';
import { limitsRoute, type LimitsDeps } from './routes/limits.js';
import { metricsRoute } from './routes/metrics.js';
import { reloadRoute } from './routes/reload.js';
import { statusRoute } from './routes/status.js';
import { tokenRoutes, type TokenRouteDeps } from './routes/tokens.js';
import { startProcessFigures } from './telemetry/process-metrics.js';
import { traceMetrics, type TraceFigures } from './telemetry/trace-metrics.js';
import { buildRegistry } from './telemetry/registry.js';
import type { ReadMeasures, ReadStats } from './telemetry/snapshot.js';

/** Viewers only listen, so anything but a tiny frame is refused. */
const FRAME_BYTES_MAX = 1024;

export interface AdminAppDeps extends OverviewDeps, LimitsDeps {
  readonly logger: FastifyBaseLogger;
  readonly stats: ReadStats;
  readonly measures: ReadMeasures;
  readonly operations: Pick<Operations, 'adminRoutes' | 'metrics'>;
  /** What became of spans; null while nothing is traced. */
  readonly traces?: () => TraceFigures | null;
  readonly reload: () => Promise<ReloadReport>;
  readonly auditLog: AuditRouteDeps;
  readonly moving: MovingDeps;
  readonly tokens: TokenRouteDeps;
  readonly access: AdminAccess;
  readonly core: ReadCore;
  /** The lines of the log; null where a program gave the relay its logger. */
  readonly logRing: LogRing | null;
  /** Where this app listens, for links to it. */
  readonly port: () => number;
  /** Folder of the built admin page. */
  readonly pageFolder: string;
}

export async function buildAdminApp(deps: AdminAppDeps): Promise<App> {
  const app = newApp(deps.logger, { trustProxy: false, requestTimeoutMs: IMPORT_UPLOAD_MS_MAX });
  const figures = startProcessFigures(() => deps.logRing?.lost() ?? 0);
  installProblems(app);
  installGuard(app, deps.access);
  installRefusedUpgrades(app);
  app.addHook('onClose', async () => figures.stop());
  await installOpenApi(app, deps.version);
  await app.register(websocket, { options: { maxPayload: FRAME_BYTES_MAX }, preClose: cutViewers });
  metricsRoute(app, buildRegistry({ stats: deps.stats, measures: deps.measures, rows: [...figures.rows, ...deps.operations.metrics(), ...traceMetrics(() => deps.traces?.() ?? null)] }));
  statusRoute(app, deps);
  sessionRoutes(app, deps.access, deps.port);
  passkeyRoutes(app, deps.access);
  overviewRoutes(app, deps);
  liveRoute(app, deps.stats, (request) => mayStay(deps.access, request));
  spacesRoutes(app, deps.core, deps.access.audit);
  foreignTenantRoutes(app, deps, deps.access.audit);
  sampleRoute(app, deps.core);
  logsRoute(app, deps.logRing);
  reloadRoute(app, deps.reload);
  limitsRoute(app, deps);
  tenantsRoute(app, deps);
  tokenRoutes(app, deps.tokens);
  deps.operations.adminRoutes(app);
  auditRoute(app, deps.auditLog);
  await movingRoutes(app, deps.moving);
  pageRoutes(app, readPageFiles(deps.pageFolder));
  openApiRoute(app);
  return app;
}

/** A viewer that does not answer the close must not hold up the end of the relay. */
function cutViewers(this: FastifyInstance, done: () => void): void {
  for (const viewer of this.websocketServer.clients) viewer.terminate();
  this.websocketServer.close(() => done());
}
