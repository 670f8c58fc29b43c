// The composition root: the only place of the server that constructs things. Opens in order (private socket, public app,
// admin app, core) and closes in the opposite order, so that the core drains while both apps still answer.
import type { Logger } from 'pino';
import type { Config } from '../config/options.js';
import { RelayError } from '../errors.js';
import { toCoreConfig, type RouteTable } from './core-config.js';
import type { RelayInfo, RelayPort, StartRelayPort } from '../native/relay-port.js';
import { PROTOCOL_VERSIONS, VERSION } from '../version.js';
import { buildAdminApp } from './admin-app.js';
import { Closers } from './closers.js';
import { listenOn } from './listen.js';
import { appLogger, logEvents } from './logging.js';
import { buildPublicApp } from './public-app.js';
import { Readiness, storeTrouble } from './readiness.js';
import { makePrivateSocket, type PrivateSocket } from './runtime-dir.js';
import { shareSnapshot, type ReadStats } from './telemetry/snapshot.js';

/** Well below the silence after which liveness fails. */
const BEAT_PERIOD_MS = 1000;

export interface ServerDeps {
  readonly logger: Logger;
  readonly startPort: StartRelayPort;
  readonly routes: RouteTable;
}

/** A relay that accepts connections. */
export interface RunningServer {
  readonly info: RelayInfo;
  /** Address of the admin listener, or null when it is off. */
  readonly admin: { readonly host: string; readonly port: number } | null;
  /** Drains and closes everything; a second call waits for the first. */
  stop(): Promise<void>;
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

async function open(config: Config, deps: ServerDeps, closers: Closers): Promise<RunningServer> {
  const readiness = new Readiness();
  const socket = await makePrivateSocket();
  closers.add(socket.remove);
  let core: RelayPort | null = null;
  const stats = shareSnapshot(() => core?.stats() ?? null, () => performance.now());
  await openPublicApp(socket, { readiness, stats }, deps, closers);
  const admin = await openAdminApp(config, stats, deps, closers);
  core = await openCore(config, socket, deps, closers);
  readiness.markReady();
  let stopping: Promise<void> | null = null;
  return {
    info: core.info(),
    admin,
    stop: () => {
      readiness.markDraining();
      stopping ??= closers.closeAll();
      return stopping;
    },
  };
}

async function openPublicApp(
  socket: PrivateSocket,
  state: { readonly readiness: Readiness; readonly stats: ReadStats },
  deps: ServerDeps,
  closers: Closers,
): Promise<void> {
  const app = buildPublicApp({
    logger: appLogger(deps.logger),
    coreSecret: socket.secret,
    version: VERSION,
    protocolVersions: PROTOCOL_VERSIONS,
    phase: () => state.readiness.phase,
    storeTrouble: () => storeTrouble(state.stats()),
  });
  closers.add(() => app.close());
  await app.listen({ path: socket.socketPath });
}

async function openAdminApp(
  config: Config,
  stats: ReadStats,
  deps: ServerDeps,
  closers: Closers,
): Promise<RunningServer['admin']> {
  const port = config['admin.port'];
  if (port === null) return null;
  const app = await buildAdminApp({ logger: appLogger(deps.logger), stats });
  closers.add(() => app.close());
  const address = await listenOn(app, config['admin.host'], port, '--admin.port');
  return { host: address.address, port: address.port };
}

async function openCore(config: Config, socket: PrivateSocket, deps: ServerDeps, closers: Closers): Promise<RelayPort> {
  let core: RelayPort | null = null;
  const logWaiting = (): void => logEvents(deps.logger, core?.drainEvents() ?? []);
  const started = await deps.startPort(toCoreConfig(config, deps.routes, socket), logWaiting).catch(nameTheFlag);
  core = started;
  const beat = setInterval(() => started.beat(), BEAT_PERIOD_MS);
  closers.add(async () => {
    clearInterval(beat);
    logWaiting();
  });
  closers.add(() => started.stop({ drainMs: config['drain-time'] }));
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
