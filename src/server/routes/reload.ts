// `POST /admin/api/reload`: reads the configuration again and says what was applied and what needs a restart. It takes no
// values: whoever may change the file or send a signal decides, not whoever may reach the port.
import type { App } from '../fastify.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';
import type { ReloadReport } from '../reload.js';

const reloadSchema = {
  tags: ['relay'],
  summary: 'Reads the configuration again; says what was applied and what needs a restart.',
  querystring: { type: 'object', properties: {}, additionalProperties: true },
  response: {
    200: {
      type: 'object',
      required: ['applied', 'needRestart'],
      properties: { applied: { type: 'array', items: { type: 'string' } }, needRestart: { type: 'array', items: { type: 'string' } } },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

export function reloadRoute(app: App, reload: () => Promise<ReloadReport>): void {
  app.post('/admin/api/reload', { schema: reloadSchema }, async (_request, reply) => {
    const { error, applied, needRestart } = await reload();
    return error === null ? reply.send({ applied, needRestart }) : sendProblem(reply, 409, 'config_invalid', error);
  });
}
