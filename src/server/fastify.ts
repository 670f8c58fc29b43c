// The Fastify settings both apps share: explicit time limits, small bodies, no request log (addresses stay in memory).
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export type App = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger>;

const BODY_BYTES_MAX = 64 * 1024;
const PARAM_CHARS_MAX = 100;
const CONNECTION_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_TIMEOUT_MS = 15_000;
const PLUGIN_TIMEOUT_MS = 10_000;
const SOCKET_REQUESTS_MAX = 10_000;

/** A new, empty app. `trustProxy` only where nobody but the core can connect. */
export function newApp(loggerInstance: FastifyBaseLogger, options: { readonly trustProxy: boolean; readonly requestTimeoutMs?: number }): App {
  return Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustProxy,
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxRequestsPerSocket: SOCKET_REQUESTS_MAX,
    pluginTimeout: PLUGIN_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
  });
}
