// Protects a loopback listener from web pages: the Host must be a loopback name (no DNS rebinding), and an Origin, when
// there is one, must be the listener itself (no cross-site WebSocket).
import { isLoopback } from '../../config/bind.js';
import type { App } from '../fastify.js';
import { sendProblem } from './problem.js';

/** Installs the check on every request, upgrades included. */
export function installLocalHostOnly(app: App): void {
  app.addHook('onRequest', async (request, reply) => {
    const { host, origin } = request.headers;
    if (isLoopbackAuthority(host) && (origin === undefined || sameAuthority(origin, host))) return;
    await sendProblem(reply, 403, 'local_only', 'The admin listener answers its own loopback address only.');
  });
}

function isLoopbackAuthority(authority: string | undefined): authority is string {
  const url = parseUrl(`http://${authority ?? ''}`);
  return url !== null && isLoopback(url.hostname);
}

function sameAuthority(origin: string, host: string): boolean {
  return parseUrl(origin)?.host === parseUrl(`http://${host}`)?.host;
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
