// Errors as RFC 9457 problem documents, with a code that `relay explain` knows. What a caller did wrong is said; what went wrong
// inside is logged, not said.
import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import { RelayError } from '../../errors.js';
import type { App } from '../fastify.js';
import type { LogFields } from '../log/fields.js';
import { markAnswer } from './answer-headers.js';
import { explainInvalid, type Invalid } from './invalid-request.js';

/** Response schema of a problem document, for the `4xx` and `5xx` entries of a route. */
export const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  additionalProperties: false,
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'A code of the registry; `relay explain` says what it means.' },
    detail: { type: 'string' },
    field: { type: 'string', description: 'What of the request is not valid, where it is one field.' },
    allowed: { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] }, description: 'The values it may have, where they are few.' },
  },
} as const;

/** Sends a problem document. */
export function sendProblem(reply: FastifyReply, status: number, code: string, detail: string, more: Partial<Invalid> = {}): FastifyReply {
  const { field, allowed } = more;
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code, detail, field, allowed }));
}

/** Installs the error and not-found handlers. */
export function installProblems(app: App): void {
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, 'not_found', 'There is nothing at this path.'));
  app.setErrorHandler((error, request, reply) => {
    const invalid = explainInvalid(error);
    if (invalid !== null) return sendProblem(reply, 400, 'request_invalid', invalid.detail, invalid);
    const { statusCode, code, message } = asHttpError(error);
    if (statusCode < 500) return sendProblem(reply, statusCode, code, message);
    request.log.error({ err: error, route: request.routeOptions.url ?? 'unknown' } satisfies LogFields, 'request failed');
    return sendProblem(reply, statusCode, code, 'The relay could not answer; its log says why.');
  });
}

/** Errors of the framework before a route was found; no hook has run, so nothing of the request is said again. */
export function sendFrameworkError(error: unknown, reply: FastifyReply): void {
  const { statusCode, code } = asHttpError(error);
  markAnswer(reply);
  void sendProblem(reply, statusCode, code, statusCode === 414 ? 'A part of the path is too long.' : 'The path cannot be read.');
}

/** Codes of the registry; those of the framework and of Node are written in capitals. */
const OWN_CODE = /^[a-z][a-z_]*$/;
/** What stands for a code of the framework. */
const CODES: Readonly<Record<number, string>> = { 404: 'not_found', 405: 'method_not_allowed', 413: 'body_too_large', 414: 'target_too_long', 415: 'unsupported_media_type' };

function asHttpError(error: unknown): { statusCode: number; code: string; message: string } {
  if (error instanceof RelayError) return { statusCode: error.temporary ? 503 : 500, code: error.code, message: error.message };
  if (!(error instanceof Error)) return { statusCode: 500, code: 'internal', message: '' };
  const { statusCode, code } = error as Error & { statusCode?: unknown; code?: unknown };
  const status = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 600 ? statusCode : 500;
  const own = typeof code === 'string' && OWN_CODE.test(code) ? code : null;
  return { statusCode: status, code: own ?? (status < 500 ? (CODES[status] ?? 'bad_request') : 'internal'), message: error.message };
}
