// The composition root: the only place of the server that constructs things. Opens in order (private socket, public app,
// admin app, core) and closes in the opposite order, so that the core drains while both apps still answer.
import type { Logger } from 'pino';
import type { Config, OptionKey } from '../config/options.js';
import { RelayError } from '../errors.js';
import { toCoreConfig, type RouteTable } from './core-config.js';
import type { RelayInfo, RelayPort, RelayStats, StartRelayPort } from '../native/relay-port.js';
import { BUILD, PROTOCOL_VERSIONS, VERSION } from '../version.js';
import { openAdmin, type AdminPlace, type OpenAdmin } from './admin-api/open-admin.js';
import { openAdmission, type Admission } from './admission/open-admission.js';
import type { AuditLog } from './audit/audit-log.js';
import { auditEvents } from './audit/audit-events.js';
import { prepareAudit, type RelayAudit } from './audit/open-audit.js';
import { Closers } from './closers.js';
import { openDemo } from './demo/open-demo.js';
import { whenPortIsFree } from './lifecycle/take-over.js';
import { relayAddress } from './address.js';
import { appLogger, logEvents, setLogLevel } from './logging.js';
import type { LogRing } from './logging-ring.js';
import { Operations } from './operations/operations.js';
import { buildPublicApp } from './public-app.js';
import { Readiness, storeTrouble } from './readiness.js';
import { Reloader, type ReloadReport } from './reload.js';
import type { Instant } from './sla/sla-recorder.js';
import { StoreLatency } from './store-latency.js';
import { makePrivateSocket, type PrivateSocket } from './runtime-dir.js';
import type { StatusDeps } from './routes/status.js';
import { shareSnapshot, type ReadMeasures, type ReadStats } from './telemetry/snapshot.js';
import { openTraces, type Traces } from './traces/open-traces.js';

/** Well below the silence after which liveness fails. */
const BEAT_PERIOD_MS = 1000;
const DAY_S = 24 * 60 * 60;

export interface ServerDeps {
  readonly logger: Logger;
  readonly startPort: StartRelayPort;
  readonly routes: RouteTable;
  /** Reads the configuration again, for a reload; null where there is nothing to read. */
  readonly reread: (() => Promise<Config>) | null;
  /** Where administrative acts are written; without it nowhere. */
  readonly audit?: AuditLog;
  /** Where each option's value came from, for the admin page. */
  readonly origin?: () => Readonly<Partial<Record<OptionKey, string>>>;
  /** The last lines of the log, for the admin page. */
  readonly logRing?: LogRing;
  /** Aborted when the relay is told to stop before it has started: the start closes what it opened, and rejects. */
  readonly stopping?: AbortSignal;
  /** A listening socket this process was started with; absent or null: the port is opened. */
  readonly listenFd?: number | null;
}

