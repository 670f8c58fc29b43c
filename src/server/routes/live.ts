// `/admin/api/live`: the snapshot once a second over a WebSocket. Frames from the browser are not read; a viewer that does not
// read its frames is skipped until it does.
import type { WebSocket } from '@fastify/websocket';
import type { FastifyRequest } from 'fastify';
import type { App } from '../fastify.js';
import type { ReadStats } from '../telemetry/snapshot.js';

const PERIOD_MS = 1000;
const VIEWERS_MAX = 16;
const BUFFERED_BYTES_MAX = 64 * 1024;
const CLOSE_TRY_LATER = 1013;
const CLOSE_SIGNED_OUT = 1008;

/** A plain request to this path gets a problem document with status 426. */
const liveSchema = { tags: ['relay'], summary: 'Every figure of the core once a second, over a WebSocket.', querystring: { type: 'object', properties: {}, additionalProperties: true } } as const;

/** `mayStay` says of a request whether its viewer may go on watching. */
export function liveRoute(app: App, stats: ReadStats, mayStay: (request: FastifyRequest) => () => boolean): void {
  const viewers = new Map<WebSocket, () => boolean>();
  const timer = setInterval(() => sendAll(viewers, stats), PERIOD_MS);
  timer.unref();
  app.addHook('onClose', async () => clearInterval(timer));
  app.get('/admin/api/live', { schema: liveSchema, websocket: true }, (socket, request) => {
    if (viewers.size >= VIEWERS_MAX) {
      socket.close(CLOSE_TRY_LATER, 'too many viewers');
      return;
    }
    const stays = mayStay(request);
    viewers.set(socket, stays);
    socket.on('close', () => viewers.delete(socket));
    socket.on('error', () => viewers.delete(socket));
    sendAll(new Map([[socket, stays]]), stats);
  });
}

function sendAll(viewers: ReadonlyMap<WebSocket, () => boolean>, stats: ReadStats): void {
  if (viewers.size === 0) return;
  const text = JSON.stringify(stats());
  for (const [viewer, stays] of viewers) {
    if (!stays()) viewer.close(CLOSE_SIGNED_OUT, 'signed out');
    else if (viewer.readyState === viewer.OPEN && viewer.bufferedAmount < BUFFERED_BYTES_MAX) viewer.send(text);
  }
}
