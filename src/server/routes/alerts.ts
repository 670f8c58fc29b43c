// `/admin/api/alerts`: what is watched, what is firing, and whether the receivers are reached.
import type { Alerts } from '../alerts/alerts.js';
import type { AuditSink } from '../audit/audit-sink.js';
import type { App } from '../fastify.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';

const problems = { '4xx': problemSchema, '5xx': problemSchema } as const;
const querystring = { type: 'object', properties: {}, additionalProperties: true } as const;
const nullableTime = { type: ['string', 'null'] } as const;

const alertsSchema = {
  summary: 'What is watched, what is firing, and whether the receivers are reached.',
  querystring,
  response: {
    200: {
      type: 'object',
      required: ['alerts', 'targets'],
      properties: {
        alerts: {
          type: 'array',
          items: {
            type: 'object',
            required: ['key', 'rule', 'subject', 'severity', 'phase', 'since', 'summary'],
            properties: { key: { type: 'string' }, rule: { type: 'string' }, subject: { type: ['string', 'null'] }, severity: { type: 'string' }, phase: { type: 'string' }, since: nullableTime, summary: { type: 'string' } },
          },
        },
        targets: {
          type: 'array',
          items: { type: 'object', properties: { name: { type: 'string' }, waiting: { type: 'integer' }, sent: { type: 'integer' }, lost: { type: 'integer' } } },
        },
      },
    },
    ...problems,
  },
} as const;
const testSchema = { summary: 'Sends a test alert to every receiver.', querystring, response: { 202: { type: 'object', properties: { targets: { type: 'array', items: { type: 'string' } } } }, ...problems } } as const;

export interface AlertRouteDeps {
  readonly alerts: Alerts;
  readonly audit: AuditSink;
  readonly clock: () => number;
}

export function alertRoutes(app: App, { alerts, audit, clock }: AlertRouteDeps): void {
  app.get('/admin/api/alerts', { schema: alertsSchema }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({
      alerts: alerts.all.map(({ state, ...alert }) => ({ ...alert, phase: state.phase, since: state.phase === 'ok' ? null : new Date(state.sinceMs).toISOString() })),
      targets: alerts.targets,
    }),
  );
  app.post('/admin/api/alerts/test', { schema: testSchema }, async (request, reply) => {
    const targets = alerts.test(clock());
    if (targets.length === 0) return sendProblem(reply, 409, 'no_alert_target', 'No receiver of alerts is configured.');
    await audit.record({ action: 'alert.tested', actor: request.adminActor ?? 'operator', subject: null, outcome: 'done', detail: { targets: targets.length } });
    return reply.code(202).send({ targets });
  });
}
