// `/admin/api/session` and the ways to sign in that need no authenticator.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isIP } from 'node:net';
import type { App } from '../fastify.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';
import { actorOf, type AdminAccess, type SignIn } from './access.js';
import { dropCookie, readCookie, setCookie } from './cookie.js';
import { sendTooMany } from './guard.js';
import { LINK_MS_MAX, linkUrl } from './one-time-link.js';

const SECRET_CHARS_MAX = 4096;
const noQuery = { type: 'object', properties: {}, additionalProperties: false } as const;
const problems = { '4xx': problemSchema, '5xx': problemSchema } as const;
export const sessionSchema = {
  type: 'object',
  required: ['signedIn', 'way', 'endsAtMs', 'hasToken', 'hasPasskeys', 'passkeysPossible'],
  properties: {
    signedIn: { type: 'boolean' },
    way: { type: ['string', 'null'], enum: ['link', 'token', 'passkey', null] },
    endsAtMs: { type: ['integer', 'null'] },
    hasToken: { type: 'boolean', description: 'Whether admin.token is set.' },
    hasPasskeys: { type: 'boolean' },
    passkeysPossible: { type: 'boolean', description: 'False for an IP address, for which browsers make no passkeys.' },
  },
} as const;

function secretBody(name: string): object {
  return { type: 'object', required: [name], additionalProperties: false, properties: { [name]: { type: 'string', minLength: 1, maxLength: SECRET_CHARS_MAX } } };
}

export function sessionRoutes(app: App, access: AdminAccess, port: () => number): void {
  const tags = ['sign-in'];
  app.get(
    '/admin/api/session',
    { config: { access: 'open' }, schema: { tags, summary: 'Whether the cookie is one of a session, and which ways to sign in there are.', querystring: noQuery, response: { 200: sessionSchema, ...problems } } },
    async (request, reply) => reply.header('cache-control', 'no-store').send(describe(access, request)),
  );
  app.delete(
    '/admin/api/session',
    { schema: { tags, summary: 'Signs out.', querystring: noQuery, response: { 204: { type: 'null' }, ...problems } } },
    async (request, reply) => {
      const isEnded = access.sessions.end(readCookie(request.headers.cookie) ?? '');
      if (isEnded) await access.audit.record({ action: 'admin.signed-out', actor: request.adminActor ?? 'operator', subject: null, outcome: 'done' });
      return reply.header('set-cookie', dropCookie(request.headers.origin)).code(204).send();
    },
  );
  app.post<{ Body: { token: string } }>(
    '/admin/api/sign-in/token',
    { config: { access: 'open' }, schema: { tags, summary: 'Signs in with the token.', querystring: noQuery, body: secretBody('token'), response: { 200: sessionSchema, ...problems } } },
    async (request, reply) => answerSignIn(access, request, reply, await access.signInWithToken(request.body.token, request.ip)),
  );
  app.post<{ Body: { code: string } }>(
    '/admin/api/sign-in/link',
    { config: { access: 'open' }, schema: { tags, summary: 'Signs in with the code of a one-time link, which is used up by it.', querystring: noQuery, body: secretBody('code'), response: { 200: sessionSchema, ...problems } } },
    async (request, reply) => answerSignIn(access, request, reply, await access.signInWithLink(request.body.code, request.ip)),
  );
  linkRoute(app, access, port);
}

function linkRoute(app: App, access: AdminAccess, port: () => number): void {
  const issued = { type: 'object', required: ['url', 'validMs'], properties: { url: { type: 'string' }, validMs: { type: 'integer' } } } as const;
  app.post(
    '/admin/api/link',
    { schema: { tags: ['sign-in'], summary: 'A new one-time admin link; the one before is worth nothing any more.', querystring: noQuery, response: { 200: issued, ...problems } } },
    async (request, reply) => {
      await access.audit.record({ action: 'admin.link-made', actor: request.adminActor ?? 'operator', subject: null, outcome: 'done' });
      return reply.header('cache-control', 'no-store').send({ url: linkUrl(port(), access.issueLink()), validMs: LINK_MS_MAX });
    },
  );
}

/** Sets the cookie, or says that it was refused. */
export function answerSignIn(access: AdminAccess, request: FastifyRequest, reply: FastifyReply, signIn: SignIn): FastifyReply {
  if (!signIn.ok) {
    if (signIn.retryAfterMs > 0) return sendTooMany(reply, signIn.retryAfterMs);
    return sendProblem(reply, 401, 'sign_in_refused', 'This does not let anybody in: it is wrong, used up or too old.');
  }
  request.adminActor = actorOf(signIn.session);
  const { way, endsAtMs } = signIn.session;
  return reply
    .header('set-cookie', setCookie(signIn.cookie, request.headers.origin))
    .header('cache-control', 'no-store')
    .send({ ...describe(access, request), signedIn: true, way, endsAtMs });
}

function describe(access: AdminAccess, request: FastifyRequest): Record<string, unknown> {
  const cookie = readCookie(request.headers.cookie);
  const current = cookie === null ? null : access.sessions.use(cookie);
  return {
    signedIn: current !== null,
    way: current?.way ?? null,
    endsAtMs: current?.endsAtMs ?? null,
    hasToken: access.hasToken,
    hasPasskeys: access.passkeys.all.length > 0,
    passkeysPossible: isIP(request.hostname.replace(/^\[(.*)\]$/, '$1')) === 0,
  };
}
