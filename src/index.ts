// `sealrelay`: a relay inside your own Node program. The client is `sealrelay/client`.
import pino, { type Logger } from 'pino';
import { configFrom } from './config/from-values.js';
import type { Config } from './config/options.js';
import { startRelayPort } from './native/addon.js';
import { relayAddress } from './server/address.js';
import { DATA_PLANE_ROUTES } from './server/data-plane-routes.js';
import { startServer } from './server/main.js';

export { RelayError, type RelayErrorOptions } from './errors.js';
export type { Config } from './config/options.js';

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
  /** Tells clients when to return, waits for them, closes the store. */
  stop(): Promise<void>;
}

/** Starts a relay. The environment is not read. */
export async function createRelay(options: RelayOptions = {}): Promise<Relay> {
  const config = configFrom(options.config ?? {});
  const logger = options.logger ?? pino({ level: 'silent' });
  const server = await startServer(config, { logger, startPort: startRelayPort, routes: DATA_PLANE_ROUTES, reread: null });
  const { host, port } = server.info;
  return { address: relayAddress(server.info), host, port, stop: () => server.stop() };
}
