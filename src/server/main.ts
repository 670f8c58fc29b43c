// The composition root: the only place of the server that constructs things. Opens in order (private socket, public app,
// admin app, core) and closes in the opposite order, so that the core drains while both apps still answer.
import type { Logger } from 'pino';
import type { Config } from '../config/options.js';
import { RelayError } from '../errors.js';
import { toCoreConfig, type RouteTable } from './core-config.js';
import type { RelayInfo, RelayPort, RelayStats, StartRelayPort } from '../native/relay-port.js';
import { BUILD, PROTOCOL_VERSIONS, VERSION } from '../version.js';
import { buildAdminApp } from './admin-app.js';
import { Closers } from './closers.js';
import { whenPortIsFree } from './lifecycle/take-over.js';
import { listenOn } from './listen.js';
import { relayAddress } from './address.js';
import { appLogger, logEvents, setLogLevel } from './logging.js';
import { buildPublicApp } from './public-app.js';
import { Readiness, storeTrouble } from './readiness.js';
import { Reloader, type ReloadReport } from './reload.js';
import { StoreLatency } from './store-latency.js';
import { makePrivateSocket, type PrivateSocket } from './runtime-dir.js';
import type { StatusDeps } from './routes/status.js';
import { shareSnapshot, type ReadStats } from './telemetry/snapshot.js';
import { openTraces, type Traces } from './traces/open-traces.js';

/** Well below the silence after which liveness fails. */
const BEAT_PERIOD_MS = 1000;

export interface ServerDeps {
  readonly logger: Logger;
  readonly startPort: StartRelayPort;
  readonly routes: RouteTable;
  /** Reads the configuration again, for a reload; null where there is nothing to read. */
  readonly reread: (() => Promise<Config>) | null;
  /** A listening socket this process was started with; absent or null: the port is opened. */
  readonly listenFd?: number | null;
}

/** A relay that accepts connections. */
export interface RunningServer {
  readonly info: RelayInfo;
  /** Address of the admin listener, or null when it is off. */
  readonly admin: { readonly host: string; readonly port: number } | null;
  /** One snapshot of all counters and gauges; null once it was stopped. */
  stats(): RelayStats | null;
  /** Drains and closes everything; a second call waits for the first. */
  stop(): Promise<void>;
  /** Reads the configuration again and applies what can change while the relay runs. */
  reload(): Promise<ReloadReport>;
}

/** Starts a relay; when it throws, everything that was opened is closed again. */
export async function startServer(config: Config, deps: ServerDeps): Promise<RunningServer> {
  const closers = new Closers();
  try {
    return await open(config, deps, closers);
  } catch (error) {
    await closers.closeAll().catch((closing: unknown) => deps.logger.error({ err: closing }, 'closing after a failed start failed'));
    throw error;
  }
}

/** What both apps are told about the relay. */
interface Shared {
  readonly readiness: Readiness;
  readonly stats: ReadStats;
  readonly latency: StoreLatency;
  readonly reloader: Reloader;
  readonly logger: Logger;
  readonly relayAddress: () => string | null;
}

async function open(config: Config, deps: ServerDeps, closers: Closers): Promise<RunningServer> {
  const socket = await makePrivateSocket();
  closers.add(socket.remove);
  let core: RelayPort | null = null;
  const logger = appLogger(deps.logger);
  const shared: Shared = {
    readiness: new Readiness(),
    stats: shareSnapshot(() => core?.stats() ?? null, () => performance.now()),
    latency: new StoreLatency(),
    reloader: new Reloader(config, { reread: deps.reread, logger: deps.logger, apply: (next) => setLogLevel(deps.logger, logger, next['log.level']) }),
    logger,
    relayAddress: () => (core === null ? null : relayAddress(core.info())),
  };
  const traces = openTraces(config, { version: VERSION, drainSpans: () => core?.drainSpans() ?? [] });
  await openPublicApp(socket, shared, closers, traces);
  let admin = config['reuse-port'] ? null : await openAdminApp(config, shared, closers, traces);
  // The admin port of a relay that is about to stop is free only after its store is.
  const late = closers.later();
  core = await openCore(socket, shared, deps, closers);
  if (config['reuse-port']) admin = await whenPortIsFree(() => openAdminApp(config, shared, late, traces), config['reuse-port-wait']);
  shared.readiness.markReady();
  let stopping: Promise<void> | null = null;
  return {
    info: core.info(),
    stats: () => core?.stats() ?? null,
    admin,
    reload: () => shared.reloader.reload(),
    stop: () => {
      shared.readiness.markDraining();
      stopping ??= closers.closeAll();
      return stopping;
    },
  };
}

/** How the relay is, as routes ask for it. */
function condition({ readiness, stats, latency }: Shared): Pick<StatusDeps, 'phase' | 'storeTrouble' | 'storeLatencyMs'> {
  return {
    phase: () => readiness.phase,
    storeTrouble: () => storeTrouble(stats()),
    storeLatencyMs: () => latency.latencyMs(performance.now()),
  };
}

async function openPublicApp(socket: PrivateSocket, shared: Shared, closers: Closers, traces: Traces | null): Promise<void> {
  const { reloader, stats, logger } = shared;
  const app = buildPublicApp({
    ...condition(shared),
    logger,
    coreSecret: socket.secret,
    version: VERSION,
    protocolVersions: PROTOCOL_VERSIONS,
    build: BUILD,
    uptimeMs: () => stats()?.uptimeMs ?? 0,
    region: () => reloader.running.region,
    regions: () => reloader.running.regions,
    environment: () => reloader.running.environment,
    clock: () => Date.now(),
  });
  if (traces !== null) closers.add(() => traces.close());
  traces?.install(app);
  closers.add(() => app.close());
  await app.listen({ path: socket.socketPath });
}

async function openAdminApp(config: Config, shared: Shared, closers: Closers, traces: Traces | null): Promise<RunningServer['admin']> {
  const port = config['admin.port'];
  if (port === null) return null;
  const { logger, stats, reloader } = shared;
  const app = await buildAdminApp({
    ...condition(shared),
    logger,
    stats,
    figures: traces?.figures ?? [],
    version: VERSION,
    relayAddress: shared.relayAddress,
    reload: () => reloader.reload(),
  });
  closers.add(() => app.close());
  const address = await listenOn(app, config['admin.host'], port, '--admin.port');
  return { host: address.address, port: address.port };
}

async function openCore(socket: PrivateSocket, { reloader, stats, latency }: Shared, deps: ServerDeps, closers: Closers): Promise<RelayPort> {
  let core: RelayPort | null = null;
  const logWaiting = (): void => logEvents(deps.logger, core?.drainEvents() ?? []);
  const started = await deps.startPort(toCoreConfig(reloader.running, deps.routes, socket, deps.listenFd), logWaiting).catch(nameTheFlag);
  core = started;
  const beat = setInterval(() => {
    started.beat();
    const figures = stats();
    if (figures !== null) latency.sample(figures, performance.now());
  }, BEAT_PERIOD_MS);
  closers.add(async () => {
    clearInterval(beat);
    logWaiting();
  });
  closers.add(() => started.stop({ drainMs: reloader.running['drain-time'] }));
  started.beat();
  // Events from before the handle existed had nobody to drain them.
  logWaiting();
  return started;
}

/** The core knows addresses, not flags. */
function nameTheFlag(error: unknown): never {
  if (!(error instanceof RelayError) || error.code !== 'port_in_use') throw error;
  throw new RelayError(error.code, error.message, {
    temporary: true,
    hint: 'Stop the program that uses it, or choose another port with --port.',
    cause: error,
  });
}
