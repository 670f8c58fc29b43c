// The routes of the native protocol in somebody's own app. What a path may be asked is judged by the core.
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import type { SocketBridge } from './bridge.js';
import { answerRequest } from './request.js';
import { joinSession } from './session.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'] as const satisfies RouteOptions['method'];

const FRAME_ROUTES = {
  '/v1/session': 'The handshake, in two requests.',
  '/v1/push': 'Pushes in, receipts out.',
  '/v1/pull': 'Entries after a cursor, once or after a wait.',
  '/v1/subscribe': 'Entries after a cursor for as long as the client stays.',
  '/v1/frames': 'Any frames of an open session.',
} as const;

/** For programs that describe an app's routes; to Fastify itself it says nothing. */
function described(summary: string): FastifySchema & { tags: string[]; summary: string } {
  return { tags: ['sealrelay'], summary };
}

/** Adds the routes, inside a scope of their own: bodies are passed on as they come, so the scope parses none. */
export function relayRoutes(scope: FastifyInstance, bridge: SocketBridge): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _body, done) => done(null));
  scope.get('/v1/connect', { websocket: true }, (socket, request) => joinSession(bridge, socket, request.raw.socket));
  for (const [path, summary] of Object.entries(FRAME_ROUTES)) {
    scope.route({
      method: [...METHODS],
      url: path,
      exposeHeadRoute: false,
      schema: described(summary),
      handler: (request, reply) => answerRequest(bridge, path, request, reply),
    });
  }
  scope.route<{ Params: { blob: string } }>({
    method: [...METHODS],
    url: '/v1/blobs/:blob',
    exposeHeadRoute: false,
    schema: described('A sealed blob, by its id.'),
    handler: (request, reply) => answerRequest(bridge, `/v1/blobs/${encodeURIComponent(request.params.blob)}`, request, reply),
  });
}
