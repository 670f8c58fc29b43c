// The admin app: status, metrics, live figures and reload, on its own loopback address. It never listens by itself.
import websocket from '@fastify/websocket';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { newApp, type App } from './fastify.js';
import { installLocalHostOnly } from './plugins/local-host.js';
import { installProblems } from './plugins/problem.js';
import { installRefusedUpgrades } from './plugins/refused-upgrades.js';
import { liveRoute } from './routes/live.js';
import type { ReloadReport } from './reload.js';
import { metricsRoute } from './routes/metrics.js';
import { reloadRoute } from './routes/reload.js';
import { statusRoute, type StatusDeps } from './routes/status.js';
import { startProcessFigures, type OwnFigure } from './telemetry/process-metrics.js';
import { buildRegistry } from './telemetry/registry.js';
import type { ReadStats } from './telemetry/snapshot.js';

/** Viewers only listen, so anything but a tiny frame is refused. */
const FRAME_BYTES_MAX = 1024;

export interface AdminAppDeps extends StatusDeps {
  readonly logger: FastifyBaseLogger;
  readonly stats: ReadStats;
  /** Metrics of other parts of the control plane. */
  readonly figures?: readonly OwnFigure[];
  readonly reload: () => Promise<ReloadReport>;
}

export async function buildAdminApp(deps: AdminAppDeps): Promise<App> {
  const app = newApp(deps.logger, { trustProxy: false });
  const figures = startProcessFigures();
  installProblems(app);
  installLocalHostOnly(app);
  installRefusedUpgrades(app);
  app.addHook('onClose', async () => figures.stop());
  await app.register(websocket, { options: { maxPayload: FRAME_BYTES_MAX }, preClose: cutViewers });
  metricsRoute(app, buildRegistry(deps.stats, [...figures.rows, ...(deps.figures ?? [])]));
  liveRoute(app, deps.stats);
  statusRoute(app, deps);
  reloadRoute(app, deps.reload);
  return app;
}

/** A viewer that does not answer the close must not hold up the end of the relay. */
function cutViewers(this: FastifyInstance, done: () => void): void {
  for (const viewer of this.websocketServer.clients) viewer.terminate();
  this.websocketServer.close(() => done());
}