/** A relay that accepts connections. */
export interface RunningServer {
  readonly info: RelayInfo;
  /** Address of the admin listener, or null when it is off. */
  readonly admin: AdminPlace | null;
  /** `seq:hash` of the newest line of the audit log, or null. */
  readonly auditHead: () => string | null;
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
interface Shared extends BeforeOperations {
  readonly operations: Operations;
}

interface BeforeOperations {
  readonly readiness: Readiness;
  readonly stats: ReadStats;
  readonly measures: ReadMeasures;
  readonly latency: StoreLatency;
  readonly reloader: Reloader;
  readonly logger: Logger;
  readonly relayAddress: () => string | null;
  readonly audit: RelayAudit;
  /** Null until it runs. */
  readonly core: () => RelayPort | null;
  readonly admission: Admission;
}

async function open(config: Config, deps: ServerDeps, closers: Closers): Promise<RunningServer> {
  const socket = await makePrivateSocket();
  closers.add(socket.remove);
  let core: RelayPort | null = null;
  const logger = appLogger(deps.logger);
  const audit = prepareAudit(deps.audit ?? null, closers);
  const before: BeforeOperations = {
    readiness: new Readiness(),
    stats: shareSnapshot(() => core?.stats() ?? null, () => performance.now()),
    measures: shareSnapshot(() => core?.measures() ?? null, () => performance.now()),
    latency: new StoreLatency(),
    reloader: new Reloader(config, { reread: deps.reread, logger: deps.logger, audit: audit.sink, reloadCertificate: async () => await core?.reloadCertificate(), apply: (next) => setLogLevel(deps.logger, logger, next['log.level']) }),
    logger,
    relayAddress: () => (core === null ? null : relayAddress(core.info())),
    audit,
    core: () => core,
    admission: openAdmission(config, logger, audit.sink),
  };
  const shared: Shared = { ...before, operations: newOperations(before) };
  const traces = openTraces(config, { version: VERSION, drainSpans: () => core?.drainSpans() ?? [] });
  await openPublicApp(socket, shared, closers, traces);
  let opened = config['reuse-port'] ? null : await openAdminApp(config, shared, deps, closers, traces);
  // The admin port of a relay that is about to stop is free only after its store is.
  const late = closers.later();
  deps.stopping?.throwIfAborted();
  core = await openCore(socket, shared, deps, closers);
  deps.stopping?.throwIfAborted();
  await audit.open();
  await shared.operations.open(config['data-dir']);
  closers.add(() => shared.operations.close());
  if (config['reuse-port']) opened = await whenPortIsFree(() => openAdminApp(config, shared, deps, late, traces), config['reuse-port-wait']);
  deps.stopping?.throwIfAborted();
  const admin = (await opened?.begin()) ?? null;
  shared.readiness.markReady();
  let stopping: Promise<void> | null = null;
  return {
    info: core.info(),
    stats: () => core?.stats() ?? null,
    admin,
    auditHead: audit.head,
    reload: () => shared.reloader.reload(),
    stop: () => {
      shared.readiness.markDraining();
      stopping ??= closers.closeAll();
      return stopping;
    },
  };
}

/** How the relay is, as routes ask for it. */
function condition({ readiness, stats, latency }: BeforeOperations): Pick<StatusDeps, 'phase' | 'storeTrouble' | 'storeLatencyMs'> {
  return {
    phase: () => readiness.phase,
    storeTrouble: () => storeTrouble(stats()),
    storeLatencyMs: () => latency.latencyMs(performance.now()),
  };
}

/** Days until the certificate of the public port expires; null without one. */
function certificateDays(figures: RelayStats | null): number | null {
  return figures === null || figures.tlsCertificateLoaded === 0 ? null : figures.tlsCertificateLeftS / DAY_S;
}

function newOperations(before: BeforeOperations): Operations {
  const { reloader, logger, stats, measures } = before;
  const clock = (): Instant => ({ wallMs: Date.now(), monotonicMs: performance.now() });
  return new Operations({ ...condition(before), config: () => reloader.running, logger, stats, measures, clock, audit: before.audit.sink, fetch, certificateDays: () => certificateDays(stats()) });
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
    operations: shared.operations,
    regionHealth: (id) => shared.operations.regionHealth(id),
    hasStatusPage: reloader.running['status.public'],
    demo: openDemo(reloader.running, shared.relayAddress),
  });
  if (traces !== null) closers.add(() => traces.close());
  traces?.install(app);
  closers.add(() => app.close());
  await app.listen({ path: socket.socketPath });
}

function openAdminApp(config: Config, shared: Shared, deps: ServerDeps, closers: Closers, traces: Traces | null): Promise<OpenAdmin | null> {
  const { logger, stats, measures, reloader, core, audit } = shared;
  const app = {
    ...condition(shared),
    logger,
    stats,
    measures,
    core,
    traces: () => traces?.figures() ?? null,
    version: VERSION,
    relayAddress: shared.relayAddress,
    reload: () => reloader.reload(),
    config: () => reloader.running,
    origin: deps.origin ?? (() => ({})),
    logRing: deps.logRing ?? null,
    audit: audit.sink,
    auditLog: audit,
    moving: { core, audit: audit.sink, dataDir: config['data-dir'] },
    tokens: shared.admission.tokens,
    operations: shared.operations,
  };
  return openAdmin(config, app, closers);
}

async function openCore(socket: PrivateSocket, { reloader, stats, latency, audit, admission }: Shared, deps: ServerDeps, closers: Closers): Promise<RelayPort> {
  let core: RelayPort | null = null;
  const logWaiting = (): void => {
    const events = core?.drainEvents() ?? [];
    logEvents(deps.logger, events);
    auditEvents(audit.sink, events);
    if (core !== null) admission.work(core);
  };
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
