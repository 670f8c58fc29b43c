// A data plane that only remembers what it was told.
import type { RelayForeignRow, RelaySpaceRow } from '../../index.js';
import { RelayError } from '../../src/errors.js';
import type {
  ImportReport,
  PieceSource,
  RelayConfig,
  RelayEvent,
  RelayForeignPage,
  RelayFounding,
  RelayFoundingVerdict,
  RelayInfo,
  RelayMeasures,
  RelayPort,
  RelaySample,
  RelaySlowReaders,
  RelaySpaceDetail,
  RelaySpacePage,
  RelayStats,
  RelayTenantPage,
  StartRelayPort,
} from '../../src/native/relay-port.js';
import { TABLE, placeOf } from '../../src/server/latency-buckets.js';
import { tenantId } from '../../src/server/admission/tenant-id.js';
import { ROUTES } from '../../src/server/telemetry/closed-labels.js';
import { RELAY_METRICS } from '../../src/server/telemetry/relay-metrics.js';

export class RelayPortDouble implements RelayPort {
  readonly calls: string[] = [];
  config: RelayConfig | null = null;
  waiting: RelayEvent[] = [];
  foundings: RelayFounding[] = [];
  wake: () => void = () => undefined;
  statsCalls = 0;

  readonly start: StartRelayPort = async (config, onEvents) => {
    this.config = config;
    this.wake = onEvents;
    this.calls.push('start');
    return this;
  };

  info(): RelayInfo {
    return { host: this.config?.host ?? '127.0.0.1', port: 4242, logId: 'A'.repeat(43), tls: false, certificateName: null, redirectPort: null };
  }

  stats(): RelayStats {
    this.statsCalls += 1;
    return statsOf(this.statsCalls);
  }

  measures(): RelayMeasures {
    return measuresOf(this.statsCalls);
  }

  drainEvents(): RelayEvent[] {
    return this.waiting.splice(0);
  }

  drainFoundings(): RelayFounding[] {
    return this.foundings.splice(0);
  }

  answerFounding(id: number, said: RelayFoundingVerdict): void {
    this.calls.push(`founding ${id} ${said.verdict}${said.tenant === null ? '' : ` ${said.tenant}`}`);
  }

  drainSpans(): [] {
    return [];
  }

  beat(): void {
    if (!this.calls.includes('beat')) this.calls.push('beat');
  }

  /** What the next reload of the certificate says is wrong. */
  certificateError: Error | null = null;

  async reloadCertificate(): Promise<void> {
    this.calls.push('reload certificate');
    if (this.certificateError !== null) throw this.certificateError;
  }

  async eraseSpace(space: string): Promise<void> {
    this.calls.push(`erase ${space}`);
  }

  readonly spaceRows: RelaySpaceRow[] = [];

  async spaces(after: string | null, count: number): Promise<RelaySpacePage> {
    this.calls.push(`spaces ${after ?? 'from the first'} ${count}`);
    return { spaces: this.spaceRows.slice(0, count), next: null };
  }

  async space(pseudonym: string): Promise<RelaySpaceDetail> {
    const space = this.spaceRows.find((row) => row.pseudonym === pseudonym);
    if (space === undefined) throw new RelayError('space_unknown', 'no space has this pseudonym');
    const device = { pseudonym: 'd'.repeat(16), rights: 'write', notAfterMs: null, acked: 1, lag: 2, pushed: 3, contactMs: null, subscriptions: 1 };
    return { space, rosterVersion: 1, keyEpoch: 1, queueMode: false, formerDevices: 0, devices: [device] };
  }

  async slowReaders(count: number): Promise<RelaySlowReaders> {
    const readers = this.spaceRows.map(({ pseudonym }) => ({ space: pseudonym, device: 'd'.repeat(16), cursor: 1, lag: 2 }));
    return { readers: readers.slice(0, count), scanned: readers.length, whole: true };
  }

  async tenants(): Promise<RelayTenantPage> {
    const row = { connections: 2, connectionsMax: 10, entries: 3, entriesMax: 0, bytes: null, bytesMax: 4096, pushesPerSecondMax: 0 };
    return { tenants: [{ tenant: tenantId('acme'), spaces: 1, ...row }, { tenant: tenantId('unlisted'), spaces: 4, ...row }], next: null };
  }

  readonly foreignRows: RelayForeignRow[] = [];

  async foreignTenants(after: string | null, count: number): Promise<RelayForeignPage> {
    this.calls.push(`foreign tenants ${after ?? 'from the first'} ${count}`);
    return { tenants: this.foreignRows.slice(0, count), next: null, topics: 2, topicPeers: 5 };
  }

  async eraseForeignTenant(pseudonym: string): Promise<void> {
    if (!this.foreignRows.some((row) => row.pseudonym === pseudonym)) throw new RelayError('tenant_unknown', 'no foreign tenant has this pseudonym');
    this.calls.push(`erase foreign ${pseudonym}`);
  }

  async sample(pseudonym: string | null): Promise<RelaySample | null> {
    const space = this.spaceRows.find((row) => pseudonym === null || row.pseudonym === pseudonym)?.pseudonym;
    if (space === undefined) return null;
    const field = { name: 'sealed', length: 2, hex: '0102', pseudonym: null };
    return { space, segment: 1, offset: 4096, recordBytes: 136, fields: [{ name: 'space', length: 32, hex: null, pseudonym: space }, field] };
  }

  async eraseByPseudonym(pseudonym: string): Promise<void> {
    await this.space(pseudonym);
    this.calls.push(`erase ${pseudonym}`);
  }

  async beginExport(space: string): Promise<PieceSource> {
    this.calls.push(`export ${space}`);
    return { next: async () => null };
  }

  async importSpace(path: string): Promise<ImportReport> {
    this.calls.push(`import ${path}`);
    throw new Error('a double imports nothing');
  }

  async stop(options: { readonly drainMs: number }): Promise<void> {
    this.calls.push(`stop ${options.drainMs}`);
  }
}

/** A snapshot with the same number everywhere. */
export function statsOf(value: number): RelayStats {
  return Object.fromEntries(Object.keys(RELAY_METRICS).map((key) => [key, value])) as unknown as RelayStats;
}

const PLACES = [1000, 10_000, 100_000, 1_000_000, Infinity].map(placeOf);

/** Measures of every route with the same number in each bucket that holds something. */
export function measuresOf(value: number): RelayMeasures {
  const durations = { places: Uint16Array.from(PLACES), counts: new Float64Array(PLACES.length).fill(value), micros: value };
  return {
    table: TABLE,
    requests: ROUTES.map((route) => ({ route, ok: durations, clientErrors: value, relayErrors: value })),
    syncs: durations,
    errors: [{ code: 'busy', count: value }],
  };
}
