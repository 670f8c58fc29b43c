// `/metrics/sla`: the figures of a period for everybody; `/sla/report`: a month's report, for the operator.
import type { App } from '../fastify.js';
import { STANDALONE_POLICY } from '../html/page.js';
import type { Incident } from '../incidents/incident.js';
import { letPagesRead } from '../plugins/let-pages-read.js';
import { problemSchema, sendProblem } from '../plugins/problem.js';
import { reportHtml, reportMarkdown } from '../sla/render-report.js';
import { buildReport } from '../sla/sla-report.js';
import { PERIODS, type Period } from '../sla/sla-summary.js';
import type { SlaView } from '../sla/sla-view.js';
import { RelayError } from '../../errors.js';

const numbers = (...names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, { type: 'number' }]));
const figures = numbers(
  'uptime_percentage',
  'uptime_including_planned_percentage',
  'measured_seconds',
  'downtime_seconds',
  'planned_downtime_seconds',
  'total_requests',
  'successful_requests',
  'failed_requests',
  'client_errors',
  'error_rate',
  'avg_response_time_ms',
  'p50_response_time_ms',
  'p95_response_time_ms',
  'p99_response_time_ms',
  'response_time_p95',
  'period_start',
  'period_end',
  'period_hours',
  'target_uptime_percentage',
);

const slaSchema = {
  summary: 'Uptime of a period, accounted by the second.',
  querystring: { type: 'object', additionalProperties: true, properties: { period: { type: 'string', enum: Object.keys(PERIODS), default: '24h' } } },
  response: {
    200: {
      type: 'object',
      required: ['period', ...Object.keys(figures), 'target_met', 'database_metrics', 'websocket_metrics'],
      properties: {
        period: { type: 'string' },
        ...figures,
        target_met: { type: 'boolean' },
        database_metrics: { type: 'object', properties: numbers('avg_latency_ms', 'p99_latency_ms', 'max_latency_ms', 'connection_errors') },
        websocket_metrics: { type: 'object', properties: numbers('active_connections', 'total_messages', 'connection_errors') },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

const reportSchema = {
  summary: 'The report of a month.',
  querystring: {
    type: 'object',
    additionalProperties: true,
    required: ['month'],
    properties: { month: { type: 'string', maxLength: 10 }, format: { type: 'string', enum: ['json', 'markdown', 'html'], default: 'json' } },
  },
  response: { 200: { type: 'string' }, '4xx': problemSchema, '5xx': problemSchema },
} as const;

export function slaRoute(app: App, view: SlaView): void {
  app.get<{ Querystring: { period: Period } }>('/metrics/sla', { schema: slaSchema, onRequest: letPagesRead }, (request, reply) => {
    const { period } = request.query;
    return reply.header('cache-control', 'no-store').send({ period, ...view.summary(period) });
  });
}

export function slaReportRoute(app: App, view: SlaView, incidents: () => readonly Incident[]): void {
  app.get<{ Querystring: { month: string; format: 'json' | 'markdown' | 'html' } }>('/sla/report', { schema: reportSchema }, (request, reply) => {
    const { month, format } = request.query;
    const report = reportOf(month, view, incidents());
    if (report instanceof RelayError) return sendProblem(reply, 400, report.code, report.message);
    void reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    if (format === 'markdown') return reply.type('text/markdown; charset=utf-8').send(reportMarkdown(report));
    if (format === 'html') return reply.type('text/html; charset=utf-8').header('content-security-policy', STANDALONE_POLICY).send(reportHtml(report));
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(report));
  });
}

function reportOf(month: string, view: SlaView, incidents: readonly Incident[]): ReturnType<typeof buildReport> | RelayError {
  try {
    return buildReport(month, view, incidents);
  } catch (error) {
    if (error instanceof RelayError) return error;
    throw error;
  }
}
