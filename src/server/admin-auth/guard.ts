// The door of the admin app. A route that says nothing needs a signed-in admin; `access` of its config opens it further.
//
// `local` is a request from this machine to a loopback name: what monitors and `relay status` ask for. Any other request
// is answered only where a token is set, so an address that was published by mistake tells nothing.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLoopback } from '../../config/bind.js';
import type { App } from '../fastify.js';
import { sendProblem } from '../plugins/problem.js';
import { actorOf, type AdminAccess } from './access.js';
import { readCookie } from './cookie.js';

/** Who may use a route: everybody, this machine, or a signed-in admin. */
export type Access = 'open' | 'local' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Left out: `admin`. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Who acts, as the audit log names it; null on a route that asks nobody. */
    adminActor: string | null;
  }
}

/** Paths that monitors read on this machine, whoever registers them. */
const LOCAL_PATHS = /^\/(metrics|status|sla)(\/|$)/;
/** What proxies say of those they speak for; whoever asks from this machine says none of it. */
const FORWARDING_HEADERS: readonly string[] = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'];
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

export function installGuard(app: App, access: AdminAccess): void {
  app.decorateRequest('adminActor', null);
  app.addHook('onRequest', async (request, reply) => {
    const isLocal = isLocalRequest(request);
    if (!isLocal && !access.hasToken) {
      return sendProblem(reply, 403, 'local_only', 'The admin listener answers its own loopback address only, as long as no admin.token is set.');
    }
    if (isForeignPage(request)) return sendProblem(reply, 403, 'local_only', 'The admin listener answers pages of its own address only.');
    const needed = request.is404 ? 'open' : accessOf(request.routeOptions);
    if (needed === 'open' || (needed === 'local' && isLocal)) return undefined;
    return await requireAdmin(access, request, reply);
  });
}

/** What a route says about who may use it. */
export function accessOf({ url = '', config }: { readonly url?: string | undefined; readonly config?: { readonly access?: Access } }): Access {
  return config?.access ?? (LOCAL_PATHS.test(url) ? 'local' : 'admin');
}

/** Lets the request go on for a token or for a session, and answers it otherwise. */
async function requireAdmin(access: AdminAccess, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  const token = bearerOf(request);
  if (token !== null) {
    const verdict = access.checkToken(token, request.ip);
    if (typeof verdict === 'object') return sendTooMany(reply, verdict.retryAfterMs);
    if (verdict === 'wrong') return sendProblem(reply, 401, 'token_wrong', 'This is not the token of this relay.');
    request.adminActor = actorOf(null);
    return undefined;
  }
  const cookie = readCookie(request.headers.cookie);
  const session = cookie === null ? null : access.sessions.use(cookie);
  // A page sends its Origin with everything that changes something, and with every WebSocket; whether it is the right one was judged before.
  const saysOrigin = request.headers.origin !== undefined;
  const isPlainRead = SAFE_METHODS.includes(request.method) && request.headers.upgrade === undefined;
  if (session === null) return sendProblem(reply.header('www-authenticate', 'Bearer'), 401, 'sign_in_required', 'Sign in at /admin, or send a token.');
  if (!isPlainRead && !saysOrigin) return sendProblem(reply, 403, 'origin_missing', 'A request with a cookie says which page it comes from.');
  request.adminActor = actorOf(session);
  return undefined;
}

/** Whether whoever was let in may stay: asked for what lasts longer than a request. */
export function mayStay(access: AdminAccess, request: FastifyRequest): () => boolean {
  const cookie = readCookie(request.headers.cookie);
  // A token does not end; without either this request would not have been let in.
  return bearerOf(request) !== null || cookie === null ? () => true : () => access.sessions.has(cookie);
}

/** Too many failed attempts of this address. */
export function sendTooMany(reply: FastifyReply, retryAfterMs: number): FastifyReply {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return sendProblem(reply.header('retry-after', String(seconds)), 429, 'too_many_attempts', `Too many failed attempts; try again in ${seconds} s.`);
}

function bearerOf({ headers }: FastifyRequest): string | null {
  return /^Bearer (\S{1,4096})$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/** From this machine, to a loopback name: no page that only resolves here (DNS rebinding), and no proxy for others. */
function isLocalRequest(request: FastifyRequest): boolean {
  const peer = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const host = parseUrl(`http://${request.headers.host ?? ''}`);
  const isPassedOn = FORWARDING_HEADERS.some((name) => request.headers[name] !== undefined);
  return isLoopback(peer) && host !== null && isLoopback(host.hostname) && !isPassedOn;
}

/** A page of another address, which must not act here with the cookie of this one. */
function isForeignPage({ headers }: FastifyRequest): boolean {
  return headers.origin !== undefined && parseUrl(headers.origin)?.host !== parseUrl(`http://${headers.host ?? ''}`)?.host;
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
