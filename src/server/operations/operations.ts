// What operators watch: the past of this relay, incidents, and the routes that show them. It is made before the apps, so that
// they can be given its routes, and opened once the data directory is the relay's.
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../../config/options.js';
import type { RelayMeasures, RelayStats } from '../../native/relay-port.js';
import { adminRegionsRoute } from '../admin-api/regions.js';
import { Alerts } from '../alerts/alerts.js';
import { gatherSignals } from '../alerts/gather-signals.js';
import type { App } from '../fastify.js';
import type { AuditSink } from '../audit/audit-sink.js';
import { FoundingCount } from '../audit/founding-count.js';
import { IncidentStore } from '../incidents/incident-store.js';
import type { Phase, StoreTrouble } from '../readiness.js';
import { RegionWatch, type RegionHealth, type RegionStatus } from '../regions/region-watch.js';
import { storeStatus } from '../routes/health.js';
import { alertRoutes } from '../routes/alerts.js';
import { incidentRoutes } from '../routes/incidents.js';
import { slaReportRoute, slaRoute } from '../routes/sla.js';
import { statusPageRoutes } from '../routes/status-page.js';
import { SlaKeeper } from '../sla/sla-keeper.js';
import type { Instant, RelayState } from '../sla/sla-recorder.js';
import { SlaView } from '../sla/sla-view.js';
import { statusFacts, type StatusFacts } from '../status-page/status-facts.js';
import type { Readable } from '../telemetry/metric-row.js';
import { operationMetrics } from '../telemetry/operation-metrics.js';
import { shareSnapshot } from '../telemetry/snapshot.js';
import { DiskSpace } from './disk-space.js';
import { openFolder, type OperationFiles } from './operation-files.js';

const TICK_MS = 1000;
/** How often the folder of incidents is read, and the disk looked at. */
const SLOW_PERIOD_TICKS = 15;
/** How often the alerts look. */
const ALERT_PERIOD_TICKS = 5;
/** A disk that refuses every write is told of once in this time. */
const COMPLAINT_PERIOD_MS = 600_000;
const FOLDER = 'operations';

export interface OperationsDeps {
  readonly config: () => Config;
  readonly logger: Logger;
  readonly stats: () => RelayStats | null;
  readonly measures: () => RelayMeasures | null;
  readonly phase: () => Phase;
  readonly storeTrouble: () => StoreTrouble | null;
  readonly storeLatencyMs: () => number;
  readonly clock: () => Instant;
  readonly audit: AuditSink;
  /** Asks other regions. */
  readonly fetch: typeof fetch;
  /** Days until the certificate expires; null when there is none. */
  readonly certificateDays: () => number | null;
}

export class Operations {
  readonly view: SlaView;
  readonly #deps: OperationsDeps;
  readonly #keeper = new SlaKeeper();
  readonly #regions: RegionWatch;
  readonly #facts: () => StatusFacts;
  readonly #alerts: Alerts;
  readonly #disk = new DiskSpace();
  readonly #foundings = new FoundingCount();
  #dataDir = '.';
  #incidents = new IncidentStore(null);
  #lookedMs = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  #ticks = 0;
  #complainedMs = -Infinity;

  constructor(deps: OperationsDeps) {
    this.#deps = deps;
    this.view = new SlaView({
      keeper: this.#keeper,
      targetPercent: () => deps.config()['sla.target-uptime'],
      websocketsOpen: () => deps.stats()?.websocketsOpen ?? 0,
      clock: () => deps.clock().wallMs,
    });
    this.#alerts = new Alerts({ config: deps.config, logger: deps.logger, fetch: deps.fetch });
    this.#regions = new RegionWatch({ fetch: deps.fetch, clock: deps.clock });
    this.#facts = shareSnapshot(() => this.#statusFacts(), () => deps.clock().monotonicMs);
  }

  /** Reads what earlier runs left and begins to watch. Where it cannot keep anything, it watches all the same. */
  async open(dataDir: string): Promise<void> {
    this.#dataDir = dataDir;
    const complain = (error: unknown): void => this.#complain(error);
    const root = await openFolder(dataDir, FOLDER).catch(complain);
    const folder = async (name: string): Promise<OperationFiles | null> => (root ? ((await openFolder(join(dataDir, FOLDER), name).catch(complain)) ?? null) : null);
    const memoryOnly = (error: unknown): Promise<void> => {
      complain(error);
      return this.#keeper.open(null, this.#deps.clock(), complain);
    };
    await this.#keeper.open(await folder('sla'), this.#deps.clock(), complain).catch(memoryOnly);
    this.#incidents = new IncidentStore(await folder('incidents'));
    await this.#incidents.refresh().catch(complain);
    await this.#alerts.open(await folder('alerts')).catch(complain);
    this.#countFoundings();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
    await this.#disk.look(dataDir);
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#alerts.stop();
    this.#countFoundings({ isLast: true });
    await this.#keeper.close(this.#deps.clock());
  }

