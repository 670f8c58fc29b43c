// The Fastify settings both apps share: explicit time limits, small bodies, no request log (addresses stay in memory).
import { randomBytes } from 'node:crypto';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { installAnswerHeaders } from './plugins/answer-headers.js';
import { sendFrameworkError } from './plugins/problem.js';
import { compileSchemasAtFirstUse } from './plugins/schemas-at-first-use.js';

export type App = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger>;

const BODY_BYTES_MAX = 64 * 1024;
const PARAM_CHARS_MAX = 100;
const CONNECTION_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
/** How often Node looks for requests over their time; its own 30 s would make every shorter limit mean 30 s. */
const CONNECTIONS_CHECK_MS = 500;
const KEEP_ALIVE_TIMEOUT_MS = 15_000;
const PLUGIN_TIMEOUT_MS = 10_000;
/** On every answer of the control plane, and in the log lines about it. */
const REQUEST_ID_HEADER = 'x-request-id';
const REQUEST_ID_BYTES = 8;
const SOCKET_REQUESTS_MAX = 10_000;

/** A new, empty app. `trustProxy` only where nobody but the core can connect. */
export function newApp(loggerInstance: FastifyBaseLogger, options: { readonly trustProxy: boolean; readonly requestTimeoutMs?: number }): App {
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const app = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: options.trustProxy,
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxRequestsPerSocket: SOCKET_REQUESTS_MAX,
    pluginTimeout: PLUGIN_TIMEOUT_MS,
    http: { requestTimeout, headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CONNECTIONS_CHECK_MS },
    forceCloseConnections: 'idle',
    // The framework's own answer while it closes has none of our codes; the core asks nobody by then.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => sendFrameworkError(error, reply),
    // Made here, never taken from a client, so that it can be searched for.
    genReqId: () => randomBytes(REQUEST_ID_BYTES).toString('hex'),
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id);
  });
  compileSchemasAtFirstUse(app);
  installAnswerHeaders(app);
  return app;
}
