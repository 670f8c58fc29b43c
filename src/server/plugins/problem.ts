// Errors as RFC 9457 problem documents. What a caller did wrong is said; what went wrong inside is logged, not said.
import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { RelayError } from '../../errors.js';
import type { App } from '../fastify.js';
import type { LogFields } from '../log/fields.js';

/** Response schema of a problem document, for the `4xx` and `5xx` entries of a route. */
export const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  additionalProperties: false,
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
  },
} as const;

/** Sends a problem document. */
export function sendProblem(reply: FastifyReply, status: number, code: string, detail: string): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code, detail }));
}

/** Installs the error and not-found handlers. */
export function installProblems(app: App): void {
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, 'not_found', 'There is nothing at this path.'));
  app.setErrorHandler((error, request, reply) => {
    const { statusCode, code, message } = asHttpError(error);
    if (statusCode < 500) return sendProblem(reply, statusCode, code, message);
    request.log.error({ err: error, route: request.routeOptions.url ?? 'unknown' } satisfies LogFields, 'request failed');
    return sendProblem(reply, statusCode, code, 'The relay could not answer; its log says why.');
  });
}

function asHttpError(error: unknown): { statusCode: number; code: string; message: string } {
  if (error instanceof RelayError) return { statusCode: error.temporary ? 503 : 500, code: error.code, message: error.message };
  if (!(error instanceof Error)) return { statusCode: 500, code: 'internal', message: '' };
  const { statusCode, code } = error as Error & { statusCode?: unknown; code?: unknown };
  const status = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 600 ? statusCode : 500;
  const name = typeof code === 'string' ? code.toLowerCase() : status < 500 ? 'bad_request' : 'internal';
  return { statusCode: status, code: name, message: error.message };
}
