// Lets only the core in: each request must carry the secret of this boot, so that nobody else can claim a client address.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { App } from '../fastify.js';
import { sendProblem } from './problem.js';

/** Set by the core on every request it passes on, and removed from what clients send. */
export const CORE_SECRET_HEADER = 'x-sealrelay-secret';

/** Installs the check; it runs before anything else looks at the request. */
export function installCoreOnly(app: App, secret: string): void {
  const expected = digest(secret);
  app.addHook('onRequest', async (request, reply) => {
    const given = request.headers[CORE_SECRET_HEADER];
    if (typeof given === 'string' && timingSafeEqual(digest(given), expected)) return;
    await sendProblem(reply, 403, 'core_only', 'This socket answers the relay core only.');
  });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
