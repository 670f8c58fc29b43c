// `sealrelay`: a relay inside your own Node program. The client is `sealrelay/client`, the Fastify plugin `sealrelay/fastify`.
import pino, { type Logger } from 'pino';
import { configFrom } from './config/from-values.js';
import type { Config } from './config/options.js';
import { startRelayPort } from './native/addon.js';
import type { RelayStats } from './native/relay-port.js';
import { relayAddress } from './server/address.js';
import { auditLogIn } from './server/audit/open-audit.js';
import { DATA_PLANE_ROUTES } from './server/data-plane-routes.js';
import { startServer } from './server/main.js';
import type { ReloadReport } from './server/reload.js';

export { RelayError, type RelayErrorOptions } from './errors.js';
export type { Config } from './config/options.js';
export type { RelayStats } from './native/relay-port.js';
export type { ReloadReport } from './server/reload.js';

export interface RelayOptions {
  /** Options by key, as in docs/reference/configuration.md; durations in milliseconds, sizes in bytes. */
  readonly config?: Partial<Config>;
  /** A pino logger; without one nothing is logged. */
  readonly logger?: Logger;
}

/** A running relay. */
export interface Relay {
  /** What clients are given: where it is and which key to expect. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** Address of the admin listener; null when it is off. */
  readonly admin: { readonly host: string; readonly port: number } | null;
  /** One snapshot of all counters and gauges; null once it was stopped. */
  stats(): RelayStats | null;
  /** Applies what of these options can change while it runs, and says what needs a restart. Options that are not given keep their values. */
  reload(changed: Partial<Config>): Promise<ReloadReport>;
  /** Tells clients when to return, waits for them, closes the store. A second call waits for the first. */
  stop(): Promise<void>;
}

/** Starts a relay. The environment is not read; several may run in one process, each with its own data directory and ports. */
export async function createRelay(options: RelayOptions = {}): Promise<Relay> {
  let given: Partial<Config> = options.config ?? {};
  const config = configFrom(given);
  // A child, because a reload sets its level; without a logger it goes nowhere, whatever its level.
  const logger = (options.logger ?? pino({ level: 'silent' }, { write: () => undefined })).child({});
  const server = await startServer(config, {
    logger,
    startPort: startRelayPort,
    routes: DATA_PLANE_ROUTES,
    reread: async () => configFrom(given),
    audit: auditLogIn(config['data-dir'], logger),
  });
  const { host, port } = server.info;
  return {
    address: relayAddress(server.info),
    host,
    port,
    admin: server.admin,
    stats: () => server.stats(),
    async reload(changed) {
      // What is wrong with it is thrown here, before anything runs with it.
      const next = { ...given, ...changed };
      configFrom(next);
      given = next;
      return await server.reload();
    },
    stop: () => server.stop(),
  };
}
