// Passkeys: registered by who is signed in, used by who is not. The ceremonies are judged by @simplewebauthn/server.
import type * as webauthn from '@simplewebauthn/server';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { FastifyRequest } from 'fastify';
import { isIP } from 'node:net';
import type { App } from '../fastify.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';
import type { AdminAccess } from './access.js';
import { Challenges } from './challenges.js';
import { LABEL_CHARS_MAX, type Passkey } from './passkey-store.js';
import { answerSignIn, sessionSchema } from './session-routes.js';

/** Loaded with the first ceremony: it takes longer to load than everything else of a start. */
const ceremonies = (): Promise<typeof webauthn> => import('@simplewebauthn/server');

const RP_NAME = 'sealrelay';
/** All passkeys are the operator's: one user, known to nobody else. */
const USER_NAME = 'operator';
const tags = ['sign-in'];
const noQuery = { type: 'object', properties: {}, additionalProperties: false } as const;
const problems = { '4xx': problemSchema, '5xx': problemSchema } as const;
const anyObject = { type: 'object', additionalProperties: true } as const;
const answerBody = { type: 'object', required: ['answer'], additionalProperties: false, properties: { answer: anyObject, label: { type: 'string', maxLength: LABEL_CHARS_MAX } } } as const;
const shown = {
  type: 'object',
  required: ['id', 'label', 'host', 'createdAtMs', 'usedAtMs'],
  properties: { id: { type: 'string' }, label: { type: 'string' }, host: { type: 'string' }, createdAtMs: { type: 'integer' }, usedAtMs: { type: ['integer', 'null'] } },
} as const;
const list = { type: 'object', required: ['passkeys'], properties: { passkeys: { type: 'array', items: shown } } } as const;

export function passkeyRoutes(app: App, access: AdminAccess): void {
  const challenges = new Challenges(access.nowMs);
  registrationRoutes(app, access, challenges);
  signInRoutes(app, access, challenges);
  app.get('/admin/api/passkeys', { schema: { tags, summary: 'The registered passkeys.', querystring: noQuery, response: { 200: list, ...problems } } }, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ passkeys: access.passkeys.all.map(show) }),
  );
  app.delete<{ Params: { id: string } }>(
    '/admin/api/passkeys/:id',
    {
      schema: {
        tags,
        summary: 'Removes a passkey.',
        querystring: noQuery,
        params: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
        response: { 204: { type: 'null' }, ...problems },
      },
    },
    async (request, reply) => {
      if (!(await access.passkeys.remove(request.params.id))) return sendProblem(reply, 404, 'passkey_unknown', 'There is no such passkey.');
      await access.audit.record({ action: 'passkey.removed', actor: request.adminActor ?? 'operator', subject: null, outcome: 'done' });
      return reply.code(204).send();
    },
  );
}

function registrationRoutes(app: App, access: AdminAccess, challenges: Challenges): void {
  app.post('/admin/api/passkeys/options', { schema: { tags, summary: 'What a browser needs to make a passkey.', querystring: noQuery, response: { 200: anyObject, ...problems } } }, async (request, reply) => {
    const rpID = rpIdOf(request);
    if (rpID === null) return sendProblem(reply, 409, 'passkey_needs_name', 'Browsers make no passkeys for an IP address; open the page as http://localhost.');
    const { generateRegistrationOptions } = await ceremonies();
    const options = await generateRegistrationOptions({
      rpName: RP_NAME,
      rpID,
      userName: USER_NAME,
      attestationType: 'none',
      excludeCredentials: access.passkeys.all.filter((passkey) => passkey.rpId === rpID).map(descriptor),
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
    });
    challenges.note(options.challenge);
    return reply.header('cache-control', 'no-store').send(options);
  });
  app.post<{ Body: { answer: RegistrationResponseJSON; label?: string } }>(
    '/admin/api/passkeys',
    { schema: { tags, summary: 'Registers the passkey that a browser made.', querystring: noQuery, body: answerBody, response: { 201: shown, ...problems } } },
    async (request, reply) => {
      const rpId = rpIdOf(request);
      const { answer, label } = request.body;
      const { verifyRegistrationResponse } = await ceremonies();
      const verified = await verifyRegistrationResponse({
        response: answer,
        expectedChallenge: (challenge) => challenges.redeem(challenge),
        expectedOrigin: request.headers.origin ?? '',
        expectedRPID: rpId ?? '',
        requireUserVerification: true,
      }).catch(() => null);
      if (verified?.verified !== true || rpId === null) return sendProblem(reply, 400, 'passkey_refused', 'The answer of the authenticator is not good, or came too late.');
      const { credential } = verified.registrationInfo;
      const passkey: Passkey = {
        id: credential.id,
        publicKey: Buffer.from(credential.publicKey).toString('base64url'),
        counter: credential.counter,
        transports: credential.transports ?? [],
        label: label === undefined || label.trim() === '' ? 'passkey' : label.trim(),
        rpId,
        createdAtMs: access.nowMs(),
        usedAtMs: null,
      };
      await access.passkeys.add(passkey);
      await access.audit.record({ action: 'passkey.added', actor: request.adminActor ?? 'operator', subject: null, outcome: 'done' });
      return reply.code(201).send(show(passkey));
    },
  );
}

