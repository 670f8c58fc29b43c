// Serving over HTTP on Node: a server of its own, or a listener for one that an app has.
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClientError } from '../../client-error.js';
import { httpAddress } from '../http-transport.js';
import type { SyncListener, SyncServer } from '../transport.js';
import { callerAt } from './caller-address.js';
import { answerHttp } from './http-answer.js';
import type { Origins } from './http-answer.js';
import { BODY_MS_MAX, CLOSE_MS_MAX, CONNECTIONS_MAX } from './limits.js';
import type { SyncHandler } from './sync-handler.js';

export interface NodeHandlerOptions {
  /** Pages of other origins that may ask; none without it. */
  readonly origins?: Origins;
  /** Who is counted for a request; the address it comes from without it, so name another behind a proxy. */
  readonly from?: (request: IncomingMessage) => string;
}

export interface HttpListenerOptions extends NodeHandlerOptions {
  /** This machine only without it. */
  readonly host?: string;
  /** Any that is free without it. */
  readonly port?: number;
  /** What peers are told, where it is not host and port. */
  readonly address?: string;
}

/** For a server of the app: answers requests whose path ends in `/api/v0`. */
export function requestListener(handler: SyncHandler, { origins, from = addressOf }: NodeHandlerOptions = {}): RequestListener {
  return (request, response) => {
    const header = (name: string): string | null => String(request.headers[name] ?? '') || null;
    const asked = { method: request.method ?? 'GET', path: request.url?.split('?', 1)[0] ?? '/', header, from: from(request), body: request };
    void answerHttp(handler, asked, origins).then((answer) => send(response, answer.status, answer.headers, answer.body));
  };
}

function send(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>, body: string): void {
  response.writeHead(status, headers);
  response.end(body);
}

function addressOf({ socket: { remoteAddress = 'unknown' } }: IncomingMessage): string {
  return callerAt(remoteAddress);
}

/** An HTTP server of its own for `startServer`. */
export class HttpListener implements SyncListener {
  readonly #options: HttpListenerOptions;

  constructor(options: HttpListenerOptions = {}) {
    this.#options = options;
  }

  async listen(handler: SyncHandler): Promise<SyncServer> {
    const { host = '127.0.0.1', port = 0, address } = this.#options;
    const server = createServer({ requestTimeout: BODY_MS_MAX, headersTimeout: BODY_MS_MAX, connectionsCheckingInterval: BODY_MS_MAX / 2 }, requestListener(handler, this.#options));
    server.maxConnections = CONNECTIONS_MAX;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new ClientError('cannot_listen', `no server could be opened at ${host}:${port}`, { cause, hint: 'Is the port taken, or the host none of this machine?' })));
      server.listen(port, host, resolve);
    });
    const at = server.address() as AddressInfo;
    return {
      address: httpAddress(address ?? `${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`),
      close: () =>
        new Promise((resolve) => {
          const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
          server.close(() => {
            clearTimeout(timer);
            resolve();
          });
          server.closeIdleConnections();
        }),
    };
  }
}
