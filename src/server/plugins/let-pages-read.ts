// Answers that are for everybody may be read by pages of every origin: apps live on origins of their own.
import type { onRequestHookHandler } from 'fastify';
import type { App } from '../fastify.js';

/** What a page may read of an answer beside its status and body. */
const EXPOSED = 'x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, retry-after, x-response-time, x-request-id';
/** How long a browser need not ask again, in seconds. */
const MAX_AGE_S = 86_400;

export const letPagesRead: onRequestHookHandler = (_request, reply, done) => {
  reply.header('access-control-allow-origin', '*').header('access-control-expose-headers', EXPOSED);
  done();
};

/** Answers browsers that ask first, because the page sends headers of its own. */
export function answerPreflights(app: App, paths: readonly string[]): void {
  for (const path of paths) {
    app.options(path, { schema: { hide: true }, onRequest: letPagesRead }, (_request, reply) =>
      reply
        .header('access-control-allow-methods', 'GET, OPTIONS')
        .header('access-control-allow-headers', 'Content-Type, Authorization')
        .header('access-control-max-age', String(MAX_AGE_S))
        .code(204)
        .send(),
    );
  }
}