  publicRoutes(app: App): void {
    if (!this.#deps.config()['status.public']) return;
    slaRoute(app, this.view);
    statusPageRoutes(app, { facts: this.#facts, incidents: () => this.#incidents.all });
  }

  adminRoutes(app: App): void {
    slaRoute(app, this.view);
    slaReportRoute(app, this.view, () => this.#incidents.all);
    adminRegionsRoute(app, {
      regions: () => this.#deps.config().regions,
      region: () => this.#deps.config().region,
      regionHealth: (id) => this.#regions.of(id),
      storeTrouble: this.#deps.storeTrouble,
      storeLatencyMs: this.#deps.storeLatencyMs,
      clock: () => this.#deps.clock().wallMs,
    });
    alertRoutes(app, { alerts: this.#alerts, audit: this.#deps.audit, clock: () => this.#deps.clock().wallMs });
    incidentRoutes(app, { store: () => this.#incidents, audit: this.#deps.audit, clock: () => this.#deps.clock().wallMs });
  }

  /** How another region was when it was asked last. */
  regionHealth(id: string): RegionHealth {
    return this.#regions.of(id);
  }

  metrics(): readonly Readable[] {
    const { config } = this.#deps;
    return operationMetrics({
      summary: (period) => this.view.summary(period),
      disk: () => this.#disk.space,
      regionsOffline: () => config().regions.filter(({ id }) => this.#regions.of(id).status === 'offline').length,
      alerts: () => ({ firing: this.#alerts.all.filter(({ state }) => state.phase === 'firing').length, sent: this.#alerts.sentTotal, lost: this.#alerts.lostTotal }),
    });
  }

  /** How the region this relay is in is. */
  #own(): RegionStatus {
    const { phase, storeTrouble, storeLatencyMs } = this.#deps;
    if (phase() !== 'ready') return 'degraded';
    return ({ ok: 'online', degraded: 'degraded', error: 'offline' } as const)[storeStatus(storeTrouble(), storeLatencyMs())];
  }

  #statusFacts(): StatusFacts {
    const { config, phase, storeLatencyMs } = this.#deps;
    return statusFacts({
      title: () => config()['status.title'],
      region: () => config().region,
      regions: () => config().regions,
      own: () => ({ status: this.#own(), planned: phase() === 'draining', latencyMs: storeLatencyMs() }),
      health: (id) => this.#regions.of(id),
      incidents: () => this.#incidents.all,
      view: this.view,
    });
  }

  #tick(): void {
    const { stats, measures, clock } = this.#deps;
    const [figures, taken] = [stats(), measures()];
    this.#keeper.tick(clock(), this.#state(), figures === null || taken === null ? null : { stats: figures, measures: taken });
    this.#ticks += 1;
    this.#countFoundings();
    this.#lookAtRegions(clock().monotonicMs);
    if (this.#ticks % ALERT_PERIOD_TICKS === 0) this.#lookForAlerts(clock().wallMs);
    if (this.#ticks % SLOW_PERIOD_TICKS !== 0) return;
    void this.#disk.look(this.#dataDir);
    this.#incidents.refresh().catch((error: unknown) => this.#complain(error));
  }

  #countFoundings(when: { readonly isLast?: boolean } = {}): void {
    const { stats, clock, audit } = this.#deps;
    this.#foundings.look(stats(), clock().monotonicMs, audit, when);
  }

  /** The other regions; of its own a relay knows more than a probe would tell. */
  #lookAtRegions(nowMs: number): void {
    const { config } = this.#deps;
    if (nowMs - this.#lookedMs < config()['status.probe-period']) return;
    this.#lookedMs = nowMs;
    void this.#regions.look(config().regions.filter(({ id }) => id !== config().region));
  }

  #lookForAlerts(nowMs: number): void {
    const { config, phase, storeTrouble, storeLatencyMs, certificateDays } = this.#deps;
    // A relay that stops in order wakes nobody.
    if (phase() !== 'ready') return;
    const signals = gatherSignals(
      {
        storeTrouble,
        storeLatencyMs,
        sum: (fromMs, toMs) => this.#keeper.sum(fromMs, toMs),
        regions: () => config().regions.filter(({ id }) => id !== config().region),
        health: (id) => this.#regions.of(id),
        diskFreePercent: () => this.#disk.freePercent,
        certificateDays,
      },
      nowMs,
    );
    this.#alerts.look(signals, nowMs);
  }

  #state(): RelayState {
    return this.#deps.phase() === 'ready' ? (this.#deps.storeTrouble() ?? 'up') : 'planned';
  }

  #complain(error: unknown): void {
    const nowMs = this.#deps.clock().monotonicMs;
    if (nowMs - this.#complainedMs < COMPLAINT_PERIOD_MS) return;
    this.#complainedMs = nowMs;
    this.#deps.logger.warn({ code: 'operations_not_kept', err: error }, 'uptime and incidents could not be read or written; they are kept in memory until that works');
  }
}
