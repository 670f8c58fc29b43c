// An admin app over a double of the core, with a data directory of its own and a clock that tests move.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { loadConfig } from '../../src/config/load.js';
import type { Config } from '../../src/config/options.js';
import { AdminAccess } from '../../src/server/admin-auth/access.js';
import { readLocalToken } from '../../src/server/admin-auth/local-token.js';
import { buildAdminApp, type AdminAppDeps } from '../../src/server/admin-app.js';
import { InviteStore } from '../../src/server/admission/invite-store.js';
import type { AuditEntry } from '../../src/server/audit/audit-sink.js';
import type { App } from '../../src/server/fastify.js';
import { LogRing } from '../../src/server/logging-ring.js';
import { Operations, type OperationsDeps } from '../../src/server/operations/operations.js';
import { shareSnapshot } from '../../src/server/telemetry/snapshot.js';
import { RelayPortDouble, measuresOf } from './relay-port-double.js';

export const LOCAL = { host: '127.0.0.1:9090' };
/** What the page at the admin address sends with everything that changes something. */
export const PAGE = { host: 'localhost:9090', origin: 'http://localhost:9090' };

export interface AdminWorld extends AsyncDisposable {
  readonly app: App;
  readonly access: AdminAccess;
  readonly core: RelayPortDouble;
  readonly audited: AuditEntry[];
  readonly dataDir: string;
  readonly logRing: LogRing;
  /** The token of this machine. */
  readonly token: string;
  /** A bearer header with it. */
  readonly bearer: { readonly host: string; readonly authorization: string };
  pass(ms: number): void;
}

export async function adminWorld(changes: Partial<AdminAppDeps> = {}, config: Partial<Config> = {}): Promise<AdminWorld> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sealrelay-admin-'));
  const core = new RelayPortDouble();
  const audited: AuditEntry[] = [];
  let nowMs = 1_800_000_000_000;
  const running: Config = { ...loadConfig([], {}).config, ...config };
  const access = new AdminAccess({ token: () => running['admin.token'], nowMs: () => nowMs, audit: { record: async (entry) => void audited.push(entry) } });
  await access.open(dataDir);
  const logRing = new LogRing({ write: () => undefined });
  const logger = pino({ level: 'silent' });
  const health: Pick<OperationsDeps, 'phase' | 'storeTrouble' | 'storeLatencyMs'> = { phase: () => 'ready', storeTrouble: () => null, storeLatencyMs: () => 1.5 };
  const operations = new Operations({
    ...health,
    config: () => running,
    logger,
    stats: () => core.stats(),
    measures: () => measuresOf(5),
    clock: () => ({ wallMs: nowMs, monotonicMs: nowMs }),
    audit: { record: async (entry) => void audited.push(entry) },
    fetch: () => Promise.reject(new Error('nobody is asked')),
    certificateDays: () => null,
  });
  const app = await buildAdminApp({
    ...health,
    logger,
    stats: shareSnapshot(() => core.stats(), () => nowMs),
    measures: () => measuresOf(5),
    operations,
    moving: { core: () => null, audit: { record: () => Promise.resolve() }, dataDir: 'unused' },
    tokens: { invites: new InviteStore(dataDir, () => 1000), audit: { record: async (entry) => void audited.push(entry) } },
    auditLog: { dir: null, head: () => null },
    version: '9.9.9',
    relayAddress: () => 'sealrelay://127.0.0.1:1/#k=A',
    reload: async () => ({ error: null, applied: ['log.level'], needRestart: ['workers'] }),
    config: () => running,
    origin: () => ({ workers: 'flag --workers' }),
    startedAtMs: nowMs,
    access,
    core: () => core,
    logRing,
    port: () => 9090,
    pageFolder: join(import.meta.dirname, '../../dist/admin-ui'),
    ...changes,
  });
  const token = (await readLocalToken(dataDir)) ?? '';
  return {
    app,
    access,
    core,
    audited,
    dataDir,
    logRing,
    token,
    bearer: { ...LOCAL, authorization: `Bearer ${token}` },
    pass: (ms) => void (nowMs += ms),
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await access.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