function signInRoutes(app: App, access: AdminAccess, challenges: Challenges): void {
  app.post(
    '/admin/api/sign-in/passkey/options',
    { config: { access: 'open' }, schema: { tags, summary: 'What a browser needs to use a passkey.', querystring: noQuery, response: { 200: anyObject, ...problems } } },
    async (request, reply) => {
      const rpID = rpIdOf(request);
      if (rpID === null) return sendProblem(reply, 409, 'passkey_needs_name', 'Browsers use no passkeys for an IP address; open the page as http://localhost.');
      const { generateAuthenticationOptions } = await ceremonies();
      const options = await generateAuthenticationOptions({
        rpID,
        userVerification: 'required',
        allowCredentials: access.passkeys.all.filter((passkey) => passkey.rpId === rpID).map(descriptor),
      });
      challenges.note(options.challenge);
      return reply.header('cache-control', 'no-store').send(options);
    },
  );
  app.post<{ Body: { answer: AuthenticationResponseJSON } }>(
    '/admin/api/sign-in/passkey',
    { config: { access: 'open' }, schema: { tags, summary: 'Signs in with the answer of an authenticator.', querystring: noQuery, body: answerBody, response: { 200: sessionSchema, ...problems } } },
    async (request, reply) => answerSignIn(access, request, reply, await access.signInWithPasskey(request.ip, () => verify(access, challenges, request, request.body.answer))),
  );
}

async function verify(access: AdminAccess, challenges: Challenges, request: FastifyRequest, answer: AuthenticationResponseJSON): Promise<boolean> {
  const passkey = typeof answer.id === 'string' ? access.passkeys.find(answer.id) : null;
  if (passkey === null) return false;
  const { id, counter, publicKey, rpId } = passkey;
  const { verifyAuthenticationResponse } = await ceremonies();
  const verified = await verifyAuthenticationResponse({
    response: answer,
    expectedChallenge: (challenge) => challenges.redeem(challenge),
    expectedOrigin: request.headers.origin ?? '',
    expectedRPID: rpId,
    credential: { id, counter, publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')) },
    requireUserVerification: true,
  }).catch(() => null);
  if (verified?.verified !== true) return false;
  // A full disk must not keep the operator out; the counter is written with the next use.
  await access.passkeys.used(id, verified.authenticationInfo.newCounter, access.nowMs()).catch(() => undefined);
  return true;
}

/** The host name of the page; null for an address. */
function rpIdOf(request: FastifyRequest): string | null {
  const name = request.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(name) === 0 ? name : null;
}

function descriptor({ id }: Passkey): { id: string } {
  return { id };
}

function show({ id, label, rpId, createdAtMs, usedAtMs }: Passkey): Record<string, unknown> {
  return { id, label, host: rpId, createdAtMs, usedAtMs };
}
