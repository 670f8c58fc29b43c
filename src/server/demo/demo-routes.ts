// `/demo`: two devices in one page, and what the relay sees of them. The page is a client like any other; it is told the relay's address and nothing else.
import type { App } from '../fastify.js';
import { sendFile, type PageFiles } from '../page-files.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';

export interface DemoDeps {
  readonly files: PageFiles;
  /** Null until the relay listens. */
  readonly relayAddress: () => string | null;
}

const querystring = { type: 'object', properties: {}, additionalProperties: true } as const;
const fileSchema = { querystring, response: { 200: { type: 'string' }, '4xx': problemSchema } } as const;
const addressSchema = {
  querystring,
  response: { 200: { type: 'object', required: ['address'], properties: { address: { type: 'string' } } }, '4xx': problemSchema },
} as const;

export function demoRoutes(app: App, { files, relayAddress }: DemoDeps): void {
  app.get('/demo', { schema: fileSchema }, async (request, reply) => sendFile(files, 'index.html', request, reply));
  app.get<{ Params: { name: string } }>('/demo/assets/:name', { schema: fileSchema }, async (request, reply) => sendFile(files, request.params.name, request, reply));
  app.get('/demo/relay', { schema: addressSchema }, async (_request, reply) => {
    const address = relayAddress();
    if (address === null) return sendProblem(reply, 404, 'not_found', 'The relay does not listen yet.');
    return reply.header('cache-control', 'no-store').send({ address });
  });
}
