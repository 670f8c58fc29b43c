// Answers that are for everybody may be read by pages of every origin: apps live on origins of their own.
import type { onRequestHookHandler } from 'fastify';

export const letPagesRead: onRequestHookHandler = (_request, reply, done) => {
  reply.header('access-control-allow-origin', '*');
  done();
};
