// `relay sla`: the report of a month, from the running relay.
import { RelayError } from '../../errors.js';
import { reportMarkdown } from '../../server/sla/render-report.js';
import type { SlaReport } from '../../server/sla/sla-report.js';
import { ask } from '../ask.js';
import { EXIT_OK, JSON_SWITCH, type Command } from '../command.js';
import { TARGET_SWITCHES, findTarget } from '../target.js';

export const slaCommand: Command = {
  name: 'sla',
  summary: 'reports uptime, response times and outages of a month',
  about: ['Asks the admin address of the relay on this machine and prints the report of a month in Markdown: uptime against its target, each day, outages, incidents, the credit. The present month is reported as far as it has gone.'],
  operand: null,
  options: ['admin.host', 'admin.port'],
  switches: [...TARGET_SWITCHES, JSON_SWITCH, { name: 'month', value: '<month>', doc: 'The month in UTC, such as 2026-11; without it the present one.' }],
  examples: [
    { line: 'relay sla > report.md', does: 'the present month, to file away' },
    { line: 'relay sla --json', does: 'the same for a program' },
  ],
  exits: ['reported', 'there is no such month, or nobody answers'],
  run: async (given, io) => {
    const { baseUrl, timeoutMs } = await findTarget('admin', given, io);
    const month = given.switches.get('month') ?? new Date().toISOString().slice(0, 7);
    const { status, body } = await ask({ url: `${baseUrl}/sla/report?month=${encodeURIComponent(month)}`, method: 'GET', timeoutMs, hint: 'Is the relay running, with its admin listener on?' });
    if (status === 400) throw new RelayError('month_invalid', String(body?.['detail'] ?? `there is no report of ${month}`).replace(/\.$/, ''), { hint: 'Write --month 2026-11.' });
    if (status !== 200 || !isReport(body)) throw new RelayError('relay_unreachable', `${baseUrl} answered ${status} and is no admin listener of this relay`);
    io.print(given.switches.has('json') ? JSON.stringify(body, null, 2) : reportMarkdown(body).trimEnd());
    return EXIT_OK;
  },
};

function isReport(body: unknown): body is SlaReport {
  return typeof body === 'object' && body !== null && 'summary' in body && 'days' in body && Array.isArray(body.days);
}
