// The public control-plane app. It never listens by itself and is reached only through the core, over a private socket.
import type { FastifyBaseLogger } from 'fastify';
import { demoRoutes, type DemoDeps } from './demo/demo-routes.js';
import { newApp, type App } from './fastify.js';
import { installCoreOnly } from './plugins/core-only.js';
import { installProblems } from './plugins/problem.js';
import type { Operations } from './operations/operations.js';
import { healthRoutes, type HealthDeps } from './routes/health.js';
import { answerPreflights } from './plugins/let-pages-read.js';
import { regionsRoute, type RegionsDeps } from './routes/regions.js';
import { rootRoute, type RootDeps } from './routes/root.js';
import { versionRoute, type VersionDeps } from './routes/version.js';

/** What clients in pages of other origins ask. */
const READ_BY_PAGES = ['/', '/health', '/api/health', '/regions', '/version', '/metrics/sla'];

export interface PublicAppDeps extends HealthDeps, RegionsDeps, RootDeps, VersionDeps {
  readonly logger: FastifyBaseLogger;
  /** Known to the core and to this app only; new at every start. */
  readonly coreSecret: string;
  readonly operations: Pick<Operations, 'publicRoutes'>;
  /** Null where it is off. */
  readonly demo: DemoDeps | null;
}

export function buildPublicApp(deps: PublicAppDeps): App {
  const app = newApp(deps.logger, { trustProxy: true });
  installProblems(app);
  installCoreOnly(app, deps.coreSecret);
  rootRoute(app, deps);
  healthRoutes(app, deps);
  regionsRoute(app, deps);
  versionRoute(app, deps);
  deps.operations.publicRoutes(app);
  answerPreflights(app, READ_BY_PAGES);
  if (deps.demo !== null) demoRoutes(app, deps.demo);
  return app;
}
