// What every answer of the control plane says beside its content: how long it took, and what a browser must not do with it. The
// names are those that monitors of hosted relays read. The core adds the rates, and HSTS where it has a certificate.
import type { FastifyReply } from 'fastify';
import type { App } from '../fastify.js';

const FIXED: readonly (readonly [name: string, value: string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  // Old browsers only; the newer ones go by the policy of each page.
  ['x-xss-protection', '1; mode=block'],
  ['referrer-policy', 'no-referrer'],
];

export function installAnswerHeaders(app: App): void {
  app.addHook('onSend', async (_request, reply) => markAnswer(reply));
}

/** For answers that no hook sees. What a route said already stays. */
export function markAnswer(reply: FastifyReply): void {
  for (const [name, value] of FIXED) if (!reply.hasHeader(name)) reply.header(name, value);
  reply.header('x-response-time', `${Math.round(reply.elapsedTime)}ms`);
}
