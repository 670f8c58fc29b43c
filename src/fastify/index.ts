// `sealrelay/fastify`: the relay inside somebody's own Fastify app. The app owns the port and the sockets; the core owns the
// protocol, the store and its threads.
import websocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { isLoopback } from '../config/bind.js';
import { configFrom } from '../config/from-values.js';
import type { Config } from '../config/options.js';
import { RelayError } from '../errors.js';
import { startEmbeddedPort } from '../native/addon.js';
import type { EmbeddedPort, RelayStats } from '../native/relay-port.js';
import { toCoreConfig } from '../server/core-config.js';
import { DATA_PLANE_ROUTES } from '../server/data-plane-routes.js';
import { PROTOCOL_VERSIONS, VERSION } from '../version.js';
import { SocketBridge } from './bridge.js';
import { EMBEDDED_KEYS, type SealrelayOptions } from './options.js';
import { relayRoutes } from './routes.js';

export type { EmbeddedConfig, SealrelayOptions } from './options.js';

/** What of a message is not the sealed entry in it, at most. */
const MESSAGE_OVERHEAD_BYTES = 1024 * 1024;

/** What does not change while the relay runs. */
export interface SealrelayInfo {
  readonly version: string;
  readonly protocolVersions: readonly number[];
  /** Public key of the relay, base64url: what a relay address pins. */
  readonly logId: string;
  readonly prefix: string;
}

/** The relay as the app sees it: `app.sealrelay`. */
export interface EmbeddedRelay {
  readonly info: SealrelayInfo;
  /** The relay address of this app for its clients; `authority` is the host and port they reach it at. */
  address(authority: string, options?: { readonly tls?: boolean }): string;
  /** One snapshot of all counters and gauges; null once the relay was stopped. */
  stats(): RelayStats | null;
  /** Erases a space (64 hexadecimal digits) without its owner; resolves once nothing of it is left on disk. */
  eraseSpace(space: string): Promise<void>;
}

declare module 'fastify' {
  interface FastifyInstance {
    sealrelay: EmbeddedRelay;
  }
}

async function plugin(app: FastifyInstance, options: SealrelayOptions): Promise<void> {
  const config = embeddedConfig(options);
  const port = await start(app, config);
  const bridge = new SocketBridge(port);
  port.onOutput(() => bridge.pump());
  const prefix = options.prefix ?? '';
  app.decorate('sealrelay', facade(port, prefix));
  // Before the WebSocket plugin closes its sockets: clients are told when to return, and what was pushed is answered.
  app.addHook('preClose', async () => {
    await port.stop({ drainMs: config['drain-time'] });
    bridge.pump();
  });
  if (!app.hasDecorator('websocketServer')) {
    await app.register(websocket, { options: { maxPayload: config['limits.entry-size-max'] + MESSAGE_OVERHEAD_BYTES } });
  }
  await app.register(async (scope) => relayRoutes(scope, bridge), { prefix });
}

/** The Fastify plugin. Its routes stand below `prefix`, its decorator on the app itself. */
export const sealrelay = fp(plugin, { fastify: '5.x', name: 'sealrelay' });
export default sealrelay;

function embeddedConfig({ dataDir, config = {} }: SealrelayOptions): Config {
  const unknown = Object.keys(config).find((key) => !EMBEDDED_KEYS.some((known) => known === key));
  if (unknown !== undefined) {
    throw new RelayError('config_invalid', `"${unknown}" means nothing to a relay without a port of its own`, {
      hint: `Use one of ${EMBEDDED_KEYS.join(', ')}.`,
    });
  }
  return configFrom({ ...config, 'data-dir': dataDir });
}

async function start(app: FastifyInstance, config: Config): Promise<EmbeddedPort> {
  let port: EmbeddedPort | null = null;
  const logWaiting = (): void => {
    for (const { level, code, message } of port?.drainEvents() ?? []) {
      const write = level === 'error' ? app.log.error : level === 'warn' ? app.log.warn : app.log.info;
      write.call(app.log, { code }, message);
    }
  };
  port = await startEmbeddedPort(toCoreConfig(config, DATA_PLANE_ROUTES, null), logWaiting);
  // Events from before the handle existed had nobody to drain them.
  logWaiting();
  return port;
}

function facade(port: EmbeddedPort, prefix: string): EmbeddedRelay {
  const { logId } = port.info();
  return {
    info: { version: VERSION, protocolVersions: PROTOCOL_VERSIONS, logId, prefix },
    address: (authority, { tls = false } = {}) => {
      const isPlain = !tls && !isLoopback(new URL(`http://${authority}`).hostname);
      return `sealrelay://${authority}/${isPlain ? '?tls=off' : ''}#k=${logId}`;
    },
    stats: () => port.stats(),
    eraseSpace: (space) => port.eraseSpace(space),
  };
}
